//! The graphs of a code's stages for a terminal, in box-drawing characters. Knows rows of nodes alone.
//!
//! Nodes stand one below the other. An edge to the next node is the stroke between them; all other edges of a node run down
//! a rail at its right, and come back in the line above the node that consumes them. A rail is shared by all edges of its
//! node; it passes under lines that do not join it. Shorter rails stand nearer to the nodes, so that few lines cross.

use super::stage_row::{Role, StageRow};

/// The column of the first rail, and the width of each.
const RAILS: usize = 11;
const RAIL: usize = 3;
/// Between stages that stand in a row.
const GAP: usize = 4;

/// All stages of a code as text, in a row as far as `width` columns allow, each with the pool behind it.
///
/// ```
/// use evograd::report::{StageRow, stages_text};
/// let empty = |title: &str| StageRow { title: title.into(), nodes: vec![], ends: vec![], isolated: vec![1, 2] };
/// let text = stages_text(&[empty("stage 1"), empty("stage 2")], 80);
/// assert!(text.lines().next() == Some("stage 1                          stage 2"));
/// ```
pub fn stages_text(stages: &[StageRow], width: usize) -> String {
    let mut rows: Vec<Vec<Vec<String>>> = Vec::new();
    let mut used = 0;
    for stage in stages {
        let block = block(stage);
        let own = columns(&block);
        match rows.last_mut() {
            Some(row) if used + GAP + own <= width => {
                used += GAP + own;
                row.push(block);
            }
            _ => {
                used = own;
                rows.push(vec![block]);
            }
        }
    }
    let texts: Vec<String> = rows.iter().map(|row| beside(row)).collect();
    texts.join("\n")
}

fn columns(block: &[String]) -> usize {
    block.iter().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Blocks in a row.
fn beside(blocks: &[Vec<String>]) -> String {
    let height = blocks.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for line in 0..height {
        let mut joined = String::new();
        for block in blocks {
            let part = block.get(line).map_or("", String::as_str);
            let missing = columns(block) + GAP - part.chars().count();
            joined.push_str(part);
            joined.extend(std::iter::repeat_n(' ', missing));
        }
        text.push_str(joined.trim_end());
        text.push('\n');
    }
    text
}

/// A stage under its title, and the pool behind it.
fn block(stage: &StageRow) -> Vec<String> {
    let mut lines = vec![stage.title.clone(), String::new()];
    lines.extend(graph(stage));
    lines.extend(["│".to_string(), "▽ pool".to_string()]);
    if let Some(vanished) = stage.vanished() {
        lines.extend([String::new(), format!("({vanished})")]);
    }
    lines
}

/// A rail: the place of its node, and that of the last node that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rail {
    from: usize,
    to: usize,
}

/// The column of rails of each node that needs one.
fn rails(boxes: &[(Role, Vec<usize>)]) -> Vec<Vec<Rail>> {
    let reach = |from: usize| (from + 2..boxes.len()).rev().find(|to| boxes[*to].1.contains(&from));
    let mut wanted: Vec<Rail> = (0..boxes.len()).filter_map(|from| reach(from).map(|to| Rail { from, to })).collect();
    wanted.sort_by_key(|rail| rail.to - rail.from);
    let mut columns: Vec<Vec<Rail>> = Vec::new();
    for rail in wanted {
        let free = |column: &&mut Vec<Rail>| column.iter().all(|other| other.to <= rail.from || rail.to <= other.from);
        match columns.iter_mut().find(free) {
            Some(column) => column.push(rail),
            None => columns.push(vec![rail]),
        }
    }
    columns
}

fn graph(stage: &StageRow) -> Vec<String> {
    let boxes = stage.boxes();
    let rails = rails(&boxes);
    let mut lines = Vec::new();
    for (place, (role, inputs)) in boxes.iter().enumerate() {
        if place > 0 {
            lines.push(arrivals(place, inputs, &rails));
        }
        lines.push(departure(place, *role, &rails));
    }
    lines
}

