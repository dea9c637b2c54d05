//! What a data set is: labelled images, whatever they are read from. Knows no format.

use super::progress::Progress;
use crate::error::{Result, escaped};
use std::fmt;
use std::path::PathBuf;

/// Labelled images of one size, each of a class.
///
/// Images are bytes, as the files have them; a loader makes them numbers. Whoever implements this can be trained on.
///
/// ```
/// use evograd::data::{Dataset, Images};
/// let two = Images::new([1, 1, 2], &["dark", "bright"], vec![10, 20, 230, 240], vec![0, 1])?;
/// let mut image = [0; 2];
/// two.read(1, &mut image)?;
/// assert_eq!((two.label(1), image), (1, [230, 240]));
/// # Ok::<(), evograd::Error>(())
/// ```
pub trait Dataset: Send + Sync {
    /// The number of images.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The sizes `[C, H, W]` of every image.
    fn shape(&self) -> [usize; 3];
    /// The names of the classes.
    fn classes(&self) -> &[String];
    /// The class of an image, below the number of classes; `index` is below [`len`](Dataset::len).
    fn label(&self, index: usize) -> usize;
    /// Writes an image: `C` planes of `H` rows of `W` bytes.
    ///
    /// # Errors
    /// When the image is read from a file and that fails.
    fn read(&self, index: usize, image: &mut [u8]) -> Result<()>;
    /// A checksum of all labels and images, where the set is small enough to have one.
    fn checksum(&self) -> Option<String> {
        None
    }
    /// A checksum of the names, lengths and contents of all files, where each image is a file: they are read and not decoded.
    /// `progress` gets how far it is.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn files_checksum(&self, _progress: &mut dyn Progress) -> Result<Option<String>> {
        Ok(None)
    }
    /// A number for each image, where each is a file: the same for files of the same bytes. `progress` gets how far it is.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn file_prints(&self, _progress: &mut dyn Progress) -> Result<Option<Vec<u128>>> {
        Ok(None)
    }
    /// Whether each image is decoded when it is read, which takes long: then statistics are taken of a sample.
    fn is_decoded(&self) -> bool {
        false
    }
    /// Rows and columns of the first image as its file has it, where images are scaled when they are read.
    fn stored_size(&self) -> Option<[usize; 2]> {
        None
    }
    /// What lies where the set was read from and is no part of it.
    fn left_out(&self) -> &[FileNote] {
        &[]
    }
    /// What is odd about the files of images that were read so far, and does not keep them from being read.
    fn odd(&self) -> Vec<FileNote> {
        Vec::new()
    }
    /// What is to be said of an image whose file is named as one of another format.
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
