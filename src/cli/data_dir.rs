//! Where data sets are kept, for every command that needs one. Knows no data set.

use super::terminal::{note, said_if_slow, warn};
use anyhow::{Result, bail};
use evograd::data::{self, Sets};
use evograd::train::{Data, RunInfo};
use std::path::{Path, PathBuf};

/// The environment variable that names the folder.
const VARIABLE: &str = "EVOGRAD_DATA_DIR";

/// The argument that says where data sets are.
#[derive(clap::Args, Clone, Debug, Default, PartialEq)]
pub struct DataDir {
    /// Folder of the data sets [default: EVOGRAD_DATA_DIR, or else the user's cache folder]
    #[arg(long = "data-dir", global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl DataDir {
    /// The folder that the argument names, if it was given.
    pub fn given(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The folder of a run's data: as the argument says, or else where the run found it, or else, if that is gone, as the
    /// environment says. A set that is made when it is needed has none.
    pub fn folder_of(&self, run: &RunInfo, set: &str) -> Result<PathBuf> {
        let has_files = data::info(set).is_ok_and(|info| !info.files.is_empty());
        match (&self.folder, run.data_dir.as_ref().map(PathBuf::from), environment()) {
            (None, Some(recorded), _) if recorded.is_dir() => Ok(recorded),
            (None, Some(recorded), None) if has_files => bail!(
                "{}: the run read its data set {set} from this folder, which is not there any more; name the folder that \
                 holds it now with --data-dir or {VARIABLE}",
                recorded.display()
            ),
            _ => self.folder(),
        }
    }

    /// The folder: as the argument says, or else the environment, or else in the user's cache folder.
    pub fn folder(&self) -> Result<PathBuf> {
        let cache = directories::ProjectDirs::from("", "", "evograd").map(|dirs| dirs.cache_dir().join("data"));
        match first([self.folder.clone(), environment(), cache]) {
            Some(folder) => Ok(folder),
            None => bail!("this user has no cache folder; name a folder for data sets with --data-dir or {VARIABLE}"),
        }
    }
}

/// Opens the data set of some settings, and says on standard error what lies there and is no part of it; unless it is to be
/// quiet, also that this takes a while.
pub fn open(settings: &Data, folder: &Path) -> Result<Sets> {
    let open = || data::open_sized(&settings.set, folder, settings.size);
    let sets = said_if_slow(&format!("opening {}", settings.set), open)?;
    sets.notes().iter().for_each(|text| note(format_args!("{}: {text}", settings.set)));
    Ok(sets)
}

/// Warns of what was found odd about the images that were read, once they have been.
pub fn warn_of_odd(name: &str, sets: &Sets) {
    let notes = sets.odd().iter().map(|text| format!("{name}: {text}")).collect::<Vec<_>>();
    warn(&notes);
}

/// The folder that the environment names; an empty name is none.
fn environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// The first that is set; an empty one is not.
fn first(folders: [Option<PathBuf>; 3]) -> Option<PathBuf> {
    folders.into_iter().flatten().find(|folder| !folder.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_comes_before_the_environment_before_the_cache() {
        let path = |name: &str| Some(PathBuf::from(name));
        assert_eq!(first([path("a"), path("b"), path("c")]), path("a"));
        assert_eq!(first([None, path("b"), path("c")]), path("b"));
        assert_eq!(first([None, path(""), path("c")]), path("c"));
        assert_eq!(first([None, None, None]), None);
    }
}
