//! What is probably not meant with a search, and what its networks have not learned.

use crate::cli::exit_code::FAILED;
use crate::cli::file_progress::FileProgress;
use crate::cli::run_folder::Kind;
use crate::cli::terminal::note;
use evograd::data::{Sets, TestSet, findings};
use evograd::record::{Score, SearchRow};
use evograd::report::{agreeing, counted};
use evograd::search::{Method, SearchConfig};
use evograd::train::{Chance, warnings};
use std::path::Path;
use std::process::ExitCode;

const NOTHING_LEARNED: &str = "no network has learned anything; lower the learning rate with --rate";

/// What there is to say before it begins.
fn before(kind: Kind, config: &SearchConfig) -> Vec<String> {
    let images = if config.data.samples == 0 { usize::MAX } else { config.data.samples };
    let mut all = warnings(&config.training(), images);
    if kind == Kind::Search && config.search.method == Method::Evolution && config.search.population == 1 {
        all.push(
            "a population of 1 leaves nothing to select from and to cross; give a --population of 6 or more".into(),
        );
    }
    all
}

/// As [`before`], and what there is to say of the data. The test set is looked at by a confirmation alone.
pub fn of(
    kind: Kind,
    config: &SearchConfig,
    sets: &Sets,
    file_progress: &mut FileProgress,
) -> evograd::Result<Vec<String>> {
    let test = if kind == Kind::Confirmation { TestSet::Used } else { TestSet::Unused };
    Ok([before(kind, config), findings(sets, test, file_progress)?].concat())
}

/// Says that no training came to anything; the exit code of a command that has no result for that reason.
pub fn nothing_learned() -> ExitCode {
    note(NOTHING_LEARNED);
    ExitCode::from(FAILED)
}

/// As [`nothing_learned`], of one of several folders.
pub fn nothing_learned_in(folder: &Path) -> ExitCode {
    note(format_args!("{}: {NOTHING_LEARNED}", folder.display()));
    ExitCode::from(FAILED)
}

/// What there is to say of the networks that were trained: how many are no better than guessing.
pub fn after(rows: &[SearchRow], config: &SearchConfig, sets: &Sets) -> Option<String> {
    let mut counts = vec![0; sets.train.classes().len()];
    (0..sets.train.len()).for_each(|image| counts[sets.train.label(image)] += 1);
    let (chance, images) = (Chance::of(&counts), config.data.validation_of(sets.train.len()));
    let scores = rows.iter().filter_map(|row| match row {
        SearchRow::Evaluation(row) => {
            Some(Score { split: "validation".into(), images, loss: row.loss?, accuracy: row.fitness })
        }
        _ => None,
    });
    let (mut trained, mut guessing) = (0, 0);
    for score in scores {
        (trained, guessing) = (trained + 1, guessing + u64::from(chance.explains(&score)));
    }
    let accuracy = 100.0 * chance.accuracy;
    (guessing > 0).then(|| {
        format!(
            "{guessing} of {} {} learned nothing and {} no better than guessing, which comes to {accuracy:.1} %; train for longer \
             (--epochs), on more images (--samples) or at another learning rate (--rate)",
            counted(trained, "trained network"),
            agreeing(guessing, "has", "have"),
            agreeing(guessing, "is", "are")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use evograd::data;
    use evograd::record::EvaluationRow;

    fn row(fitness: f64, loss: Option<f64>) -> SearchRow {
        SearchRow::Evaluation(EvaluationRow {
            generation: 0,
            code: "1".into(),
            repeat: 0,
            epochs: 1,
            fitness,
            loss,
            losses: Vec::new(),
            parameters: 1,
            macs: 1,
            seconds: 1.0,
            core_seconds: None,
            overhead_seconds: 0.0,
            images_per_second: 1.0,
            diverged: None,
        })
    }

    #[test]
    fn networks_that_guess_are_counted() {
        let config = SearchConfig::parse("", &["data.samples=64".into(), "data.validation=100".into()]).unwrap();
        let sets = data::shapes_of(0, 200, 10).unwrap();
        let rows = [row(0.1, Some(2.303)), row(0.4, Some(1.8)), row(0.12, Some(2.31)), row(0.0, None)];
        let said = after(&rows, &config, &sets).unwrap();
        assert!(said.starts_with("2 of 3 trained networks have learned nothing and are no better"), "{said}");
        let said = after(&rows[..1], &config, &sets).unwrap();
        assert!(said.starts_with("1 of 1 trained network has learned nothing and is no better"), "{said}");
        assert_eq!(after(&rows[1..2], &config, &sets), None);
    }

    #[test]
    fn a_population_of_one_is_warned_of() {
        let said = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
            before(Kind::Search, &SearchConfig::parse("", &settings).unwrap()).join("\n")
        };
        assert!(said(&["search.population=1"]).starts_with("a population of 1"));
        assert_eq!(said(&["search.population=1", "search.method=random"]), "");
        assert!(said(&["optimizer.rate=0"]).starts_with("the learning rate is 0"));
        assert_eq!(said(&[]), "");
    }
}
