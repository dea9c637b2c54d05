//! One code for all codes of the same graph.
//!
//! Two stages that differ in isolated nodes, or in the order in which their nodes are counted, make the same network. The
//! canonical code counts the nodes that are there in that order, of all that keep edges from lower to higher numbers,
//! which gives the least bits; isolated nodes come last.

use super::code::{Code, Stage};

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

/// The nodes are put in order one at a time. The bits of a node say which of those before it feed it, so that orders which have
/// the least bits so far are all that can come to the least in the end; of two nodes with the same neighbours, one is tried.
fn canonical_stage(stage: &Stage) -> Stage {
    let graph = Graph::new(stage);
    let mut orders = vec![Vec::new()];
    for _ in 0..graph.there.count_ones() {
        orders = graph.continued(&orders);
    }
    let mut bits = vec![false; stage.bits().len()];
    for (to, node) in (1..).zip(&orders[0]) {
        let row = graph.row(&orders[0][..to - 1], *node);
        (1..to).filter(|from| row[from - 1]).for_each(|from| bits[Stage::place(from, to)] = true);
    }
    Stage::new(stage.nodes(), bits).expect("as many bits as before")
}

/// Nodes as bits of a number, each with its neighbours.
struct Graph {
    /// The nodes with an edge.
    there: u32,
    /// Of each node, those that feed it.
    before: Vec<u32>,
    /// Of each node, those that it feeds.
    behind: Vec<u32>,
}

impl Graph {
    fn new(stage: &Stage) -> Graph {
        let none = vec![0; stage.nodes()];
        let mut graph = Graph { there: 0, before: none.clone(), behind: none };
        for (from, to) in stage.edges().map(|(from, to)| (from - 1, to - 1)) {
            graph.there |= 1 << from | 1 << to;
            graph.before[to] |= 1 << from;
            graph.behind[from] |= 1 << to;
        }
        graph
    }

    /// Which of the nodes in an order feed a node.
    fn row(&self, order: &[usize], node: usize) -> Vec<bool> {
        order.iter().map(|from| self.before[node] >> from & 1 == 1).collect()
    }

    /// The nodes that can come next in an order: all that feed them stand in it.
    fn ready(&self, order: &[usize]) -> impl Iterator<Item = usize> + '_ {
        let placed: u32 = order.iter().map(|node| 1 << node).sum();
        let left = self.there & !placed;
        (0..self.before.len()).filter(move |node| left >> node & 1 == 1 && self.before[*node] & left == 0)
    }

    /// The orders with one more node each that have the least bits.
    fn continued(&self, orders: &[Vec<usize>]) -> Vec<Vec<usize>> {
        let mut least = None;
        let mut kept: Vec<Vec<usize>> = Vec::new();
        for order in orders {
            let mut tried = Vec::new();
            for node in self.ready(order) {
                let twin = (self.before[node], self.behind[node]);
                let row = self.row(order, node);
                if tried.contains(&twin) || least.as_ref().is_some_and(|least| row > *least) {
                    continue;
                }
                if least.as_ref().is_none_or(|least| row < *least) {
                    kept.clear();
                    least = Some(row);
                }
                tried.push(twin);
                kept.push([&order[..], &[node]].concat());
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashSet};

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

    /// The least bits over all orders, each tried.
    fn plainly(stage: &Stage) -> Stage {
        fn all_orders(edges: &[(usize, usize)], left: &BTreeSet<usize>) -> Vec<Vec<usize>> {
            if left.is_empty() {
                return vec![Vec::new()];
            }
            let ready = left.iter().filter(|node| edges.iter().all(|(from, to)| to != *node || !left.contains(from)));
            let after = |first: &usize| {
                let rest = left.iter().copied().filter(|node| node != first).collect();
                let first = *first;
                all_orders(edges, &rest).into_iter().map(move |rest| [vec![first], rest].concat())
            };
            ready.flat_map(after).collect()
        }
        let edges: Vec<_> = stage.edges().collect();
        let there = edges.iter().flat_map(|(from, to)| [*from, *to]).collect();
        let counted = |order: Vec<usize>| {
            let number = |node: usize| 1 + order.iter().position(|other| *other == node).unwrap();
            let mut bits = vec![false; stage.bits().len()];
            edges.iter().for_each(|(from, to)| bits[Stage::place(number(*from), number(*to))] = true);
            Stage::new(stage.nodes(), bits).unwrap()
        };
        all_orders(&edges, &there).into_iter().map(counted).min().unwrap()
    }

    #[test]
    fn the_least_of_all_orders_is_found() {
        (2..=5).flat_map(all).for_each(|stage| assert_eq!(canonical_stage(&stage), plainly(&stage), "{stage}"));
    }

    /// Stars, pairs and layers of ten nodes have up to 362,880 orders.
    #[test]
    fn stages_with_many_symmetries_take_no_longer() {
        let star = "1-10-100-1000-10000-100000-1000000-10000000-100000000";
        let pairs = "1-00-001-0000-00001-000000-0000001-00000000-000000001";
        for (text, least) in [
            (star, star),
            (pairs, "0-00-000-0000-00001-000100-0010000-01000000-100000000"),
            (
                "0-00-000-0000-00000-000000-0000000-00000000-111111111",
                "0-00-000-0000-00000-000000-0000000-00000000-111111111",
            ),
        ] {
            assert_eq!(canonical_stage(&text.parse().unwrap()).to_string(), least);
        }
    }

    proptest! {
        #[test]
        fn the_least_of_all_orders_is_found_for_more_nodes(bits in prop::collection::vec(prop::bool::weighted(0.3), 21)) {
            let stage = Stage::new(7, bits).unwrap();
            prop_assert_eq!(canonical_stage(&stage), plainly(&stage));
        }
    }
}
