//! The weights that a run begins with, where they come from a file: as to fine-tune a network. Knows networks and files; knows
//! no run.

use super::fingerprint::sha256;
use crate::error::{Error, Result};
use crate::models::Network;
use crate::models::weights::{Matching, read_bytes};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the weights of a run's checkpoint stand in its folder.
const OF_A_RUN: [&str; 3] = ["checkpoints", "last", "model.safetensors"];

/// Which weights a run began with, of a file; the rest was drawn from the seed.
///
/// ```
/// use evograd::models::{self, Network, Options};
/// use evograd::train::InitialWeights;
/// let network = |classes| Network::<f32>::new(&models::spec("lenet", &Options { classes, ..Options::default() })?, 0);
/// let path = std::env::temp_dir().join(format!("evograd-initial-{}.safetensors", std::process::id()));
/// std::fs::write(&path, network(10)?.to_safetensors()?).unwrap();
/// let initial = InitialWeights::load(path.to_str().unwrap(), &mut network(3)?)?;
/// assert_eq!((initial.loaded, initial.other_shapes.len()), (8, 2));
/// assert!(initial.to_string().ends_with(": 8 tensors loaded; of another shape: fc2.weight [10, 64] (expected [3, 64]), \
///                                        fc2.bias [10] (expected [3])"));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialWeights {
    /// The file, a full path.
    pub file: String,
    /// The sha256 of its bytes.
    pub sha256: String,
    /// How many tensors were taken over.
    pub loaded: usize,
    /// The tensors that the network has and the file has not.
    pub missing: Vec<String>,
    /// The tensors that the file has and the network has not.
    pub unexpected: Vec<String>,
    /// The tensors of another shape, each with both shapes.
    pub other_shapes: Vec<String>,
    /// How the file was read: that values were rounded to 32 bits, or that a prefix of all names was taken off.
    pub notes: Vec<String>,
}

impl InitialWeights {
    /// Takes over those weights and running statistics whose names and shapes fit, from a safetensors file or from the last
    /// checkpoint of a run's folder.
    ///
    /// # Errors
    /// As [`Network::load_matching`].
    pub fn load(from: &str, network: &mut Network) -> Result<InitialWeights> {
        let path = file_of(Path::new(from));
        let bytes = read_bytes(&path)?;
        let Matching { loaded, missing, unexpected, other_shapes, notes } = network.take_matching(&path, &bytes)?;
        let file = std::path::absolute(&path).unwrap_or(path).display().to_string();
        Ok(InitialWeights {
            file,
            sha256: sha256(&bytes),
            loaded: loaded.len(),
            missing,
            unexpected,
            other_shapes,
            notes,
        })
    }

    /// The same once more, for a run that was killed before its first checkpoint was written.
    ///
    /// # Errors
    /// When the file holds other bytes than it did; and as [`InitialWeights::load`].
    pub(super) fn load_again(&self, network: &mut Network) -> Result<()> {
        let path = Path::new(&self.file);
        let bytes = read_bytes(path)?;
        if sha256(&bytes) != self.sha256 {
            let problem = "it holds other weights than those that the run began with";
            return Err(Error::file(path, problem, "restore the file, or start a new run"));
        }
        network.take_matching(path, &bytes).map(drop)
    }
}

/// The file itself, or that of a run's last checkpoint.
fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { OF_A_RUN.iter().fold(path.to_path_buf(), |path, name| path.join(name)) } else { path.into() }
}

impl fmt::Display for InitialWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.loaded == 1 { "" } else { "s" };
        write!(f, "{}: {} tensor{plural} loaded", self.file, self.loaded)?;
        let lists =
            [("missing", &self.missing), ("not used", &self.unexpected), ("of another shape", &self.other_shapes)];
        for (what, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            write!(f, "; {what}: {}", first_of(names))?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// The first names of a list, and how many more there are.
fn first_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let first = names[..names.len().min(SHOWN)].join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}
