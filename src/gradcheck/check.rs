//! The comparison itself: projections that test all entries of a Jacobian matrix at once, the search for the entry that is wrong,
//! and the verdict on a single entry. Or all entries, one by one.
//!
//! Inputs and outputs of unlike sizes must not hide each other. So a direction moves each element in proportion to its own
//! size; an output enters a projection in proportion to its own slope; outputs whose slopes drown in their own noise enter a
//! projection of their own; and elements whose part in the gradient is small are moved once more, without the others.

use super::directions::{Signs, levels, only, sizes};
use super::slopes::{Function, Slope, Slopes, root_mean_square, unseen};
use super::{Gradcheck, Place, Report, Verdict};
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::tensor::Tensor;

/// The relative error of finite differences that confirms a derivative which is small beside others of its row.
const DIGITS: f64 = 1e-3;

/// A check under way.
pub(super) struct Check<'a> {
    pub settings: Gradcheck,
    pub function: Function<'a>,
    pub report: Report,
}

/// A direction in one input, and the slopes along it.
struct Probe<'a> {
    input: usize,
    u: &'a [f64],
    slopes: Slopes,
    /// The slope of each output, in the units of the direction, that an error is relative to.
    scales: Vec<f64>,
}

/// A weighted sum of outputs, differentiated in both ways.
struct Projection {
    r: Tensor<f64>,
    dx: Tensor<f64>,
    /// Backward less finite differences.
    gap: f64,
    /// The magnitude of its parts.
    size: f64,
    /// How far finite differences may be off.
    error: f64,
}

/// Outputs that are projected together.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    /// Finite differences are good enough for the tolerance.
    Sharp,
    /// The output does not move.
    Still,
    /// Rounding leaves too few digits.
    Drowned,
    /// Its slope is beyond the type; it is projected with no others.
    Boundless,
}

