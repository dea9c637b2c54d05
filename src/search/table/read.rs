//! Reading a table. Whatever the text is, it is read or refused with the number of the line.

use super::{COLUMNS, HEAD, TrainingRow, TrainingTable, place};
use crate::error::{Error, Result};
use crate::files;
use crate::models::genetic_cnn::{Code, canonical};
use crate::search::config::SearchConfig;
use crate::search::settings::Networks;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

/// The most seeds or epochs; a number far above is no such thing.
const MOST: u32 = 1_000_000_000;

/// What is wrong with a line, counted from 1, and what to do.
struct Fault {
    line: usize,
    problem: String,
    remedy: String,
}

type Read<T> = std::result::Result<T, Fault>;

fn fault<T>(line: usize, problem: impl Display, remedy: impl Into<String>) -> Read<T> {
    Err(Fault { line, problem: problem.to_string(), remedy: remedy.into() })
}

impl TrainingTable {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or is no table; the error names the line.
    pub fn read(path: &Path) -> Result<TrainingTable> {
        let name = "name a table of trainings, as evograd search table writes it";
        let bytes = files::read_given(path).map_err(|error| Error::file(path, error, name))?;
        let text = String::from_utf8(bytes).map_err(|_| Error::file(path, "it is no text in UTF-8", name))?;
        TrainingTable::parse_as(&text, path)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is no table; the error names the line.
    pub fn parse(text: &str) -> Result<TrainingTable> {
        TrainingTable::parse_as(text, Path::new("table"))
    }

    fn parse_as(text: &str, path: &Path) -> Result<TrainingTable> {
        table(text)
            .map_err(|Fault { line, problem, remedy }| Error::file(path, format!("line {line}: {problem}"), remedy))
    }
}

fn table(text: &str) -> Read<TrainingTable> {
    let lines: Vec<&str> = text.lines().collect();
    let head: Vec<String> = lines.iter().map_while(|line| line.strip_prefix('#')).map(head_line).collect();
    let networks = networks(&head)?;
    let columns = head.len() + 1;
    match lines.get(head.len()) {
        Some(line) if *line == COLUMNS => {}
        found => {
            let found = found.map_or("there is nothing".into(), |line| format!("it is {line:?}"));
            return fault(columns, format!("the columns have no names, {found}"), format!("write {COLUMNS}"));
        }
    }
    if !text.ends_with('\n') {
        return fault(lines.len(), "the file ends within it", "restore the file, or remove the line");
    }
    let numbered = lines.iter().enumerate().skip(columns).map(|(number, line)| (number + 1, *line));
    let mut rows =
        numbered.map(|(number, line)| Ok((number, row(number, line, &networks)?))).collect::<Read<Vec<_>>>()?;
    if rows.is_empty() {
        return fault(columns, "no row follows", "restore the file, or make a table of trainings that were done");
    }
    expect_one_of_each(&rows)?;
    rows.sort_by_key(|(_, row)| place(row));
    Ok(TrainingTable { head, networks, rows: rows.into_iter().map(|(_, row)| row).collect() })
}

fn head_line(line: &str) -> String {
    line.strip_prefix(&HEAD[1..]).unwrap_or(line).trim_end().to_string()
}

/// The networks of the settings in the head.
fn networks(head: &[String]) -> Read<Networks> {
    let settings: Vec<&str> = head.iter().map(String::as_str).filter(|line| line.starts_with("networks.")).collect();
    let first = |key: &str| head.iter().position(|line| line.starts_with(key));
    for key in ["networks.stages", "networks.backbone.filters"] {
        if first(key).is_none() {
            let remedy = format!("add a line such as {HEAD}{key} = [3, 4]");
            return fault(head.len().max(1), format!("the head ends and {key} is not in it"), remedy);
        }
    }
    match SearchConfig::parse(&settings.join("\n"), &[]) {
        Ok(config) => Ok(config.networks),
        Err(error) => {
            // Alone, most settings are sound or not by themselves; else the stages and what belongs to them disagree.
            let alone = |line: &String| SearchConfig::parse(line, &[]).is_err();
            let is_wrong = |line: &String| line.starts_with("networks.") && !belongs(line) && alone(line);
            let line = head.iter().position(is_wrong).or(first("networks.stages")).unwrap_or(0) + 1;
            fault(line, error, "write the settings of the networks as evograd search --dry-run prints them")
        }
    }
}

/// Whether a setting makes sense beside others alone.
fn belongs(line: &str) -> bool {
    ["networks.stages", "networks.backbone.filters", "networks.epsilon"].iter().any(|key| line.starts_with(key))
}

fn row(line: usize, text: &str, networks: &Networks) -> Read<TrainingRow> {
    let fields: Vec<&str> = text.split(',').collect();
    let Ok([code, images, epochs, seed, accuracy, loss, macs, parameters, seconds]) = <[&str; 9]>::try_from(fields)
    else {
        let count = text.split(',').count();
        return fault(line, format!("it has {count} fields"), format!("give nine: {COLUMNS}"));
    };
    let above = |name, value: u64| match value {
        0 => fault(line, format!("{name} is 0"), "give the number of those that were trained with"),
        _ => Ok(value),
    };
    let row = TrainingRow {
        code: network(line, code, networks)?,
        images: above("images", number(line, "images", images)?)?,
        epochs: above("epochs", whole(line, "epochs", epochs)?.into())? as u32,
        seed: whole(line, "seed", seed)?,
        accuracy: share(line, accuracy)?,
        loss: match loss {
            "" => None,
            _ => Some(amount(line, "loss", loss)?),
        },
        macs: number(line, "macs", macs)?,
        parameters: number(line, "parameters", parameters)?,
        seconds: amount(line, "seconds", seconds)?,
    };
    Ok(row)
}

/// The network of a row: a canonical code of the table's space.
fn network(line: usize, text: &str, networks: &Networks) -> Read<Code> {
    let Networks { stages, .. } = networks;
    let code: Code = match text.parse() {
        Ok(code) => code,
        Err(error) => return fault(line, format!("code: {error}"), "restore the line"),
    };
    if code.nodes() != *stages {
        let problem = format!("{text} has stages of {:?} nodes, the head {stages:?}", code.nodes());
        return fault(line, problem, "keep networks of one space in a table");
    }
    let canonical = canonical(&code).to_string();
    match canonical == text {
        true => Ok(code),
        false => fault(line, format!("{text} is not the canonical code of its graph"), format!("write {canonical}")),
    }
}

fn number<T: FromStr>(line: usize, name: &str, text: &str) -> Read<T> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if plain => Ok(number),
        _ => fault(line, format!("{name} is {text:?}"), "give a whole number"),
    }
}

