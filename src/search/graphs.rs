//! The graphs of a space: how its codes are written as bits, and how many different networks they are.

use crate::error::{Error, Result};
use crate::genetic::{StagedBits, Stages};
use crate::models::genetic_cnn::{Code, Stage, canonical};
use std::collections::BTreeSet;

/// The most codes that are enumerated to find all graphs: 4 million.
const MOST_BITS: usize = 22;
/// The most nodes of a stage, whose orders are enumerated for each code.
const MOST_NODES: usize = 6;

/// The bits of stages of these numbers of nodes.
pub(super) fn space(nodes: &[usize]) -> Stages {
    Stages(nodes.iter().map(|nodes| nodes * (nodes - 1) / 2).collect())
}

/// The code of bits of stages of these numbers of nodes.
pub(super) fn code(nodes: &[usize], bits: &StagedBits) -> Code {
    let stage = |(nodes, bits): (&usize, &Vec<bool>)| Stage::new(*nodes, bits.clone());
    let stages = nodes.iter().zip(&bits.0).map(stage).collect::<Result<_>>();
    Code(stages.expect("a space's bits are as many as its stages have"))
}

/// One canonical code for each graph of a space, in the order of their bits.
///
/// ```
/// assert_eq!(evograd::search::graphs(&[3, 4])?.len(), 6 * 31);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there are more than 4 million codes.
pub fn graphs(nodes: &[usize]) -> Result<Vec<Code>> {
    let bits: usize = space(nodes).0.iter().sum();
    if bits > MOST_BITS || nodes.iter().any(|nodes| *nodes > MOST_NODES) {
        let problem = format!("stages of {nodes:?} nodes have 2^{bits} codes");
        let remedy = format!("enumerate a space of at most 2^{MOST_BITS}, with at most {MOST_NODES} nodes in a stage");
        return Err(refuse(problem, &remedy));
    }
    let mut all = vec![Vec::new()];
    for nodes in nodes {
        let stages = stage_graphs(*nodes)?;
        let longer = |before: Vec<Stage>| {
            stages.iter().map(move |stage| before.iter().chain([stage]).cloned().collect::<Vec<Stage>>())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    Ok(all.into_iter().map(Code).collect())
}

/// Directed acyclic graphs of 0 to 10 nodes without names.
///
/// **Source** the sequence A003087 of the On-Line Encyclopedia of Integer Sequences.
const GRAPHS: [u64; 11] = [1, 1, 2, 6, 31, 302, 5984, 243_668, 20_286_025, 3_424_938_010, 1_165_948_612_902];

/// Whether so many different graphs are all that a space has.
///
/// ```
/// use evograd::search::is_used_up;
/// assert_eq!([185, 186].map(|graphs| is_used_up(&[3, 4], graphs)), [false, true]);
/// ```
pub fn is_used_up(nodes: &[usize], graphs: usize) -> bool {
    graph_count(nodes) == Some(graphs as u64)
}

/// How many different graphs a space has; `None` where they have not been counted.
pub(super) fn graph_count(nodes: &[usize]) -> Option<u64> {
    nodes.iter().try_fold(1_u64, |all, nodes| all.checked_mul(*GRAPHS.get(*nodes)?))
}

/// One canonical stage for each graph of so many nodes.
fn stage_graphs(nodes: usize) -> Result<Vec<Stage>> {
    let bits = nodes * (nodes - 1) / 2;
    let stage = |code: u32| Stage::new(nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect());
    let codes = (0..1 << bits).map(|code| Ok(canonical(&Code(vec![stage(code)?]))));
    let graphs = codes.collect::<Result<BTreeSet<Code>>>()?;
    Ok(graphs.into_iter().flat_map(|code| code.0).collect())
}

fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("search", problem, &[], remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_used_up_by_all_of_its_graphs() {
        for (nodes, count) in GRAPHS.into_iter().enumerate().take(6).skip(2) {
            assert_eq!(stage_graphs(nodes).unwrap().len() as u64, count);
        }
        assert!(is_used_up(&[3, 4, 5], 56_172) && !is_used_up(&[10; 8], usize::MAX));
    }

    #[test]
    fn spaces_have_as_many_graphs_as_were_counted_elsewhere() {
        assert_eq!(graphs(&[3, 5]).unwrap().len(), 1812);
        assert_eq!(graphs(&[3, 4, 5]).unwrap().len(), 56_172);
        let text = graphs(&[5, 5, 5]).unwrap_err().to_string();
        assert_eq!(
            text,
            "search: stages of [5, 5, 5] nodes have 2^30 codes; enumerate a space of at most 2^22, with at most 6 nodes in a \
             stage"
        );
    }
}
