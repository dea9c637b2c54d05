//! What a search knows: which graphs were trained with which seeds, what came of it, and what the model makes of that.

use super::features::{Features, depth};
use super::graphs::{code, space};
use super::settings::Networks;
use super::surrogate::{Estimate, Observation, Prediction, Scale, Surrogate, Variances};
use crate::genetic::{Space, StagedBits, Stages};
use crate::models::genetic_cnn::{Code, Stage, canonical};
use crate::record::{counted_outcome, worst_outcome};
use crate::rng::{Purpose, Stream};
use std::cell::RefCell;
use std::collections::HashMap;

/// Codes drawn at random whose features say what is usual in a space.
const USUAL: u32 = 500;
/// The standard deviation among single trainings before any are known: on CIFAR-10, short ones of random networks differ by this much.
const USUAL_DEVIATION: f64 = 0.02;
/// The number of a graph that was never trained, for the model.
const UNSEEN: usize = usize::MAX;

/// All that was observed, by graph: codes of the same graph are one and the same.
#[derive(Clone, Debug)]
pub struct History {
    nodes: Vec<usize>,
    features: Features,
    scale: Scale,
    graphs: Vec<Graph>,
    places: HashMap<Code, usize>,
    /// The canonical stage of each that was met: to find it anew takes longer than all else that is asked of a code.
    canonical: RefCell<HashMap<Stage, Stage>>,
    /// `None` where nothing was trained yet, or nothing but divergences.
    surrogate: Option<Surrogate>,
}

/// A graph that was trained.
#[derive(Clone, Debug)]
struct Graph {
    code: Code,
    features: Vec<f64>,
    /// By seed; a value that is not finite is a divergence.
    values: Vec<f64>,
}

impl History {
    /// Of nothing yet, about networks of these stages for images of `side × side` pixels.
    pub fn new(networks: &Networks, side: usize) -> History {
        let (nodes, features) = (networks.stages.clone(), Features::new(&networks.stages, &networks.backbone, side));
        let scale = Scale::of(&usual(&nodes).map(|code| features.of(&code)).collect::<Vec<_>>());
        let (places, canonical) = (HashMap::new(), RefCell::new(HashMap::new()));
        History { nodes, features, scale, graphs: Vec::new(), places, canonical, surrogate: None }
    }

    /// Nodes of each stage.
    pub fn nodes(&self) -> &[usize] {
        &self.nodes
    }

    /// The bits of all stages.
    pub fn space(&self) -> Stages {
        space(&self.nodes)
    }

    /// The code of bits of this space.
    pub fn code(&self, bits: &StagedBits) -> Code {
        code(&self.nodes, bits)
    }

    /// The canonical code of a code's graph.
    pub fn graph(&self, code: &Code) -> Code {
        let mut known = self.canonical.borrow_mut();
        let mut of = |stage: &Stage| match known.get(stage) {
            Some(canonical) => canonical.clone(),
            None => {
                let [found] = &canonical(&Code(vec![stage.clone()])).0[..] else { unreachable!("one stage") };
                known.insert(stage.clone(), found.clone());
                found.clone()
            }
        };
        Code(code.0.iter().map(&mut of).collect())
    }

    /// Codes drawn at random, which say what is usual in the space.
    pub(super) fn usual(&self) -> Vec<Code> {
        usual(&self.nodes).collect()
    }

    /// The nodes on the longest path through a stage of a code's graph.
    pub(super) fn depth(&self, code: &Code, stage: usize) -> usize {
        depth(&self.graph(code).0[stage])
    }

    /// How often the graph of a code was trained, which is the number of its next seed.
    pub fn trainings(&self, code: &Code) -> u32 {
        self.known(code).map_or(0, |graph| graph.values.len() as u32)
    }

    /// What the trainings of a graph came to, by seed.
    pub fn values(&self, code: &Code) -> &[f64] {
        self.known(code).map_or(&[], |graph| &graph.values)
    }

    /// As [`History::values`], with a divergence counted as the worst of all trainings
    /// ([`record`](crate::record::counted_outcome)); nothing where no training came to anything.
    pub fn counted(&self, code: &Code) -> Vec<f64> {
        let Some(worst) = self.worst() else { return Vec::new() };
        self.values(code).iter().map(|value| counted_outcome(*value, worst)).collect()
    }

    /// Whether a training of a graph came to anything.
    pub fn has_learned(&self, code: &Code) -> bool {
        self.values(code).iter().any(|value| value.is_finite())
    }

