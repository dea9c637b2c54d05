//! What several methods draw: new graphs, neighbours of a code, streams of random numbers.

use super::propose::Proposal;
use crate::genetic::{Space, StagedBits};
use crate::models::genetic_cnn::Code;
use crate::rng::{Purpose, Stream};
use crate::search::history::History;
use crate::search::settings::Strategy;
use std::collections::HashSet;

/// Draws codes until so many of graphs that are neither trained nor among `chosen` were found; fewer where the space has hardly any left.
pub(super) fn new_graphs(
    history: &History,
    count: usize,
    chosen: &mut HashSet<Code>,
    stream: &mut Stream,
) -> Vec<Proposal> {
    let space = history.space();
    let mut found = Vec::new();
    // Where the space is used up, a hundred draws for each are not likely to find what is left.
    for _ in 0..100 * count {
        if found.len() == count {
            break;
        }
        let code = history.code(&space.random(stream));
        if is_new(history, &code, chosen) {
            chosen.insert(history.graph(&code));
            found.push(Proposal { code, parents: Vec::new() });
        }
    }
    found
}

/// Whether the graph of a code is neither trained nor chosen.
pub(super) fn is_new(history: &History, code: &Code, chosen: &HashSet<Code>) -> bool {
    history.trainings(code) == 0 && !chosen.contains(&history.graph(code))
}

/// A copy of a code in which so many bits, drawn one after the other, are flipped.
pub(super) fn flipped(history: &History, code: &Code, flips: usize, stream: &mut Stream) -> Code {
    let mut bits: Vec<Vec<bool>> = code.0.iter().map(|stage| stage.bits().to_vec()).collect();
    let count: usize = bits.iter().map(Vec::len).sum();
    for _ in 0..flips {
        let at = stream.below(count);
        let bit = bits.iter_mut().flatten().nth(at).expect("a bit of the code");
        *bit = !*bit;
    }
    history.code(&StagedBits(bits))
}

/// The place of the greatest value among those that are allowed.
pub(super) fn greatest(values: &[f64], allowed: impl Fn(usize) -> bool) -> Option<usize> {
    (0..values.len()).filter(|at| allowed(*at)).max_by(|a, b| values[*a].total_cmp(&values[*b]).then(b.cmp(a)))
}

/// Random numbers for a part of a generation. Breeding itself has the parts below 1,000.
pub(super) fn stream(strategy: &Strategy, generation: u32, part: u32) -> Stream {
    Stream::new(strategy.seed, Purpose::Genetic, generation, 1000 + part)
}
