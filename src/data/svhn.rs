//! Street View House Numbers, cropped digits (Netzer, Wang, Coates, Bissacco, Wu, Ng, 2011). Knows what the two files
//! hold; how a MATLAB file is built, [`mat`](super::mat) knows.
//!
//! `X` is `[32, 32, 3, N]` of whole numbers up to 255, usually unsigned bytes, the first axis running fastest, so an image is 3072 bytes in a row, each
//! plane column by column. `y` is `[N, 1]`, and says 10 for the digit 0.

use super::info::{Archive, DIGITS, SetInfo};
use super::mat::{self, Array};
use super::source::Source;
use super::{Augment, Images, Sets};
use crate::error::{Error, Result};
use crate::reserve::{self, reserve};
use std::path::Path;
use std::sync::Arc;

const SIDE: usize = 32;
const PIXELS: usize = 3 * SIDE * SIDE;
/// The most images in a file: the training set with the additional one that is published beside it.
const MOST: u32 = 73_257 + 531_131;
const FILES: [&str; 2] = ["train_32x32.mat", "test_32x32.mat"];

/// The row of SVHN in the catalogue.
pub(super) const SVHN: SetInfo = SetInfo {
    name: "svhn",
    summary: "SVHN: digits of house numbers, photographed from the street",
    classes: Some(10),
    shape: Some([3, SIDE, SIDE]),
    counts: Some([73_257, 26_032]),
    augment: Augment { crop: 2, flip: false, cutout: 0 },
    licence: "non-commercial use only",
    mirrors: &["http://ufldl.stanford.edu/housenumbers"],
    archives: &[
        Archive {
            file: FILES[0],
            bytes: Some(182_040_794),
            sha256: Some("435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8"),
        },
        Archive {
            file: FILES[1],
            bytes: Some(64_275_384),
            sha256: Some("cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b"),
        },
    ],
    folder: None,
    files: &FILES,
    open,
    loose: |_| true,
};

fn open(folder: &Path) -> Result<Sets> {
    let read = |file: &str| read(&Source::new(folder.join(file), SVHN.name)).map(Arc::new);
    // Unpacking takes seconds, so the two files are read at the same time.
    std::thread::scope(|threads| {
        let test = std::thread::Builder::new().spawn_scoped(threads, || read(FILES[1]));
        let train = read(FILES[0])?;
        let test = match test {
            Ok(test) => test.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // Where the system refuses a thread, one file is read after the other.
            Err(_) => read(FILES[1]),
        };
        Ok(Sets { train, test: test? })
    })
}

/// The images of one file of SVHN: a MATLAB file of version 5 with `X` `[32, 32, 3, N]` and `y` `[N, 1]`.
///
/// # Errors
/// When the file cannot be read, is no such file, or does not hold both arrays, once each and of one length.
pub fn read_svhn(path: &Path) -> Result<Images> {
    read(&Source::new(path, SVHN.name))
}

fn read(source: &Source) -> Result<Images> {
    let mut images: Option<(usize, Vec<u8>)> = None;
    let mut labels: Option<Vec<u16>> = None;
    mat::read(source, |array, data| {
        match array.name.as_str() {
            "X" if images.is_none() => images = Some(read_images(source, array, data)?),
            "y" if labels.is_none() => labels = Some(read_labels(source, array, data)?),
            "X" | "y" => return Err(source.wrong(format!("it holds {} twice", array.name))),
            _ => {}
        }
        Ok(())
    })?;
    let (count, bytes) = images.ok_or_else(|| source.wrong("it does not hold X, the images"))?;
    let labels = labels.ok_or_else(|| source.wrong("it does not hold y, the labels"))?;
    if labels.len() != count {
        return Err(source.wrong(format!("it has {} labels, expected {count} as it has images", labels.len())));
    }
    Images::new([3, SIDE, SIDE], &DIGITS, bytes, labels)
}

/// Reads image by image, and turns each plane so that rows come first.
fn read_images(source: &Source, array: &Array, data: &mut mat::Data) -> Result<(usize, Vec<u8>)> {
    let &[32, 32, 3, count] = array.sizes.as_slice() else {
        return Err(source.wrong(format!("X has the sizes {:?}, expected [32, 32, 3, N]", array.sizes)));
    };
    expect_numbers(source, array)?;
    if !(1..=MOST).contains(&count) {
        return Err(source.wrong(format!("X has {count} images, expected 1 to {MOST}")));
    }
    let mut bytes = Vec::new();
    let mut columns = [0; PIXELS];
    for number in 0..count {
        if array.is_bytes() {
            data.fill(&mut columns, format_args!("image {number} of {count}"))?;
        } else {
            columns.iter_mut().try_for_each(|byte| {
                *byte = byte_of(source, data, number)?;
                Ok::<(), Error>(())
            })?;
        }
        reserve(&mut bytes, PIXELS).map_err(|refused| source.refused(refused))?;
        for plane in columns.chunks_exact(SIDE * SIDE) {
            (0..SIDE).for_each(|y| bytes.extend(plane[y..].iter().step_by(SIDE)));
        }
    }
    bytes.shrink_to_fit();
    Ok((count as usize, bytes))
}

