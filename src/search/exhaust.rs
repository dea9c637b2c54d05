//! All networks of a small space: what each comes to, and how well a search would have found the best of them.

use super::config::{Breeding, Repeat, SearchConfig};
use super::evaluator::{Evaluator, Told};
use super::run::{breed, space};
use crate::data::Sets;
use crate::error::{Error, Result};
use crate::models::genetic_cnn::{Code, Stage, canonical};
use crate::record::IndividualRow;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// The most codes that are gone through to find all graphs: 4 million.
const MOST_BITS: usize = 22;
/// The most nodes of a stage, whose orders are gone through for each code.
const MOST_NODES: usize = 6;

/// Evaluates every graph of a space that is small enough: one canonical code for each. The journal is as that of
/// [`search`](super::search()), with a single generation.
///
/// # Errors
/// As [`search`](super::search()), and [`graphs`].
pub fn exhaust(journal: &Path, config: &SearchConfig, sets: &Sets, told: &mut Told<'_>) -> Result<()> {
    let mut told = |event: super::Event<'_>| told(event);
    let codes = graphs(&config.networks.stages)?;
    if config.search.repeat != Repeat::Cache || !config.search.halving.is_empty() {
        let problem = "search.repeat or search.halving is set, and every network is trained once, in full".into();
        return Err(refuse(problem, "leave them out"));
    }
    let mut evaluator = Evaluator::new(journal, "exhaust", config, sets, &mut told)?;
    let fitness = evaluator.fitness(0, &codes)?;
    let row = |(code, fitness): (&Code, f64)| IndividualRow { code: code.to_string(), fitness, parents: Vec::new() };
    evaluator.generation(0, codes.iter().zip(fitness).map(row).collect())?;
    Ok(())
}

/// One canonical code for each graph of a space, in the order of their bits.
///
/// ```
/// assert_eq!(evograd::search::graphs(&[3, 4])?.len(), 6 * 31);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there are more than 4 million codes.
pub fn graphs(nodes: &[usize]) -> Result<Vec<Code>> {
    let bits: usize = space(nodes).0.iter().sum();
    if bits > MOST_BITS || nodes.iter().any(|nodes| *nodes > MOST_NODES) {
        let problem = format!("stages of {nodes:?} nodes have 2^{bits} codes");
        let remedy = format!("go through a space of at most 2^{MOST_BITS}, with at most {MOST_NODES} nodes in a stage");
        return Err(refuse(problem, &remedy));
    }
    let mut all = vec![Vec::new()];
    for nodes in nodes {
        let stages = stage_graphs(*nodes)?;
        let longer = |before: Vec<Stage>| {
            stages.iter().map(move |stage| before.iter().chain([stage]).cloned().collect::<Vec<Stage>>())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    Ok(all.into_iter().map(Code).collect())
}

/// One canonical stage for each graph of so many nodes.
fn stage_graphs(nodes: usize) -> Result<Vec<Stage>> {
    let bits = nodes * (nodes - 1) / 2;
    let stage = |code: u32| Stage::new(nodes, (0..bits).map(|bit| code >> bit & 1 == 1).collect());
    let codes = (0..1 << bits).map(|code| Ok(canonical(&Code(vec![stage(code)?]))));
    let graphs = codes.collect::<Result<BTreeSet<Code>>>()?;
    Ok(graphs.into_iter().flat_map(|code| code.0).collect())
}

fn refuse(problem: String, remedy: &str) -> Error {
    Error::op("search", problem, &[], remedy)
}

/// The fitness of every graph of a space.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    nodes: Vec<usize>,
    fitness: HashMap<Code, f64>,
}

impl Table {
    /// The table of these networks.
    ///
    /// # Errors
    /// When a code is none, or a graph of the space is missing.
    pub fn new(nodes: &[usize], individuals: &[IndividualRow]) -> Result<Table> {
        let entry = |row: &IndividualRow| Ok((row.code.parse::<Code>()?, row.fitness));
        let fitness = individuals.iter().map(entry).collect::<Result<HashMap<Code, f64>>>()?;
        if let Some(missing) = graphs(nodes)?.iter().find(|graph| !fitness.contains_key(graph)) {
            let problem = format!("the fitness of {missing} is not known");
            return Err(refuse(problem, "let the table be completed first"));
        }
        Ok(Table { nodes: nodes.to_vec(), fitness })
    }

    /// The best fitness found after each network that a search trains, were it on this table.
    ///
    /// # Errors
    /// When the settings make no sense.
    pub fn best_so_far(&self, breeding: &Breeding) -> Result<Vec<f64>> {
        let (mut seen, mut best) = (BTreeSet::new(), Vec::new());
        let mut fitness = |_: u32, codes: &[Code]| {
            let look_up = |code: &Code| {
                let graph = canonical(code);
                let fitness = self.fitness[&graph];
                if seen.insert(graph) {
                    best.push(best.last().map_or(fitness, |best: &f64| best.max(fitness)));
                }
                fitness
            };
            Ok(codes.iter().map(look_up).collect())
        };
        breed(&self.nodes, breeding, &mut fitness, &mut |_| Ok(true))?;
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Method;
    use super::*;

    #[test]
    fn spaces_have_as_many_graphs_as_were_counted_elsewhere() {
        assert_eq!(graphs(&[3, 5]).unwrap().len(), 1812);
        assert_eq!(graphs(&[3, 4, 5]).unwrap().len(), 56_172);
        let text = graphs(&[5, 5, 5]).unwrap_err().to_string();
        assert_eq!(
            text,
            "search: stages of [5, 5, 5] nodes have 2^30 codes; go through a space of at most 2^22, with at most 6 nodes in a \
             stage"
        );
    }

    /// On a fitness that counts edges, evolution is far ahead of chance after as many networks.
    #[test]
    fn on_a_smooth_table_evolution_beats_chance() {
        let nodes = [4, 4];
        let row = |code: &Code| {
            let edges = code.0.iter().map(|stage| stage.edges().count()).sum::<usize>() as f64;
            IndividualRow { code: code.to_string(), fitness: edges, parents: Vec::new() }
        };
        let rows: Vec<IndividualRow> = graphs(&nodes).unwrap().iter().map(row).collect();
        let table = Table::new(&nodes, &rows).unwrap();
        let mean = |method: Method| {
            let best = |seed| {
                let best =
                    table.best_so_far(&Breeding { method, seed, population: 12, ..Breeding::default() }).unwrap();
                best[best.len().min(35) - 1]
            };
            (0..40).map(best).sum::<f64>() / 40.0
        };
        assert!(
            mean(Method::Evolution) > mean(Method::Random) + 0.5,
            "{} {}",
            mean(Method::Evolution),
            mean(Method::Random)
        );
        assert!(Table::new(&nodes, &rows[1..]).is_err());
    }
}