impl Check<'_> {
    /// Compares random projections, and names an entry where one fails.
    pub fn projections(&mut self, input: usize) -> Result<()> {
        let sizes = sizes(&self.function.inputs[input]);
        let mut rows = Vec::new();
        for direction in 0..self.settings.directions {
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
        Signs(Stream::new(self.settings.seed, Purpose::Gradcheck, 1 + direction as u32, input as u32))
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
        let slopes = self.function.quick(input, u)?;
        if whole {
            rows.resize(slopes.all.len(), 0.0);
            rows.iter_mut().zip(&slopes.all).for_each(|(row, slope)| *row = row.max(slope.value.abs()));
        }
        let quick = self.probe(input, u, slopes, rows);
        let settled = |output: usize| !matches!(self.group(&quick, output), Group::Drowned | Group::Boundless);
        if (0..quick.slopes.all.len()).all(settled) {
            let weights = weights(&quick, |_| true, stream);
            let projection = self.project(&quick, weights)?;
            if self.agrees(&quick, &projection) {
                self.report.note(projection.relative());
                return Ok(projection.dx);
            }
        }
        let careful = self.function.careful(input, u)?;
        let careful = self.probe(input, u, careful, rows);
        self.examine(&careful, stream)
    }

    fn probe<'a>(&self, input: usize, u: &'a [f64], slopes: Slopes, rows: &[f64]) -> Probe<'a> {
        let value = |output: usize| slopes.all[output].value.abs();
        let moving = (0..rows.len()).filter(|j| rows[*j] > 0.0);
        let share = moving.map(|j| value(j) / rows[j]).fold(0.0, f64::max).min(1.0);
        let moved: Vec<f64> = u.iter().copied().filter(|u| *u != 0.0).collect();
        let least = self.settings.absolute * root_mean_square(&moved) / self.settings.tolerance;
        let scales = (0..rows.len()).map(|output| value(output).max(share * rows[output]).max(least)).collect();
        Probe { input, u, slopes, scales }
    }

    fn group(&self, probe: &Probe<'_>, output: usize) -> Group {
        let slope @ Slope { value, error, .. } = probe.slopes.all[output];
        match () {
            () if !slope.is_finite() => Group::Boundless,
            () if value == 0.0 && error == 0.0 => Group::Still,
            () if error <= self.settings.tolerance * probe.scales[output] => Group::Sharp,
            () => Group::Drowned,
        }
    }

    fn project(&self, probe: &Probe<'_>, r: Tensor<f64>) -> Result<Projection> {
        let dx = self.function.analytic(probe.input, &r)?;
        let parts = || dx.as_slice().iter().zip(probe.u).map(|(dx, u)| dx * u);
        // Of outputs that are left out, slopes may be infinite.
        let outputs = || r.as_slice().iter().zip(&probe.slopes.all).filter(|(r, _)| **r != 0.0);
        let numeric: f64 = outputs().map(|(r, slope)| r * slope.value).sum();
        let scales = r.as_slice().iter().zip(&probe.scales).filter(|(r, _)| **r != 0.0);
        let scaled: f64 = scales.map(|(r, scale)| (r * scale).powi(2)).sum();
        let size = parts().map(|part| part * part).sum::<f64>().max(scaled).sqrt();
        let error = outputs().map(|(r, slope)| (r * slope.error).powi(2)).sum::<f64>().sqrt();
        let gap = parts().sum::<f64>() - numeric;
        Ok(Projection { r, dx, gap, size, error })
    }

    /// Whether no entry can be wrong by much: the gap is that of a single entry, or within what rounding explains.
    fn agrees(&self, probe: &Probe<'_>, projection: &Projection) -> bool {
        let moved = probe.u.iter().filter(|u| **u != 0.0).count().max(1) as f64;
        let allowed = self.settings.tolerance * projection.size / moved.sqrt();
        projection.gap.abs() <= allowed.max(projection.error)
    }

    /// Compares the outputs group by group.
    fn examine(&mut self, probe: &Probe<'_>, stream: &mut Signs) -> Result<Tensor<f64>> {
        if let Some(output) = (0..probe.scales.len()).find(|output| self.group(probe, *output) == Group::Boundless) {
            self.note_boundless(probe, output)?;
        }
        let mut dx = None;
        for group in [Group::Sharp, Group::Still, Group::Drowned] {
            let among: Vec<bool> = (0..probe.scales.len()).map(|output| self.group(probe, output) == group).collect();
            if self.report.wrong.is_some() || !among.contains(&true) {
                continue;
            }
            let projection = self.project(probe, self.group_weights(probe, group, &among, stream))?;
            self.judge_group(probe, group, &projection)?;
            dx.get_or_insert(projection.dx);
        }
        dx.map_or_else(|| Tensor::zeros(self.function.inputs[probe.input].shape()), Ok)
    }

    /// An output that cannot be compared along a direction; one of its derivatives may show that it is wrong.
    fn note_boundless(&mut self, probe: &Probe<'_>, output: usize) -> Result<()> {
        let row = self.function.analytic(probe.input, &unit(probe, output))?;
        match self.entry(probe, &row, steepest(probe, &row), output)? {
            (place, Verdict::Wrong, error) => self.report.note_wrong(error, place),
            (place, ..) => self.report.note_unclear(Place { uncertainty: f64::INFINITY, ..place }),
        }
        Ok(())
    }

    fn group_weights(&self, probe: &Probe<'_>, group: Group, among: &[bool], stream: &mut Signs) -> Tensor<f64> {
        if group == Group::Sharp {
            return weights(probe, |output| among[output], stream);
        }
        let unit = |output: usize| match group {
            Group::Drowned => probe.slopes.all[output].error,
            _ => f64::EPSILON,
        };
        let weight = |output: usize| if among[output] { stream.signed() / unit(output) } else { 0.0 };
        tensor(probe, (0..among.len()).map(weight))
    }

    fn judge_group(&mut self, probe: &Probe<'_>, group: Group, projection: &Projection) -> Result<()> {
        let settled = match group {
            Group::Sharp => self.agrees(probe, projection),
            Group::Still => projection.gap.abs() <= 1.0,
            Group::Drowned | Group::Boundless => false,
        };
        if settled {
            self.report.note(if group == Group::Sharp { projection.relative() } else { 0.0 });
            return Ok(());
        }
        let hidden = group == Group::Drowned && projection.gap.abs() <= 2.0 * projection.error;
        let output = if hidden { deepest(probe, projection) } else { self.locate_output(probe, projection)? };
        let row = self.function.analytic(probe.input, &unit(probe, output))?;
        let element = if hidden { steepest(probe, &row) } else { self.locate_element(probe, &row, output)? };
        let (place, verdict, error) = self.entry(probe, &row, element, output)?;
        let definite = group == Group::Sharp
            && projection.gap.abs() > self.settings.tolerance * projection.size + 2.0 * projection.error;
        match verdict {
            Verdict::Right if definite => self.report.note_unclear(place),
            Verdict::Right => self.report.note(error),
            Verdict::Wrong => self.report.note_wrong(error, place),
            Verdict::CannotTell => self.report.note_unclear(place),
        }
        Ok(())
    }

    /// The output at which the two disagree most: of two halves, the one with the greater gap, over and over.
    fn locate_output(&self, probe: &Probe<'_>, projection: &Projection) -> Result<usize> {
        let r = projection.r.as_slice();
        let mut left: Vec<usize> = (0..r.len()).filter(|output| r[*output] != 0.0).collect();
        let mut gap = projection.gap;
        while left.len() > 1 {
            let half = left.split_off(left.len() / 2);
            let weight = |output: usize| if half.binary_search(&output).is_ok() { r[output] } else { 0.0 };
            let part = self.project(probe, tensor(probe, (0..r.len()).map(weight)))?;
            if part.gap.abs() >= (gap - part.gap).abs() {
                (left, gap) = (half, part.gap);
            } else {
                gap -= part.gap;
            }
        }
        Ok(left[0])
    }

    /// The element at which the slopes of one output disagree most, found in the same way.
    fn locate_element(&self, probe: &Probe<'_>, row: &Tensor<f64>, output: usize) -> Result<usize> {
        let row = row.as_slice();
        let slope = probe.slopes.all[output];
        let step = if slope.step > 0.0 { slope.step } else { self.settings.step };
        let mut left: Vec<usize> = (0..row.len()).filter(|element| probe.u[*element] != 0.0).collect();
        let mut gap = left.iter().map(|&i| row[i] * probe.u[i]).sum::<f64>() - slope.value;
        while left.len() > 1 {
            let half = left.split_off(left.len() / 2);
            let u = only(probe.u, &half);
            let numeric = self.function.pair(probe.input, &u, step)?.all[output].value;
            let part = half.iter().map(|&i| row[i] * probe.u[i]).sum::<f64>() - numeric;
            if part.abs() >= (gap - part).abs() {
                (left, gap) = (half, part);
            } else {
                gap -= part;
            }
        }
        Ok(left[0])
    }

    /// The verdict on one entry of the Jacobian matrix, and its relative error.
    fn entry(&self, probe: &Probe<'_>, row: &Tensor<f64>, i: usize, j: usize) -> Result<(Place, Verdict, f64)> {
        let size = probe.u[i].abs();
        let mut u = vec![0.0; probe.u.len()];
        u[i] = size;
        let column = self.function.careful(probe.input, &u)?;
        let shares = column.all.iter().zip(&probe.scales).filter(|(_, scale)| **scale > 0.0);
        let share = shares.map(|(slope, scale)| (slope.value / scale).abs()).fold(0.0, f64::max).min(1.0);
        let greatest = greatest(row, &sizes(&self.function.inputs[probe.input]));
        let entry = Entry { input: probe.input, element: i, output: j, analytic: row.as_slice()[i], size, greatest };
        Ok(self.judge(&entry, &column, row, share * probe.scales[j]))
    }

    /// Holds what backward says of an entry against the finite differences of its column. An error that is small beside
    /// `scale`, what is usual in its row and its column, is small too: an entry may come out small because greater ones
    /// cancel.
    fn judge(&self, entry: &Entry, column: &Slopes, row: &Tensor<f64>, scale: f64) -> (Place, Verdict, f64) {
        let Entry { input, element, output, analytic, size, greatest } = *entry;
        let slope @ Slope { value, error, .. } = column.all[output];
        let bounded = slope.is_finite() && greatest.is_finite();
        let (still, unseen) = (value == 0.0 && error == 0.0, unseen(column.output.as_slice()[output]));
        let error = if still { unseen / column.longest } else { error };
        let (numeric, error) = (value / size, error / size);
        let gap = (analytic - numeric).abs();
        let greater = analytic.abs().max(numeric.abs());
        let allowed = self.settings.absolute + self.settings.tolerance * greater;
        // Where its own digits show, an entry that is small beside others of its row need not show as many as those.
        let scale = if scale.is_finite() { scale } else { 0.0 };
        let scale = if error <= DIGITS * numeric.abs() { scale.max(greatest) } else { scale };
        let usual = allowed.max(self.settings.tolerance * scale / size);
        // Backward rounds too: to units of its greatest derivative of this output, and of 1.
        let rounding = f64::EPSILON * greatest / size;
        let at_rest = still && gap <= (4.0 * rounding).max(f64::EPSILON / size);
        let verdict = match () {
            () if !bounded => Verdict::CannotTell,
            () if at_rest => Verdict::Right,
            () if gap > allowed + error + 16.0 * rounding => Verdict::Wrong,
            () if error <= usual => Verdict::Right,
            () => Verdict::CannotTell,
        };
        let (index, output) = (row.index_of(element), column.output.index_of(output));
        let uncertainty = if bounded { error } else { f64::INFINITY };
        let place = Place { input, index, output, analytic, numeric, uncertainty };
        let relative = match verdict {
            _ if at_rest || gap == 0.0 => 0.0,
            Verdict::Wrong => gap / greater,
            _ => gap / greater.max(scale / size),
        };
        (place, verdict, relative)
    }

    /// Compares every entry of the Jacobian matrix with respect to `input`: a row of it is what backward makes of one
    /// output, a column what a step of one element makes of all outputs.
    pub fn jacobian(&mut self, input: usize) -> Result<()> {
        let x = self.function.inputs[input].clone();
        let sizes = sizes(&x);
        let single = |i: usize| only(&sizes, &[i]);
        let mut columns: Vec<Slopes> =
            (0..sizes.len()).map(|i| self.function.quick(input, &single(i))).collect::<Result<_>>()?;
        let mut careful = vec![false; sizes.len()];
        let outputs = columns[0].all.len();
        let rows: Vec<f64> =
            (0..outputs).map(|j| columns.iter().map(|column| column.all[j].value).fold(0.0, f64::hypot)).collect();
        let share = |column: &Slopes| {
            let shares = column.all.iter().zip(&rows).filter(|(_, row)| **row > 0.0);
            shares.map(|(slope, row)| (slope.value / row).abs()).fold(0.0, f64::max)
        };
        // Of every column once, not for every entry: a column has as many entries as there are outputs.
        let mut shares: Vec<f64> = columns.iter().map(share).collect();
        for (j, whole) in rows.iter().enumerate() {
            let r = tensor_of(&columns[0].output, (0..outputs).map(|output| f64::from(u8::from(output == j))));
            let dx = self.function.analytic(input, &r)?;
            let greatest = greatest(&dx, &sizes);
            for i in 0..sizes.len() {
                let entry =
                    Entry { input, element: i, output: j, analytic: dx.as_slice()[i], size: sizes[i], greatest };
                let judge = |column: &Slopes, share: f64| self.judge(&entry, column, &dx, share * whole);
                let mut found = judge(&columns[i], shares[i]);
                if found.1 != Verdict::Right && !careful[i] {
                    columns[i] = self.function.careful(input, &single(i))?;
                    (careful[i], shares[i]) = (true, share(&columns[i]));
                    found = judge(&columns[i], shares[i]);
                }
                let (place, verdict, error) = found;
                match verdict {
                    Verdict::Right => self.report.note(error),
                    Verdict::Wrong => self.report.note_wrong(error, place),
                    Verdict::CannotTell => self.report.note_unclear(place),
                }
            }
        }
        Ok(())
    }
}

