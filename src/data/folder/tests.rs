//! Folders as people have them: sorted, nested, foreign, special, linked, broken.

use super::*;
use std::fs;

/// A PNG file of these columns and rows.
fn png_file(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| colour(x, y)).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/images").join(name)).unwrap()
}

fn save(path: PathBuf, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Two classes; the training set has a wide, a tall and an exact image.
fn tiny() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, bytes: Vec<u8>| save(folder.path().join(name), &bytes);
    // Red on the left, green in the middle, blue on the right.
    let bands = |x: u32| [[255, 0, 0], [0, 255, 0], [0, 0, 255]][(x / 8) as usize];
    save("train/b/wide.png", png_file(24, 8, |x, _| bands(x)));
    save("train/b/tall.PNG", png_file(8, 24, |_, y| bands(y)));
    save("train/a/exact.png", png_file(4, 4, |x, y| [x as u8, y as u8, 9]));
    save("val/a/one.png", png_file(4, 4, |_, _| [1, 2, 3]));
    save("val/b/two.png", png_file(4, 4, |_, _| [1, 2, 3]));
    folder
}

fn error(folder: &Path) -> String {
    open_folder(folder, 4).err().unwrap().to_string().replace(&format!("{}", folder.display()), "F")
}

/// What is left out of the training set, by its path below the folder.
fn left_out(folder: &Path) -> Vec<String> {
    let sets = open_folder(folder, 4).unwrap();
    let text = |note: &FileNote| note.to_string().replace(&format!("{}/", folder.display()), "");
    sets.train.left_out().iter().map(text).collect()
}

#[test]
fn classes_are_sorted_and_images_cut_to_their_middle() {
    let folder = tiny();
    let sets = open_folder(folder.path(), 4).unwrap();
    assert_eq!(sets.train.classes(), ["a", "b"]);
    assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (3, 2, [3, 4, 4]));
    assert_eq!([0, 1, 2].map(|i| sets.train.label(i)), [0, 1, 1]);
    let mut exact = [0; 48];
    sets.train.read(0, &mut exact).unwrap();
    assert_eq!([exact[1], exact[16 + 4], exact[32]], [1, 1, 9]);
    for index in [1, 2] {
        let mut middle = [0; 48];
        sets.train.read(index, &mut middle).unwrap();
        let wanted: Vec<u8> = [[0; 16], [255; 16], [0; 16]].concat();
        assert_eq!(middle.to_vec(), wanted, "image {index}");
    }
    assert!(left_out(folder.path()).is_empty());
}

#[test]
fn what_is_missing_is_reported() {
    let folder = tiny();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("val/c")).unwrap();
    assert_eq!(error(folder.path()), "F/val: it has the class c, which train has not; use the same classes in both");
    fs::remove_dir(at("val/c")).unwrap();
    fs::rename(at("val"), at("vax")).unwrap();
    assert_eq!(error(folder.path()), format!("F: there is neither val nor test in it; {LAYOUT}"));
    fs::rename(at("vax"), at("val")).unwrap();
    fs::remove_file(at("train/a/exact.png")).unwrap();
    assert_eq!(error(folder.path()), format!("F/train/a: there is no image in this class; {LAYOUT}"));
    fs::write(at("train/a/photo.webp"), "").unwrap();
    assert_eq!(
        error(folder.path()),
        format!(
            "F/train/a: there is no image in this class, but 1 other such as photo.webp (it is not named as a JPEG or PNG \
             file); {LAYOUT}"
        )
    );
    fs::remove_dir_all(at("train/a")).unwrap();
    let one = "F/train: all images are of one class, b, so there is nothing to tell apart";
    assert_eq!(error(folder.path()), format!("{one}; {LAYOUT}"));
    fs::remove_dir_all(at("train/b")).unwrap();
    assert_eq!(error(folder.path()), format!("F/train: it has 0 classes, expected 2 to 65535; {LAYOUT}"));
    fs::remove_dir(at("train")).unwrap();
    assert!(error(folder.path()).starts_with("F/train: No such file"));
    assert!(open_folder(folder.path(), 0).err().unwrap().to_string().ends_with("; ask for 1 to 4096"));
}

