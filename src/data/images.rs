//! Labelled images in memory.

use super::dataset::Dataset;
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};

/// Labelled images in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    shape: [usize; 3],
    classes: Vec<String>,
    bytes: Vec<u8>,
    labels: Vec<u16>,
}

impl Images {
    /// Images of `shape = [C, H, W]`, one after the other in `bytes`, with the class of each in `labels`.
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
        Ok(Images { shape, classes, bytes, labels })
    }
}

impl Dataset for Images {
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
    fn read(&self, index: usize, image: &mut [u8]) -> Result<()> {
        let size = image.len();
        image.copy_from_slice(&self.bytes[index * size..][..size]);
        Ok(())
    }
    /// The sha256 of the labels, two bytes each, low one first, and the images.
    fn checksum(&self) -> Option<String> {
        let mut hash = Sha256::new();
        self.labels.iter().for_each(|label| hash.update(label.to_le_bytes()));
        hash.update(&self.bytes);
        Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}
