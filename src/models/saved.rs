//! The weights of a network in a file, and back. Knows the network and the format of tensors.

use super::network::Network;
use super::weights;
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
        let (mut tensors, mut notes) = weights::read_file(path)?;
        let names: Vec<String> = self.state().into_iter().map(|(name, _)| name).collect();
        let prefix = weights::without_prefix(&mut tensors, &names);
        if !prefix.is_empty() {
            notes.push(format!("all names began with {prefix}, which was taken off"));
        }
        self.set_state(path, tensors)?;
        Ok(notes)
    }

    /// Sets all weights and running statistics from tensors by name, which came from the file `path`.
    ///
    /// # Errors
    /// As [`Network::load`].
    pub(crate) fn set_state(&mut self, path: &Path, found: weights::Tensors) -> Result<()> {
        weights::assign(path, found, self.state_mut())
    }
}
