//! CIFAR-10 and CIFAR-100 in their binary form (Krizhevsky, *Learning multiple layers of features from tiny images*,
//! 2009). Knows the files and nothing of where they came from.
//!
//! A file is a row of records without a header. A record is the label, one byte, then the red, green and blue planes of
//! 32 rows of 32 bytes. CIFAR-100 has two labels, the coarse class of 20 and the fine class of 100; the fine one counts.

use super::info::{Archive, SetInfo};
use super::source::Source;
use super::{Augment, Images, Sets};
use crate::error::Result;
use crate::reserve::reserve;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;

/// The row of CIFAR-10 in the catalogue.
pub(super) const CIFAR10: SetInfo = SetInfo {
    name: "cifar10",
    summary: "CIFAR-10: small colour photographs of vehicles and animals",
    classes: Some(10),
    shape: Some(SHAPE),
    counts: Some([50_000, 10_000]),
    augment: Augment { crop: 4, flip: true, cutout: 0 },
    licence: "none stated; not to be redistributed",
    mirrors: &["https://www.cs.toronto.edu/~kriz"],
    archives: &[Archive {
        file: "cifar-10-binary.tar.gz",
        bytes: Some(170_052_171),
        sha256: Some("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    }],
    folder: Some("cifar-10-batches-bin"),
    files: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ],
    open: |folder| TEN.open(folder),
    loose: |_| true,
};

/// The row of CIFAR-100 in the catalogue; what it does not say is as CIFAR-10 has it.
pub(super) const CIFAR100: SetInfo = SetInfo {
    name: "cifar100",
    summary: "CIFAR-100: small colour photographs of a hundred kinds of things",
    classes: Some(100),
    archives: &[Archive {
        file: "cifar-100-binary.tar.gz",
        bytes: Some(168_513_733),
        sha256: Some("58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
    }],
    folder: Some("cifar-100-binary"),
    files: &["train.bin", "test.bin"],
    open: |folder| HUNDRED.open(folder),
    ..CIFAR10
};

const TEN: Layout = Layout {
    set: "cifar10",
    classes: &CLASSES_10,
    coarse: None,
    train: &["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"],
    test: &["test_batch.bin"],
    records: [10_000, 10_000],
};

const HUNDRED: Layout = Layout {
    set: "cifar100",
    classes: &CLASSES_100,
    coarse: Some(20),
    train: &["train.bin"],
    test: &["test.bin"],
    records: [50_000, 10_000],
};

/// Which of the two sets a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cifar {
    /// CIFAR-10.
    Ten,
    /// CIFAR-100.
    Hundred,
}

/// The images of one file in the binary form of CIFAR-10 or CIFAR-100; as many as it holds.
///
/// ```
/// use evograd::data::{Cifar, Dataset, read_cifar};
/// let path = std::env::temp_dir().join("evograd-one-record.bin");
/// std::fs::write(&path, [&[3][..], &[200; 3 * 32 * 32]].concat()).unwrap();
/// let images = read_cifar(&path, Cifar::Ten)?;
/// assert_eq!((images.len(), images.shape(), images.classes()[images.label(0)].as_str()), (1, [3, 32, 32], "cat"));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be read, holds no whole number of records, or a label is no class.
pub fn read_cifar(path: &Path, kind: Cifar) -> Result<Images> {
    let layout = match kind {
        Cifar::Ten => TEN,
        Cifar::Hundred => HUNDRED,
    };
    let source = Source::new(path, layout.set);
    let (length, record) = (source.open()?.1, layout.record() as u64);
    if length == 0 || length % record > 0 {
        return Err(source.wrong(format!("it has {length} bytes, expected records of {record} bytes each")));
    }
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    layout.read_file(&source, (length / record) as usize, &mut bytes, &mut labels)?;
    Images::new(SHAPE, layout.classes, bytes, labels)
}

/// What the files of a set look like.
struct Layout {
    set: &'static str,
    classes: &'static [&'static str],
    /// The number of coarse classes, where a record begins with a coarse label.
    coarse: Option<usize>,
    train: &'static [&'static str],
    test: &'static [&'static str],
    /// Records in each file of the training set, and in each of the test set.
    records: [usize; 2],
}

