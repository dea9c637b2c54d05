//! The rows of a run's metrics. What is written is read again, number for number, and so is what was read; half a line at
//! the end is left out.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::record::{EpochRow, Journal, Metric, Score, StepRow, current, read};
use evograd_fuzz::{expect_named, scratch, split_first, write};

#[derive(Arbitrary, Debug)]
struct Row<'a> {
    kind: u8,
    segment: u32,
    step: u64,
    epoch: u32,
    values: [u64; 5],
    split: &'a str,
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, rest) = split_first(data);
    if kind & 1 == 0 {
        let path = write("metrics.jsonl", rest);
        match read::<Metric>(&path) {
            Ok(rows) => expect_same(&rows, b""),
            Err(error) => expect_named(&error, &path),
        }
    } else if let Ok((rows, tail)) = <(Vec<Row>, &[u8])>::arbitrary_take_rest(Unstructured::new(rest)) {
        let rows: Vec<Metric> = rows.iter().map(Row::row).collect();
        let half: Vec<u8> = tail.iter().copied().filter(|byte| *byte != b'\n').collect();
        expect_same(&rows, &half);
    }
});

/// Rows, appended after half a line that a killed process has left, are read as they are.
fn expect_same(rows: &[Metric], half: &[u8]) {
    let path = write("again.jsonl", half);
    let mut journal = Journal::open(&path).expect("a file that can be written to");
    rows.iter().for_each(|row| journal.append(row).expect("a row of finite numbers"));
    let found = read::<Metric>(&path).expect("rows that were written");
    assert!(format!("{found:?}") == format!("{rows:?}"), "{found:?}, not {rows:?}");
    let counted = current(found);
    assert_eq!(current(counted.clone()), counted, "what counts still counts");
    assert!(scratch("again.jsonl").is_file());
}

/// A finite number of these bits.
fn number(bits: u64) -> f64 {
    let value = f64::from_bits(bits);
    if value.is_finite() { value } else { bits as f64 }
}

impl Row<'_> {
    fn row(&self) -> Metric {
        let Row { segment, step, epoch, .. } = *self;
        let [loss, accuracy, rate, gradient_norm, images_per_second] = self.values.map(number);
        let score = Score { split: self.split.into(), pictures: step as usize, loss, accuracy };
        match self.kind % 3 {
            0 => Metric::Step(StepRow { segment, step, epoch, loss, accuracy, rate, gradient_norm, images_per_second }),
            1 => Metric::Epoch(EpochRow {
                segment,
                step,
                epoch,
                loss,
                accuracy,
                held_out: Some(score),
                seconds: rate,
                images_per_second,
            }),
            _ => Metric::Test(score),
        }
    }
}
