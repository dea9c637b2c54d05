//! Labelled pictures: where they come from and how they become batches. Knows tensors and random numbers; knows no
//! network and no training.

mod augment;
mod catalogue;
mod cifar;
mod folder;
mod grid;
mod gzip;
mod idx;
mod image;
mod loader;
mod mat;
mod mnist;
mod normalise;
mod parallel;
#[cfg(test)]
mod samples;
mod shapes;
mod source;
mod split;
pub mod store;
mod svhn;

pub use augment::Augment;
pub use catalogue::{Archive, CATALOGUE, Presence, SetInfo, info, open, open_sized};
pub use cifar::read_cifar;
pub use folder::{SIDE as FOLDER_SIDE, open_folder};
pub use grid::write_grid;
pub use idx::read_idx;
pub use image::decode_image;
pub use loader::{Batch, Batches, Loader, Loading};
pub use mat::{MatArray, read_mat};
pub use normalise::Normalise;
pub use shapes::{shapes, shapes_of};
pub use split::stratified;
pub use svhn::read_svhn;

use crate::error::{Error, Result, escaped};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Labelled pictures of one size, each of a class.
///
/// Pictures are bytes, as the files have them; a loader makes them numbers. Whoever implements this can be trained on.
///
/// ```
/// use evograd::data::{Dataset, Pictures};
/// let two = Pictures::new([1, 1, 2], &["dark", "bright"], vec![10, 20, 230, 240], vec![0, 1])?;
/// let mut picture = [0; 2];
/// two.read(1, &mut picture)?;
/// assert_eq!((two.label(1), picture), (1, [230, 240]));
/// # Ok::<(), evograd::Error>(())
/// ```
pub trait Dataset: Send + Sync {
    /// The number of pictures.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The sizes `[C, H, W]` of every picture.
    fn shape(&self) -> [usize; 3];
    /// The names of the classes.
    fn classes(&self) -> &[String];
    /// The class of a picture, below the number of classes; `index` is below [`len`](Dataset::len).
    fn label(&self, index: usize) -> usize;
    /// Writes a picture: `C` planes of `H` rows of `W` bytes.
    ///
    /// # Errors
    /// When the picture is read from a file and that fails.
    fn read(&self, index: usize, picture: &mut [u8]) -> Result<()>;
    /// A checksum of all labels and pictures, where the set is small enough to have one.
    fn checksum(&self) -> Option<String> {
        None
    }
    /// A checksum of the names, lengths and contents of all files, where each image is a file: they are read and not decoded.
    /// `progress` hears how far it is.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn files_checksum(&self, _progress: &mut dyn store::Progress) -> Result<Option<String>> {
        Ok(None)
    }
    /// Whether each picture is decoded when it is read, which takes long: then statistics are taken of a sample.
    fn is_decoded(&self) -> bool {
        false
    }
    /// Rows and columns of the first picture as its file has it, where pictures are scaled when they are read.
    fn stored_size(&self) -> Option<[usize; 2]> {
        None
    }
    /// What lies where the set was read from and is no part of it.
    fn left_out(&self) -> &[FileNote] {
        &[]
    }
    /// What is to be said of a picture whose file is named as one of another format.
    fn misnamed(&self, _index: usize) -> Option<FileNote> {
        None
    }
}

/// A file or folder that needs a word, such as one that was left out of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNote {
    /// Where it lies.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl fmt::Display for FileNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", escaped(self.path.display().to_string()), self.reason)
    }
}

/// A training set and a test set of the same classes.
#[derive(Clone)]
pub struct Sets {
    /// What is trained on.
    pub train: Arc<dyn Dataset>,
    /// What is tested on, and nothing else.
    pub test: Arc<dyn Dataset>,
}

impl Sets {
    /// Refuses a test set that is none of the training set's kind, and training labels that are no class. The labels of the
    /// test set are not looked at, as a search must not: [`Sets::check_test_labels`] does that.
    ///
    /// ```
    /// use evograd::data::{Pictures, Sets};
    /// use std::sync::Arc;
    /// let set = |classes: &[&str]| Arc::new(Pictures::new([1, 1, 1], classes, vec![7], vec![0]).unwrap());
    /// let error = Sets { train: set(&["cat", "dog"]), test: set(&["dog", "cat"]) }.check().unwrap_err().to_string();
    /// assert!(error.contains("class 0 of the test set is dog, that of the training set cat"));
    /// ```
    ///
    /// # Errors
    /// When one of them is empty, their images differ in shape or their classes in number, names or order, or a label of the
    /// training set is not below the number of classes.
    pub fn check(&self) -> Result<()> {
        let [train, test] = [&*self.train, &*self.test];
        let refuse = |problem: String, remedy: &str| Err(Error::op("data", problem, &[], remedy));
        for (name, set) in [("training", train), ("test", test)] {
            parallel::picture_bytes(set)?;
            if set.is_empty() || set.classes().is_empty() {
                let problem = format!("the {name} set has {} images of {} classes", set.len(), set.classes().len());
                return refuse(problem, "give it at least one of each");
            }
        }
        if train.shape() != test.shape() {
            let problem =
                format!("images of the test set are {:?}, those of the training set {:?}", test.shape(), train.shape());
            return refuse(problem, "use one shape [C, H, W]");
        }
        if train.classes().len() != test.classes().len() {
            let problem = format!(
                "the test set has {} classes, the training set {}",
                test.classes().len(),
                train.classes().len()
            );
            return refuse(problem, "use the same classes in both");
        }
        if let Some(class) = (0..train.classes().len()).find(|&class| train.classes()[class] != test.classes()[class]) {
            let [train, test] = [train, test].map(|set| &set.classes()[class]);
            let problem = format!("class {class} of the test set is {test}, that of the training set {train}");
            return refuse(problem, "use the same classes in the same order in both");
        }
        check_labels("training", train)
    }

