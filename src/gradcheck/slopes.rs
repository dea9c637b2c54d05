//! Slopes by finite differences, each with an estimate of its error.
//!
//! A central difference `D(t) = (f(x + tu) − f(x − tu)) / 2t` is wrong in two ways: truncation, of order `t²`, and rounding, of
//! order `η / t` where `η` is the noise of `f`. Two steps `t` and `4t` give Richardson's extrapolation `R = (16 D(t) −
//! D(4t)) / 15`, whose truncation is of order `t⁴`. Where two steps do not settle the matter, a ladder of steps is
//! climbed: what two successive extrapolations differ by shows both errors, for each output by itself, and the step where they
//! differ least is taken.
//!
//! **Source** Ridders, *Accurate computation of F′(x) and F′(x)F″(x)*, Advances in Engineering Software 4, 1982; Moré and
//! Wild, *Estimating computational noise*, SIAM Journal on Scientific Computing 33, 2011.

use crate::error::{Error, Result};
use crate::tape::{Tape, Var};
use crate::tensor::Tensor;
use std::cell::Cell;

/// The factor from one step of a ladder to the next.
const RATIO: f64 = 4.0;
/// How many steps a ladder begins below the usual step: their differences show the noise of the function.
const BELOW: i32 = 3;
/// The fewest and the most steps of a ladder.
const STEPS: std::ops::RangeInclusive<usize> = 4..=24;
/// The longest step, as a share of an element's own size or of its tensor's root mean square.
const LONGEST: f64 = 0.25;

/// A change of slope beside the greater of the two that is taken for a corner.
pub(super) const CORNER: f64 = 1e-3;

/// What is differentiated.
pub(super) type Differentiable<'a> = dyn Fn(&[Var<f64>]) -> Result<Var<f64>> + 'a;

/// A function under test.
pub(super) struct Function<'a> {
    pub f: &'a Differentiable<'a>,
    pub inputs: &'a [Tensor<f64>],
    /// What errors are said to come from.
    pub name: &'static str,
    /// The usual step, as a share of an element's size.
    pub step: f64,
    /// How often it was evaluated.
    pub evaluations: Cell<usize>,
}

/// The slope of one output, in the units of the direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slope {
    pub value: f64,
    /// How far it may be off, with a margin; 0 where the output does not move.
    pub error: f64,
    /// The step it comes from.
    pub step: f64,
}

impl Slope {
    /// Whether it fits the type, in the units of the direction.
    pub fn is_finite(&self) -> bool {
        self.value.is_finite() && self.error.is_finite()
    }
}

/// The slopes of all outputs.
pub(super) struct Slopes {
    pub all: Vec<Slope>,
    /// The output, a step away.
    pub output: Tensor<f64>,
    /// The longest step that was tried.
    pub longest: f64,
}

/// One step: the central difference of each output.
struct Rung {
    step: f64,
    slopes: Vec<f64>,
    output: Tensor<f64>,
    below: Tensor<f64>,
}

impl Function<'_> {
    /// What backward makes of `r`, the gradient of the output. Zeros where the output does not depend on the input.
    pub fn analytic(&self, input: usize, r: &Tensor<f64>) -> Result<Tensor<f64>> {
        Ok(self.gradients(|i| r.as_slice()[i])?.swap_remove(input))
    }

    /// What backward makes of a gradient of the output, given by place, for each input.
    pub fn gradients(&self, r: impl FnMut(usize) -> f64) -> Result<Vec<Tensor<f64>>> {
        let tape = Tape::new();
        let leaves: Vec<Var<f64>> = self.inputs.iter().map(|value| tape.leaf(value.clone())).collect();
        let y = self.value(&leaves)?;
        if !y.is_tracked() {
            return self.inputs.iter().map(|x| Tensor::zeros(x.shape())).collect();
        }
        let mut gradients = tape.backward_from(&[(&y, Tensor::from_fn(y.value().shape(), r)?)])?;
        let mut gradient = |leaf| gradients.take(leaf);
        leaves.iter().map(|leaf| gradient(leaf).map_or_else(|| Tensor::zeros(leaf.value().shape()), Ok)).collect()
    }

    /// The slopes in direction `u` of one input from two steps: enough where they agree with backward.
    pub fn quick(&self, input: usize, u: &[f64]) -> Result<Slopes> {
        self.pair(input, u, self.step)
    }

    /// The slopes from the steps `step` and `4 step`.
    pub fn pair(&self, input: usize, u: &[f64], step: f64) -> Result<Slopes> {
        let rungs = [self.rung(input, u, step)?, self.rung(input, u, RATIO * step)?];
        let slope = |output: usize| {
            let [near, far] = [rungs[0].slopes[output], rungs[1].slopes[output]];
            let value = extrapolated(near, far);
            let rounding = rounding(rungs[0].output.as_slice()[output], near, far);
            Slope { value, error: (value - near).abs() + rounding / step, step }
        };
        Ok(slopes(&rungs, slope))
    }

    /// The slopes from a ladder of steps, with founded errors.
    pub fn careful(&self, input: usize, u: &[f64]) -> Result<Slopes> {
        let greatest = u.iter().fold(0.0, |greatest: f64, u| greatest.max(u.abs()));
        let own = root_mean_square(self.inputs[input].as_slice());
        let longest = LONGEST * (own / greatest).max(1.0);
        let rungs = ladder(|step| self.moved(input, u, step), self.step, longest)?;
        Ok(slopes(&rungs, |output| estimate(&rungs, output)))
    }

    fn rung(&self, input: usize, u: &[f64], step: f64) -> Result<Rung> {
        rung(&|step| self.moved(input, u, step), step)
    }

    /// The output where one input is moved by a step along `u`.
    pub fn moved(&self, input: usize, u: &[f64], step: f64) -> Result<Tensor<f64>> {
        let mut inputs = self.inputs.to_vec();
        inputs[input].as_mut_slice().iter_mut().zip(u).for_each(|(x, u)| *x += step * u);
        let inputs: Vec<Var<f64>> = inputs.into_iter().map(Var::constant).collect();
        Ok(self.value(&inputs)?.value().clone())
    }

    fn value(&self, inputs: &[Var<f64>]) -> Result<Var<f64>> {
        self.evaluations.set(self.evaluations.get() + 1);
        (self.f)(inputs).map_err(|error| Error::at(error, self.name))
    }
}