    /// The worst that any training came to.
    fn worst(&self) -> Option<f64> {
        worst_outcome(self.graphs.iter().flat_map(|graph| &graph.values).copied())
    }

    /// The graphs that were trained, in the order of their first training.
    pub fn trained(&self) -> impl Iterator<Item = &Code> {
        self.graphs.iter().map(|graph| &graph.code)
    }

    /// All trainings together.
    pub fn len(&self) -> usize {
        self.graphs.iter().map(|graph| graph.values.len()).sum()
    }

    /// Whether nothing was trained.
    pub fn is_empty(&self) -> bool {
        self.graphs.is_empty()
    }

    /// Notes what a training of a graph with its next seed came to; not finite where it diverged.
    pub fn add(&mut self, code: &Code, value: f64) {
        let code = self.graph(code);
        let next = self.graphs.len();
        let place = *self.places.entry(code.clone()).or_insert(next);
        if place == next {
            let features = self.features.of_graph(&code);
            self.graphs.push(Graph { code, features, values: Vec::new() });
        }
        self.graphs[place].values.push(value);
    }

    /// Fits the model anew, with its variances.
    pub fn fit(&mut self) {
        let fit =
            |(features, seen): (Vec<_>, Vec<_>)| Surrogate::fit(self.scale.clone(), &features, &seen, USUAL_DEVIATION);
        self.surrogate = self.observed().map(fit);
    }

    /// Fits the model anew with the variances that it has: a hundredth of the work, where little has been added.
    pub fn refit(&mut self) {
        let Some(variances) = self.variances() else { return self.fit() };
        let fit = |(features, seen): (Vec<_>, Vec<_>)| {
            Surrogate::with_variances(self.scale.clone(), &features, &seen, variances)
        };
        self.surrogate = self.observed().map(fit);
    }

    /// The model, of what was known when it was fitted.
    pub fn surrogate(&self) -> Option<&Surrogate> {
        self.surrogate.as_ref()
    }

    /// The variances of the model.
    pub fn variances(&self) -> Option<Variances> {
        self.surrogate().map(Surrogate::variances)
    }

    /// What is known of a graph, trained or not; certain nothing, of mean 0, where no training has come to anything yet.
    pub fn estimate(&self, code: &Code) -> Estimate {
        let Some(surrogate) = &self.surrogate else { return Estimate { mean: 0.0, deviation: 0.0 } };
        match self.place(code) {
            Some(place) => surrogate.estimate(place, &self.graphs[place].features),
            None => surrogate.estimate(UNSEEN, &self.features.of_graph(&self.graph(code))),
        }
    }

    /// By how much one graph that was trained is better than another; certain nothing where no training has come to anything.
    pub fn difference(&self, better: &Code, worse: &Code) -> Estimate {
        let [a, b] = [better, worse].map(|code| self.place(code));
        match (&self.surrogate, a, b) {
            (Some(surrogate), Some(a), Some(b)) if a != b => {
                surrogate.difference((a, &self.graphs[a].features), (b, &self.graphs[b].features))
            }
            _ => Estimate { mean: 0.0, deviation: 0.0 },
        }
    }

    /// By how much graphs of one group are better on average than those of another; `None` where no training has come to anything.
    pub(super) fn contrast(&self, better: &[&Code], worse: &[&Code]) -> Option<Estimate> {
        let known = |code: &&Code| match self.place(code) {
            Some(place) => (place, self.graphs[place].features.clone()),
            None => (UNSEEN, self.features.of_graph(&self.graph(code))),
        };
        let [better, worse] = [better, worse].map(|group| group.iter().map(known).collect::<Vec<_>>());
        let [better, worse] =
            [&better, &worse].map(|group| group.iter().map(|(place, row)| (*place, &row[..])).collect::<Vec<_>>());
        Some(self.surrogate.as_ref()?.contrast(&better, &worse))
    }

    /// Each graph that was trained as others predict it; `None` where no training has come to anything.
    pub fn cross_validate(&self) -> Option<Vec<Prediction>> {
        let (features, observations) = self.observed()?;
        Some(self.surrogate.as_ref()?.cross_validate(&features, &observations))
    }

    /// The graphs that were trained, those of the greatest posterior mean first.
    pub fn ranked(&self) -> Vec<(&Code, Estimate)> {
        let mut all: Vec<_> = self.trained().map(|code| (code, self.estimate(code))).collect();
        all.sort_by(|a, b| b.1.mean.total_cmp(&a.1.mean));
        all
    }

