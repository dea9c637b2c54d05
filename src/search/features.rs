//! What a statistical model sees of an architecture: numbers that are the same for all encodings of one graph.
//!
//! For each stage the bits of the canonical encoding and eight counts; for the network its multiply-adds. Ying et al.
//! (*NAS-Bench-101*, ICML 2019) and White et al. (*How powerful are performance predictors?*, NeurIPS 2021) found that counts as
//! plain as these carry most of what a predictor of accuracy can know.

use crate::models::genetic_cnn::{Backbone, Code, Source, Stage, StageGraph, canonical};

/// The counts of a stage, in the order of [`counts`].
const COUNTS: [&str; 8] = ["nodes", "edges", "depth", "sources", "sinks", "sums", "paths", "skips"];

/// How architectures of one search space become numbers.
///
/// ```
/// use evograd::{models::genetic_cnn::Backbone, search::Features};
/// let features = Features::new(&[3, 4], &Backbone::cifar10(2), 32);
/// let [one, other] = ["1-00|0-00-000", "0-01|0-00-000"].map(|code| features.of(&code.parse().unwrap()));
/// assert_eq!(one, other, "the same graph, an edge between two nodes");
/// assert_eq!((one.len(), features.names().len()), ((3 + 8) + (6 + 8) + 1, one.len()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    nodes: Vec<usize>,
    /// Millions of multiply-adds of a 3×3 convolution of each stage.
    convolution: Vec<f64>,
}

impl Features {
    /// Of stages with these numbers of nodes, in this backbone, on images of `side × side` pixels.
    pub fn new(nodes: &[usize], backbone: &Backbone, side: usize) -> Features {
        let side = |stage: usize| (side >> stage.min(32)).max(1) as f64;
        let macs = |(stage, filters): (usize, &usize)| 9.0 * (*filters as f64 * side(stage)).powi(2) / 1e6;
        Features { nodes: nodes.to_vec(), convolution: backbone.filters.iter().enumerate().map(macs).collect() }
    }

    /// The features of an architecture, in the order of [`Features::names`].
    pub fn of(&self, code: &Code) -> Vec<f64> {
        self.of_graph(&canonical(code))
    }

    /// As [`Features::of`] a code that is canonical.
    pub(super) fn of_graph(&self, graph: &Code) -> Vec<f64> {
        let mut features: Vec<f64> = graph.0.iter().flat_map(stage_features).collect();
        let counts: Vec<f64> = graph.0.iter().map(|stage| StageGraph::new(stage).convolutions() as f64).collect();
        features.push(self.of_convolutions(&counts));
        features
    }

    /// Millions of multiply-adds of so many convolutions of each stage.
    pub(super) fn of_convolutions(&self, counts: &[f64]) -> f64 {
        counts.iter().zip(&self.convolution).map(|(count, macs)| macs * count).sum()
    }

    /// What each feature is: `stage 1: edge 1→2`, `stage 1: depth`, …, `multiply-adds`.
    pub fn names(&self) -> Vec<String> {
        let edges = |nodes: usize| (2..=nodes).flat_map(|to| (1..to).map(move |from| format!("edge {from}→{to}")));
        let stages = self.nodes.iter().enumerate().flat_map(|(stage, nodes)| {
            let own = edges(*nodes).chain(COUNTS.map(String::from));
            own.map(move |name| format!("stage {}: {name}", stage + 1)).collect::<Vec<_>>()
        });
        stages.chain(["multiply-adds".into()]).collect()
    }
}

/// The nodes on the longest path through a stage.
pub(super) fn depth(stage: &Stage) -> usize {
    let [_, _, depth, ..] = counts(stage);
    depth
}

fn stage_features(stage: &Stage) -> Vec<f64> {
    let bits = stage.bits().iter().map(|bit| f64::from(u8::from(*bit)));
    bits.chain(counts(stage).map(|count| count as f64)).collect()
}

/// Nodes that are there, edges, nodes on the longest path, nodes without a predecessor, nodes without a successor, nodes that
/// sum more than one input (the output node included), paths from the input to the output, edges that skip a level.
fn counts(stage: &Stage) -> [usize; 8] {
    let graph = StageGraph::new(stage);
    let mut levels = vec![(0, 1); stage.nodes() + 1]; // depth and number of paths of each node; entry 0 is the input node
    let (mut sources, mut sums, mut edges, mut skips) = (0, usize::from(graph.ends.len() > 1), 0, 0);
    for (node, inputs) in &graph.nodes {
        let inputs: Vec<usize> =
            inputs.iter().map(|source| if let Source::Node(node) = source { *node } else { 0 }).collect();
        let depth = 1 + inputs.iter().map(|input| levels[*input].0).max().unwrap_or(0);
        levels[*node] = (depth, inputs.iter().map(|input| levels[*input].1).sum());
        sources += usize::from(inputs == [0]);
        sums += usize::from(inputs.len() > 1);
        let nodes = inputs.iter().filter(|input| **input > 0);
        edges += nodes.clone().count();
        skips += nodes.filter(|input| depth - levels[**input].0 > 1).count();
    }
    let depth = graph.nodes.iter().map(|(node, _)| levels[*node].0).max().unwrap_or(0);
    let paths = graph.ends.iter().map(|end| levels[*end].1).sum();
    [graph.nodes.len(), edges, depth, sources, graph.ends.len(), sums, paths, skips]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> [usize; 8] {
        counts(&text.parse().unwrap())
    }

    /// By hand, from the drawings.
    #[test]
    fn counts_are_those_of_the_drawings() {
        assert_eq!(of("0-00-000"), [0; 8]);
        assert_eq!(of("1-01-001"), [4, 3, 4, 1, 1, 0, 1, 0], "a chain");
        assert_eq!(of("1-11"), [3, 3, 3, 1, 1, 1, 2, 1], "1→2→3 and the skip 1→3");
        assert_eq!(of("1-10"), [3, 2, 2, 1, 2, 1, 2, 0], "1→2 and 1→3, summed in the output node");
        assert_eq!(of("1-00-111"), [4, 4, 3, 2, 1, 1, 3, 2], "1→2→4, 1→4, 3→4");
        assert_eq!(of("0-10-000-0011"), [4, 3, 3, 2, 1, 1, 2, 1], "1→3→5, 4→5");
    }

    #[test]
    fn multiply_adds_follow_those_of_the_plan() {
        use crate::models::{Options, genetic_cnn::network};
        let features = Features::new(&[3, 4, 5], &Backbone::cifar10(3), 32);
        let macs = |text: &str| {
            network(&text.parse().unwrap(), &Options::default()).unwrap().plan().unwrap().macs() as f64 / 1e6
        };
        let [none, all] = ["0-00|0-00-000|0-00-000-0000", "densenet-like"];
        let ours = |text: &str| *features.of(&text.parse().unwrap()).last().unwrap();
        assert!(((ours(all) - ours(none)) - (macs(all) - macs(none))).abs() < 1e-9);
    }

    #[test]
    fn names_belong_to_features() {
        let features = Features::new(&[3, 4], &Backbone::cifar10(2), 32);
        let names = features.names();
        assert_eq!(
            [&names[0], &names[5], &names[11], &names[24]],
            ["stage 1: edge 1→2", "stage 1: depth", "stage 2: edge 1→2", "stage 2: skips"]
        );
        let dense = features.of(&"1-11|0-00-000".parse().unwrap());
        assert_eq!((dense[0], dense[5]), (1.0, 3.0));
    }
}
