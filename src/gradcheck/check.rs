//! A check under way: projections along random directions, and what is concluded from them.

use super::directions::{Signs, levels, sizes};
use super::locate::{deepest, steepest};
use super::projection::{Comparison, Group, Probe, Projection, unit, weights};
use super::{Place, Report, Verdict};
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;

/// A check under way.
pub(super) struct Check<'a> {
    pub comparison: &'a Comparison<'a>,
    pub report: Report,
}

impl Check<'_> {
    /// Compares random projections, and names an entry where one fails.
    pub fn projections(&mut self, input: usize) -> Result<()> {
        let sizes = sizes(&self.comparison.function.inputs[input]);
        let mut rows = Vec::new();
        for direction in 0..self.comparison.settings.directions {
            let mut stream = self.stream(direction, input);
            let u: Vec<f64> = sizes.iter().map(|size| size * stream.signed()).collect();
            let dx = self.direction(input, &u, &mut rows, true, &mut stream)?;
            for part in levels(&u, &dx) {
                if self.report.wrong.is_none() {
                    self.direction(input, &part, &mut rows, false, &mut stream)?;
                }
            }
            if self.report.wrong.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn stream(&self, direction: usize, input: usize) -> Signs {
        Signs(Stream::new(self.comparison.settings.seed, Purpose::Gradcheck, 1 + direction as u32, input as u32))
    }

    /// Compares along one direction; what backward makes of the projection. `rows` are the greatest slopes of the outputs
    /// under directions that move all elements.
    fn direction(
        &mut self,
        input: usize,
        u: &[f64],
        rows: &mut Vec<f64>,
        whole: bool,
        stream: &mut Signs,
    ) -> Result<Tensor<f64>> {
        let slopes = self.comparison.function.quick(input, u)?;
        if whole {
            rows.resize(slopes.all.len(), 0.0);
            rows.iter_mut().zip(&slopes.all).for_each(|(row, slope)| *row = row.max(slope.value.abs()));
        }
        let quick = self.comparison.probe(input, u, slopes, rows);
        let settled =
            |output: usize| !matches!(self.comparison.group(&quick, output), Group::Drowned | Group::Boundless);
        if (0..quick.slopes.all.len()).all(settled) {
            let weights = weights(&quick, |_| true, stream);
            let projection = self.comparison.project(&quick, weights)?;
            if self.comparison.agrees(&quick, &projection) {
                self.report.note(projection.relative());
                return Ok(projection.dx);
            }
        }
        let careful = self.comparison.function.careful(input, u)?;
        let careful = self.comparison.probe(input, u, careful, rows);
        self.examine(&careful, stream)
    }

    /// Compares the outputs group by group.
    fn examine(&mut self, probe: &Probe<'_>, stream: &mut Signs) -> Result<Tensor<f64>> {
        if let Some(output) =
            (0..probe.scales.len()).find(|output| self.comparison.group(probe, *output) == Group::Boundless)
        {
            self.note_boundless(probe, output)?;
        }
        let mut dx = None;
        for group in [Group::Sharp, Group::Still, Group::Drowned] {
            let among: Vec<bool> =
                (0..probe.scales.len()).map(|output| self.comparison.group(probe, output) == group).collect();
            if self.report.wrong.is_some() || !among.contains(&true) {
                continue;
            }
            let projection =
                self.comparison.project(probe, self.comparison.group_weights(probe, group, &among, stream))?;
            self.judge_group(probe, group, &projection)?;
            dx.get_or_insert(projection.dx);
        }
        dx.map_or_else(|| Tensor::zeros(self.comparison.function.inputs[probe.input].shape()), Ok)
    }

    /// An output that cannot be compared along a direction; one of its derivatives may show that it is wrong.
    fn note_boundless(&mut self, probe: &Probe<'_>, output: usize) -> Result<()> {
        let row = self.comparison.function.analytic(probe.input, &unit(probe, output))?;
        match self.comparison.entry(probe, &row, steepest(probe, &row), output)? {
            (place, Verdict::Wrong, _) => self.report.note_wrong(place),
            (place, ..) => self.report.note_unclear(Place { uncertainty: f64::INFINITY, ..place }),
        }
        Ok(())
    }

    fn judge_group(&mut self, probe: &Probe<'_>, group: Group, projection: &Projection) -> Result<()> {
        let settled = match group {
            Group::Sharp => self.comparison.agrees(probe, projection),
            Group::Still => projection.gap.abs() <= 1.0,
            Group::Drowned | Group::Boundless => false,
        };
        if settled {
            self.report.note(if group == Group::Sharp { projection.relative() } else { 0.0 });
            return Ok(());
        }
        let hidden = group == Group::Drowned && projection.gap.abs() <= 2.0 * projection.error;
        let output =
            if hidden { deepest(probe, projection) } else { self.comparison.locate_output(probe, projection)? };
        let row = self.comparison.function.analytic(probe.input, &unit(probe, output))?;
        let element =
            if hidden { steepest(probe, &row) } else { self.comparison.locate_element(probe, &row, output)? };
        let (place, verdict, error) = self.comparison.entry(probe, &row, element, output)?;
        let definite = group == Group::Sharp
            && projection.gap.abs() > self.comparison.settings.tolerance * projection.size + 2.0 * projection.error;
        match verdict {
            Verdict::Right if definite => self.report.note_unclear(place),
            Verdict::Right => self.report.note(error),
            Verdict::Wrong => self.report.note_wrong(place),
            Verdict::CannotTell => self.report.note_unclear(place),
        }
        Ok(())
    }
}