/// Every file is either read or listed: none is lost.
#[test]
fn what_is_not_read_is_listed_with_the_reason() {
    let folder = tiny();
    let at = |name: &str| folder.path().join(name);
    for name in ["x.jfif", "x.jpe", "x.jpeg", "x.JPG", "deep/er/x.jpg"] {
        save(at(&format!("train/a/{name}")), &golden("444.jpg"));
    }
    let foreign = ["x.webp", "x.bmp", "x.tiff", "x.gif", "notes.txt", "Thumbs.db", "noending", "deep/x.svg"];
    foreign.iter().for_each(|name| save(at(&format!("train/a/{name}")), b"x"));
    save(at("train/a/.DS_Store"), b"x");
    save(at("train/stray.png"), b"x");
    save(at("train/.hidden/x.png"), b"x");
    let sets = open_folder(folder.path(), 4).unwrap();
    assert_eq!(sets.train.len(), 3 + 5);
    (0..8).for_each(|index| sets.train.read(index, &mut [0; 48]).unwrap());
    let found = left_out(folder.path());
    let mut wanted: Vec<String> =
        foreign.iter().map(|name| format!("train/a/{name}: it is not named as a JPEG or PNG file")).collect();
    wanted.push("train/a/.DS_Store: it is hidden".into());
    wanted.push("train/.hidden: it is hidden".into());
    wanted.push("train/stray.png: it lies in no folder of a class".into());
    assert_eq!(std::collections::BTreeSet::from_iter(&found), std::collections::BTreeSet::from_iter(&wanted));
    assert_eq!(found.len(), wanted.len());
    fs::create_dir(at("test")).unwrap();
    let sets = open_folder(folder.path(), 4).unwrap();
    assert_eq!(
        sets.test.left_out()[0].to_string(),
        format!("{}: val stands beside it and is the test set", at("test").display())
    );
}

