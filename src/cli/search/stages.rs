//! A code as drawings have it.

use evograd::models::genetic_cnn::{Code, Source, Stage, StageGraph};
use evograd::report::{StageNode, StageRow};

/// The stages of a code, for a drawing.
pub fn stages(code: &Code) -> Vec<StageRow> {
    code.0.iter().enumerate().map(|(place, stage)| row(place + 1, stage)).collect()
}

fn row(number: usize, stage: &Stage) -> StageRow {
    let StageGraph { nodes, ends } = StageGraph::new(stage);
    let there = |node: &usize| nodes.iter().any(|(number, _)| number == node);
    let isolated = (1..=stage.nodes()).filter(|node| !there(node)).collect();
    let place = |source: &Source| match source {
        Source::Input => 0,
        Source::Node(number) => *number,
    };
    let node = |(number, sources): &(usize, Vec<Source>)| StageNode {
        number: *number,
        inputs: sources.iter().map(place).collect(),
    };
    let nodes = nodes.iter().map(node).collect();
    StageRow { title: format!("stage {number} · {stage}"), nodes, ends, isolated }
}
