//! What a search is about to do, and what it came to.

use super::page::write_page;
use super::place::{Begun, Place};
use crate::cli::run_folder::{Kind, data_argument, word};
use crate::cli::table::{Table, fitted};
use anyhow::{Context, Result};
use evograd::data::Sets;
use evograd::models::Plan;
use evograd::models::genetic_cnn::{self, Code};
use evograd::report::{
    BestStats, GenerationStats, SearchStats, agreeing, counted, duration, estimate, grouped, percent, rounded,
};
use evograd::search::{Budget, EarlyEnd, Method, Sampling, SearchConfig, is_used_up, read_journal};
use std::io::Write;

/// What is about to be done, and where.
pub fn banner(begun: &Begun, resumed: bool) -> Vec<String> {
    let SearchConfig { search, networks, data, training, calibration, confirmation, .. } = &begun.config;
    let stages: Vec<String> = networks.stages.iter().map(ToString::to_string).collect();
    let bits: usize = networks.stages.iter().map(|nodes| nodes * (nodes - 1) / 2).sum();
    let method = match search.method {
        Method::Evolution => "evolution, offspring selected by a surrogate model",
        Method::Paper => "evolution as in the paper",
        Method::Aging => "aging evolution",
        Method::Predictor => "selection by a surrogate model alone",
        Method::Random => "random search",
    };
    let epochs = match (begun.kind, calibration) {
        (Kind::Calibration, Some(calibration)) => {
            let budgets = calibration.budgets.iter().map(|budget| budget.length.to_string());
            budgets.collect::<Vec<_>>().join(", then ")
        }
        _ => training.epochs.to_string(),
    };
    let budget = match search.budget {
        Budget::Trainings(count) => counted(count as u64, "training"),
        Budget::Seconds(seconds) => format!("{} of all cores together", duration(seconds)),
    };
    let what = match begun.kind {
        Kind::Search => format!("{method}: {budget}"),
        Kind::Exhaust => "each graph of the space once".into(),
        Kind::Confirmation => {
            let (seeds, networks) =
                confirmation.as_ref().map_or((0, 0), |asked| (asked.seeds, asked.contestants.len()));
            format!("{networks} of them, each with {}", counted(seeds.into(), "new seed"))
        }
        _ => calibration.as_ref().map_or_else(String::new, |calibration| match calibration.sampling {
            Sampling::Uniform => format!("{} random ones", calibration.codes),
            Sampling::Mixed => format!("{} of them, from no edge to all", calibration.codes),
        }),
    };
    let held_out = data.validation_of(begun.sets.train.len());
    let images = if data.samples == 0 { begun.sets.train.len() - held_out } else { data.samples };
    let mut lines = vec![
        format!("networks of {} nodes (2^{bits} codes), fused by {}", stages.join("+"), networks.fusion),
        what,
        format!("each trained on {} of {}, epochs: {epochs}", counted(images as u64, "image"), data.set),
        match begun.kind {
            Kind::Confirmation => format!("tested on {}", counted(begun.sets.test.len() as u64, "image")),
            _ => format!("fitness: accuracy on {} others", grouped(held_out as u64)),
        } + &format!("; {} in parallel", begun.config.workers()),
        format!("in {}", begun.path().display()),
    ];
    if resumed {
        lines.push("going on where the journal ends".into());
    }
    lines
}

/// Says what the search came to, and writes its page, `report.html`; whether any network has learned anything.
pub fn report(begun: &Begun, place: &Place, early: &[EarlyEnd], out: &mut impl Write) -> Result<bool> {
    let rows = read_journal(&begun.journal())?;
    let stats = SearchStats::of(&rows);
    let best = stats.best.as_ref().context("a search has at least one individual")?;
    let learned = stats.trained > stats.diverged;
    if !place.json {
        if learned {
            writeln!(out, "{}", generations(&stats).for_output())?;
            if stats.best_so_far_falls() {
                writeln!(out, "{}", fitted("best so far may fall: it is an estimate, and each training corrects it"))?;
            }
        }
        if learned {
            winner(begun, &stats, best, out)?;
        }
        writeln!(
            out,
            "networks         {} trained, {} diverged; {:.0} ms of overhead each",
            stats.trained,
            stats.diverged,
            1e3 * stats.time.overhead_median
        )?;
    }
    if !place.json && is_used_up(&begun.config.networks.stages, stats.codes) {
        writeln!(out, "space            all {} have been trained", counted(stats.codes as u64, "graph"))?;
    }
    if let (Some(text), false) = (unspent(&begun.config.search.budget, &stats, early), place.json) {
        writeln!(out, "{}", fitted(format_args!("budget           {text}")))?;
    }
    let folder = word(begun.path());
    write_page(begun.path(), &begun.config)?;
    if !place.json {
        writeln!(out, "report           {}/report.html", begun.path().display())?;
    }
    if learned && !place.json {
        let data_dir = data_argument(&place.data_dir);
        writeln!(out, "and now          evograd search explain '{}'", best.code)?;
        writeln!(out, "                 evograd search transfer {folder}{data_dir} --dry-run")?;
    }
    Ok(learned)
}

