//! A stage of Genetic CNN, as far as drawings show it. Knows numbers of nodes; knows no code and no network.

/// A stage, as far as a drawing shows it.
///
/// ```
/// use evograd::report::{StageNode, StageRow, stages_text};
/// let node = |number, inputs| StageNode { number, inputs };
/// let stage = StageRow {
///     title: "stage 1 · 1-10".into(),
///     nodes: vec![node(1, vec![0]), node(2, vec![1]), node(3, vec![1])],
///     ends: vec![2, 3],
///     isolated: vec![],
/// };
/// assert!(stages_text(&[stage], 80).starts_with("stage 1 · 1-10\n\n◇ input\n│\n○ 1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageRow {
    /// What stands above it, such as `stage 1 · 1-01`.
    pub title: String,
    /// The ordinary nodes that are there, in their order. Where there are none, the stage is its input node alone.
    pub nodes: Vec<StageNode>,
    /// The numbers of the ordinary nodes that feed the default output node.
    pub ends: Vec<usize>,
    /// The numbers of the ordinary nodes that have vanished because they have no edges.
    pub isolated: Vec<usize>,
}

/// An ordinary node of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageNode {
    /// Its number, from 1.
    pub number: usize,
    /// The numbers of the nodes it consumes; 0 is the default input node. A number that no node before it has is left out.
    pub inputs: Vec<usize>,
}

/// What a box of a stage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The default input node.
    Input,
    /// An ordinary node with its number.
    Node(usize),
    /// The default output node.
    Output,
}

impl StageRow {
    /// All boxes, each with the places of those it consumes, which stand before it.
    pub(super) fn boxes(&self) -> Vec<(Role, Vec<usize>)> {
        let mut boxes = vec![(Role::Input, Vec::new())];
        let mut numbers = vec![0];
        let places = |numbers: &[usize], inputs: &[usize]| -> Vec<usize> {
            (0..numbers.len()).filter(|place| inputs.contains(&numbers[*place])).collect()
        };
        for node in &self.nodes {
            boxes.push((Role::Node(node.number), places(&numbers, &node.inputs)));
            numbers.push(node.number);
        }
        if !self.nodes.is_empty() {
            boxes.push((Role::Output, places(&numbers, &self.ends)));
        }
        boxes
    }

    /// What is said of the nodes that are not there; nothing where all are.
    pub(super) fn vanished(&self) -> Option<String> {
        let numbers: Vec<String> = self.isolated.iter().map(usize::to_string).collect();
        match &numbers[..] {
            [] => None,
            [one] => Some(format!("node {one} has no edges")),
            [first @ .., last] => Some(format!("nodes {} and {last} have no edges", first.join(", "))),
        }
    }
}

/// A stage for tests: its edges, by the rules of Genetic CNN, written here once more.
#[cfg(test)]
pub(super) fn stage(title: &str, nodes: usize, edges: &[(usize, usize)]) -> StageRow {
    let there = |node: usize| edges.iter().any(|(from, to)| *from == node || *to == node);
    let inputs = |node: usize| {
        let inputs: Vec<usize> = edges.iter().filter(|edge| edge.1 == node).map(|edge| edge.0).collect();
        if inputs.is_empty() { vec![0] } else { inputs }
    };
    let kept: Vec<usize> = (1..=nodes).filter(|node| there(*node)).collect();
    StageRow {
        title: title.into(),
        nodes: kept.iter().map(|node| StageNode { number: *node, inputs: inputs(*node) }).collect(),
        ends: kept.into_iter().filter(|node| edges.iter().all(|edge| edge.0 != *node)).collect(),
        isolated: (1..=nodes).filter(|node| !there(*node)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_stand_in_their_order_with_the_places_of_their_inputs() {
        let boxes = stage("", 5, &[(1, 3), (3, 5), (4, 5)]).boxes();
        let expected = [
            (Role::Input, vec![]),
            (Role::Node(1), vec![0]),
            (Role::Node(3), vec![1]),
            (Role::Node(4), vec![0]),
            (Role::Node(5), vec![2, 3]),
            (Role::Output, vec![4]),
        ];
        assert_eq!(boxes, expected);
        assert_eq!(stage("", 3, &[]).boxes(), [(Role::Input, vec![])]);
    }

    #[test]
    fn an_input_that_is_not_there_is_left_out() {
        let node = StageNode { number: 1, inputs: vec![7, 1, 0] };
        let row = StageRow { title: String::new(), nodes: vec![node], ends: vec![9], isolated: vec![] };
        assert_eq!(row.boxes()[1..], [(Role::Node(1), vec![0]), (Role::Output, vec![])]);
    }

    #[test]
    fn what_has_vanished_is_named() {
        let said = |nodes, edges: &[(usize, usize)]| stage("", nodes, edges).vanished();
        assert_eq!(said(2, &[(1, 2)]), None);
        assert_eq!(said(3, &[(1, 2)]).unwrap(), "node 3 has no edges");
        assert_eq!(said(3, &[]).unwrap(), "nodes 1, 2 and 3 have no edges");
    }
}
