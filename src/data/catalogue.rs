//! Every data set that is known by name.

use super::info::SetInfo;
use super::{Sets, cifar, digits, folder, mnist, shapes, svhn};
use crate::error::{Error, Result};
use std::path::Path;

/// All data sets, in the order in which they are shown. A new one is a row of its own file and a line here.
pub const CATALOGUE: &[SetInfo] = &[
    cifar::CIFAR10,
    cifar::CIFAR100,
    mnist::MNIST,
    mnist::FASHION_MNIST,
    svhn::SVHN,
    folder::FOLDER,
    shapes::SHAPES,
    digits::DIGITS,
];

/// The row of a data set.
///
/// ```
/// assert_eq!(evograd::data::info("cifar10")?.classes, Some(10));
/// let error = evograd::data::info("cifar11").unwrap_err().to_string();
/// assert!(error.starts_with("data: there is no data set cifar11; choose one of cifar10, cifar100, mnist"));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there is none of that name.
pub fn info(name: &str) -> Result<&'static SetInfo> {
    CATALOGUE.iter().find(|info| info.name == name).ok_or_else(|| {
        let names: Vec<&str> = CATALOGUE.iter().map(|info| info.name).collect();
        let remedy = format!("choose one of {}", names.join(", "));
        Error::op("data", format!("there is no data set {name}"), &[], remedy)
    })
}

/// Opens a data set by its name, and checks its files whole.
///
/// It is looked for in `data_dir/name` and in `data_dir` itself, and first in the folder of the official archive within
/// each.
///
/// ```
/// let nothing_here = std::path::Path::new("no-such-folder");
/// let error = evograd::data::open("cifar10", nothing_here).err().unwrap().to_string();
/// assert!(error.contains("`evograd data import cifar10 --from PATH`, or name the folder that holds it"));
/// ```
///
/// # Errors
/// When there is no such set, its files are not there, or one of them is not what it should be.
pub fn open(name: &str, data_dir: &Path) -> Result<Sets> {
    let info = info(name)?;
    (info.open)(&info.locate(data_dir)?)
}

/// As [`open`], where images of folders are scaled to `side` rows and columns; 224 where none are asked for.
///
/// # Errors
/// As [`open`]; and when the images of the set have a size of their own.
pub fn open_sized(name: &str, data_dir: &Path, side: Option<usize>) -> Result<Sets> {
    let Some(side) = side else { return open(name, data_dir) };
    let info = info(name)?;
    if info.shape.is_some() {
        let problem = format!("images of {side}×{side} were asked for, and those of {name} have a size of their own");
        return Err(Error::op("data", problem, &[], "leave out data.size, which is for folders of images"));
    }
    folder::open_folder(&info.locate(data_dir)?, side)
}