impl Layout {
    fn open(&self, folder: &Path) -> Result<Sets> {
        let train = self.read_files(folder, self.train, self.records[0])?;
        let test = self.read_files(folder, self.test, self.records[1])?;
        Ok(Sets { train: Arc::new(train), test: Arc::new(test) })
    }

    fn read_files(&self, folder: &Path, files: &[&str], records: usize) -> Result<Images> {
        let mut bytes = Vec::new();
        let mut labels = Vec::new();
        for file in files {
            self.read_file(&Source::new(folder.join(file), self.set), records, &mut bytes, &mut labels)?;
        }
        Images::new(SHAPE, self.classes, bytes, labels)
    }

    /// The bytes before the pixels of a record.
    fn head(&self) -> usize {
        1 + usize::from(self.coarse.is_some())
    }

    /// The bytes of a record.
    fn record(&self) -> usize {
        self.head() + PIXELS
    }

    fn read_file(&self, source: &Source, records: usize, bytes: &mut Vec<u8>, labels: &mut Vec<u16>) -> Result<()> {
        let (head, record) = (self.head(), self.record());
        let (file, length) = source.open()?;
        source.check_length(length, (records * record) as u64, format_args!("{records} records of {record} bytes"))?;
        let mut reader = BufReader::with_capacity(1 << 18, file);
        reserve(bytes, records * PIXELS).map_err(|refused| source.refused(refused))?;
        reserve(labels, records).map_err(|refused| source.refused(refused))?;
        for number in 0..records {
            let mut label = [0; 2];
            source.fill(&mut reader, &mut label[..head], format_args!("record {number}"))?;
            if let Some(coarse) = self.coarse {
                check_label(source, number, "coarse label", label[0], coarse)?;
            }
            check_label(source, number, "label", label[head - 1], self.classes.len())?;
            labels.push(label[head - 1].into());
            let start = bytes.len();
            bytes.resize(start + PIXELS, 0);
            source.fill(&mut reader, &mut bytes[start..], format_args!("record {number}"))?;
        }
        Ok(())
    }
}

fn check_label(source: &Source, record: usize, what: &str, label: u8, classes: usize) -> Result<()> {
    if usize::from(label) < classes {
        return Ok(());
    }
    Err(source.wrong(format!("record {record} has the {what} {label}, expected one below {classes}")))
}

const CLASSES_10: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

