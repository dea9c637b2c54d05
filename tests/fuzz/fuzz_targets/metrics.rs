//! The rows of a run's metrics. What is written is read again, number for number, and so is what was read; half a line at
//! the end is left out.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::record::{EpochRow, Journal, Metric, Score, StepRow, current, read};
use evograd_fuzz::{expect_helpful, expect_named, split_first, write};

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
        let (rows, odd): (Vec<Metric>, Vec<Metric>) = rows.into_iter().partition(is_finite);
        expect_refused(&odd);
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
}

/// JSON has no word for numbers that are not finite, so rows with one are refused, and the file stays as it was.
fn expect_refused(rows: &[Metric]) {
    let path = write("odd.jsonl", b"");
    let mut journal = Journal::open(&path).expect("a file that can be written to");
    for row in rows {
        expect_helpful(&journal.append(row).expect_err("a row that cannot be read again"));
    }
    assert_eq!(read::<Metric>(&path), Ok(Vec::new()));
}

fn is_finite(row: &Metric) -> bool {
    let score = |score: &Score| score.loss.is_finite() && score.accuracy.is_finite();
    let all = |values: &[f64]| values.iter().all(|value| value.is_finite());
    match row {
        Metric::Step(row) => all(&[row.loss, row.accuracy, row.rate, row.gradient_norm, row.images_per_second]),
        Metric::Epoch(row) => {
            let held_out = row.held_out.as_ref().is_none_or(score);
            held_out && all(&[row.loss, row.accuracy, row.seconds, row.images_per_second])
        }
        Metric::Test(row) => score(row),
    }
}

impl Row<'_> {
    fn row(&self) -> Metric {
        let Row { segment, step, epoch, .. } = *self;
        let [loss, accuracy, rate, gradient_norm, images_per_second] = self.values.map(f64::from_bits);
        let score = Score { split: self.split.into(), images: step as usize, loss, accuracy };
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