/// The central differences of what lies at distances on both sides.
fn rung(at: &impl Fn(f64) -> Result<Tensor<f64>>, step: f64) -> Result<Rung> {
    let (above, below) = (at(step)?, at(-step)?);
    let pairs = above.as_slice().iter().zip(below.as_slice());
    let slopes = pairs.map(|(above, below)| (above - below) / (2.0 * step)).collect();
    Ok(Rung { step, slopes, output: above, below })
}

/// Central differences with longer and longer steps, from a 64th of the usual step.
fn ladder(at: impl Fn(f64) -> Result<Tensor<f64>>, usual: f64, longest: f64) -> Result<Vec<Rung>> {
    let mut rungs: Vec<Rung> = Vec::new();
    let mut step = usual / RATIO.powi(BELOW);
    while rungs.len() < *STEPS.start() || (step <= longest && rungs.len() < *STEPS.end()) {
        match rung(&at, step) {
            Ok(rung) => rungs.push(rung),
            // A long step may leave the function's domain.
            Err(_) if rungs.len() >= *STEPS.start() => break,
            Err(error) => return Err(error),
        }
        step *= RATIO;
    }
    Ok(rungs)
}

/// The slopes of what lies at distances from a point, in units of the distance, with founded errors: also where it does not
/// move, as far as rounding shows, and where its slopes to both sides differ.
pub(super) fn slopes_along(at: impl Fn(f64) -> Result<Tensor<f64>>, usual: f64) -> Result<Vec<Slope>> {
    let middle = at(0.0)?;
    let rungs = ladder(at, usual, LONGEST)?;
    let slope = |output: usize| {
        let y = middle.as_slice()[output];
        let found = estimate(&rungs, output);
        let still = rungs.iter().all(|rung| rung.slopes[output] == 0.0);
        let hidden = if still { 4.0 * f64::EPSILON * y.abs() / rungs[rungs.len() - 1].step } else { 0.0 };
        let value = if still { 0.0 } else { found.value };
        let error = if still { 0.0 } else { found.error };
        Slope { value, error: error.max(hidden).max(corner(&rungs, y, output)), step: found.step }
    };
    Ok((0..middle.as_slice().len()).map(slope).collect())
}

/// By how much the slopes to both sides differ, where they do so under the two shortest steps alike; else 0.
fn corner(rungs: &[Rung], middle: f64, output: usize) -> f64 {
    let sides = |rung: &Rung| {
        let (below, above) = (rung.below.as_slice()[output], rung.output.as_slice()[output]);
        ((middle - below) / rung.step, (above - middle) / rung.step)
    };
    let (near, far) = (sides(&rungs[0]), sides(&rungs[1]));
    let gap = (near.1 - near.0).abs();
    let noise = 16.0 * rounding(middle, near.0, near.1) / rungs[0].step;
    let lasts = gap >= 0.5 * (far.1 - far.0).abs() && gap > CORNER * near.0.abs().max(near.1.abs()) + noise;
    if lasts { gap } else { 0.0 }
}

fn slopes(rungs: &[Rung], slope: impl Fn(usize) -> Slope) -> Slopes {
    let (first, last) = (&rungs[0], &rungs[rungs.len() - 1]);
    let still = |output: usize| rungs.iter().all(|rung| rung.slopes[output] == 0.0);
    let all = (0..first.slopes.len()).map(|output| if still(output) { Slope::default() } else { slope(output) });
    Slopes { all: all.collect(), output: first.output.clone(), longest: last.step }
}

