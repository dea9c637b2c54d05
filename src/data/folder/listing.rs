//! Which files below a folder of classes are images by their names, and why the others are not.

use crate::data::FileNote;
use crate::data::image::Format;
use crate::error::{Error, Result};
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

pub(super) const LAYOUT: &str =
    "lay the images out as train/CLASS/*.jpg and val/CLASS/*.jpg (jpg, jpeg, jpe, jfif or png)";
/// Folders within folders of a class, at most.
const DEEPEST: usize = 16;

/// The images of some classes.
pub(super) struct Listing {
    /// The folders of the classes, in the order of their names.
    pub folders: Vec<OsString>,
    /// The same names as texts; what is no Unicode in them is replaced.
    pub classes: Vec<String>,
    /// The path of each image within the folder of its class, and its class.
    pub files: Vec<(Box<Path>, u16)>,
    /// What is not read.
    pub left_out: Vec<FileNote>,
}

impl Listing {
    /// Lists the folders of the classes below `root`.
    pub fn of(root: &Path, folders: Vec<OsString>, left_out: Vec<FileNote>) -> Result<Listing> {
        if folders.is_empty() || folders.len() > usize::from(u16::MAX) {
            let problem = format!("it has {} classes, expected 2 to {}", folders.len(), u16::MAX);
            return Err(Error::file(root, problem, LAYOUT));
        }
        if let [only] = &folders[..] {
            let problem = format!("all images are of one class, {}, so there is nothing to tell apart", only.display());
            return Err(Error::file(root, problem, LAYOUT));
        }
        if let Some(name) = folders.iter().find(|name| name.to_string_lossy().chars().any(char::is_control)) {
            let problem =
                format!("the folder {name:?} is the name of a class, and holds a character that cannot be shown");
            return Err(Error::file(root, problem, "rename it"));
        }
        let classes = folders.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        let mut listing = Listing { folders, classes, files: Vec::new(), left_out };
        for (label, class) in (0..).zip(listing.folders.clone()) {
            let path = root.join(class);
            let (files, before) = (listing.files.len(), listing.left_out.len());
            let mut seen = HashSet::from_iter([root, &path].iter().filter_map(|path| path.canonicalize().ok()));
            listing.walk(&path, Path::new(""), label, &mut seen)?;
            if listing.files.len() == files {
                return Err(no_image(&path, &listing.left_out[before..]));
            }
        }
        Ok(listing)
    }

    /// Lists a folder within the folder of a class. `seen` are the folders that were entered, so that links cannot lead in
    /// circles.
    fn walk(&mut self, class: &Path, within: &Path, label: u16, seen: &mut HashSet<PathBuf>) -> Result<()> {
        for (name, kind) in entries(&class.join(within))? {
            let (below, path) = (within.join(&name), class.join(within).join(&name));
            let reason = match kind {
                _ if is_hidden(&name) => "it is hidden".into(),
                Err(problem) => problem,
                Ok(kind) if kind.is_dir() => match enter(&path, &below, seen) {
                    Some(reason) => reason,
                    None => {
                        self.walk(class, &below, label, seen)?;
                        continue;
                    }
                },
                Ok(kind) if !kind.is_file() => format!("it is {}", self::kind(kind)),
                Ok(_) if named_format(&path).is_some() => {
                    self.files.push((below.into(), label));
                    continue;
                }
                Ok(_) => "it is not named as a JPEG or PNG file".into(),
            };
            self.left_out.push(FileNote { path, reason });
        }
        Ok(())
    }
}

/// The images below any folder, and what is not read.
pub(in crate::data) fn images_below(root: &Path) -> Result<(Vec<PathBuf>, Vec<FileNote>)> {
    let mut listing = Listing { folders: Vec::new(), classes: Vec::new(), files: Vec::new(), left_out: Vec::new() };
    let mut seen = HashSet::from_iter(root.canonicalize().ok());
    listing.walk(root, Path::new(""), 0, &mut seen)?;
    Ok((listing.files.iter().map(|(path, _)| root.join(path)).collect(), listing.left_out))
}

/// Why a folder within a class is not entered, if it is not.
fn enter(path: &Path, below: &Path, seen: &mut HashSet<PathBuf>) -> Option<String> {
    if below.components().count() > DEEPEST {
        return Some(format!("it is more than {DEEPEST} folders deep"));
    }
    match path.canonicalize() {
        Ok(place) => (!seen.insert(place)).then(|| "it is a link to a folder that is listed already".into()),
        Err(error) => Some(error.to_string()),
    }
}

fn no_image(class: &Path, left_out: &[FileNote]) -> Error {
    let others = match left_out {
        [] => String::new(),
        [first, ..] => {
            let (count, name) = (left_out.len(), first.path.file_name().unwrap_or_default().to_string_lossy());
            format!(", but {count} other{} such as {name} ({})", if count == 1 { "" } else { "s" }, first.reason)
        }
    };
    Error::file(class, format!("there is no image in this class{others}"), LAYOUT)
}

/// The folders below a folder, in the order of their names, and all else that lies there.
pub(super) fn subfolders(folder: &Path) -> Result<(Vec<OsString>, Vec<FileNote>)> {
    let (mut folders, mut left_out) = (Vec::new(), Vec::new());
    for (name, kind) in entries(folder)? {
        let reason = match kind {
            _ if is_hidden(&name) => "it is hidden".into(),
            Ok(kind) if kind.is_dir() => {
                folders.push(name);
                continue;
            }
            Ok(_) => "it lies in no folder of a class".into(),
            Err(problem) => problem,
        };
        left_out.push(FileNote { path: folder.join(name), reason });
    }
    Ok((folders, left_out))
}

/// The names in a folder, sorted, each with its kind, links followed, or why that cannot be known.
fn entries(folder: &Path) -> Result<Vec<(OsString, std::result::Result<FileType, String>)>> {
    let wrong = |error| Error::file(folder, error, LAYOUT);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_symlink() => fs::metadata(entry.path())
                .map(|about| about.file_type())
                .map_err(|error| format!("it is a link that leads nowhere: {error}")),
            kind => kind.map_err(|error| error.to_string()),
        };
        entries.push((entry.file_name(), kind));
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(entries)
}

fn is_hidden(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// The format of an image by its name's ending.
pub(super) fn named_format(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_string_lossy().to_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" => Some(Format::Jpeg),
        "png" => Some(Format::Png),
        _ => None,
    }
}

/// What something is that is no file.
pub(super) fn kind(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a pipe, not a file";
        }
        if kind.is_socket() {
            return "a socket, not a file";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device, not a file";
        }
    }
    if kind.is_dir() { "a folder, not a file" } else { "not a file" }
}