/// How much of a budget is left, and why.
fn unspent(budget: &Budget, stats: &SearchStats, early: &[EarlyEnd]) -> Option<String> {
    let reason = |early: &EarlyEnd| match early {
        EarlyEnd::UsedUp => "no graph of the space is left",
        EarlyEnd::NothingNew => "evolution finds no new graph",
        EarlyEnd::NoWholeGeneration => "that is too little for a whole generation",
        EarlyEnd::Decided => "the race is decided",
    };
    let left = match budget {
        Budget::Trainings(all) => {
            let left = all.saturating_sub(stats.trained);
            format!(
                "{} of {} {} left",
                grouped(left as u64),
                counted(*all as u64, "training"),
                agreeing(left as u64, "is", "are")
            )
        }
        Budget::Seconds(all) => {
            let spent = stats.time.training + stats.time.overhead;
            format!("{} of {} is left", duration((all - spent).max(0.0)), duration(*all))
        }
    };
    let reasons: Vec<&str> = early.iter().map(reason).collect();
    (!reasons.is_empty()).then(|| format!("{left}: {}", reasons.join(", and ")))
}

/// The best network, and what it costs.
fn winner(begun: &Begun, stats: &SearchStats, best: &BestStats, out: &mut impl Write) -> Result<()> {
    let plan = plan(&begun.config, &begun.sets, &best.code.parse()?)?;
    let fitness = estimate(best.fitness, best.error);
    writeln!(out, "best network     {}", best.code)?;
    writeln!(out, "its fitness      {fitness} of the images held out, as a mean over seeds")?;
    if let Some(answer) = &stats.answer {
        writeln!(out, "gain             {} over a network at random", points(answer.gain, answer.gain_error))?;
        let first = estimate(answer.first_fitness, answer.first_error);
        writeln!(out, "first generation {first} at best")?;
        if answer.first_code != answer.code {
            writeln!(out, "ahead of it by   {}", points(answer.lead, answer.lead_error))?;
        }
        if let Some(certainty) = answer.certainty {
            let trained = counted(answer.trainings.into(), "training");
            writeln!(out, "how sure         {:.0} % that none of the race is better; {trained}", 100.0 * certainty)?;
        }
    }
    let (parameters, macs) = (grouped(plan.parameters()), rounded(plan.macs()));
    writeln!(out, "its cost         {parameters} parameters, {macs} multiply-adds an image")?;
    Ok(())
}

fn points(difference: f64, error: f64) -> String {
    format!("{:.2} ± {:.2} points", 100.0 * difference, 100.0 * error)
}

fn plan(config: &SearchConfig, sets: &Sets, code: &Code) -> Result<Plan> {
    let options = config.training().options(sets.train.shape(), sets.train.classes().len())?;
    Ok(genetic_cnn::network(code, &options)?.plan()?)
}

fn generations(stats: &SearchStats) -> Table {
    let mut table =
        Table::new(&["generation", "best", "mean", "median", "worst", "best so far", "trained", "time"], 0..8);
    // In a generation that trained nothing, nothing has happened.
    for generation in stats.generations.iter().filter(|generation| generation.trained > 0) {
        let GenerationStats { best, mean, median, worst, best_so_far, .. } = generation;
        let [best, mean, median, worst, so_far] = [best, mean, median, worst, best_so_far].map(|share| percent(*share));
        let (number, trained) = (generation.number.to_string(), generation.trained.to_string());
        let number = if generation.race { format!("{number} race") } else { number };
        table.row([number, best, mean, median, worst, so_far, trained, duration(generation.seconds)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_budget_is_said_with_the_reason() {
        let mut stats = SearchStats::of(&[]);
        (stats.trained, stats.time.training) = (35, 90.0);
        let trainings = Budget::Trainings(36);
        assert_eq!(unspent(&trainings, &stats, &[]), None);
        for (early, text) in [
            (EarlyEnd::UsedUp, "no graph of the space is left"),
            (EarlyEnd::NothingNew, "evolution finds no new graph"),
            (EarlyEnd::NoWholeGeneration, "that is too little for a whole generation"),
            (EarlyEnd::Decided, "the race is decided"),
        ] {
            let expected = format!("1 of 36 trainings is left: {text}");
            assert_eq!(unspent(&trainings, &stats, &[early]), Some(expected));
        }
        let both = unspent(&Budget::Seconds(120.0), &stats, &[EarlyEnd::UsedUp, EarlyEnd::Decided]).unwrap();
        assert_eq!(both, "30.0 s of 2 min 0 s is left: no graph of the space is left, and the race is decided");
    }
}