/// An entry of a Jacobian matrix.
struct Entry {
    input: usize,
    element: usize,
    output: usize,
    /// What backward says.
    analytic: f64,
    /// The size of the element, which its steps are shares of.
    size: f64,
    /// The greatest of what backward says of the output, times the sizes of the elements.
    greatest: f64,
}

impl Projection {
    fn relative(&self) -> f64 {
        if self.gap == 0.0 { 0.0 } else { (self.gap / self.size).abs() }
    }
}

/// The greatest part of an element in a gradient.
fn greatest(row: &Tensor<f64>, sizes: &[f64]) -> f64 {
    row.as_slice().iter().zip(sizes).fold(0.0, |most: f64, (a, size)| most.max((a * size).abs()))
}

/// Random weights for some outputs, such that each counts alike; one that does not move counts as much as any.
fn weights(probe: &Probe<'_>, among: impl Fn(usize) -> bool, stream: &mut Signs) -> Tensor<f64> {
    let moving = (0..probe.scales.len()).filter(|j| among(*j) && probe.scales[*j] > 0.0);
    let least = moving.map(|j| probe.scales[j]).fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least } else { 1.0 };
    let weight = |j: usize| match probe.scales[j] {
        _ if !among(j) => 0.0,
        0.0 => stream.signed() / least,
        scale => stream.signed() / scale,
    };
    tensor(probe, (0..probe.scales.len()).map(weight))
}

