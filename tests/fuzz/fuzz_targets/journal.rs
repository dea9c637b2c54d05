//! The journal of a search. Its rows and checksums are written here by the format's description; then a byte is changed,
//! put in or taken out, or the end is lost: what is read are the rows that were written, or the first of them.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use evograd::record::{AnswerRow, BeginRow, EvaluationRow, GenerationRow, IndividualRow, LeaderRow, SearchRow};
use evograd::search::read_journal;
use evograd_fuzz::{expect_named, split_first, write};
use sha2::{Digest, Sha256};

#[derive(Arbitrary, Debug)]
enum Row<'a> {
    Begin { text: &'a str, isa: Option<&'a str>, sums: [Option<&'a str>; 2] },
    Evaluation { code: &'a str, numbers: [u32; 3], values: [u64; 3], diverged: Option<&'a str>, loss: Option<u64> },
    Answer { codes: [&'a str; 2], values: [u64; 4], counts: (u32, u32, u16), certainty: Option<u64> },
    Generation { number: u32, individuals: Vec<(&'a str, u64, Vec<u16>)>, idle: Option<u64> },
}

#[derive(Arbitrary, Debug)]
enum Harm {
    None,
    Change { place: u16, byte: u8 },
    Insert { place: u16, byte: u8 },
    Remove { place: u16 },
    Cut { place: u16 },
    Swap,
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (kind, rest) = split_first(data);
    if kind & 1 == 0 {
        let path = write("journal.jsonl", rest);
        if let Err(error) = read_journal(&path) {
            expect_named(&error, &path);
        }
    } else if let Ok((harm, rows)) = <(Harm, Vec<Row>)>::arbitrary_take_rest(Unstructured::new(rest)) {
        expect_rows(&rows.iter().map(Row::row).collect::<Vec<_>>(), harm);
    }
});

fn expect_rows(rows: &[SearchRow], harm: Harm) {
    let mut file = written(rows);
    let untouched = harmed(&mut file, harm);
    let path = write("journal.jsonl", &file);
    match read_journal(&path) {
        Ok(found) => {
            assert!(found.len() <= rows.len() && found.iter().zip(rows).all(|(a, b)| a == b), "{found:?} of {rows:?}");
            assert!(!untouched || found.len() == rows.len());
        }
        Err(error) => {
            assert!(!untouched, "an untouched journal: {error}");
            expect_named(&error, &path);
        }
    }
}

/// Does the harm; whether there was none.
fn harmed(file: &mut Vec<u8>, harm: Harm) -> bool {
    let before = file.clone();
    let place = |place: u16, end: usize| usize::from(place) % end.max(1);
    match harm {
        Harm::None => {}
        Harm::Change { place: at, byte } if !file.is_empty() => {
            let at = place(at, file.len());
            file[at] = byte;
        }
        Harm::Insert { place: at, byte } => file.insert(place(at, file.len() + 1), byte),
        Harm::Remove { place: at } if !file.is_empty() => drop(file.remove(place(at, file.len()))),
        Harm::Cut { place: at } => file.truncate(place(at, file.len() + 1)),
        Harm::Swap => {
            let mut lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
            lines.reverse();
            *file = lines.concat();
        }
        Harm::Change { .. } | Harm::Remove { .. } => {}
    }
    *file == before
}

/// Each row's JSON with, at its end, the first 16 hexadecimal digits of the sha256 of the check before and the row.
fn written(rows: &[SearchRow]) -> Vec<u8> {
    let (mut file, mut check) = (String::new(), String::new());
    for row in rows {
        let text = serde_json::to_string(row).expect("a row is plain data");
        let hash = Sha256::new().chain_update(&check).chain_update(&text).finalize();
        check = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        file += &format!("{},\"check\":\"{check}\"}}\n", text.strip_suffix('}').expect("an object"));
    }
    file.into_bytes()
}

/// A finite number of these bits.
fn number(bits: u64) -> f64 {
    let value = f64::from_bits(bits);
    if value.is_finite() { value } else { bits as f64 }
}

impl Row<'_> {
    fn row(&self) -> SearchRow {
        let own = |text: &Option<&str>| text.map(String::from);
        match self {
            Row::Begin { text, isa, sums } => SearchRow::Begin(BeginRow {
                version: "1".into(),
                build: own(isa),
                task: "search".into(),
                isa: own(isa),
                settings: text.to_string(),
                data_checksums: [own(&sums[0]), own(&sums[1])],
                data: own(isa),
                classes: isa.map(|name| vec![name.to_string(), text.to_string()]),
                normalise: own(&sums[0]),
            }),
            Row::Evaluation { code, numbers: [generation, repeat, epochs], values, diverged, loss } => {
                let [fitness, seconds, images_per_second] = values.map(number);
                SearchRow::Evaluation(EvaluationRow {
                    generation: *generation,
                    code: code.to_string(),
                    repeat: *repeat,
                    epochs: *epochs,
                    fitness,
                    loss: loss.map(number),
                    losses: Vec::new(),
                    diverged: own(diverged),
                    parameters: values[0],
                    macs: values[1],
                    seconds,
                    core_seconds: None,
                    overhead_seconds: seconds,
                    images_per_second,
                })
            }
            Row::Answer { codes: [code, first_code], values, counts: (trainings, generation, place), certainty } => {
                let [fitness, error, first_fitness, first_error] = values.map(number);
                SearchRow::Answer(AnswerRow {
                    code: code.to_string(),
                    fitness,
                    error,
                    trainings: *trainings,
                    generation: *generation,
                    place: usize::from(*place),
                    certainty: certainty.map(number),
                    first_code: first_code.to_string(),
                    first_fitness,
                    first_error,
                    lead: fitness - first_fitness,
                    lead_error: error,
                    gain: fitness,
                    gain_error: error,
                })
            }
            Row::Generation { number: generation, individuals, idle } => SearchRow::Generation(GenerationRow {
                generation: *generation,
                race: individuals.len() % 2 == 1,
                individuals: individuals.iter().map(individual).collect(),
                leader: individuals.last().map(leader),
                seconds: 0.5,
                idle_seconds: idle.map(number),
            }),
        }
    }
}

fn leader((code, fitness, parents): &(&str, u64, Vec<u16>)) -> LeaderRow {
    let (fitness, error) = (number(*fitness), number(fitness.rotate_left(9)));
    let place = parents.first().copied().unwrap_or(0);
    LeaderRow { code: code.to_string(), fitness, error, generation: place.into(), place: place.into() }
}

fn individual((code, fitness, parents): &(&str, u64, Vec<u16>)) -> IndividualRow {
    let parents = parents.iter().copied().map(usize::from).collect();
    IndividualRow { code: code.to_string(), fitness: number(*fitness), error: number(fitness.rotate_left(9)), parents }
}
