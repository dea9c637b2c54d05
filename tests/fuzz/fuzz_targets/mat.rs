//! MATLAB files of version 5 as SVHN has them. The input says elements, which may be nested wrongly, compressed or cut;
//! where they are a whole set, every value is compared.
#![no_main]

use arbitrary::Arbitrary;
use evograd::data::{Dataset, read_mat, read_svhn};
use evograd_fuzz::{expect_helpful, expect_named, write, zlib};

const PIXELS: usize = 3 * 32 * 32;

#[derive(Arbitrary, Debug)]
enum Element<'a> {
    /// `X` of so many images.
    Images { count: u8, first: u8, compressed: bool },
    /// `y`, stored in one of the ways that the format has for numbers.
    Labels { labels: Vec<u8>, stored: u8, row: bool, compressed: bool },
    /// An array of anything.
    Array { class: u8, sizes: Vec<u32>, name: &'a [u8], stored: u8, data: &'a [u8], compressed: bool },
    /// A tag and what follows.
    Tagged { kind: u32, length: u32, data: &'a [u8] },
    /// Bytes.
    Bytes(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    header: Option<&'a [u8]>,
    elements: Vec<Element<'a>>,
    missing: u8,
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let mut file = vec![b' '; 124];
    file.extend([0, 1, b'I', b'M']);
    if let Some(header) = input.header {
        file.iter_mut().zip(header).for_each(|(old, new)| *old = *new);
    }
    input.elements.iter().take(6).for_each(|element| file.extend(element.bytes()));
    let missing = usize::from(input.missing).min(file.len());
    file.truncate(file.len() - missing);
    let path = write("set.mat", &file);
    let read = read_svhn(&path);
    if let Err(error) = &read {
        expect_named(error, &path);
    }
    match read_mat(&file) {
        Ok(arrays) => {
            let count = |sizes: &[u32]| sizes.iter().map(|size| u64::from(*size)).product::<u64>();
            assert!(arrays.iter().all(|array| count(&array.sizes) == array.values.len() as u64), "{arrays:?}");
        }
        Err(error) => {
            expect_helpful(&error);
            assert!(read.is_err(), "a set whose file is broken: {error}");
        }
    }
    if missing == 0 && input.header.is_none() {
        if let Some((count, first, digits)) = input.expected() {
            let set = read.expect("a whole set is read");
            assert_eq!(set.len(), count);
            for (index, digit) in digits.iter().enumerate() {
                let mut found = [0; PIXELS];
                set.read(index, &mut found).expect("an image in memory");
                assert_eq!(set.label(index), usize::from(digit % 10));
                let place = |c: usize, y: usize, x: usize| found[c * 1024 + y * 32 + x];
                for (c, y, x) in [(0, 0, 0), (0, 1, 0), (0, 0, 1), (2, 31, 7), (1, 5, 30)] {
                    let stored = index * PIXELS + c * 1024 + x * 32 + y;
                    assert_eq!(place(c, y, x), first.wrapping_add(stored as u8).wrapping_mul(3));
                }
            }
        }
    }
});

impl Input<'_> {
    /// The number of images, their first byte, and the labels, where there is one array of each that fit together.
    fn expected(&self) -> Option<(usize, u8, &[u8])> {
        match self.elements.as_slice() {
            [Element::Images { count, first, .. }, Element::Labels { labels, .. }]
            | [Element::Labels { labels, .. }, Element::Images { count, first, .. }] => {
                let count = usize::from(*count % 4);
                let right = count > 0 && labels.len() == count && labels.iter().all(|label| (1..=10).contains(label));
                right.then_some((count, *first, labels))
            }
            _ => None,
        }
    }
}

impl Element<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Element::Images { count, first, compressed } => {
                let count = u32::from(*count % 4);
                let byte = |stored: usize| first.wrapping_add(stored as u8).wrapping_mul(3);
                let data: Vec<u8> = (0..PIXELS * count as usize).map(byte).collect();
                array(9, &[32, 32, 3, count], b"X", 2, &data, *compressed)
            }
            Element::Labels { labels, stored, row, compressed } => {
                let (class, kind, data) = numbers(labels, *stored);
                let count = labels.len() as u32;
                array(class, &if *row { [1, count] } else { [count, 1] }, b"y", kind, &data, *compressed)
            }
            Element::Array { class, sizes, name, stored, data, compressed } => {
                array(*class, sizes, name, (*stored).into(), data, *compressed)
            }
            Element::Tagged { kind, length, data } => [&tag(*kind % 20, *length)[..], data].concat(),
            Element::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// The class, the type and the bytes of some labels in one of the ten ways that the format has.
fn numbers(labels: &[u8], way: u8) -> (u8, u32, Vec<u8>) {
    fn each<const N: usize>(labels: &[u8], bytes: impl Fn(u8) -> [u8; N]) -> Vec<u8> {
        labels.iter().flat_map(|label| bytes(*label)).collect()
    }
    match way % 10 {
        0 => (9, 2, labels.to_vec()),
        1 => (8, 1, labels.to_vec()),
        2 => (10, 3, each(labels, |label| i16::from(label).to_le_bytes())),
        3 => (11, 4, each(labels, |label| u16::from(label).to_le_bytes())),
        4 => (12, 5, each(labels, |label| i32::from(label).to_le_bytes())),
        5 => (13, 6, each(labels, |label| u32::from(label).to_le_bytes())),
        6 => (7, 7, each(labels, |label| f32::from(label).to_le_bytes())),
        7 => (6, 9, each(labels, |label| f64::from(label).to_le_bytes())),
        8 => (14, 12, each(labels, |label| i64::from(label).to_le_bytes())),
        _ => (15, 13, each(labels, |label| u64::from(label).to_le_bytes())),
    }
}

fn tag(kind: u32, length: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&kind.to_le_bytes());
    bytes[4..].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = [&tag(kind, data.len() as u32)[..], data].concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn array(class: u8, sizes: &[u32], name: &[u8], stored: u32, data: &[u8], compressed: bool) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_le_bytes()).collect();
    let flags = [class, 0, 0, 0, 0, 0, 0, 0];
    let parts = [element(6, &flags), element(5, &sizes), element(1, name), element(stored, data)];
    let whole = element(14, &parts.concat());
    if !compressed {
        return whole;
    }
    let data = zlib(&whole);
    [&tag(15, data.len() as u32)[..], &data].concat()
}
