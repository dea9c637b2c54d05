//! The codes of Genetic CNN against an independent library of graphs, and against what the paper says of them.

use evograd::models::genetic_cnn::{Code, Stage, StageGraph, canonical, network};
use evograd::models::{Options, Spec};
use evograd::search::graphs;
use petgraph::algo::is_isomorphic;
use petgraph::graph::DiGraph;
use std::collections::BTreeSet;

/// The graph of a stage's ordinary nodes, without isolated ones.
fn graph(stage: &Stage) -> DiGraph<(), ()> {
    let there: BTreeSet<usize> = stage.edges().flat_map(|(from, to)| [from, to]).collect();
    let place = |node: usize| there.iter().position(|other| *other == node).unwrap() as u32;
    let mut graph = DiGraph::from_edges(stage.edges().map(|(from, to)| (place(from), place(to))));
    while graph.node_count() < there.len() {
        graph.add_node(());
    }
    graph
}

fn all(nodes: usize) -> Vec<Stage> {
    let bits = nodes * (nodes - 1) / 2;
    let stage = |code: usize| Stage::new(nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect()).unwrap();
    (0..1 << bits).map(stage).collect()
}

fn canonical_stage(stage: &Stage) -> Stage {
    canonical(&Code(vec![stage.clone()])).0.remove(0)
}

/// Two codes have the same canonical code where their graphs are the same but for the names of nodes, and nowhere else.
#[test]
fn canonical_codes_are_the_classes_of_isomorphic_graphs() {
    for nodes in [3, 4, 5] {
        let stages = all(nodes);
        for stage in &stages {
            assert!(is_isomorphic(&graph(stage), &graph(&canonical_stage(stage))), "{stage}");
        }
        let classes: BTreeSet<Stage> = stages.iter().map(canonical_stage).collect();
        let classes: Vec<(Stage, DiGraph<(), ()>)> =
            classes.into_iter().map(|stage| (stage.clone(), graph(&stage))).collect();
        for (i, (one, a)) in classes.iter().enumerate() {
            for (other, b) in &classes[..i] {
                assert!(!is_isomorphic(a, b), "{one} and {other}");
            }
        }
        assert_eq!(classes.len(), [6, 31, 302][nodes - 3]);
    }
}

/// The paper's spaces: 8,192 and 524,288 codes.
#[test]
fn spaces_have_as_many_graphs_as_were_counted_elsewhere() {
    assert_eq!(graphs(&[3, 5]).unwrap().len(), 1812);
    assert_eq!(graphs(&[3, 4, 5]).unwrap().len(), 56_172);
}

fn spec(code: &str) -> Spec {
    network(&code.parse().unwrap(), &Options::default()).unwrap()
}

/// Convolutions on the longest way from the image to the answer.
fn depth(spec: &Spec) -> usize {
    let plan = spec.plan().unwrap();
    let mut depths: Vec<usize> = Vec::new();
    for (node, layer) in spec.nodes.iter().zip(plan.layers()) {
        let before = node.inputs.iter().filter_map(|input| input.layer()).map(|layer| depths[layer]).max().unwrap_or(0);
        depths.push(before + usize::from(layer.kind.starts_with("conv")));
    }
    depths[depths.len() - 1]
}

/// The paper gives its networks 17 layers: 15 convolutions and 2 linear layers. The code that it prints for the third stage
/// of the second network would make 16.
#[test]
fn the_paper_s_networks_are_as_deep_as_it_says() {
    assert_eq!(depth(&spec("genet1")), 15);
    assert_eq!(depth(&spec("genet2")), 15);
    assert_eq!(depth(&spec("1-01|1-01-100|0-11-101-0001")), 16);
}

#[test]
fn a_stage_costs_one_convolution_or_two_and_one_for_each_node() {
    let convolutions =
        |code: &str| spec(code).plan().unwrap().layers().iter().filter(|layer| layer.kind.starts_with("conv")).count();
    assert_eq!(convolutions("0-00|0-00-000|0-00-000-0000"), 3);
    assert_eq!(convolutions("1-00|0-00-000|0-00-000-0000"), 2 + 2 + 1 + 1);
    assert_eq!(convolutions("1-11|1-11-111|1-11-111-1111"), 5 + 6 + 7);
    for stage in all(5) {
        let there: BTreeSet<usize> = stage.edges().flat_map(|(from, to)| [from, to]).collect();
        let expected = if there.is_empty() { 1 } else { 2 + there.len() };
        assert_eq!(StageGraph::new(&stage).convolutions(), expected, "{stage}");
        assert_eq!(convolutions(&format!("0-00|0-00-000|{stage}")), 2 + expected, "{stage}");
    }
}

/// The paper's CIFAR-10 backbone: 32, 16, 8 and 4 pixels wide, 512 inputs of the first linear layer.
#[test]
fn the_backbone_halves_images_as_figure_1_has_it() {
    let plan = spec("0-00|0-00-000|0-00-000-0000").plan().unwrap();
    let shapes: Vec<Vec<usize>> = plan
        .layers()
        .iter()
        .filter(|layer| layer.name.ends_with("conv") || layer.name.ends_with("pool"))
        .map(|layer| layer.output.sizes()[1..].to_vec())
        .collect();
    let expected = [[8, 32, 32], [8, 16, 16], [16, 16, 16], [16, 8, 8], [32, 8, 8], [32, 4, 4]];
    assert_eq!(shapes, expected);
    let weights = |filters: u64, channels: u64, side: u64| filters * channels * side * side + 2 * filters;
    let convolutions = weights(8, 3, 5) + weights(16, 8, 5) + weights(32, 16, 5);
    assert_eq!(plan.parameters(), convolutions + (512 * 128 + 128) + (128 * 10 + 10));
    let wide = network(&"genet1".parse().unwrap(), &Options { width: 8.0, ..Options::default() }).unwrap();
    let plan = wide.plan().unwrap();
    let filters = |name: &str| plan.layers().iter().find(|layer| layer.name == name).unwrap().output.sizes()[1];
    assert_eq!(
        ["stage1.output.conv", "stage2.output.conv", "stage3.output.conv", "fc1"].map(filters),
        [64, 128, 256, 1024]
    );
}

/// Whatever order nodes are counted in, the network costs the same.
#[test]
fn codes_of_the_same_graph_cost_the_same() {
    for stage in all(4) {
        let cost = |stage: &Stage| {
            let plan = spec(&format!("1-01|{stage}|0-11-101-0001")).plan().unwrap();
            (plan.parameters(), plan.macs())
        };
        assert_eq!(cost(&stage), cost(&canonical_stage(&stage)), "{stage}");
    }
}
