//! A plan as a table: its layers with shapes and cost. Knows no terminal.

use super::plan::{Plan, PlannedLayer};
use crate::numerals::{counted, grouped};
use crate::shape::Shape;
use std::fmt;
use std::ops::Range;

impl Plan {
    /// The headings of [`Plan::rows`].
    pub const HEADINGS: [&'static str; 6] = ["layer", "kind", "output", "parameters", "MACs", "bytes"];
    /// Which of its columns are numbers.
    pub const NUMBERS: Range<usize> = 3..6;

    /// A row for each layer, and one for all of them: name, kind, output, parameters, multiply-adds, and bytes of activations (`f32`),
    /// for one image.
    ///
    /// ```
    /// use evograd::models::{Spec, Plan};
    /// use evograd::nn::{Flatten, Linear};
    /// let mut spec = Spec::new("tiny", [1, 2, 2]);
    /// let flat = spec.add("flat", Flatten, &[spec.image()]);
    /// spec.add("fc", Linear { features: 3 }, &[flat]);
    /// let rows = spec.plan()?.rows();
    /// assert_eq!(rows[1], ["fc", "linear", "3", "15", "12", "12"]);
    /// assert_eq!((rows.len(), rows[2][1].as_str(), Plan::HEADINGS[3]), (3, "2 layers", "parameters"));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn rows(&self) -> Vec<[String; 6]> {
        let totals = [self.parameters(), self.macs(), self.activation_bytes()].map(grouped);
        let [parameters, macs, bytes] = totals;
        let count = counted(self.layers().len() as u64, "layer");
        let total = ["total".into(), count, sizes(self.output()), parameters, macs, bytes];
        self.layers().iter().map(row).chain([total]).collect()
    }
}

/// The network as a table of its layers, with what it costs for one image.
///
/// ```
/// use evograd::models::{self, Options};
/// let plan = models::spec("lenet", &Options::default())?.plan()?;
/// println!("{plan}");
/// assert!(plan.to_string().starts_with("lenet on 3×32×32 images\nlayer "));
/// # Ok::<(), evograd::Error>(())
/// ```
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 6]> = [Plan::HEADINGS.map(String::from)].into_iter().chain(self.rows()).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [c, h, w] = self.spec().input;
        write!(f, "{} on {c}×{h}×{w} images", self.spec().name)?;
        for row in &rows {
            let cells = row.iter().enumerate().map(|(column, cell)| match Plan::NUMBERS.contains(&column) {
                true => format!("{cell:>width$}", width = width(column)),
                false => format!("{cell:<width$}", width = width(column)),
            });
            write!(f, "\n{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn row(layer: &PlannedLayer) -> [String; 6] {
    let [parameters, macs, bytes] = [layer.parameter_count(), layer.macs, layer.activation_bytes()].map(blank_zero);
    [layer.name.clone(), layer.kind.clone(), sizes(&layer.output), parameters, macs, bytes]
}

/// The sizes of what a layer gives for one image.
fn sizes(output: &Shape) -> String {
    output.sizes()[1..].iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

fn blank_zero(number: u64) -> String {
    if number == 0 { String::new() } else { grouped(number) }
}
