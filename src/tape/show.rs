//! What stands on a tape, as text and as a graph. Knows no operation by name.

use super::slots::{Entry, Record, Slot, Tape};
use evograd_kernels::Element;
use std::fmt::{self, Write};

/// The headings of what is printed of a tape.
const HEADINGS: [&str; 6] = ["#", "operation", "output", "inputs", "kept bytes", "part"];

/// One line for each entry: the operation, the shape of its output, where its inputs stand (`·` is a constant), how many bytes of
/// tensors it keeps for backward, and the part that it was recorded in. A tensor that several keep is counted by each.
///
/// ```
/// use evograd::{Tape, Tensor};
/// let tape = Tape::new();
/// let x = tape.leaf(Tensor::<f32>::zeros([2, 3])?);
/// let y = x.exp()?.sum_all()?;
/// let text = tape.to_string();
/// let lines: Vec<&str> = text.lines().collect();
/// assert_eq!(lines[0], "#  operation  output  inputs  kept bytes  part");
/// assert_eq!(lines[1], "0  leaf       [2, 3]");
/// assert_eq!(lines[2], "1  exp        [2, 3]       0          48");
/// assert_eq!(lines[3], "2  sum        []           1           0");
/// # drop(y);
/// # Ok::<(), evograd::Error>(())
/// ```
impl<E: Element> fmt::Display for Tape<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows =
            self.seen(|entries| entries.iter().enumerate().map(|(id, entry)| row(id, entry)).collect::<Vec<_>>());
        let headings = HEADINGS.map(String::from);
        let mut widths = [0; HEADINGS.len()];
        for cells in rows.iter().chain([&headings]) {
            widths.iter_mut().zip(cells).for_each(|(width, cell)| *width = cell.chars().count().max(*width));
        }
        for (i, cells) in std::iter::once(&headings).chain(&rows).enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                match column {
                    0 | 3 | 4 => write!(line, "{cell:>width$}  ")?,
                    _ => write!(line, "{cell:<width$}  ")?,
                }
            }
            write!(f, "{}{}", if i > 0 { "\n" } else { "" }, line.trim_end())?;
        }
        Ok(())
    }
}

impl<E: Element> Tape<E> {
    /// The tape as a graph in the language of Graphviz, from leaves to losses: `dot -Tsvg` draws it.
    ///
    /// ```
    /// use evograd::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::scalar(3.0_f32));
    /// x.mul(&x)?.exp()?;
    /// let dot = tape.to_dot();
    /// assert!(dot.starts_with("digraph tape {") && dot.contains("n0 -> n1;") && dot.contains("n1 -> n2;"));
    /// assert!(dot.contains(r#"n2 [label="exp\n[]"];"#));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn to_dot(&self) -> String {
        let mut dot = "digraph tape {\n  node [shape=box];\n".to_string();
        self.seen(|entries| entries.iter().enumerate().for_each(|(id, entry)| dot += &vertex(id, entry)));
        dot + "}\n"
    }
}

/// The operation at a place, if it is no leaf.
fn record<E: Element>(entry: &Entry<E>) -> Option<&Record> {
    match &entry.slot {
        Slot::Leaf => None,
        Slot::Recorded(_, record) | Slot::Consumed(record) => Some(record),
    }
}

/// The cells of a line.
fn row<E: Element>(id: usize, entry: &Entry<E>) -> [String; HEADINGS.len()] {
    let shape = entry.shape.to_string();
    let Some(record) = record(entry) else {
        return [id.to_string(), "leaf".into(), shape, String::new(), String::new(), String::new()];
    };
    let input = |(id, _): &(Option<usize>, _)| id.map_or("·".into(), |id: usize| id.to_string());
    let inputs: Vec<String> = record.places.inputs.iter().map(input).collect();
    let kept = if matches!(entry.slot, Slot::Consumed(_)) { "released".into() } else { record.kept.to_string() };
    let part = record.places.part.as_deref().unwrap_or_default().to_string();
    [id.to_string(), record.name.into(), shape, inputs.join(" "), kept, part]
}

/// A vertex with the edges that lead to it.
fn vertex<E: Element>(id: usize, entry: &Entry<E>) -> String {
    let shape = entry.shape;
    let Some(record) = record(entry) else {
        return format!("  n{id} [label=\"leaf\\n{shape}\", shape=ellipse];\n");
    };
    let part =
        record.places.part.as_deref().map(|part| format!("\\n{}", part.replace('\\', "\\\\").replace('"', "\\\"")));
    let mut text = format!("  n{id} [label=\"{}\\n{shape}{}\"];\n", record.name, part.unwrap_or_default());
    for (input, _) in &record.places.inputs {
        text += &input.map_or_else(String::new, |input| format!("  n{input} -> n{id};\n"));
    }
    text
}
