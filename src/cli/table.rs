//! Tables on standard output. In a file or a pipe a row is one line, as wide as it needs to be; on a terminal a table that
//! is too wide is made to fit. Knows no command.

use super::width;
use super::wrap::{broken_lines, columns, wrapped};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table as Drawn, Width, presets};
use std::fmt::Display;
use std::ops::Range;

/// What stands before a text below its row.
const INDENT: &str = "    ";

/// Rows of texts below a heading.
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// The columns of numbers, which stand on the right and are never broken.
    numbers: Range<usize>,
    /// How many of the last columns are texts that may stand below their row.
    texts: usize,
}

impl Table {
    /// An empty table with numbers in these columns.
    pub fn new(header: &[&str], numbers: Range<usize>) -> Table {
        let header = header.iter().map(ToString::to_string).collect();
        Table { header, rows: Vec::new(), numbers, texts: 0 }
    }

    /// The same with so many texts at the end of each row, which may stand below it.
    pub fn with_texts(self, texts: usize) -> Table {
        Table { texts, ..self }
    }

    /// Adds a row of as many cells as the header has.
    pub fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    /// The table as standard output takes it: in full, or as wide as the terminal.
    pub fn for_output(&self) -> String {
        self.fitted(width::of_output())
    }

    /// The table in full, or no wider than `width`: then the texts stand below their rows, and if that is not enough,
    /// cells are broken over several lines, or numbers stand below their names.
    fn fitted(&self, width: Option<usize>) -> String {
        let whole = self.drawn(self.header.len(), 1).trim_fmt();
        let Some(width) = width.filter(|width| columns(&whole) > *width) else { return whole };
        let kept = self.header.len() - self.texts;
        let without = self.drawn(kept, 0).trim_fmt();
        if self.texts > 0 && columns(&without) <= width {
            return self.with_texts_below(&without, width);
        }
        let ways: [&dyn Fn() -> String; 3] =
            [&|| self.broken(width, true, true), &|| self.broken(width, true, false), &|| self.in_blocks(width)];
        let fitting = ways.into_iter().map(|drawn| drawn()).find(|text| columns(text) <= width);
        fitting.unwrap_or_else(|| self.broken(width, false, false))
    }