/// The output with the fewest digits.
fn deepest(probe: &Probe<'_>, projection: &Projection) -> usize {
    let depth = |output: usize| probe.slopes.all[output].error / probe.scales[output].max(f64::MIN_POSITIVE);
    let among = (0..probe.scales.len()).filter(|output| projection.r.as_slice()[*output] != 0.0);
    among.max_by(|a, b| depth(*a).total_cmp(&depth(*b))).expect("a group has outputs")
}

/// The element with the greatest part in the slope of an output.
fn steepest(probe: &Probe<'_>, row: &Tensor<f64>) -> usize {
    let part = |i: usize| (row.as_slice()[i] * probe.u[i]).abs();
    let moved = (0..probe.u.len()).filter(|i| probe.u[*i] != 0.0);
    moved.max_by(|a, b| part(*a).total_cmp(&part(*b))).expect("a direction moves something")
}

/// One at an output, zero elsewhere.
fn unit(probe: &Probe<'_>, output: usize) -> Tensor<f64> {
    tensor(probe, (0..probe.scales.len()).map(|j| f64::from(u8::from(j == output))))
}

fn tensor(probe: &Probe<'_>, values: impl Iterator<Item = f64>) -> Tensor<f64> {
    tensor_of(&probe.slopes.output, values)
}

/// Values in the shape of another tensor.
fn tensor_of(like: &Tensor<f64>, values: impl Iterator<Item = f64>) -> Tensor<f64> {
    Tensor::build(*like.shape(), |out| out.iter_mut().zip(values).for_each(|(x, value)| *x = value))
}
