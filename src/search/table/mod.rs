//! Tables of trainings: what many networks of one space came to with some lengths of training and some seeds, as CSV. On a table a
//! search takes milliseconds, so that methods can be compared by the thousand.
//!
//! A table begins with lines `# …`: remarks, and settings as `# networks.stages = [3, 4]`, which say how every row was
//! trained. Then come the names of the columns, and a row for each training.
//!
//! **Source** Ying et al., *NAS-Bench-101: towards reproducible neural architecture search*, ICML 2019.

mod gather;
mod landscape;
mod read;

pub use gather::TableSource;

use super::features::Features;
use super::settings::Networks;
use crate::models::genetic_cnn::{Code, StageGraph};
use std::fmt::Write;

/// The names of the columns.
const COLUMNS: &str = "code,images,epochs,seed,accuracy,loss,macs,parameters,seconds";
/// What a line of the head begins with.
const HEAD: &str = "# ";
/// The side of an image where the rows do not contain it.
const USUAL_SIDE: usize = 32;

/// Trainings of networks of one space, by one recipe.
///
/// ```
/// use evograd::search::TrainingTable;
/// let text = "# networks.stages = [3]\n# networks.backbone.filters = [8]\n\
///             code,images,epochs,seed,accuracy,loss,macs,parameters,seconds\n\
///             0-00,2400,3,0,0.5,1.25,1000,100,2.5\n";
/// let table = TrainingTable::parse(text)?;
/// assert_eq!((table.rows()[0].accuracy, table.lengths()), (Some(0.5), vec![2400]));
/// assert_eq!(table.to_csv(), text);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingTable {
    head: Vec<String>,
    networks: Networks,
    /// By code, length and seed.
    rows: Vec<TrainingRow>,
}

/// A training.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingRow {
    /// The canonical code of the network.
    pub code: Code,
    /// The images that it saw, those seen again counted again.
    pub images: u64,
    /// How often it went through its training images.
    pub epochs: u32,
    /// The number of its seed; the same number is the same seed for all networks.
    pub seed: u32,
    /// Accuracy on held-out images; `None` where it diverged.
    pub accuracy: Option<f64>,
    /// The mean cross entropy on them.
    pub loss: Option<f64>,
    /// Multiply-adds for one image.
    pub macs: u64,
    /// The number of weights.
    pub parameters: u64,
    /// The seconds that it took on one core.
    pub seconds: f64,
}

impl TrainingTable {
    /// The networks that were trained.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// The lines of the head, without what marks them.
    pub fn head(&self) -> &[String] {
        &self.head
    }

    /// The rows, by code, length and seed.
    pub fn rows(&self) -> &[TrainingRow] {
        &self.rows
    }

    /// The numbers of images after which networks were looked at, from the shortest to the longest.
    pub fn lengths(&self) -> Vec<u64> {
        let mut lengths: Vec<u64> = self.rows.iter().map(|row| row.images).collect();
        lengths.sort_unstable();
        lengths.dedup();
        lengths
    }

    /// The table as a text.
    pub fn to_csv(&self) -> String {
        let mut text: String = self.head.iter().map(|line| format!("{HEAD}{line}\n")).collect();
        text += COLUMNS;
        text.push('\n');
        let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        for TrainingRow { code, images, epochs, seed, accuracy, loss, macs, parameters, seconds } in &self.rows {
            let (accuracy, loss) = (number(*accuracy), number(*loss));
            let _ = writeln!(text, "{code},{images},{epochs},{seed},{accuracy},{loss},{macs},{parameters},{seconds}");
        }
        text
    }

    /// The rows and columns of the images: the only number for which the multiply-adds of all rows differ by those of their stages'
    /// convolutions; what is usual where there is none.
    pub fn side(&self) -> usize {
        let convolutions = |code: &Code| -> Vec<f64> {
            code.0.iter().map(|stage| StageGraph::new(stage).convolutions() as f64).collect()
        };
        let rows: Vec<(Vec<f64>, f64)> =
            self.rows.iter().map(|row| (convolutions(&row.code), row.macs as f64 / 1e6)).collect();
        let Some((first, macs)) = rows.first() else { return USUAL_SIDE };
        let fits = |side: &usize| {
            let each = Features::new(&self.networks.stages, &self.networks.backbone, *side);
            let rest = |counts: &[f64], macs: f64| macs - each.of_convolutions(counts);
            rows.iter().all(|(counts, of)| (rest(counts, *of) - rest(first, *macs)).abs() < 1e-6 * of.abs().max(1.0))
        };
        let differ = rows.iter().any(|(counts, _)| counts != first);
        (8..=256).find(fits).filter(|_| differ).unwrap_or(USUAL_SIDE)
    }
}

/// The order of rows, in which a table of the same trainings is always the same file.
fn place(row: &TrainingRow) -> (String, u64, u32) {
    (row.code.to_string(), row.images, row.seed)
}
