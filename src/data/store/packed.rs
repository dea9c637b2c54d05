//! An archive beside the files that were unpacked from it, or from another.

use super::name;
use crate::data::gzip::Members;
use crate::data::twice::{cannot_tell, differ, same_bytes};
use crate::error::Result;
use crate::files;
use std::io::{self, BufReader};
use std::path::Path;

/// Refuses an archive whose members of these names are not what lies unpacked in a folder.
///
/// # Errors
/// When one differs; the error names both.
pub(super) fn expect_unpacked(archive: &Path, folder: &Path, listed: &[&str]) -> Result<()> {
    match other_member(archive, folder, listed) {
        Ok(None) => Ok(()),
        Ok(Some(file)) => Err(differ(&folder.join(&file), &archive.join(file))),
        Err(error) => Err(cannot_tell(folder, archive, &error)),
    }
}

/// The first member that is not the file of its name.
fn other_member(archive: &Path, folder: &Path, listed: &[&str]) -> io::Result<Option<String>> {
    let mut packed = tar::Archive::new(Members::new(BufReader::new(files::open(archive)?)));
    for entry in packed.entries()? {
        let mut entry = entry?;
        let file = name(&entry.path()?);
        if !listed.contains(&&*file) || !entry.header().entry_type().is_file() {
            continue;
        }
        if !same_bytes(&mut entry, &mut BufReader::new(files::open(&folder.join(&file))?))? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
