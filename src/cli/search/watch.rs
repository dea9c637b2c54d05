//! A search at work: its progress is shown, its rows are printed, signals stop it, and its end is noted.

use super::place::{Begun, Place};
use super::progress::Progress;
use super::summary;
use crate::cli::interrupt;
use crate::cli::results::print_row;
use crate::cli::run_folder::Unfinished;
use anyhow::Result;
use evograd::Error;
use evograd::record::SearchRow;
use evograd::report::counted;
use evograd::search::{Event, OnEvent};
use std::io::Write;

/// Does `work` with its progress shown and its rows printed; whether it came to its end.
pub fn watched(
    begun: &Begun,
    place: &Place,
    mut progress: Progress,
    out: &mut impl Write,
    work: &mut dyn FnMut(&mut OnEvent<'_>) -> evograd::Result<()>,
) -> Result<bool> {
    let mut stop = interrupt::stop_requested("stopping; what was evaluated is kept. A second signal stops at once")?;
    summary::banner(begun, place.resume.is_some()).iter().for_each(|line| progress.note(line));
    let outcome = work(&mut |event| {
        let row = match &event {
            Event::Evaluated { row, .. } => Some(SearchRow::Evaluation((*row).clone())),
            Event::Generation(row) => Some(SearchRow::Generation((*row).clone())),
            Event::Reading { .. } | Event::Waiting => None,
        };
        if let (Some(row), true) = (row, place.json) {
            print_row(&row, out);
        }
        progress.update(&event);
        !stop()
    });
    progress.finish();
    let described = begun.ended(&outcome);
    let is_whole = outcome.is_ok();
    // What ended the search says more than that this could not be noted.
    let noted = match outcome {
        Err(Error::Stopped) | Ok(()) => described,
        failed => failed,
    };
    let unfinished = |error| Unfinished::of(error, || kept(begun), begun.kind.command(), begun.path(), &place.data_dir);
    noted.map(|()| is_whole).map_err(unfinished)
}

/// What is kept of a search that failed.
fn kept(begun: &Begun) -> String {
    let trained = |rows: &Vec<SearchRow>| rows.iter().filter(|row| matches!(row, SearchRow::Evaluation(_))).count();
    match begun.rows().as_ref().map(trained) {
        Ok(0) => "nothing had been trained by then".into(),
        Ok(trainings) => format!("kept: {}, in journal.jsonl", counted(trainings as u64, "training")),
        // What is wrong with the journal is said when it is opened again.
        Err(_) => "kept: journal.jsonl".into(),
    }
}
