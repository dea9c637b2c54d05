//! What the trainings of a search say of its space: how much of what was measured is due to architectures, what edges and depth do, and what
//! chance alone would have found.

mod chance;
mod effects;

use super::history::History;
use super::settings::Networks;
use super::surrogate::{Prediction, r_squared};
use crate::error::{Error, Result};
use crate::models::genetic_cnn::Code;
use crate::record::{Insight, NetworkRow, SearchRow, outcome};

/// The side of the images. Of the features it scales one, multiply-adds, which the model gets in standard units.
const SIDE: usize = 32;

/// What the rows of a journal say of the space of these networks; `winner` is the network that was chosen. `None` where no
/// training has come to anything yet.
///
/// # Errors
/// When a code is none of this space.
pub fn insight(rows: &[SearchRow], networks: &Networks, winner: Option<&Code>) -> Result<Option<Insight>> {
    let mut history = recalled(rows, networks)?;
    history.fit();
    let (Some(surrogate), Some(validated)) = (history.surrogate(), history.cross_validate()) else { return Ok(None) };
    Ok(Some(Insight {
        heritability: surrogate.variances().heritability(),
        r_squared: r_squared(&validated),
        networks: validated.iter().map(|one| row(one, &history)).collect(),
        effects: effects::effects(&history),
        chance: winner.and_then(|winner| chance::against_random(&history, winner)),
    }))
}

/// All trainings of a journal, each graph's in the order of its seeds.
fn recalled(rows: &[SearchRow], networks: &Networks) -> Result<History> {
    let mut trainings: Vec<_> =
        rows.iter().filter_map(|row| if let SearchRow::Evaluation(row) = row { Some(row) } else { None }).collect();
    trainings.sort_by_key(|row| row.repeat);
    let mut history = History::new(networks, SIDE);
    for row in trainings {
        let code: Code = row.code.parse()?;
        if !code.0.iter().map(|stage| stage.nodes()).eq(networks.stages.iter().copied()) {
            let problem = format!("the journal holds {code}, whose stages are not those of the settings");
            return Err(Error::op("search", problem, &[], "restore the folder of the search from a copy"));
        }
        history.add(&code, outcome(row));
    }
    Ok(history)
}

fn row(prediction: &Prediction, history: &History) -> NetworkRow {
    let code = history.trained().nth(prediction.architecture).expect("what was predicted was trained");
    let fitness = history.estimate(code);
    NetworkRow {
        code: code.to_string(),
        trainings: history.values(code).len(),
        fitness: fitness.mean,
        fitness_error: fitness.deviation,
        measured: prediction.measured,
        predicted: prediction.predicted.mean,
        error: prediction.predicted.deviation,
    }
}