#[cfg(unix)]
#[test]
fn special_files_and_links_neither_hang_nor_vanish() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    let folder = tiny();
    let at = |name: &str| folder.path().join("train/a").join(name);
    assert!(std::process::Command::new("mkfifo").arg(at("pipe.png")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(at("socket.png")).unwrap();
    symlink("/dev/zero", at("device.png")).unwrap();
    symlink("nowhere", at("broken.png")).unwrap();
    symlink("..", at("up")).unwrap();
    symlink(".", at("self")).unwrap();
    symlink("exact.png", at("linked.png")).unwrap();
    save(at("sub").join(std::ffi::OsStr::from_bytes(b"odd\xff.png")), &golden("rgb.png"));
    symlink("sub", at("sub2")).unwrap();
    let odd = folder.path().join("train").join(std::ffi::OsStr::from_bytes(b"c\xff"));
    save(odd.join("x.png"), &golden("rgb.png"));
    save(folder.path().join("val").join(std::ffi::OsStr::from_bytes(b"c\xff")).join("x.png"), &golden("rgb.png"));
    let sets = open_folder(folder.path(), 4).unwrap();
    assert_eq!(sets.train.classes(), ["a", "b", "c\u{fffd}"]);
    assert_eq!(sets.train.len(), 6);
    (0..6).for_each(|index| sets.train.read(index, &mut [0; 48]).unwrap());
    let reasons: Vec<String> = left_out(folder.path()).iter().map(|text| text.replace("train/a/", "")).collect();
    let listed = "it is a link to a folder that is listed already";
    assert_eq!(
        reasons,
        [
            "broken.png: it is a link that leads nowhere: No such file or directory (os error 2)".into(),
            "device.png: it is a device, not a file".into(),
            "pipe.png: it is a pipe, not a file".into(),
            format!("self: {listed}"),
            "socket.png: it is a socket, not a file".into(),
            format!("sub2: {listed}"),
            format!("up: {listed}"),
        ]
    );
    // A file that has become a pipe since the folder was listed is not waited for.
    fs::remove_file(at("exact.png")).unwrap();
    fs::rename(at("pipe.png"), at("exact.png")).unwrap();
    let error = sets.train.read(0, &mut [0; 48]).unwrap_err().to_string();
    assert!(error.contains("exact.png: it is a pipe, not a file; "), "{error}");
}

/// One class is nothing to learn, and a name that moves a terminal's cursor is none to print.
#[test]
fn folders_that_cannot_be_classes_are_refused() {
    let folder = tiny();
    fs::rename(folder.path().join("train/b"), folder.path().join("train/b\n\u{1b}[31m")).unwrap();
    let error = open_folder(folder.path(), 4).err().expect("a refusal").to_string();
    assert!(error.contains("holds a character that cannot be shown") && !error.contains('\u{1b}'), "{error}");
    fs::remove_dir_all(folder.path().join("train/b\n\u{1b}[31m")).unwrap();
    let error = open_folder(folder.path(), 4).err().expect("a refusal").to_string();
    assert!(error.contains("all images are of one class, a, so there is nothing to tell apart"), "{error}");
}

#[test]
fn a_broken_image_is_reported_when_it_is_read() {
    let folder = tiny();
    let path = folder.path().join("train/a/exact.png");
    let (whole, jpeg) = (fs::read(&path).unwrap(), golden("420.jpg"));
    let sets = open_folder(folder.path(), 4).unwrap();
    for bytes in [&whole[..whole.len() / 2], &whole[..whole.len() - 2], b"", b"<html>", &jpeg[..jpeg.len() - 2]] {
        fs::write(&path, bytes).unwrap();
        let error = sets.train.read(0, &mut [0; 48]).unwrap_err().to_string();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
        assert!(
            error.contains("; put a whole JPEG or PNG file there; a run goes on with --resume if it is the same"),
            "{error}"
        );
    }
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    let error = sets.train.read(0, &mut [0; 48]).unwrap_err().to_string();
    assert!(error.contains("it has 1099511627776 bytes, and at most 134217728 are read"), "{error}");
}

#[test]
fn a_file_is_read_as_what_it_is_and_a_wrong_name_is_reported() {
    let folder = tiny();
    let path = folder.path().join("train/a/exact.png");
    let sets = open_folder(folder.path(), 4).unwrap();
    assert_eq!(sets.train.misnamed(0), None);
    fs::write(&path, golden("444.jpg")).unwrap();
    sets.train.read(0, &mut [0; 48]).unwrap();
    let note = sets.train.misnamed(0).unwrap();
    assert_eq!(note.reason, "it is a JPEG file and named as a PNG file; it is read as what it is");
    assert_eq!(note.path, path);
}

/// Any byte of any file, however it is read: on one thread or several, on more files than are added up at a time.
#[test]
fn the_checksum_of_all_files_sees_every_byte() {
    let folder = tiny();
    let class = folder.path().join("train/b");
    for number in 0..300 {
        save(class.join(format!("{number:03}.png")), &[number as u8; 9]);
    }
    let sum = |threads: usize| {
        let sets = open_folder(folder.path(), 4).unwrap();
        crate::ThreadPool::new(threads).unwrap().install(|| sets.train.files_checksum(&mut ())).unwrap().unwrap()
    };
    let usual = sum(1);
    assert_eq!(usual, sum(3));
    for number in [0, 1, 127, 255, 256, 299] {
        let path = class.join(format!("{number:03}.png"));
        let kept = fs::read(&path).unwrap();
        for at in 0..kept.len() {
            let mut other = kept.clone();
            other[at] ^= 1;
            fs::write(&path, other).unwrap();
            assert_ne!(sum(2), usual, "byte {at} of file {number}");
        }
        fs::write(&path, kept).unwrap();
    }
    let [a, b] = ["000.png", "001.png"].map(|name| class.join(name));
    let kept = [&a, &b].map(|path| fs::read(path).unwrap());
    fs::write(&a, &kept[1]).unwrap();
    fs::write(&b, &kept[0]).unwrap();
    assert_ne!(sum(2), usual, "two files changed their places");
}