fn whole(line: usize, name: &str, text: &str) -> Read<u32> {
    let number = number::<u32>(line, name, text)?;
    if number <= MOST { Ok(number) } else { fault(line, format!("{name} is {text}"), "give a smaller number") }
}

/// A number that is finite and not below 0.
fn amount(line: usize, name: &str, text: &str) -> Read<f64> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number.is_sign_positive() => Ok(number),
        _ => fault(line, format!("{name} is {text:?}"), "give a number that is finite and not below 0"),
    }
}

fn share(line: usize, text: &str) -> Read<Option<f64>> {
    match text {
        "" => Ok(None),
        _ => match amount(line, "accuracy", text)? {
            share if share <= 1.0 => Ok(Some(share)),
            _ => fault(line, format!("accuracy is {text}"), "give a share from 0 to 1, and nothing where it diverged"),
        },
    }
}

/// Refuses a training that is there twice, and one number of images in two numbers of epochs.
fn expect_one_of_each(rows: &[(usize, TrainingRow)]) -> Read<()> {
    let (mut seen, mut epochs) = (HashMap::new(), HashMap::new());
    for (line, row) in rows {
        if let Some(other) = seen.insert((&row.code, row.images, row.seed), line) {
            let TrainingRow { code, images, seed, .. } = row;
            let problem = format!("{code}, {images} images and seed {seed} are in line {other} too");
            return fault(*line, problem, "remove one of the two");
        }
        let (of_first, first) = *epochs.entry(row.images).or_insert((row.epochs, line));
        if of_first != row.epochs {
            let problem = format!("{} images are {} epochs, and {of_first} in line {first}", row.images, row.epochs);
            return fault(*line, problem, "keep trainings of the same images and other epochs in another table");
        }
    }
    Ok(())
}
