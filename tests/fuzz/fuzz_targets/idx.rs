//! IDX files, plain and compressed, alone and as the four files of MNIST. What is right is decided here a second time, naively.
#![no_main]

use evograd::data::{Dataset, info, read_idx};
use evograd_fuzz::{expect_helpful, expect_named, packed, scratch, split_first, write_to};
use std::path::PathBuf;
use std::sync::LazyLock;

const AREA: usize = 28 * 28;

/// The folder, whose test set is whole.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = scratch("mnist");
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    write_to(&folder.join("t10k-images-idx3-ubyte.gz"), &idx(&[1, 28, 28], &[7; AREA]));
    write_to(&folder.join("t10k-labels-idx1-ubyte.gz"), &idx(&[1], &[9]));
    folder
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (how, data) = split_first(data);
    match how & 7 {
        0 => expect_set(data, how / 4, true),
        1 => expect_set(data, how / 4, false),
        2..=4 => expect_bytes::<3>(data, how / 8),
        _ => expect_bytes::<1>(data, how / 8),
    }
});

/// One file, given as bytes.
fn expect_bytes<const D: usize>(data: &[u8], how: u8) {
    const MOST: usize = 1000;
    let (file, whole) = packed(data, how);
    let expected = content::<D>(data).filter(|(sizes, _)| sizes[0] <= MOST as u64);
    match read_idx::<D>(&file, MOST) {
        Ok((sizes, bytes)) if whole => {
            let sizes = sizes.map(|size| size as u64);
            assert_eq!(Some((sizes, &bytes[..])), expected);
        }
        // What begins like a compressed file may be one.
        Ok(_) => assert!(data.starts_with(&[0x1f, 0x8b]), "a broken file was taken"),
        Err(error) => {
            expect_helpful(&error);
            assert!(expected.is_none() || !whole, "a whole file was refused: {error}");
        }
    }
}

/// The first of the files of MNIST, or the second, with others that fit.
fn expect_set(data: &[u8], how: u8, images: bool) {
    let (images, labels) = if images {
        let count = data.get(4..8).map_or(1, |word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        let count = count.clamp(1, 64);
        (data.to_vec(), idx(&[count], &vec![3; count as usize]))
    } else {
        (idx(&[2, 28, 28], &[5; 2 * AREA]), data.to_vec())
    };
    let names = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"];
    let paths = names.map(|name| FOLDER.join(name));
    let given = |bytes: &[u8], path: &PathBuf| {
        let (bytes, whole) = packed(bytes, how);
        write_to(path, &bytes);
        whole
    };
    let whole = given(&images, &paths[0]) & given(&labels, &paths[1]);
    let read = (info("mnist").expect("a row of the catalogue").open)(&FOLDER);
    let expected = content::<3>(&images)
        .zip(content::<1>(&labels))
        .filter(|((sizes, _), ([count], marks))| sizes == &[*count, 28, 28] && marks.iter().all(|label| *label < 10));
    match (read, expected) {
        (Ok(sets), Some(((_, pixels), (_, marks)))) if whole => expect_same(&*sets.train, pixels, marks),
        // What begins like a compressed file may be one.
        (Ok(_), _) if data.starts_with(&[0x1f, 0x8b]) => {}
        (Ok(_), _) => panic!("a broken file was taken"),
        (Err(error), None) => expect_named(&error, &FOLDER),
        (Err(error), Some(_)) if whole => panic!("a whole file was refused: {error}"),
        (Err(error), Some(_)) => expect_named(&error, &FOLDER),
    }
}

fn expect_same(set: &dyn Dataset, pixels: &[u8], labels: &[u8]) {
    assert_eq!(set.len(), labels.len());
    for (index, expected) in pixels.chunks(AREA).enumerate() {
        let mut found = [0; AREA];
        set.read(index, &mut found).expect("an image in memory");
        assert_eq!((&found[..], set.label(index)), (expected, usize::from(labels[index])));
    }
}

fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let head = sizes.iter().flat_map(|size| size.to_be_bytes());
    [0, 0, 8, sizes.len() as u8].into_iter().chain(head).chain(bytes.iter().copied()).collect()
}

/// The sizes and the bytes of a file that is not compressed and right.
fn content<const D: usize>(file: &[u8]) -> Option<([u64; D], &[u8])> {
    let (head, bytes) = file.split_at_checked(4 + 4 * D)?;
    let sizes: Vec<u64> = head[4..].chunks(4).map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]).into()).collect();
    let right = head[..4] == [0, 0, 8, D as u8] && sizes.iter().all(|size| *size > 0);
    let count = sizes.iter().try_fold(1_u64, |product, size| product.checked_mul(*size));
    (right && count == Some(bytes.len() as u64)).then(|| (sizes.try_into().expect("D sizes"), bytes))
}
