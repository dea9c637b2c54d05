//! Small files of each format, written by the formats' descriptions, for tests.

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::fs;
use std::io::Write;
use std::path::Path;

#[cfg(feature = "download")]
pub mod server;

/// A file of IDX, written by its description.
pub fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn mat_element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

/// An array of a class, stored in some way, as the format's description has it. A short name stands within its tag.
pub fn mat_array(class: u8, sizes: &[i32], name: &str, stored: u32, data: &[u8]) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
    let mut short = vec![1, 0, name.len() as u8, 0];
    short.extend(name.as_bytes());
    short.resize(8, 0);
    let name = if name.len() <= 4 { short } else { mat_element(1, name.as_bytes()) };
    let parts =
        [mat_element(6, &[class, 0, 0, 0, 0, 0, 0, 0]), mat_element(5, &sizes), name, mat_element(stored, data)];
    mat_element(14, &parts.concat())
}

pub fn mat_compressed(element: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(element).unwrap();
    let data = encoder.finish().unwrap();
    [&15_u32.to_le_bytes(), &(data.len() as u32).to_le_bytes(), data.as_slice()].concat()
}

pub fn mat(elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![b' '; 124];
    bytes.extend([0, 1, b'I', b'M']);
    elements.iter().for_each(|element| bytes.extend(element));
    bytes
}

/// Writes the files of MNIST, with `train` and `test` images; image `i` is filled with `i`, its label is `i % 10`.
pub fn mnist(folder: &Path, train: u32, test: u32) {
    for (name, count) in [("train", train), ("t10k", test)] {
        let pixels: Vec<u8> = (0..count).flat_map(|i| [i as u8; 28 * 28]).collect();
        let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
        fs::write(folder.join(format!("{name}-images-idx3-ubyte.gz")), gzip(&idx(&[count, 28, 28], &pixels))).unwrap();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte.gz")), gzip(&idx(&[count], &labels))).unwrap();
    }
}