    /// Each row as a line of its first cell, and below it all others, named.
    fn in_blocks(&self, width: usize) -> String {
        let width_of_texts = width.saturating_sub(INDENT.len()).max(1);
        let block = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.header).skip(1);
            let texts = cells.map(|(cell, name)| format!("{name}: {cell}")).collect::<Vec<_>>().join("; ");
            let below = broken_lines(&texts, width_of_texts).map(|line| format!("\n{INDENT}{line}"));
            wrapped(&row[0], width) + &below.collect::<String>()
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n")
    }

    /// The table with cells of several lines; those of numbers, and where asked for the names in the first column and the headings of
    /// numbers, stay whole.
    fn broken(&self, width: usize, whole_names: bool, whole_headings: bool) -> String {
        let mut table = self.drawn(self.header.len(), 0);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.try_into().unwrap_or(u16::MAX));
        for (number, column) in table.column_iter_mut().enumerate() {
            let is_number = self.numbers.contains(&number);
            if is_number && !whole_headings {
                let width = self.narrowest(number) + usize::from(column.padding_width());
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width.try_into().unwrap_or(u16::MAX))));
            } else if is_number || whole_names && number == 0 {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table.trim_fmt()
    }

    /// The columns that a number takes whose heading is broken between words.
    fn narrowest(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| columns(&row[column]));
        self.header[column].split(' ').map(columns).chain(cells).max().unwrap_or(0)
    }

    /// The first columns of the table, each row one line.
    fn drawn(&self, kept: usize, padding: u16) -> Drawn {
        let mut table = Drawn::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(&self.header[..kept])
            .add_rows(self.rows.iter().map(|row| &row[..kept]));
        for (number, column) in table.column_iter_mut().enumerate() {
            column.set_padding((padding, 1));
            if self.numbers.contains(&number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    /// Puts the texts of each row on lines below it. The lines are: a rule, the header, a rule, the rows, a rule.
    fn with_texts_below(&self, table: &str, width: usize) -> String {
        let mut lines = Vec::new();
        for (place, line) in table.lines().enumerate() {
            lines.push(line.to_string());
            if let Some(row) = place.checked_sub(3).and_then(|row| self.rows.get(row)) {
                lines.extend(
                    broken_lines(&self.texts_of(row), width.saturating_sub(INDENT.len()).max(1))
                        .map(|line| format!("{INDENT}{line}")),
                );
            }
        }
        lines.join("\n")
    }

    /// The texts of a row; those after the first are named.
    fn texts_of(&self, row: &[String]) -> String {
        let first = row.len() - self.texts;
        let named = |(text, name)| format!("; {name}: {text}");
        row[first].clone() + &row[first + 1..].iter().zip(&self.header[first + 1..]).map(named).collect::<String>()
    }
}

/// A text as standard output takes it: on a terminal, broken between words.
pub fn fitted(text: impl Display) -> String {
    let text = text.to_string();
    width::of_output().map_or_else(|| text.clone(), |width| wrapped(&text, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models() -> Table {
        let mut table = Table::new(&["model", "weights", "what it is"], 1..2).with_texts(1);
        table.row([
            "lenet".into(),
            "145,578".into(),
            "3 convolutions, 2 linear layers, and what is between them".into(),
        ]);
        table.row(["wrn-28-10".into(), "36,479,194".into(), "wide residual".into()]);
        table
    }

    #[test]
    fn without_a_terminal_or_on_a_wide_one_a_row_is_a_line() {
        let text = models().fitted(None);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert!(lines[1].starts_with(" model ") && lines[3].ends_with("layers, and what is between them"), "{text}");
        assert!(lines[4].contains("wrn-28-10   36,479,194   wide residual"), "{text}");
        assert_eq!(models().fitted(Some(columns(&text))), text);
    }

    #[test]
    fn texts_stand_below_their_rows_where_they_do_not_fit() {
        let text = models().fitted(Some(40));
        assert!(columns(&text) <= 40, "{text}");
        let body: Vec<&str> = text.lines().skip(3).collect();
        let wanted = [
            "lenet         145,578",
            "    3 convolutions, 2 linear layers, and",
            "    what is between them",
            "wrn-28-10  36,479,194",
            "    wide residual",
        ];
        assert_eq!(body[..5], wanted, "{text}");
    }

    #[test]
    fn cells_are_broken_where_nothing_else_helps_but_no_number_is() {
        for width in [20, 24, 30] {
            let mut table = Table::new(&["layer", "kind", "bytes"], 2..3);
            table.row(["layer1.0.conv1".into(), "convolution of 3×3".into(), "1,234,567".into()]);
            let text = table.fitted(Some(width));
            assert!(columns(&text) <= width && text.contains("1,234,567"), "{width}: {text}");
        }
    }

    /// Where not even broken headings help, numbers stand below their names.
    #[test]
    fn a_table_of_numbers_fits_any_width() {
        let mut table = Table::new(&["method", "winner is worth", "from and to", "claim − truth"], 1..4);
        table.row(["evolution".into(), "56.32 %".into(), "+54.20 to +58.10".into(), "−0.41".into()]);
        for width in 24..80 {
            let text = table.fitted(Some(width));
            assert!(columns(&text) <= width && text.contains("evolution"), "{width}: {text}");
        }
        let heading = table.fitted(Some(50)).lines().take(4).find(|line| line.contains("worth")).map(str::to_string);
        assert!(heading.is_some_and(|line| !line.contains("winner")), "headings are broken");
        let narrow = table.fitted(Some(24));
        assert!(narrow.starts_with("evolution\n    winner is worth:\n    56.32 %; "), "{narrow}");
    }

    #[test]
    fn names_are_broken_last() {
        let mut table = Table::new(&["layer", "kind", "bytes"], 2..3);
        table.row(["layer1.0.conv1".into(), "convolution of 3×3".into(), "1,234,567".into()]);
        let text = table.fitted(Some(39));
        let body: Vec<&str> = text.lines().skip(3).take(2).map(str::trim_end).collect();
        assert_eq!(body, ["layer1.0.conv1  convolution  1,234,567", "                of 3×3"], "{text}");
    }
}