    /// What one draw from the posterior says of graphs; each call is another draw.
    pub fn drawn(&self, codes: &[Code], stream: &mut Stream) -> Vec<f64> {
        let mut drawn = Vec::new();
        self.draw(codes, 1, stream, &mut |values| drawn = values.to_vec());
        drawn
    }

    /// Visits what each of so many draws from the posterior says of graphs.
    pub(super) fn draw(&self, codes: &[Code], count: u32, stream: &mut Stream, visit: &mut dyn FnMut(&[f64])) {
        let Some(surrogate) = &self.surrogate else {
            return (0..count).for_each(|_| visit(&codes.iter().map(|_| stream.uniform()).collect::<Vec<f64>>()));
        };
        // Codes of one graph have one value, or a graph of many codes would have many chances to be the best.
        let (mut graphs, mut places) = (Vec::new(), HashMap::new());
        let place_of = |code: &Code| {
            let graph = self.graph(code);
            *places.entry(graph).or_insert_with_key(|graph| {
                graphs.push(match self.places.get(graph) {
                    Some(place) => surrogate.known(*place, &self.graphs[*place].features),
                    None => surrogate.known(UNSEEN, &self.features.of_graph(graph)),
                });
                graphs.len() - 1
            })
        };
        let places_of_codes: Vec<usize> = codes.iter().map(place_of).collect();
        for _ in 0..count {
            let draw = surrogate.draw(stream);
            let values: Vec<f64> = graphs.iter().map(|known| draw.value_of(known, stream)).collect();
            visit(&places_of_codes.iter().map(|place| values[*place]).collect::<Vec<f64>>());
        }
    }

    fn place(&self, code: &Code) -> Option<usize> {
        self.places.get(&self.graph(code)).copied()
    }

    fn known(&self, code: &Code) -> Option<&Graph> {
        self.place(code).map(|place| &self.graphs[place])
    }

    /// Features and values for the model; a divergence counts as the worst that came to anything.
    fn observed(&self) -> Option<(Vec<Vec<f64>>, Vec<Observation>)> {
        let worst = self.worst()?;
        let observation = |(architecture, graph): (usize, &Graph)| {
            let values = graph.values.iter().map(|value| counted_outcome(*value, worst));
            let one = |(seed, value)| Observation { architecture, seed: seed as u32, value };
            values.enumerate().map(one).collect::<Vec<_>>()
        };
        let features = self.graphs.iter().map(|graph| graph.features.clone()).collect();
        Some((features, self.graphs.iter().enumerate().flat_map(observation).collect()))
    }
}

/// Codes of stages of these numbers of nodes, drawn at random, always the same.
fn usual(nodes: &[usize]) -> impl Iterator<Item = Code> + '_ {
    let stages = space(nodes);
    (0..USUAL).map(move |number| {
        let stream = &mut Stream::new(0, Purpose::Genetic, u32::MAX - 2, number);
        code(nodes, &stages.random(stream))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let backbone = crate::models::genetic_cnn::Backbone::cifar10(2);
        History::new(&Networks { stages: vec![3, 4], backbone, ..Networks::default() }, 32)
    }

    #[test]
    fn codes_of_one_graph_are_one_and_seeds_follow_each_other() {
        let mut history = history();
        let [one, same, other] = ["1-00|0-00-000", "0-01|0-00-000", "1-11|1-11-111"].map(|code| code.parse().unwrap());
        assert!(history.is_empty() && history.estimate(&one).mean == 0.0);
        for (code, value) in [(&one, 0.5), (&same, 0.52), (&other, 0.3)] {
            history.add(code, value);
        }
        assert_eq!((history.len(), history.trained().count()), (3, 2));
        assert_eq!((history.trainings(&one), history.values(&same)), (2, &[0.5, 0.52][..]));
        history.fit();
        let [ranked_first, _] = &history.ranked()[..] else { panic!("two graphs") };
        assert_eq!(*ranked_first.0, canonical(&one));
    }

    /// One diverged network neither moves the others' estimates far nor is taken for a good one.
    #[test]
    fn a_divergence_is_as_bad_as_the_worst() {
        let mut history = history();
        let codes = super::super::graphs(&[3, 4]).unwrap();
        codes.iter().take(20).enumerate().for_each(|(i, code)| history.add(code, 0.5 + 0.001 * i as f64));
        history.add(&codes[20], f64::NAN);
        history.fit();
        assert!((history.estimate(&codes[10]).mean - 0.51).abs() < 0.01);
        assert!(history.estimate(&codes[20]).mean < 0.515);
    }
}
