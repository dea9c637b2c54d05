//! The weights of a network in a file, and back. Knows the network and the format of tensors.

use super::network::Network;
use super::weights::{self, Matching};
use crate::error::Result;
use std::path::Path;

impl Network<f32> {
    /// The bytes of a safetensors file with [`Network::state`], which PyTorch loads into a module of the same names.
    ///
    /// # Errors
    /// When two tensors have one name.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        weights::to_safetensors(&self.state())
    }

    /// Takes over all weights and running statistics from a safetensors file.
    ///
    /// # Errors
    /// When the file cannot be read, or does not hold exactly the tensors of this network; the error names all that are missing,
    /// of another shape or not asked for. Nothing is changed then.
    pub fn load(&mut self, path: &Path) -> Result<()> {
        self.load_with_notes(path).map(drop)
    }

    /// As [`Network::load`]; what is to be said of how the file was read: that values were rounded to 32 bits, or that a prefix
    /// of all names, which PyTorch's `DataParallel` and `compile` write, was taken off.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub fn load_with_notes(&mut self, path: &Path) -> Result<Vec<String>> {
        let (tensors, notes) = self.parsed(path, &weights::read_bytes(path)?)?;
        self.set_state(path, tensors)?;
        Ok(notes)
    }

    /// Takes over those weights and running statistics of a safetensors file whose names and shapes are the network's, as to
    /// fine-tune one for other classes; what was taken and what was not is returned.
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// let network = |classes| Network::<f32>::new(&models::spec("lenet", &Options { classes, ..Options::default() })?, 0);
    /// let path = std::env::temp_dir().join(format!("evograd-matching-{}.safetensors", std::process::id()));
    /// std::fs::write(&path, network(10)?.to_safetensors()?).unwrap();
    /// let found = network(3)?.load_matching(&path)?;
    /// assert_eq!(found.to_string(), "8 tensors loaded; of another shape: fc2.weight [10, 64] (expected [3, 64]), \
    ///                                fc2.bias [10] (expected [3])");
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read, nothing of it fits, or what fits holds a number that is not finite. Nothing is changed then.
    pub fn load_matching(&mut self, path: &Path) -> Result<Matching> {
        self.take_matching(path, &weights::read_bytes(path)?)
    }

    /// As [`Network::load_matching`], from the bytes of the file `path`, which is not read.
    ///
    /// # Errors
    /// As [`Network::load_matching`].
    pub(crate) fn take_matching(&mut self, path: &Path, bytes: &[u8]) -> Result<Matching> {
        let (tensors, notes) = self.parsed(path, bytes)?;
        let found = weights::assign_matching(path, tensors, self.state_mut())?;
        Ok(Matching { notes, ..found })
    }

    /// The tensors of a file under the network's names, with what is to be said of how it was read.
    fn parsed(&self, path: &Path, bytes: &[u8]) -> Result<(weights::Tensors, Vec<String>)> {
        let (mut tensors, mut notes) = weights::parse_with_notes(path, bytes)?;
        let names: Vec<String> = self.state().into_iter().map(|(name, _)| name).collect();
        let prefix = weights::without_prefix(&mut tensors, &names);
        if !prefix.is_empty() {
            notes.push(format!("all names began with {prefix}, which was taken off"));
        }
        Ok((tensors, notes))
    }

    /// Sets all weights and running statistics from tensors by name, which came from the file `path`.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub(crate) fn set_state(&mut self, path: &Path, found: weights::Tensors) -> Result<()> {
        weights::assign(path, found, self.state_mut())
    }
}
