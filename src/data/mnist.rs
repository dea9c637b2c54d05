//! MNIST (LeCun, Bottou, Bengio, Haffner, 1998) and Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): four IDX files each, of
//! the same names. How many images there are, the files say.

use super::info::{Archive, DIGITS, SetInfo};
use super::source::Source;
use super::twice::only;
use super::{Augment, Images, Sets, idx};
use crate::error::Result;
use std::path::Path;
use std::sync::Arc;

const SIDE: usize = 28;
const TRAIN: [&str; 2] = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];
const TEST: [&str; 2] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];
const FILES: [&str; 4] = [TRAIN[0], TRAIN[1], TEST[0], TEST[1]];

/// Images of the training and the test set of both.
const COUNTS: [usize; 2] = [60_000, 10_000];

/// The row of MNIST in the catalogue.
pub(super) const MNIST: SetInfo = SetInfo {
    name: "mnist",
    summary: "MNIST: handwritten digits",
    classes: Some(10),
    shape: Some([1, SIDE, SIDE]),
    counts: Some(COUNTS),
    augment: Augment { crop: 2, flip: false, cutout: 0 },
    licence: "CC BY-SA 3.0",
    mirrors: &["https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"],
    archives: &[
        Archive {
            file: TRAIN[0],
            bytes: Some(9_912_422),
            sha256: Some("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        },
        Archive {
            file: TRAIN[1],
            bytes: Some(28_881),
            sha256: Some("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        },
        Archive {
            file: TEST[0],
            bytes: Some(1_648_877),
            sha256: Some("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        },
        Archive {
            file: TEST[1],
            bytes: Some(4_542),
            sha256: Some("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        },
    ],
    folder: None,
    files: &FILES,
    open: |folder| open("mnist", &DIGITS, folder),
    loose: |folder| !named_fashion(folder),
};

/// The row of Fashion-MNIST in the catalogue; what it does not say is as MNIST has it. No SHA-256 was published with it,
/// so only the format can be checked.
pub(super) const FASHION_MNIST: SetInfo = SetInfo {
    name: "fashion-mnist",
    summary: "Fashion-MNIST: clothes, shoes and bags in the format of MNIST",
    augment: Augment { crop: 2, flip: true, cutout: 0 },
    licence: "MIT",
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
    ],
    archives: &[
        Archive { file: TRAIN[0], bytes: Some(26_421_880), sha256: None },
        Archive { file: TRAIN[1], bytes: Some(29_515), sha256: None },
        Archive { file: TEST[0], bytes: Some(4_422_102), sha256: None },
        Archive { file: TEST[1], bytes: Some(5_148), sha256: None },
    ],
    open: |folder| open("fashion-mnist", &CLOTHES, folder),
    loose: named_fashion,
    ..MNIST
};

const CLOTHES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// The two sets have files of the same names. Where they lie in no folder of the set's name, the name of the folder that
/// was given decides: Fashion-MNIST if it holds the word, MNIST otherwise.
fn named_fashion(folder: &Path) -> bool {
    let name = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    name.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().contains("fashion"))
}

fn open(set: &str, classes: &[&str], folder: &Path) -> Result<Sets> {
    let read = |files, most| read(set, classes, folder, files, most).map(Arc::new);
    Ok(Sets { train: read(TRAIN, COUNTS[0])?, test: read(TEST, COUNTS[1])? })
}

fn read(set: &str, classes: &[&str], folder: &Path, files: [&str; 2], most: usize) -> Result<Images> {
    let [images, labels] = files.map(|file| only(folder, file).map(|path| Source::new(path, set)));
    let (images, labels) = (images?, labels?);
    let ([count, height, width], bytes) = idx::read::<3>(&images, most)?;
    if [height, width] != [SIDE; 2] {
        return Err(images.wrong(format!("its images are {height}×{width}, expected {SIDE}×{SIDE}")));
    }
    let ([labelled], marks) = idx::read::<1>(&labels, most)?;
    if labelled != count {
        let problem = format!("it has {labelled} labels, expected {count} as {} has images", images.path.display());
        return Err(labels.wrong(problem));
    }
    if let Some(place) = marks.iter().position(|&label| usize::from(label) >= classes.len()) {
        let problem = format!("label {place} is {}, expected one below {}", marks[place], classes.len());
        return Err(labels.wrong(problem));
    }
    Images::new([1, SIDE, SIDE], classes, bytes, marks.into_iter().map(u16::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::{gzip, idx as file, mnist as write};
    use crate::data::source::anew;
    use std::fs;

    fn error(folder: &Path) -> String {
        let text = (MNIST.open)(folder).err().unwrap().to_string();
        text.replace(&format!("{}/", folder.display()), "")
    }

    #[test]
    fn four_files_make_the_sets() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 12, 3);
        let sets = (MNIST.open)(folder.path()).unwrap();
        assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (12, 3, [1, 28, 28]));
        let mut image = vec![0; SIDE * SIDE];
        sets.train.read(11, &mut image).unwrap();
        assert_eq!((image, sets.train.label(11)), (vec![11; SIDE * SIDE], 1));
        assert_eq!((FASHION_MNIST.open)(folder.path()).unwrap().test.classes()[9], "Ankle boot");
    }

    #[test]
    fn files_may_lie_there_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 4, 3);
        fs::remove_file(folder.path().join(TEST[1])).unwrap();
        assert!(error(folder.path()).starts_with("t10k-labels-idx1-ubyte.gz: No such file"));
        fs::write(folder.path().join("t10k-labels-idx1-ubyte"), file(&[3], &[9, 8, 7])).unwrap();
        let sets = (MNIST.open)(folder.path()).unwrap();
        assert_eq!([0, 1, 2].map(|i| sets.test.label(i)), [9, 8, 7]);
    }

    #[test]
    fn names_may_have_a_dot_and_members_be_several() {
        for packed in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            write(folder.path(), 4, 3);
            for name in FILES {
                let bytes = fs::read(folder.path().join(name)).unwrap();
                fs::remove_file(folder.path().join(name)).unwrap();
                let mut plain = Vec::new();
                std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*bytes), &mut plain).unwrap();
                let dotted = name.replace("-idx", ".idx");
                let (name, bytes) = match packed {
                    true => (dotted, [gzip(&plain[..9]), gzip(&plain[9..])].concat()),
                    false => (dotted.trim_end_matches(".gz").to_string(), plain),
                };
                fs::write(folder.path().join(name), bytes).unwrap();
            }
            let sets = (MNIST.open)(folder.path()).unwrap();
            assert_eq!((sets.train.len(), sets.test.len(), sets.train.label(3)), (4, 3, 3));
            assert!(MNIST.missing(folder.path()).is_empty());
        }
    }

    #[test]
    fn more_images_than_the_set_has_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 4, 3);
        fs::write(folder.path().join(TRAIN[0]), gzip(&file(&[3_423_921, 28, 28], &[0; 784]))).unwrap();
        assert!(error(folder.path()).contains("and the set has at most 60000 images"), "{}", error(folder.path()));
    }

    #[test]
    fn files_that_do_not_fit_together_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let remedy = anew("mnist");
        write(folder.path(), 4, 3);
        fs::write(folder.path().join(TRAIN[1]), gzip(&file(&[3], &[1, 2, 3]))).unwrap();
        assert_eq!(
            error(folder.path()),
            format!("{}: it has 3 labels, expected 4 as {} has images; {remedy}", TRAIN[1], TRAIN[0])
        );
        fs::write(folder.path().join(TRAIN[1]), gzip(&file(&[4], &[1, 2, 3, 10]))).unwrap();
        assert_eq!(error(folder.path()), format!("{}: label 3 is 10, expected one below 10; {remedy}", TRAIN[1]));
        fs::write(folder.path().join(TRAIN[0]), gzip(&file(&[4, 2, 28], &[0; 224]))).unwrap();
        assert_eq!(error(folder.path()), format!("{}: its images are 2×28, expected 28×28; {remedy}", TRAIN[0]));
    }

    #[test]
    fn the_name_of_a_folder_tells_the_two_sets_apart() {
        for (name, fashion) in [("/data", false), ("/data/mnist", false), ("/data/Fashion", true)] {
            assert_eq!((FASHION_MNIST.loose)(Path::new(name)), fashion, "{name}");
            assert_eq!((MNIST.loose)(Path::new(name)), !fashion, "{name}");
        }
    }
}
