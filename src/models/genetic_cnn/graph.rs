//! A stage as a graph: which nodes are there, and where each takes its input from.

use super::code::{Code, Stage};

/// Where a node's input comes from: the default input node, or an ordinary node, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The default input node.
    Input,
    /// An ordinary node.
    Node(usize),
}

/// The nodes of a stage that are there, after isolated ones have gone.
///
/// ```
/// use evograd::models::genetic_cnn::StageGraph;
/// let graph = StageGraph::new(&"0-10-000-0011".parse()?); // 1→3, 3→5, 4→5; node 2 is isolated
/// assert_eq!(graph.convolutions(), 2 + 4);
/// assert_eq!(StageGraph::new(&"0-00".parse()?).convolutions(), 1);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageGraph {
    /// The ordinary nodes with their inputs, in their order. Where there are none, the stage is its input node alone.
    pub nodes: Vec<(usize, Vec<Source>)>,
    /// The ordinary nodes that nobody consumes: the inputs of the default output node.
    pub ends: Vec<usize>,
}

impl StageGraph {
    /// The graph of a stage. Nodes without any edge vanish; those without a predecessor consume the input node; those
    /// without a successor go into the output node.
    pub fn new(stage: &Stage) -> StageGraph {
        let edges: Vec<(usize, usize)> = stage.edges().collect();
        let there = |node: &usize| edges.iter().any(|(from, to)| from == node || to == node);
        let inputs = |node: usize| {
            let sources: Vec<Source> =
                edges.iter().filter(|(_, to)| *to == node).map(|(from, _)| Source::Node(*from)).collect();
            if sources.is_empty() { vec![Source::Input] } else { sources }
        };
        let kept: Vec<usize> = (1..=stage.nodes()).filter(there).collect();
        let ends = kept.iter().copied().filter(|node| edges.iter().all(|(from, _)| from != node)).collect();
        StageGraph { nodes: kept.into_iter().map(|node| (node, inputs(node))).collect(), ends }
    }

    /// The convolutions that the stage costs: one where there are no edges, else one for each node and two for the default
    /// nodes.
    pub fn convolutions(&self) -> usize {
        if self.nodes.is_empty() { 1 } else { self.nodes.len() + 2 }
    }
}

impl Code {
    /// Whether a node of its network consumes more than one other.
    pub fn has_fusions(&self) -> bool {
        let graphs = self.0.iter().map(StageGraph::new);
        graphs.into_iter().any(|graph| graph.ends.len() > 1 || graph.nodes.iter().any(|(_, inputs)| inputs.len() > 1))
    }
}

#[cfg(test)]
mod tests {
    use super::Source::{Input, Node};
    use super::*;

    fn graph(text: &str) -> StageGraph {
        StageGraph::new(&text.parse().unwrap())
    }

    #[test]
    fn the_paper_s_stages_are_wired_as_drawn() {
        let chain = graph("1-01-001");
        assert_eq!(chain.nodes, [(1, vec![Input]), (2, vec![Node(1)]), (3, vec![Node(2)]), (4, vec![Node(3)])]);
        assert_eq!(chain.ends, [4]);
        let first = graph("1-00-111");
        assert_eq!(first.nodes[2], (3, vec![Input]), "nodes 1 and 3 have no predecessor");
        assert_eq!(first.nodes[3], (4, vec![Node(1), Node(2), Node(3)]));
        let second = graph("0-10-000-0011");
        assert_eq!(second.nodes.iter().map(|node| node.0).collect::<Vec<_>>(), [1, 3, 4, 5]);
        assert_eq!(second.ends, [5]);
    }

    #[test]
    fn several_ends_all_go_into_the_output_node() {
        assert_eq!(graph("1-10").ends, [2, 3]);
        assert_eq!(graph("0-00-000"), StageGraph { nodes: vec![], ends: vec![] });
    }
}
