//! Folders of images as ImageNet is laid out: `train/CLASS/*.jpg`, and the same below `val` or `test`. Knows paths; how an
//! image is decoded, [`image`](super::image) knows.
//!
//! Only names are kept in memory; an image is decoded when it is read, so an error in one shows then, and [`verify`](
//! super::store::verify()) decodes all. It is scaled so that its short side has the wanted size, and the middle of the long
//! side is taken. Whatever lies there and is not read is listed with the reason.

mod contents;
mod listing;
mod sums;

use super::image::{self, MOST_SIDE};
use super::info::SetInfo;
use super::progress::Progress;
use super::{Augment, Dataset, FileNote, Sets};
use crate::error::{Error, Result};
use crate::files;
pub(super) use contents::contents;
pub(super) use listing::images_below;
use listing::{LAYOUT, Listing, subfolders};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use sums::Sums;

/// The rows and columns of images where none are asked for: ImageNet's usual ones.
pub const SIDE: usize = 224;
/// The row of image folders in the catalogue.
pub(super) const FOLDER: SetInfo = SetInfo {
    name: "folder",
    summary: "your own images: train/CLASS/*.jpg and val/CLASS/*.jpg, or test, as ImageNet has them",
    classes: None,
    shape: None,
    counts: None,
    augment: Augment { crop: SIDE / 8, flip: true, cutout: 0 },
    licence: "that of the images",
    mirrors: &[],
    archives: &[],
    folder: None,
    files: &["train"],
    open: |folder| open_folder(folder, SIDE),
    loose: |_| true,
};

/// The images below one folder of classes.
struct Folder {
    root: PathBuf,
    side: usize,
    listing: Listing,
    /// The sums of all files, once they have been asked for.
    sums: OnceLock<Sums>,
    /// The images that were read and are odd.
    odd: Mutex<BTreeMap<usize, image::Odd>>,
}

/// Opens a folder of images, cut to `side` rows and columns. The classes are the folders below `train`, in the order of
/// their names; those below `val` (or `test`, where there is no `val`) have to be the same. Images are found by their names'
/// endings (`jpg`, `jpeg`, `jpe`, `jfif`, `png`), in folders within a class as well; [`Dataset::left_out`] lists everything
/// else that lies there.
///
/// # Errors
/// When a folder is missing, a class has no image, the classes differ, or `side` is not from 1 to 4096.
pub fn open_folder(folder: &Path, side: usize) -> Result<Sets> {
    if !(1..=MOST_SIDE).contains(&side) {
        let problem = format!("images of {side} rows and columns were asked for");
        return Err(Error::op("folder", problem, &[], format!("ask for 1 to {MOST_SIDE}")));
    }
    let root = folder.join("train");
    let (classes, left_out) = subfolders(&root)?;
    let train = Listing::of(&root, classes, left_out)?;
    let [val, test] = ["val", "test"].map(|name| folder.join(name));
    let (root, unused) = match (val.is_dir(), test.is_dir()) {
        (true, other) => (val, other.then_some(test)),
        (false, true) => (test, None),
        (false, false) => return Err(Error::file(folder, "there is neither val nor test in it", LAYOUT)),
    };
    let (found, mut left_out) = subfolders(&root)?;
    left_out.extend(unused.map(|path| FileNote { path, reason: "val stands beside it and is the test set".into() }));
    let other = |name: &&std::ffi::OsString| found.contains(name) != train.folders.contains(name);
    if let Some(name) = train.folders.iter().chain(&found).find(other) {
        let (has, lacks) = if found.contains(name) { ("it has", "train has not") } else { ("train has", "it has not") };
        let problem = format!("{has} the class {}, which {lacks}", name.to_string_lossy());
        return Err(Error::file(root, problem, "use the same classes in both"));
    }
    let test = Listing::of(&root, found, left_out)?;
    let set =
        |root: PathBuf, listing| Arc::new(Folder { root, side, listing, sums: OnceLock::new(), odd: Mutex::default() });
    Ok(Sets { train: set(folder.join("train"), train), test: set(root, test) })
}

impl Folder {
    fn path(&self, index: usize) -> PathBuf {
        let (name, label) = &self.listing.files[index];
        self.root.join(&self.listing.folders[usize::from(*label)]).join(name)
    }

    /// The sums of all files, which are read for that once.
    fn sums(&self, progress: &mut dyn Progress) -> Result<&Sums> {
        if let Some(known) = self.sums.get() {
            return Ok(known);
        }
        let sums = sums::all(&self.root, self.len(), |index| self.path(index), progress)?;
        Ok(self.sums.get_or_init(|| sums))
    }
}

/// What to do about an image that was sound when the set was opened, or was not looked at then.
const PUT_BACK: &str = "put a whole JPEG or PNG file there; a run goes on with --resume if it is the same as before, and else is begun anew";

impl Dataset for Folder {
    fn len(&self) -> usize {
        self.listing.files.len()
    }
    fn shape(&self) -> [usize; 3] {
        [3, self.side, self.side]
    }
    fn classes(&self) -> &[String] {
        &self.listing.classes
    }
    fn label(&self, index: usize) -> usize {
        self.listing.files[index].1.into()
    }
    fn read(&self, index: usize, image: &mut [u8]) -> Result<()> {
        let path = self.path(index);
        let wrong = |problem: String| Error::file(&path, problem, PUT_BACK);
        let (bytes, _share) = contents(&path).map_err(wrong)?;
        let odd = image::decode(&bytes, self.side, image).map_err(wrong)?;
        if odd != image::Odd::default() {
            self.odd.lock().unwrap_or_else(PoisonError::into_inner).insert(index, odd);
        }
        Ok(())
    }
    fn files_checksum(&self, progress: &mut dyn Progress) -> Result<Option<String>> {
        Ok(Some(self.sums(progress)?.all.clone()))
    }
    fn file_prints(&self, progress: &mut dyn Progress) -> Result<Option<Vec<u128>>> {
        Ok(Some(self.sums(progress)?.each.clone()))
    }
    fn is_decoded(&self) -> bool {
        true
    }
    fn stored_size(&self) -> Option<[usize; 2]> {
        let (bytes, _share) = contents(&self.path(0)).ok()?;
        image::size(&bytes).ok()
    }
    fn left_out(&self) -> &[FileNote] {
        &self.listing.left_out
    }
    fn odd(&self) -> Vec<FileNote> {
        let odd = self.odd.lock().unwrap_or_else(PoisonError::into_inner);
        let note = |index: usize, reason: &str| FileNote { path: self.path(index), reason: reason.into() };
        odd.iter().flat_map(|(index, odd)| odd.reasons().map(move |reason| note(*index, reason))).collect()
    }
    fn misnamed(&self, index: usize) -> Option<FileNote> {
        let path = self.path(index);
        let mut start = [0; 16];
        let count = files::open(&path).and_then(|file| file.take(16).read(&mut start)).ok()?;
        let (found, named) = (image::format(&start[..count]).ok()?, listing::named_format(&path)?);
        let reason = format!("it is a {found} file and named as a {named} file; it is read as what it is");
        (found != named).then_some(FileNote { path, reason })
    }
}

#[cfg(test)]
mod tests;
