//! A genome as text: `1-01|0-01-100|0-11-101-0001`.
//!
//! A stage of `K` ordered nodes has a bit for each pair of them, which says whether there is an edge from the one with the
//! lower number to the other. The bits stand by destination: `1→2`, then `1→3` and `2→3`, then `1→4`, `2→4` and `3→4`; a dash
//! stands between destinations, a bar between stages.

use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// The most nodes of a stage.
const MAX_NODES: usize = 10;

/// A stage: how many nodes it has, and which edges.
///
/// ```
/// let stage: evograd::models::genetic_cnn::Stage = "1-01".parse()?;
/// assert_eq!(stage.edges().collect::<Vec<_>>(), [(1, 2), (2, 3)]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Stage {
    nodes: usize,
    bits: Vec<bool>,
}

/// The stages of a network.
///
/// ```
/// let code: evograd::models::genetic_cnn::Code = "1-01|0-01-100".parse()?;
/// assert_eq!((code.nodes(), code.to_string()), (vec![3, 4], "1-01|0-01-100".into()));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub Vec<Stage>);

/// Structures of the paper, by name.
///
/// The code that its first version prints for the second stage of figure 1, and the one for the third stage of its second
/// network, contradict the drawings; the first network, `genet1`, agrees with its drawing. The paper gives its VGG-, ResNet-
/// and DenseNet-like stages for four nodes; those for three and five are the same pattern carried on.
pub const PRESETS: [(&str, &str); 6] = [
    ("vgg-like", "1-01|1-01-001|1-01-001-0001"),
    ("resnet-like", "1-01|1-01-101|1-01-101-0101"),
    ("densenet-like", "1-11|1-11-111|1-11-111-1111"),
    ("figure1", "1-00-111|0-10-000-0011"),
    ("genet1", "1-01|0-01-100|0-11-101-0001"),
    ("genet2", "1-01|1-01-100|0-10-000-1011"),
];

impl Stage {
    /// A stage of so many nodes, from 2 to 10, with a bit for each pair.
    ///
    /// # Errors
    /// When the number of nodes or bits is another.
    pub fn new(nodes: usize, bits: Vec<bool>) -> Result<Stage> {
        if !(2..=MAX_NODES).contains(&nodes) || bits.len() != nodes * (nodes - 1) / 2 {
            let problem = format!("nodes of a stage: {nodes}, bits: {}", bits.len());
            return Err(refuse(problem, "give K·(K − 1)/2 bits for K nodes, from 2 to 10"));
        }
        Ok(Stage { nodes, bits })
    }

    /// The number of its nodes, without the default ones.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Its bits, by destination.
    pub fn bits(&self) -> &[bool] {
        &self.bits
    }

    /// Its edges, by destination; nodes are counted from 1.
    pub fn edges(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let pairs = (2..=self.nodes).flat_map(|to| (1..to).map(move |from| (from, to)));
        pairs.zip(&self.bits).filter(|(_, bit)| **bit).map(|(pair, _)| pair)
    }

    /// The bit of an edge.
    pub(super) fn place(from: usize, to: usize) -> usize {
        (to - 1) * (to - 2) / 2 + from - 1
    }
}

impl Code {
    /// All edges that there can be between these numbers of nodes.
    ///
    /// # Errors
    /// When a number of nodes is not from 2 to 10.
    pub fn dense(nodes: &[usize]) -> Result<Code> {
        let stage = |nodes: &usize| Stage::new(*nodes, vec![true; nodes * nodes.saturating_sub(1) / 2]);
        Ok(Code(nodes.iter().map(stage).collect::<Result<_>>()?))
    }

