//! Files of CIFAR-10 and CIFAR-100. The input says labels, one value that fills the pixels, and what the file has too much
//! or too little of.
#![no_main]

use arbitrary::Arbitrary;
use evograd::data::{Cifar, Dataset, Images, read_cifar};
use evograd_fuzz::{expect_named, write};

const PIXELS: usize = 3 * 32 * 32;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    hundred: bool,
    labels: Vec<[u8; 2]>,
    first: u8,
    missing: u8,
    more: &'a [u8],
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let Input { hundred, labels, first, missing, more } = input;
    let labels = &labels[..labels.len().min(8)];
    let mut file = Vec::new();
    for (number, pair) in labels.iter().enumerate() {
        file.extend_from_slice(if hundred { pair } else { &pair[1..] });
        file.extend(pixels(first, number));
    }
    file.truncate(file.len().saturating_sub(missing.into()));
    file.extend_from_slice(more);
    let path = write("records.bin", &file);
    let read = read_cifar(&path, if hundred { Cifar::Hundred } else { Cifar::Ten });
    match &read {
        Err(error) => expect_named(error, &path),
        Ok(set) => expect_same(set, &file, hundred),
    }
    let record = PIXELS + 1 + usize::from(hundred);
    let limits = if hundred { &[20, 100][..] } else { &[10] };
    let fits = |record: &[u8]| record.iter().zip(limits).all(|(label, limit)| label < limit);
    let right = !file.is_empty() && file.len() % record == 0 && file.chunks(record).all(fits);
    assert_eq!(read.is_ok(), right, "{read:?}");
});

fn pixels(first: u8, number: usize) -> impl Iterator<Item = u8> {
    (0..PIXELS).map(move |place| first.wrapping_add((place + number) as u8))
}

fn expect_same(set: &Images, file: &[u8], hundred: bool) {
    let head = 1 + usize::from(hundred);
    assert_eq!(set.classes().len(), if hundred { 100 } else { 10 });
    for (index, record) in file.chunks(head + PIXELS).enumerate() {
        let mut found = [0; PIXELS];
        set.read(index, &mut found).expect("an image in memory");
        assert_eq!((&found[..], set.label(index)), (&record[head..], usize::from(record[head - 1])));
    }
}
