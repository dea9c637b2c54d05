//! One code for all codes of the same graph.
//!
//! Two stages that differ in isolated nodes, or in the order in which their nodes are counted, make the same network. The
//! canonical code counts the nodes that are there in that order, of all that keep edges from lower to higher numbers,
//! which gives the least bits; isolated nodes come last.

use super::code::{Code, Stage};
use std::collections::BTreeSet;

/// The canonical code of the same graph, with as many nodes in each stage.
///
/// ```
/// use evograd::models::genetic_cnn::{Code, canonical};
/// let [one, other]: [Code; 2] = ["1-00|0-00".parse()?, "0-00|0-01".parse()?];
/// assert_eq!(canonical(&one).to_string(), "1-00|0-00");
/// assert_eq!(canonical(&other).to_string(), "0-00|1-00");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn canonical(code: &Code) -> Code {
    Code(code.0.iter().map(canonical_stage).collect())
}

fn canonical_stage(stage: &Stage) -> Stage {
    let edges: Vec<(usize, usize)> = stage.edges().collect();
    let there: BTreeSet<usize> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let mut search = Search { stage, edges: &edges, order: Vec::new(), left: there, best: None };
    search.go_on();
    search.best.unwrap_or_else(|| stage.clone())
}

/// Goes through all orders of the nodes that keep every edge from a lower to a higher number.
struct Search<'a> {
    stage: &'a Stage,
    edges: &'a [(usize, usize)],
    /// The nodes counted so far.
    order: Vec<usize>,
    left: BTreeSet<usize>,
    best: Option<Stage>,
}

impl Search<'_> {
    fn go_on(&mut self) {
        if self.left.is_empty() {
            let found = self.counted();
            if self.best.as_ref().is_none_or(|best| found < *best) {
                self.best = Some(found);
            }
            return;
        }
        let first = |node: &usize| self.edges.iter().all(|(from, to)| to != node || !self.left.contains(from));
        let ready: Vec<usize> = self.left.iter().copied().filter(first).collect();
        for node in ready {
            self.left.remove(&node);
            self.order.push(node);
            self.go_on();
            self.order.pop();
            self.left.insert(node);
        }
    }

    /// The stage with its nodes counted in the present order.
    fn counted(&self) -> Stage {
        let number = |node: usize| 1 + self.order.iter().position(|other| *other == node).expect("all are counted");
        let mut bits = vec![false; self.stage.bits().len()];
        self.edges.iter().for_each(|(from, to)| bits[Stage::place(number(*from), number(*to))] = true);
        Stage::new(self.stage.nodes(), bits).expect("as many bits as before")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn all(nodes: usize) -> impl Iterator<Item = Stage> {
        let bits = nodes * (nodes - 1) / 2;
        (0..1_usize << bits)
            .map(move |code| Stage::new(nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect()).unwrap())
    }

    #[test]
    fn there_are_as_many_classes_as_were_counted_elsewhere() {
        for (nodes, classes) in [(3, 6), (4, 31), (5, 302)] {
            let found: HashSet<Stage> = all(nodes).map(|stage| canonical_stage(&stage)).collect();
            assert_eq!(found.len(), classes, "{nodes} nodes");
        }
    }

    #[test]
    fn a_canonical_code_is_its_own() {
        for stage in all(5) {
            let once = canonical_stage(&stage);
            assert_eq!(canonical_stage(&once), once);
            assert_eq!(once.edges().count(), stage.edges().count());
        }
    }

    /// Isolated nodes dropped and the others counted anew in their order.
    #[test]
    fn synonyms_by_isolated_nodes_alone_are_as_many_as_were_counted_elsewhere() {
        for (nodes, distinct) in [(3, 6), (4, 47), (5, 815)] {
            let renumbered = |stage: Stage| {
                let edges: Vec<_> = stage.edges().collect();
                let there: BTreeSet<usize> = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
                let number = |node| there.iter().position(|other| *other == node).unwrap();
                edges.into_iter().map(|(from, to)| (number(from), number(to))).collect::<Vec<_>>()
            };
            assert_eq!(all(nodes).map(renumbered).collect::<HashSet<_>>().len(), distinct, "{nodes} nodes");
        }
    }
}
