//! Labelled pictures: where they come from and how they become batches. Knows tensors and random numbers; knows no
//! network and no training.

mod augment;
mod catalogue;
mod cifar;
mod folder;
mod grid;
mod idx;
mod loader;
mod mat;
mod mnist;
mod normalise;
#[cfg(test)]
mod samples;
mod shapes;
mod source;
mod split;
pub mod store;
mod svhn;

pub use augment::Augment;
pub use catalogue::{Archive, CATALOGUE, Presence, SetInfo, info, open};
pub use cifar::read_cifar;
pub use folder::open_folder;
pub use grid::write_grid;
pub use loader::{Batch, Batches, Loader, Loading};
pub use normalise::Normalise;
pub use shapes::{shapes, shapes_of};
pub use split::stratified;
pub use svhn::read_svhn;

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
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
}

/// A training set and a test set of the same classes.
#[derive(Clone)]
pub struct Sets {
    /// What is trained on.
    pub train: Arc<dyn Dataset>,
    /// What is tested on, and nothing else.
    pub test: Arc<dyn Dataset>,
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
        let wanted = shape.iter().product::<usize>() * labels.len();
        if bytes.len() != wanted {
            let problem = format!(
                "{} labels for pictures {shape:?} ask for {wanted} bytes, there are {}",
                labels.len(),
                bytes.len()
            );
            return Err(Error::op("pictures", problem, &[], "give C·H·W bytes for each label"));
        }
        if let Some(place) = labels.iter().position(|&label| usize::from(label) >= classes.len()) {
            let problem =
                format!("label {} of picture {place} is no class, there are {}", labels[place], classes.len());
            return Err(Error::op("pictures", problem, &[], "number the classes from 0"));
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
