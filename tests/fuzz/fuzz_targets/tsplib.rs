//! TSPLIB files. What is read is written again by the format's description, and read as the same towns.
#![no_main]

use evograd::genetic::{Permutation, Towns};
use evograd_fuzz::{expect_named, write};
use std::fmt::Write;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let path = write("towns.tsp", data);
    match Towns::read(&path) {
        Ok(towns) => {
            let again = Towns::read(&write("again.tsp", printed(&towns).as_bytes())).expect("what was printed is read");
            assert_eq!(again, towns);
            expect_whole(&towns);
        }
        Err(error) => expect_named(&error, &path),
    }
});

fn printed(towns: &Towns) -> String {
    let count = towns.places().len();
    let mut text =
        format!("NAME: again\nTYPE: TSP\nDIMENSION: {count}\nEDGE_WEIGHT_TYPE: EUC_2D\nNODE_COORD_SECTION\n");
    for (number, [x, y]) in towns.numbers().iter().zip(towns.places()) {
        writeln!(text, "{number} {x:?} {y:?}").expect("a text takes all");
    }
    text + "EOF\n"
}

/// Distances are whole numbers, each the nearest to the one in the plane, as the format asks.
fn expect_whole(towns: &Towns) {
    let places = towns.places();
    assert!((3..=2000).contains(&places.len()));
    let round = |a: usize, b: usize| (places[a][0] - places[b][0]).hypot(places[a][1] - places[b][1]).round();
    let count = places.len();
    let expected: f64 = (0..count).map(|i| round(i, (i + 1) % count)).sum();
    assert_eq!(towns.length(&Permutation((0..count).collect())), expected);
}
