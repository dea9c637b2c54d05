//! What an edge, or the depth of a stage, does to accuracy on average over random networks.

use crate::models::genetic_cnn::Code;
use crate::record::EffectRow;
use crate::search::history::History;

/// Networks with a trait that are needed before anything is said of it.
const FEW: usize = 5;

/// The effects of all edges and depths, stage by stage. Edges are those of the encoding: each is there in half of all random networks, whatever the
/// others are, so what networks with it have over those without is its own doing.
pub(super) fn effects(history: &History) -> Vec<EffectRow> {
    let codes = history.usual();
    let mut rows = Vec::new();
    for (stage, nodes) in history.nodes().iter().enumerate() {
        for (bit, name) in edges(*nodes).into_iter().enumerate() {
            rows.extend(effect(history, &codes, stage, name, &|code| code.0[stage].bits()[bit]));
        }
        for depth in 0..=*nodes {
            let name = format!("depth {depth}");
            rows.extend(effect(history, &codes, stage, name, &|code| history.depth(code, stage) == depth));
        }
    }
    rows
}

/// The edges of a stage in the order of its bits.
fn edges(nodes: usize) -> Vec<String> {
    (2..=nodes).flat_map(|to| (1..to).map(move |from| format!("edge {from}→{to}"))).collect()
}

/// What the codes that have a trait are better by than those that have not; nothing where either are few.
fn effect(
    history: &History,
    codes: &[Code],
    stage: usize,
    what: String,
    has: &dyn Fn(&Code) -> bool,
) -> Option<EffectRow> {
    let (with, without): (Vec<&Code>, Vec<&Code>) = codes.iter().partition(|code| has(code));
    if with.len().min(without.len()) < FEW {
        return None;
    }
    let contrast = history.contrast(&with, &without)?;
    Some(EffectRow { stage: stage + 1, what, effect: contrast.mean, error: contrast.deviation })
}
