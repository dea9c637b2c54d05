//! Folders of images: JPEG and PNG, whole and broken. The input is a file, or says the pixels of a PNG, which must come back.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::data::{decode_image, open_folder};
use evograd_fuzz::{expect_helpful, expect_named, scratch, split_first, write_to};
use std::path::PathBuf;
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
struct Drawn<'a> {
    side: u8,
    grey: bool,
    alpha: bool,
    pixels: &'a [u8],
    missing: u8,
}

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let root = scratch("images");
    for class in ["train/a", "train/b", "val/a", "val/b"] {
        std::fs::create_dir_all(root.join(class)).expect("a folder can be made");
    }
    let drawn = Drawn { side: 1, grey: true, alpha: false, pixels: &[7], missing: 0 };
    for whole in ["train/b/whole.png", "val/a/whole.png", "val/b/whole.png"] {
        write_to(&root.join(whole), &drawn.file().0);
    }
    root
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, rest) = split_first(data);
    let in_folder = kind & 6 == 0;
    if kind & 1 == 0 {
        let first = read(rest, 4, in_folder);
        assert_eq!(read(rest, 1, in_folder).is_ok(), first.is_ok(), "whether an image is whole depends on no size");
    } else if let Ok(drawn) = Drawn::arbitrary_take_rest(Unstructured::new(rest)) {
        let (file, expected) = drawn.file();
        let end = file.len() - usize::from(drawn.missing).min(file.len());
        match read(&file[..end], drawn.side(), in_folder) {
            Ok(found) => assert!(drawn.missing == 0 && found == expected, "{drawn:?}: {found:?}, not {expected:?}"),
            Err(error) => assert!(drawn.missing > 0, "{drawn:?}: {error}"),
        }
    }
});

/// The planes of an image, given as bytes or as the first image of a training set.
fn read(file: &[u8], side: usize, in_folder: bool) -> evograd::Result<Vec<u8>> {
    if !in_folder {
        return decode_image(file, side).inspect_err(expect_helpful);
    }
    let path = ROOT.join("train/a/image.png");
    write_to(&path, file);
    read_folder(side).inspect_err(|error| expect_named(error, &path))
}

fn read_folder(side: usize) -> evograd::Result<Vec<u8>> {
    let sets = open_folder(&ROOT, side)?;
    assert_eq!((sets.train.len(), sets.train.shape()), (2, [3, side, side]));
    let mut image = vec![0; 3 * side * side];
    sets.train.read(0, &mut image).map(|()| image)
}

impl Drawn<'_> {
    fn side(&self) -> usize {
        usize::from(self.side % 16) + 1
    }

    /// A PNG file, and its three planes.
    fn file(&self) -> (Vec<u8>, Vec<u8>) {
        let (side, area) = (self.side(), self.side() * self.side());
        let colours = if self.grey { 1 } else { 3 };
        let samples = colours + usize::from(self.alpha);
        let bytes: Vec<u8> = self.pixels.iter().copied().chain((0..=255).cycle()).take(area * samples).collect();
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side as u32, side as u32);
        encoder.set_color(match (self.grey, self.alpha) {
            (true, false) => png::ColorType::Grayscale,
            (true, true) => png::ColorType::GrayscaleAlpha,
            (false, false) => png::ColorType::Rgb,
            (false, true) => png::ColorType::Rgba,
        });
        let mut writer = encoder.write_header().expect("memory takes all");
        writer.write_image_data(&bytes).expect("as many bytes as pixels");
        writer.finish().expect("memory takes all");
        let plane = |c: usize| bytes.chunks(samples).map(move |pixel| pixel[c.min(colours - 1)]).collect::<Vec<u8>>();
        (file, [plane(0), plane(1), plane(2)].concat())
    }
}