#[rustfmt::skip]
const CLASSES_100: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::source::anew;
    use proptest::prelude::*;
    use std::fs;

    const TINY: Layout = Layout {
        set: "cifar10",
        classes: &CLASSES_10,
        coarse: None,
        train: &["a.bin", "b.bin"],
        test: &["t.bin"],
        records: [2, 1],
    };
    const TINY_100: Layout = Layout {
        set: "cifar100",
        classes: &CLASSES_100,
        coarse: Some(20),
        train: &["train.bin"],
        test: &["test.bin"],
        records: [2, 1],
    };

    /// A record whose pixel at `[c, y, x]` is `first + 7·c + 3·y + x`, wrapping.
    fn record(labels: &[u8], first: u8) -> Vec<u8> {
        let mut bytes = labels.to_vec();
        for place in 0..PIXELS {
            let (c, y, x) = (place / 1024, place / 32 % 32, place % 32);
            bytes.push(first.wrapping_add((7 * c + 3 * y + x) as u8));
        }
        bytes
    }

    fn tiny() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.bin"), [record(&[3], 10), record(&[0], 20)].concat()).unwrap();
        fs::write(folder.path().join("b.bin"), [record(&[9], 30), record(&[1], 40)].concat()).unwrap();
        fs::write(folder.path().join("t.bin"), record(&[5], 50)).unwrap();
        folder
    }

    fn error(layout: &Layout, folder: &Path) -> String {
        let text = layout.open(folder).err().unwrap().to_string();
        text.replace(&format!("{}/", folder.display()), "")
    }

    #[test]
    fn records_become_images_in_their_order() {
        let folder = tiny();
        let sets = TINY.open(folder.path()).unwrap();
        assert_eq!((sets.train.len(), sets.test.len(), sets.train.shape()), (4, 1, [3, 32, 32]));
        assert_eq!((0..4).map(|i| sets.train.label(i)).collect::<Vec<_>>(), [3, 0, 9, 1]);
        let mut image = vec![0; PIXELS];
        sets.train.read(2, &mut image).unwrap();
        assert_eq!(image, record(&[], 30));
        assert_eq!(image[1024 + 2 * 32 + 5], 30 + 7 + 6 + 5);
        assert_eq!(sets.train.classes()[9], "truck");
    }

    #[test]
    fn the_second_label_of_a_record_is_the_fine_one() {
        let folder = tempfile::tempdir().unwrap();
        let train = [record(&[19, 99], 1), record(&[0, 42], 2)].concat();
        fs::write(folder.path().join("train.bin"), &train).unwrap();
        fs::write(folder.path().join("test.bin"), record(&[4, 0], 3)).unwrap();
        let sets = TINY_100.open(folder.path()).unwrap();
        assert_eq!([sets.train.label(0), sets.train.label(1), sets.test.label(0)], [99, 42, 0]);
        assert_eq!(sets.train.classes()[42], "leopard");
        fs::write(folder.path().join("test.bin"), record(&[20, 0], 3)).unwrap();
        assert_eq!(
            error(&TINY_100, folder.path()),
            format!("test.bin: record 0 has the coarse label 20, expected one below 20; {}", anew("cifar100"))
        );
        fs::write(folder.path().join("test.bin"), record(&[0, 100], 3)).unwrap();
        assert_eq!(
            error(&TINY_100, folder.path()),
            format!("test.bin: record 0 has the label 100, expected one below 100; {}", anew("cifar100"))
        );
    }

    #[test]
    fn a_broken_file_is_named_with_what_is_wrong() {
        let folder = tiny();
        let good = fs::read(folder.path().join("b.bin")).unwrap();
        let mut long = good.clone();
        long.push(0);
        let mut mislabelled = good.clone();
        mislabelled[3073] = 10;
        let remedy = anew("cifar10");
        let table: [(&[u8], &str); 5] = [
            (&[], "it is cut short: 0 bytes, expected 6146 (2 records of 3073 bytes)"),
            (&good[..3073], "it is cut short: 3073 bytes, expected 6146 (2 records of 3073 bytes)"),
            (&good[..6145], "it is cut short: 6145 bytes, expected 6146 (2 records of 3073 bytes)"),
            (&long, "it is too long: 6147 bytes, expected 6146 (2 records of 3073 bytes)"),
            (&mislabelled, "record 1 has the label 10, expected one below 10"),
        ];
        for (bytes, problem) in table {
            fs::write(folder.path().join("b.bin"), bytes).unwrap();
            assert_eq!(error(&TINY, folder.path()), format!("b.bin: {problem}; {remedy}"));
        }
        fs::remove_file(folder.path().join("b.bin")).unwrap();
        assert!(error(&TINY, folder.path()).starts_with("b.bin: No such file"));
        fs::create_dir(folder.path().join("b.bin")).unwrap();
        assert_eq!(error(&TINY, folder.path()), format!("b.bin: it is no file; {remedy}"));
    }

    #[test]
    fn the_catalogue_names_the_files_that_are_read() {
        for (info, layout) in [(CIFAR10, TEN), (CIFAR100, HUNDRED)] {
            assert_eq!(info.files, [layout.train, layout.test].concat());
            let counts = [layout.train.len() * layout.records[0], layout.test.len() * layout.records[1]];
            assert_eq!((info.counts, info.name), (Some(counts), layout.set));
        }
        let mut sorted = CLASSES_100;
        sorted.sort_unstable();
        assert_eq!(sorted, CLASSES_100, "the official names are in the order of the alphabet");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..7000), place in 0..6146_usize) {
            let folder = tiny();
            fs::write(folder.path().join("a.bin"), &bytes).unwrap();
            prop_assert!(TINY.open(folder.path()).is_err() || bytes.len() == 6146);
            let mut changed = [record(&[3], 10), record(&[0], 20)].concat();
            changed[place] = bytes.first().copied().unwrap_or(0);
            let valid = changed[0] < 10 && changed[3073] < 10;
            fs::write(folder.path().join("a.bin"), changed).unwrap();
            prop_assert_eq!(TINY.open(folder.path()).is_ok(), valid);
        }
    }
}
