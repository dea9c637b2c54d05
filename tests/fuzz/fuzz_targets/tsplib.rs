//! TSPLIB files. What is read is written again by the format's description, and read as the same towns; distances are computed
//! a second time.
#![no_main]

use evograd::genetic::{Permutation, Towns};
use evograd_fuzz::{expect_named, write};
use std::fmt::Write;

/// The types of distances, and each by its definition; `None` where that is long.
type Distance = fn(f64, f64) -> Option<f64>;
const DISTANCES: [(&str, Distance); 6] = [
    ("EUC_2D", |x, y| Some((x.hypot(y) + 0.5).floor())),
    ("CEIL_2D", |x, y| Some((x * x + y * y).sqrt().ceil())),
    ("MAN_2D", |x, y| Some((x + y + 0.5).floor())),
    ("MAX_2D", |x, y| Some((x.max(y) + 0.5).floor())),
    ("ATT", |_, _| None),
    ("GEO", |_, _| None),
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = write("towns.tsp", data);
    match Towns::read(&path) {
        Ok(towns) => {
            let reads = |kind: &str| {
                let again = write("again.tsp", printed(&towns, kind).as_bytes());
                Towns::read(&again).expect("what was printed is read") == towns
            };
            let same = DISTANCES.into_iter().find(|(kind, _)| reads(kind));
            let (_, distance) = same.expect("it has the distances of one of the types");
            expect_distances(&towns, distance);
        }
        Err(error) => expect_named(&error, &path),
    }
});

fn printed(towns: &Towns, kind: &str) -> String {
    let count = towns.places().len();
    let mut text =
        format!("NAME: again\nTYPE: TSP\nDIMENSION: {count}\nEDGE_WEIGHT_TYPE: {kind}\nNODE_COORD_SECTION\n");
    for (number, [x, y]) in towns.numbers().iter().zip(towns.places()) {
        writeln!(text, "{number} {x:?} {y:?}").expect("a text takes all");
    }
    text + "EOF\n"
}

/// The tour in the order of the file is as long as its roads, which are whole numbers.
fn expect_distances(towns: &Towns, distance: Distance) {
    let places = towns.places();
    let count = places.len();
    assert!((3..=2000).contains(&count));
    let length = towns.length(&Permutation((0..count).collect()));
    assert!(length >= 0.0 && length.fract() == 0.0, "{length}");
    let road = |i: usize| {
        let (a, b) = (places[i], places[(i + 1) % count]);
        distance((a[0] - b[0]).abs(), (a[1] - b[1]).abs())
    };
    if let Some(expected) = (0..count).map(road).sum::<Option<f64>>() {
        assert_eq!(length, expected);
    }
}