    /// Refuses a test set with a label that is no class, before a run has been trained for it in vain.
    ///
    /// # Errors
    /// When there is one.
    pub fn check_test_labels(&self) -> Result<()> {
        check_labels("test", &*self.test)
    }

    /// What a user should know of how the sets were opened: the files that are no part of them, by their reasons.
    pub fn notes(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<&FileNote>)> = Vec::new();
        for note in self.train.left_out().iter().chain(self.test.left_out()) {
            match reasons.iter_mut().find(|(reason, _)| *reason == note.reason) {
                Some((_, notes)) => notes.push(note),
                None => reasons.push((&note.reason, vec![note])),
            }
        }
        reasons.into_iter().map(|(reason, notes)| summary(reason, &notes)).collect()
    }
}

/// How many files were left out for a reason, and the first of them.
fn summary(reason: &str, notes: &[&FileNote]) -> String {
    let first = escaped(notes[0].path.display().to_string());
    match notes.len() {
        1 => format!("left out {first}: {reason}"),
        count => format!("left out {count} files, {first} the first of them: {reason}"),
    }
}

fn check_labels(name: &str, set: &dyn Dataset) -> Result<()> {
    let classes = set.classes().len();
    match (0..set.len()).find(|&index| set.label(index) >= classes) {
        None => Ok(()),
        Some(index) => {
            let problem = format!(
                "image {index} of the {name} set is of class {}, and there are {classes} classes",
                set.label(index)
            );
            Err(Error::op("data", problem, &[], "number the classes from 0"))
        }
    }
}

/// Labelled pictures in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Pictures {
    shape: [usize; 3],
    classes: Vec<String>,
    bytes: Vec<u8>,
    labels: Vec<u16>,
}

impl Pictures {
    /// Pictures of `shape = [C, H, W]`, one after the other in `bytes`, with the class of each in `labels`.
    ///
    /// # Errors
    /// When the number of bytes does not fit the number of labels, or a label is no class.
    pub fn new(shape: [usize; 3], classes: &[impl AsRef<str>], bytes: Vec<u8>, labels: Vec<u16>) -> Result<Self> {
        let sizes = shape.iter().chain(&[labels.len()]).copied().collect::<Vec<usize>>();
        let wanted = sizes.into_iter().try_fold(1_usize, usize::checked_mul);
        if wanted != Some(bytes.len()) {
            let wanted =
                wanted.map_or("more bytes than a machine can count".into(), |wanted| format!("{wanted} bytes"));
            let problem =
                format!("{} labels for images {shape:?} ask for {wanted}, there are {}", labels.len(), bytes.len());
            return Err(Error::op("images", problem, &[], "give C·H·W bytes for each label"));
        }
        if let Some(place) = labels.iter().position(|&label| usize::from(label) >= classes.len()) {
            let problem = format!("label {} of image {place} is no class, there are {}", labels[place], classes.len());
            return Err(Error::op("images", problem, &[], "number the classes from 0"));
        }
        let classes = classes.iter().map(|name| name.as_ref().to_string()).collect();
        Ok(Pictures { shape, classes, bytes, labels })
    }
}

impl Dataset for Pictures {
    fn len(&self) -> usize {
        self.labels.len()
    }
    fn shape(&self) -> [usize; 3] {
        self.shape
    }
    fn classes(&self) -> &[String] {
        &self.classes
    }
    fn label(&self, index: usize) -> usize {
        self.labels[index].into()
    }
    fn read(&self, index: usize, picture: &mut [u8]) -> Result<()> {
        let size = picture.len();
        picture.copy_from_slice(&self.bytes[index * size..][..size]);
        Ok(())
    }
    /// The sha256 of the labels, two bytes each, low one first, and the pictures.
    fn checksum(&self) -> Option<String> {
        let mut hash = Sha256::new();
        self.labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
        hash.update(&self.bytes);
        Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
