//! The page of a search, and `evograd search report`, which makes it again.

use super::advice;
use super::stages::stages;
use crate::cli::run_folder::{Kind, of_kind, word};
use anyhow::{Context, Result, bail};
use evograd::models::genetic_cnn::{Code, canonical};
use evograd::record::{Insight, SearchRow};
use evograd::report::{SearchReport, SearchStats, WinnerRow, search_html};
use evograd::search::{SearchConfig, insight, journal_of};
use evograd::train::RunFolder;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  evograd search report runs/search-shapes-seed0
      also while the search goes on, or after it was killed";

/// Rebuild report.html of a search from its journal
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The folder of the search
    search: PathBuf,
}

/// Makes the page.
pub fn run(args: &Args, out: &mut impl Write) -> Result<ExitCode> {
    let settings = of_kind(&args.search, &Kind::JOURNALS)?.settings();
    let stats = write_page(&args.search, &SearchConfig::read(&settings, &[])?)?;
    if stats.trained == 0 {
        bail!("{}: this search has trained no network yet", args.search.display());
    }
    writeln!(out, "{}", args.search.join("report.html").display())?;
    if stats.trained == stats.diverged {
        return Ok(advice::nothing_learned());
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes `report.html` into the folder of a search; the numbers in it.
pub fn write_page(folder: &Path, config: &SearchConfig) -> Result<SearchStats> {
    let folder_of_search = RunFolder::read(folder)?;
    let rows = journal_of(&folder_of_search)?;
    let stats = SearchStats::of(&rows);
    let winner = match &stats.best {
        None => None,
        Some(best) => Some(winner(&rows, &best.code.parse()?, config)?),
    };
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let insight = learned(&stats, &rows, config)?;
    let page = search_html(&SearchReport { name: &name, rows: &rows, settings: &config.to_toml(), winner, insight });
    let written = folder_of_search.write("report.html", page.as_bytes());
    written.with_context(|| format!("all else is kept; write the page by evograd search report {}", word(folder)))?;
    Ok(stats)
}

/// What the trainings say of the space, where all are of one length and for one fitness.
fn learned(stats: &SearchStats, rows: &[SearchRow], config: &SearchConfig) -> Result<Option<Insight>> {
    if !["search", "exhaust"].contains(&stats.task.as_str()) {
        return Ok(None);
    }
    let winner: Option<Code> = stats.answer.as_ref().map(|answer| answer.code.parse()).transpose()?;
    Ok(insight(rows, &config.networks, winner.as_ref())?)
}

/// What is known of the winner: its own training, or that of the same graph, has counted its cost.
fn winner(rows: &[SearchRow], code: &Code, config: &SearchConfig) -> Result<WinnerRow> {
    let canonical = canonical(code).to_string();
    let cost = rows.iter().find_map(|row| match row {
        SearchRow::Evaluation(row) if row.code == code.to_string() || row.code == canonical => {
            Some([row.parameters, row.macs])
        }
        _ => None,
    });
    let [parameters, macs] = cost.context("the journal holds no training of the best network")?;
    let fusion = config.networks.fusion.clone();
    Ok(WinnerRow { canonical, parameters, macs, fusion, stages: stages(code) })
}
