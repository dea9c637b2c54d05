//! Codes of Genetic CNN: text → stages → graph → network. What is a code is decided here a second time, naively.
#![no_main]

use evograd::models::genetic_cnn::{Backbone, Code, PRESETS, Source, Stage, StageGraph, canonical, network};
use evograd::models::{Options, Plan};
use evograd_fuzz::{expect_helpful, split_first};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (choice, text) = split_first(data);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let read = text.parse::<Code>();
    match (&read, expected(text)) {
        (Ok(code), Some(bits)) => {
            assert!(code.0.iter().map(Stage::bits).eq(bits.iter().map(Vec::as_slice)), "{text}: {code:?}");
            expect_sound(code, choice);
        }
        (Err(error), None) => expect_helpful(error),
        (read, expected) => panic!("{text:?} was read as {read:?}, expected {expected:?}"),
    }
});

/// The bits of each stage, where the text is a code.
fn expected(text: &str) -> Option<Vec<Vec<bool>>> {
    let text = PRESETS.iter().find(|(name, _)| *name == text).map_or(text, |(_, code)| code);
    let stage = |stage: &str| {
        let groups: Vec<&str> = stage.trim().split('-').collect();
        let right = groups.len() <= 9 && groups.iter().zip(1..).all(|(group, length)| group.len() == length);
        let bits = groups.concat();
        (right && bits.chars().all(|c| c == '0' || c == '1')).then(|| bits.chars().map(|c| c == '1').collect())
    };
    text.split('|').map(stage).collect()
}

fn expect_sound(code: &Code, choice: u8) {
    assert_eq!(code.to_string().parse::<Code>().as_ref(), Ok(code), "what is printed is read back");
    let least = canonical(code);
    assert_eq!(canonical(&least), least, "a canonical code is its own");
    assert_eq!(least.nodes(), code.nodes());
    let renamed = Code(code.0.iter().map(|stage| renamed(stage, choice)).collect());
    assert_eq!(canonical(&renamed), least, "{code} and {renamed} are the same graph");
    code.0.iter().for_each(expect_wired);
    // Planning takes ten times as long as all else.
    if choice % 8 == 0 {
        expect_one_network(code, &least);
    }
}

/// A code and its canonical one are one network.
fn expect_one_network(code: &Code, least: &Code) {
    match (planned(code), planned(least)) {
        (Some(own), Some(other)) => {
            let layers = |plan: &Plan| plan.layers().iter().filter(|layer| layer.kind.starts_with("conv")).count();
            let convolutions: usize = code.0.iter().map(|stage| StageGraph::new(stage).convolutions()).sum();
            assert_eq!((layers(&own), layers(&other)), (convolutions, convolutions), "{code}");
            assert_eq!((own.parameters(), own.macs()), (other.parameters(), other.macs()), "{code} and {least}");
        }
        (own, other) => assert!(own.is_none() && other.is_none(), "of {code} and {least}, one makes a network"),
    }
}

/// The plan of a small network of the code; `None` where it is refused.
fn planned(code: &Code) -> Option<Plan> {
    let filters = (2..).take(code.0.len()).collect();
    let backbone = Some(Backbone { filters, kernel: 3, padding: 1, pool: 2, features: 4 });
    let spec = network(code, &Options { backbone, ..Options::default() });
    let plan = spec.and_then(|spec| spec.plan());
    plan.map_err(|error| expect_helpful(&error)).ok()
}

/// The same graph with its nodes counted in another order that keeps edges from lower to higher numbers.
fn renamed(stage: &Stage, choice: u8) -> Stage {
    let edges: Vec<(usize, usize)> = stage.edges().collect();
    let mut left: Vec<usize> = (1..=stage.nodes()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let free = |node: &usize| edges.iter().all(|(from, to)| to != node || !left.contains(from));
        let ready: Vec<usize> = left.iter().copied().filter(free).collect();
        let next = ready[usize::from(choice).wrapping_mul(7 + order.len()) % ready.len()];
        order.push(next);
        left.retain(|node| *node != next);
    }
    let number = |node: usize| 1 + order.iter().position(|other| *other == node).expect("all are ordered");
    let bit = |from: usize, to: usize| edges.iter().any(|(a, b)| (number(*a), number(*b)) == (from, to));
    let bits = (2..=stage.nodes()).flat_map(|to| (1..to).map(move |from| (from, to)));
    Stage::new(stage.nodes(), bits.map(|(from, to)| bit(from, to)).collect()).expect("as many bits as before")
}

/// Every node consumes what comes before it, and every node but the ends is consumed.
fn expect_wired(stage: &Stage) {
    let graph = StageGraph::new(stage);
    let mut behind = Vec::new();
    for (number, inputs) in &graph.nodes {
        assert!(!inputs.is_empty(), "{stage}: node {number} consumes nothing");
        for input in inputs {
            assert!(
                matches!(input, Source::Input) && inputs.len() == 1
                    || matches!(input, Source::Node(n) if behind.contains(n))
            );
        }
        behind.push(*number);
    }
    let taken = |node: usize| graph.nodes.iter().any(|(_, inputs)| inputs.contains(&Source::Node(node)));
    assert!(behind.iter().all(|node| graph.ends.contains(node) != taken(*node)), "{stage}: {graph:?}");
}