    /// The number of nodes of each stage.
    pub fn nodes(&self) -> Vec<usize> {
        self.0.iter().map(Stage::nodes).collect()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for to in 2..=self.nodes {
            if to > 2 {
                f.write_str("-")?;
            }
            for from in 1..to {
                f.write_str(if self.bits[Stage::place(from, to)] { "1" } else { "0" })?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, stage) in self.0.iter().enumerate() {
            write!(f, "{}{stage}", if number == 0 { "" } else { "|" })?;
        }
        Ok(())
    }
}

impl FromStr for Stage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let example = "write the bits of each destination with dashes between, such as 1-01-001";
        let mut bits = Vec::new();
        let mut nodes = 1;
        for group in text.split('-') {
            if let Some(other) = group.chars().find(|c| !['0', '1'].contains(c)) {
                return Err(refuse(format!("{other:?} in {text:?} is no bit"), example));
            }
            if group.len() != nodes {
                let (to, given) = (nodes + 1, group.len());
                let problem = format!("{given} bits in {text:?} for node {to}, which has {nodes} before it");
                return Err(refuse(problem, example));
            }
            bits.extend(group.chars().map(|c| c == '1'));
            nodes += 1;
        }
        Stage::new(nodes, bits)
    }
}

impl FromStr for Code {
    type Err = Error;

    /// A code, or the name of one of the [`PRESETS`].
    fn from_str(text: &str) -> Result<Self> {
        let text = PRESETS.iter().find(|(name, _)| *name == text).map_or(text, |(_, code)| code);
        if !text.contains(['0', '1']) {
            let names = PRESETS.map(|(name, _)| name).join(", ");
            let remedy = format!("write a code such as 1-01|0-01-100, or one of {names}");
            return Err(refuse(format!("{text:?} is no code"), &remedy));
        }
        let stage = |(number, text): (usize, &str)| {
            text.trim().parse().map_err(|error: Error| error.at(format!("stage {}", number + 1)))
        };
        Ok(Code(text.split('|').enumerate().map(stage).collect::<Result<_>>()?))
    }
}

fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("genome", problem, &[], remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nodes in prop::collection::vec(2_usize..7, 1..5), seed: u64) {
            let mut stream = crate::rng::Stream::new(seed, crate::rng::Purpose::Genetic, 0, 0);
            let mut stage = |nodes: usize| {
                let bits = (0..nodes * (nodes - 1) / 2).map(|_| stream.below(2) == 1).collect();
                Stage::new(nodes, bits).unwrap()
            };
            let code = Code(nodes.iter().map(|nodes| stage(*nodes)).collect());
            prop_assert_eq!(code.to_string().parse::<Code>().unwrap(), code);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[01|\\- x2]{0,40}") {
            let _ = text.parse::<Code>();
        }
    }

    #[test]
    fn the_paper_s_examples_have_its_edges() {
        let edges = |text: &str| text.parse::<Stage>().unwrap().edges().collect::<Vec<_>>();
        assert_eq!(edges("1-01-001"), [(1, 2), (2, 3), (3, 4)]);
        assert_eq!(edges("1-01-101"), [(1, 2), (2, 3), (1, 4), (3, 4)]);
        assert_eq!(edges("1-00-111"), [(1, 2), (1, 4), (2, 4), (3, 4)]);
        assert_eq!(edges("0-10-000-0011"), [(1, 3), (3, 5), (4, 5)]);
        for (name, code) in PRESETS {
            assert_eq!(name.parse::<Code>().unwrap().to_string(), code);
        }
    }

    #[test]
    fn a_wrong_code_is_refused_with_what_is_wrong() {
        let message = |text: &str| text.parse::<Code>().unwrap_err().to_string();
        let example = "write the bits of each destination with dashes between, such as 1-01-001";
        assert_eq!(
            message("1-01|0-011"),
            format!("stage 2: genome: 3 bits in \"0-011\" for node 3, which has 2 before it; {example}")
        );
        assert_eq!(message("1-0x"), format!("stage 1: genome: 'x' in \"1-0x\" is no bit; {example}"));
        assert_eq!(
            message("alexnet"),
            "genome: \"alexnet\" is no code; write a code such as 1-01|0-01-100, or one of vgg-like, resnet-like, \
             densenet-like, figure1, genet1, genet2"
        );
        assert!(message("1-01|").starts_with("stage 2: genome: 0 bits in \"\" for node 2"));
    }
}
