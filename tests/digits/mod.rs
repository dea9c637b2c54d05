//! A small set of digits in MNIST's format, for tests that train.

/// Images in each of the two sets.
pub const IMAGES: u32 = 160;

/// A folder with a small set of digits in MNIST's format: the class says which of ten places is bright.
pub fn data() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mnist = folder.path().join("mnist");
    std::fs::create_dir(&mnist).unwrap();
    for (set, shift) in [("train", 0), ("t10k", 3)] {
        let mut images = [0x803, IMAGES, 28, 28].map(u32::to_be_bytes).concat();
        let mut labels = [0x801, IMAGES].map(u32::to_be_bytes).concat();
        for image in 0..IMAGES {
            let class = image % 10;
            let bright = |i: u32| (i / 28 / 6 == class / 5 * 2) && (i % 28 / 5 == class % 5);
            images.extend((0..784).map(|i| if bright(i) { 200 } else { ((i * 31 + image * 17 + shift) % 90) as u8 }));
            labels.push(class as u8);
        }
        std::fs::write(mnist.join(format!("{set}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(mnist.join(format!("{set}-labels-idx1-ubyte")), labels).unwrap();
    }
    folder
}