/// Richardson's extrapolation of the central differences with the steps `t` and `4t`.
fn extrapolated(near: f64, far: f64) -> f64 {
    near + (near - far) / (RATIO * RATIO - 1.0)
}

/// What rounding of the output and of the steps may put a difference off, times the step.
pub(super) fn rounding(y: f64, near: f64, far: f64) -> f64 {
    2.0 * f64::EPSILON * (y.abs() + near.abs().max(far.abs()))
}

/// The best extrapolation of one output on a ladder: that with the least error, before longer steps contradict it.
fn estimate(rungs: &[Rung], output: usize) -> Slope {
    let slope = |rung: usize| rungs[rung].slopes[output];
    let values: Vec<f64> = (0..rungs.len() - 1).map(|rung| extrapolated(slope(rung), slope(rung + 1))).collect();
    let noise = noise(rungs, output);
    let at = |rung: usize| {
        // The noise of a value is a quarter of that of the value before it: one agreement by chance is not enough.
        let before = (values[rung] - values[rung - 1]).abs();
        let earlier = if rung > 1 { (values[rung] - values[rung - 2]).abs() / RATIO } else { 0.0 };
        let error = 2.0 * before.max(earlier) + 4.0 * noise / rungs[rung].step;
        Slope { value: values[rung], error, step: rungs[rung].step }
    };
    let all: Vec<Slope> = (1..values.len()).map(at).collect();
    let mut best = all[0];
    for next in &all[1..] {
        if (next.value - best.value).abs() > next.error + best.error {
            break;
        }
        best = if next.error < best.error { *next } else { best };
    }
    if slope(0) == 0.0 && slope(1) == 0.0 { doubted(best, &all, rungs, output) } else { best }
}

/// The noise of one output, by what its changes under the shortest steps are off each other.
fn noise(rungs: &[Rung], output: usize) -> f64 {
    let slope = |rung: usize| rungs[rung].slopes[output];
    let y = rungs[0].output.as_slice()[output];
    let uneven = |rung: usize| 2.0 * rungs[rung].step * (slope(rung) - slope(rung + 1)).abs();
    let noise = (0..BELOW as usize).map(uneven).fold(rounding(y, slope(0), slope(1)), f64::max);
    if slope(0) != 0.0 {
        return noise;
    }
    // It rests under the shortest step: its values may lie on a coarse grid.
    let mut changes = rungs[1..=BELOW as usize].iter().map(|rung| 2.0 * rung.step * rung.slopes[output].abs());
    let first = changes.find(|change| *change > 0.0).unwrap_or(0.0);
    let values = rungs.iter().flat_map(|rung| [rung.output.as_slice()[output], rung.below.as_slice()[output]]);
    let grid = values.map(lowest_bit).fold(f64::INFINITY, f64::min);
    noise.max(first).max(if grid.is_finite() { grid } else { 0.0 })
}

/// What the lowest bit of a number stands for: all are multiples of the least of theirs.
fn lowest_bit(x: f64) -> f64 {
    let mantissa = x.to_bits() & ((1 << 52) - 1) | 1 << 52;
    if x.is_normal() { x.abs() / (mantissa >> mantissa.trailing_zeros()) as f64 } else { f64::INFINITY }
}

/// An output that rests under the shortest steps: either its slope is 0, or cancellation in the function leaves it on a
/// coarse grid. So what longer steps agree on is held against it, and that rest shows nothing below rounding of 1.
fn doubted(best: Slope, all: &[Slope], rungs: &[Rung], output: usize) -> Slope {
    let gap = |slope: &Slope| (slope.value - best.value).abs();
    let credible = all.iter().filter(|slope| slope.error <= 0.5 * slope.value.abs());
    let others = credible.filter(|slope| gap(slope) > slope.error + best.error);
    let gap = others.map(|slope| gap(slope) + slope.error).fold(0.0, f64::max);
    let rest = rungs.iter().take_while(|rung| rung.slopes[output] == 0.0).map(|rung| rung.step).fold(0.0, f64::max);
    Slope { error: best.error.max(gap).max(unseen(0.0) / rest), ..best }
}

/// A change of an output that rounding of numbers of its size, or of size 1, may hide.
pub(super) fn unseen(y: f64) -> f64 {
    4.0 * f64::EPSILON * y.abs().max(1.0)
}

/// The root of the mean square, without overflow.
pub(super) fn root_mean_square(x: &[f64]) -> f64 {
    let greatest = x.iter().fold(0.0, |greatest: f64, x| greatest.max(x.abs()));
    if greatest == 0.0 {
        return 0.0;
    }
    let squares: f64 = x.iter().map(|x| (x / greatest).powi(2)).sum();
    greatest * (squares / x.len() as f64).sqrt()
}