fn expect_numbers(source: &Source, array: &Array) -> Result<()> {
    match array.other {
        None => Ok(()),
        Some(other) => Err(source.wrong(format!("{} holds {other}, expected numbers", array.name))),
    }
}

/// The next value of image `number`, which has to be a byte.
fn byte_of(source: &Source, data: &mut mat::Data, number: u32) -> Result<u8> {
    let value = data.number(format_args!("image {number}"))?;
    let byte = value as u8;
    if f64::from(byte) == value {
        return Ok(byte);
    }
    Err(source.wrong(format!("image {number} holds {value}, expected whole numbers from 0 to 255")))
}

fn read_labels(source: &Source, array: &Array, data: &mut mat::Data) -> Result<Vec<u16>> {
    expect_numbers(source, array)?;
    let count: u64 = match *array.sizes.as_slice() {
        [count, 1] | [1, count] if count <= MOST => count.into(),
        _ => return Err(source.wrong(format!("y has the sizes {:?}, expected [N, 1]", array.sizes))),
    };
    let mut labels = reserve::with_room(count as usize).map_err(|refused| source.refused(refused))?;
    for number in 0..count {
        let label = data.number(format_args!("label {number} of {count}"))?;
        let Some(digit) = (1..=10_u16).find(|&digit| f64::from(digit) == label) else {
            return Err(source.wrong(format!("label {number} is {label}, expected a whole number from 1 to 10")));
        };
        labels.push(digit % 10);
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::samples::{mat as file, mat_array as array, mat_compressed as compressed};
    use crate::data::source::anew;
    use proptest::prelude::*;
    use std::fs;

    /// The byte at row `y`, column `x` of plane `c` of image `n`.
    fn pixel(n: usize, c: usize, y: usize, x: usize) -> u8 {
        (n * 101 + c * 67 + y * 5 + x) as u8
    }

    /// `X` as MATLAB has it: the row runs fastest, then the column, the plane, the image.
    fn columns(count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for n in 0..count {
            for c in 0..3 {
                for x in 0..32 {
                    (0..32).for_each(|y| bytes.push(pixel(n, c, y, x)));
                }
            }
        }
        bytes
    }

    fn x(count: usize) -> Vec<u8> {
        array(9, &[32, 32, 3, count as i32], "X", 2, &columns(count))
    }

    fn y(labels: &[u8]) -> Vec<u8> {
        array(6, &[labels.len() as i32, 1], "y", 2, labels)
    }

    fn parsed(bytes: &[u8]) -> std::result::Result<Images, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mat");
        fs::write(&path, bytes).unwrap();
        let remedy = format!("; {}", anew("svhn"));
        read(&Source::new(&path, "svhn")).map_err(|error| {
            let text = error.to_string();
            text.strip_prefix(&format!("{}: ", path.display())).unwrap().strip_suffix(&remedy).unwrap().to_string()
        })
    }

    #[test]
    fn images_are_turned_and_10_is_0() {
        use super::super::Dataset;
        let plain = file(&[x(2), y(&[10, 7])]);
        let packed = file(&[compressed(&x(2)), compressed(&y(&[10, 7]))]);
        let other_order = file(&[compressed(&y(&[10, 7])), compressed(&x(2))]);
        for bytes in [plain, packed, other_order] {
            let images = parsed(&bytes).unwrap();
            assert_eq!([images.len(), images.label(0), images.label(1)], [2, 0, 7]);
            let mut image = vec![0; PIXELS];
            images.read(1, &mut image).unwrap();
            for (c, y, x) in [(0, 0, 0), (0, 0, 9), (1, 4, 0), (2, 31, 17)] {
                assert_eq!(image[(c * 32 + y) * 32 + x], pixel(1, c, y, x), "{c} {y} {x}");
            }
        }
    }

    /// Images and labels in any kind of numbers, beside arrays that nobody asked for.
    #[test]
    fn images_may_be_stored_as_any_numbers() {
        let plain = parsed(&file(&[x(2), y(&[10, 7])])).unwrap();
        let wide: Vec<u8> = columns(2).iter().flat_map(|&byte| u64::from(byte).to_le_bytes()).collect();
        let floats: Vec<u8> = columns(2).iter().flat_map(|&byte| f32::from(byte).to_le_bytes()).collect();
        let labels: Vec<u8> = [10_i64, 7].iter().flat_map(|label| label.to_le_bytes()).collect();
        let text = array(4, &[1, 4], "note", 4, &[b'a', 0, b'b', 0, b'c', 0, b'd', 0]);
        for (class, stored, data) in [(15, 13, &wide), (7, 7, &floats)] {
            let x = array(class, &[32, 32, 3, 2], "X", stored, data);
            let y = array(14, &[2, 1], "y", 12, &labels);
            assert_eq!(parsed(&file(&[text.clone(), y.clone(), compressed(&text), compressed(&x)])).unwrap(), plain);
        }
    }

    #[test]
    fn labels_may_be_stored_as_doubles() {
        use super::super::Dataset;
        let doubles: Vec<u8> = [3.0_f64, 10.0].iter().flat_map(|label| label.to_le_bytes()).collect();
        let labels = array(6, &[1, 2], "y", 9, &doubles);
        let images = parsed(&file(&[labels, x(2)])).unwrap();
        assert_eq!([images.label(0), images.label(1)], [3, 0]);
    }

    #[test]
    fn what_is_no_svhn_is_reported() {
        let table = [
            (file(&[x(2)]), "it does not hold y, the labels"),
            (file(&[y(&[1])]), "it does not hold X, the images"),
            (file(&[x(1), x(1), y(&[1])]), "it holds X twice"),
            (file(&[x(2), y(&[1])]), "it has 1 labels, expected 2 as it has images"),
            (file(&[x(1), y(&[0])]), "label 0 is 0, expected a whole number from 1 to 10"),
            (file(&[x(1), compressed(&y(&[11]))]), "label 0 is 11, expected a whole number from 1 to 10"),
            (
                file(&[array(9, &[32, 31, 3, 1], "X", 2, &[0; 32 * 31 * 3]), y(&[1])]),
                "X has the sizes [32, 31, 3, 1], expected [32, 32, 3, N]",
            ),
            (file(&[x(1), array(9, &[1, 1, 1], "y", 2, &[1])]), "y has the sizes [1, 1, 1], expected [N, 1]"),
            (
                file(&[array(8, &[32, 32, 3, 1], "X", 1, &[255; PIXELS]), y(&[1])]),
                "image 0 holds -1, expected whole numbers from 0 to 255",
            ),
            (file(&[array(4, &[32, 32, 3, 1], "X", 1, &[0; PIXELS]), y(&[1])]), "X holds text, expected numbers"),
            (file(&[x(1), array(4, &[1, 1], "y", 16, b"7")]), "y holds text, expected numbers"),
            (
                file(&[array(9, &[32, 32, 3, 700_000], "X", 13, &[0; 8]), y(&[1])]),
                "X has 8 bytes of data, expected 17203200000 for its sizes [32, 32, 3, 700000]",
            ),
            (
                file(&[array(9, &[32, 32, 3, i32::MAX], "X", 2, &[0; 5000]), y(&[1])]),
                "X has 5000 bytes of data, expected 6597069763584 for its sizes [32, 32, 3, 2147483647]",
            ),
        ];
        for (bytes, problem) in table {
            assert_eq!(parsed(&bytes), Err(problem.to_string()));
        }
    }

    #[test]
    fn every_cut_is_reported() {
        for whole in [file(&[x(1), y(&[1])]), file(&[compressed(&x(1)), compressed(&y(&[1]))])] {
            for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
                assert!(parsed(&whole[..length]).is_err(), "{length} of {}", whole.len());
            }
            let mut long = whole.clone();
            long.push(0);
            assert_eq!(parsed(&long), Err("it is cut short: it ends within the tag of an element".into()));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), places in prop::collection::vec((0..400_usize, any::<u8>()), 1..4)) {
            let _ = parsed(&bytes);
            let _ = parsed(&file(std::slice::from_ref(&bytes)));
            for whole in [file(&[y(&[1]), x(1)]), file(&[compressed(&y(&[1])), compressed(&x(1))])] {
                let mut changed = whole;
                places.iter().for_each(|&(place, byte)| { let at = place % changed.len(); changed[at] = byte; });
                let _ = parsed(&changed);
            }
            let mut inner = y(&[1]);
            places.iter().for_each(|&(place, byte)| { let at = place % inner.len(); inner[at] = byte; });
            let _ = parsed(&file(&[x(1), compressed(&inner)]));
        }
    }
}