/// The line above a node: what comes from the node before it, and from rails.
fn arrivals(place: usize, inputs: &[usize], rails: &[Vec<Rail>]) -> String {
    let at = |column: &Vec<Rail>| column.iter().copied().find(|rail| rail.from < place && place <= rail.to);
    let joins = |rail: &Rail| inputs.contains(&rail.from) && rail.from + 1 < place;
    let farthest = rails.iter().rposition(|column| at(column).is_some_and(|rail| joins(&rail)));
    let start = match (inputs.contains(&(place - 1)), farthest) {
        (true, Some(_)) => "├",
        (true, None) => "│",
        (false, Some(_)) => "┌",
        (false, None) => " ",
    };
    let sign = |(number, column): (usize, &Vec<Rail>)| {
        let rail = at(column)?;
        Some(match (joins(&rail), rail.to == place, farthest == Some(number)) {
            (false, ..) => '│',
            (true, true, true) => '┘',
            (true, true, false) => '┴',
            (true, false, true) => '┤',
            (true, false, false) => '┼',
        })
    };
    line(start, farthest, rails.iter().enumerate().map(sign))
}

/// The line of a node, with the beginning of its rail.
fn departure(place: usize, role: Role, rails: &[Vec<Rail>]) -> String {
    let start = match role {
        Role::Input => "◇ input ".to_string(),
        Role::Node(number) => format!("○ {number} "),
        Role::Output => "◆ output ".to_string(),
    };
    let own = rails.iter().position(|column| column.iter().any(|rail| rail.from == place));
    let sign = |(number, column): (usize, &Vec<Rail>)| {
        let passing = column.iter().any(|rail| rail.from < place && place < rail.to);
        if own == Some(number) { Some('┐') } else { passing.then_some('│') }
    };
    line(&start, own, rails.iter().enumerate().map(sign))
}

/// A line that runs to the right as far as the rail `reach`, with a sign in each rail's column that has one.
fn line(start: &str, reach: Option<usize>, signs: impl Iterator<Item = Option<char>>) -> String {
    let stroke = |runs: bool| if runs { '─' } else { ' ' };
    let mut line = start.to_string();
    line.extend(std::iter::repeat_n(stroke(reach.is_some()), RAILS.saturating_sub(start.chars().count())));
    for (number, sign) in signs.enumerate() {
        let beyond = stroke(reach.is_some_and(|reach| number < reach));
        line.push(sign.unwrap_or(beyond));
        line.extend(std::iter::repeat_n(beyond, RAIL - 1));
    }
    line.trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::super::stage_row::stage;
    use super::*;

    #[test]
    fn a_dense_stage_of_five_nodes_is_drawn_with_a_rail_for_each_node_that_skips() {
        let edges: Vec<(usize, usize)> = (2..=5).flat_map(|to| (1..to).map(move |from| (from, to))).collect();
        let expected = "\
dense

◇ input
│
○ 1 ─────────────┐
│                │
○ 2 ──────────┐  │
├─────────────│──┤
○ 3 ───────┐  │  │
├──────────│──┼──┤
○ 4        │  │  │
├──────────┴──┴──┘
○ 5
│
◆ output
│
▽ pool
";
        assert_eq!(stages_text(&[stage("dense", 5, &edges)], 80), expected);
    }

    #[test]
    fn sources_and_ends_in_the_middle_have_rails_and_what_is_isolated_is_reported() {
        let expected = "\
a

◇ input ──────┐
│             │
○ 1           │
│             │
○ 3 ───────┐  │
┌──────────│──┘
○ 4        │
├──────────┘
○ 5
│
◆ output
│
▽ pool

(node 2 has no edges)
";
        assert_eq!(stages_text(&[stage("a", 5, &[(1, 3), (3, 5), (4, 5)])], 80), expected);
    }

    #[test]
    fn stages_stand_in_a_row_where_there_is_room() {
        let chain = |title: &str| stage(title, 3, &[(1, 2), (2, 3)]);
        let stages = [chain("first"), chain("second"), chain("third")];
        let wide = stages_text(&stages, 80);
        assert_eq!(wide.lines().next(), Some("first       second      third"));
        let narrow = stages_text(&stages, 20);
        assert_eq!(narrow.lines().filter(|line| line.starts_with("▽ pool")).count(), 2);
        assert!(wide.lines().chain(narrow.lines()).all(|line| line.chars().count() <= 80 && !line.ends_with(' ')));
    }
}
