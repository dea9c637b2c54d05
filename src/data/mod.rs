//! Labelled images: where they come from and how they become batches. Knows tensors and random numbers; knows no
//! network and no training.

mod augment;
mod catalogue;
mod cifar;
mod dataset;
mod digits;
mod drawn;
mod findings;
mod folder;
mod grid;
mod gzip;
mod idx;
mod image;
mod image_file;
mod images;
mod info;
mod loader;
mod mat;
mod mnist;
mod normalise;
mod parallel;
mod progress;
#[cfg(test)]
mod samples;
mod sets;
mod shapes;
mod source;
mod split;
pub mod store;
mod svhn;
mod twice;

pub use augment::Augment;
pub use catalogue::{CATALOGUE, info, open, open_sized};
pub use cifar::{Cifar, read_cifar};
pub use dataset::{Dataset, FileNote};
pub use digits::{digits, digits_of};
pub use findings::{TestSet, findings};
pub use folder::{SIDE as FOLDER_SIDE, open_folder};
pub use grid::{write_grid, write_maps};
pub use idx::read_idx;
pub use image::decode_image;
pub use image_file::{ImageFile, image_files};
pub use images::Images;
pub use info::{Archive, Presence, SetInfo};
pub use loader::{Batch, Batches, Loader, Loading};
pub use mat::{MatArray, read_mat};
pub use normalise::Normalise;
pub use progress::Progress;
pub use sets::Sets;
pub use shapes::{shapes, shapes_of};
pub use split::stratified;
pub use svhn::read_svhn;
