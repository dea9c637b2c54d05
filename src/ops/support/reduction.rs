//! Sums over chosen axes, and their spreading back. Knows no operation.
//!
//! Neighbouring axes that are summed together are one long axis, so a tensor is seen as `[outer, axis, inner]`, and one
//! pass turns it into `[outer, inner]`; several groups of axes are as many passes, the last axes first. A long axis is
//! cut into parts of fixed length whose sums are summed again: that keeps the rounding error small, gives every
//! thread work, and makes the result depend on the sizes alone.

use super::broadcast::stretch;
use super::catalogue::Draw;
use super::{elementwise, isa};
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith, reduce};

/// What becomes of axes that are added up or averaged over.
///
/// ```
/// use evograd::{Tensor, Var, ops::ReducedAxes};
/// let x = Var::constant(Tensor::<f32>::zeros([2, 3])?);
/// assert_eq!(x.mean(&[1], ReducedAxes::Dropped)?.value().shape().sizes(), [2]);
/// assert_eq!(x.mean(&[1], ReducedAxes::Kept)?.value().shape().sizes(), [2, 1]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReducedAxes {
    /// They are no axes of the result.
    Dropped,
    /// They are axes of size 1, so that the result broadcasts against the input.
    Kept,
}

impl ReducedAxes {
    /// Kept where a condition holds, and else dropped.
    pub(crate) fn kept_if(condition: bool) -> ReducedAxes {
        if condition { ReducedAxes::Kept } else { ReducedAxes::Dropped }
    }
}

/// Rows that are added one after the other, before their sums are.
const ROWS: usize = 64;

/// The axes that a reduction runs over.
#[derive(Debug)]
pub(in crate::ops) enum Axes {
    /// Every one.
    All,
    /// Those that the user named.
    Named(Vec<usize>),
}

/// Draws some of `rank` axes, at most four, and their number; none of them stands for all.
pub(in crate::ops) fn draw_axes(draw: &mut Draw, rank: usize) -> ([usize; 4], usize) {
    let (mut axes, mut count) = ([0; 4], 0);
    for axis in 0..rank {
        axes[count] = axis;
        count += usize::from(draw.flag());
    }
    if draw.flag() {
        axes[..count].reverse();
    }
    (axes, count)
}

/// What turns a tensor, seen as `[outer, axis, inner]`, into `[outer, inner]`.
type Pass<'a, E> = dyn Fn(&Tensor<E>, [usize; 3]) -> Tensor<E> + 'a;

/// A reduction of a shape, checked.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Plan {
    x: Shape,
    reduced: [bool; MAX_RANK],
    keep: bool,
}

impl Plan {
    /// The reduction of `x` over `axes`, which leaves axes of size 1 behind where `keep` is set.
    pub fn new(op: &'static str, x: &Shape, axes: &Axes, keep: bool) -> Result<Plan> {
        let mut reduced = [false; MAX_RANK];
        match axes {
            Axes::All => reduced.fill(true),
            Axes::Named(axes) => mark(op, x, axes, &mut reduced)?,
        }
        Ok(Plan { x: *x, reduced, keep })
    }

    /// The reduction that undoes broadcasting: of `large` over every axis along which `small` was repeated.
    pub fn back(large: &Shape, small: &Shape) -> Plan {
        let rank = large.rank();
        let reduced = std::array::from_fn(|axis| axis < rank && small.aligned(axis, rank) == 1);
        Plan { x: *large, reduced, keep: true }
    }

    /// The shape of the result.
    pub fn shape(&self) -> Shape {
        let sizes = self.x.sizes().iter().zip(self.reduced);
        let kept: Vec<usize> = sizes.filter_map(|(size, reduced)| if reduced { None } else { Some(*size) }).collect();
        if self.keep { self.stretched() } else { smaller(&kept) }
    }

    /// How many elements go into one of the result.
    pub fn count(&self) -> usize {
        self.x.elements() / self.shape().elements()
    }

    /// The sum over the reduced axes.
    ///
    /// Where a partial sum overflows, all is added once more with a power of 2 taken out, so that a sum that fits the
    /// type comes out. The other sums stay as they were: of tiny elements a power of 2 would take the last bits.
    pub fn sum<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let sum = self.plain_sum(x);
        if finite(&sum) { sum } else { mended(&sum, &scaled(&self.small_sum(x), self.unit())) }
    }

    /// The mean over the reduced axes, which fits the type wherever `x` does.
    pub fn mean<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let (sum, count) = (self.plain_sum(x), self.count() as f64);
        let mean = scaled(&sum, 1.0 / count);
        if finite(&sum) { mean } else { mended(&mean, &scaled(&self.small_sum(x), self.unit() / count)) }
    }

    /// The sum of `x` over [`Plan::unit`].
    fn small_sum<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        self.plain_sum(&scaled(x, 1.0 / self.unit()))
    }

    /// A power of 2 that is at least the number of elements in a sum.
    fn unit(&self) -> f64 {
        self.count().next_power_of_two() as f64
    }

    fn plain_sum<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        self.reduce(x, &sum_middle)
    }

    /// Of the elements along the reduced axes, the one that no other `replaces`.
    pub fn choose<E: Element>(&self, x: &Tensor<E>, replaces: fn(E, E) -> bool) -> Tensor<E> {
        self.reduce(x, &|x, sizes| choose_middle(x, sizes, replaces))
    }

    /// Reduces one group of neighbouring axes after the other, the last ones first.
    fn reduce<E: Element>(&self, x: &Tensor<E>, pass: &Pass<'_, E>) -> Tensor<E> {
        let sizes = self.x.sizes();
        let mut y = x.clone();
        let mut inner = 1;
        let mut end = sizes.len();
        while end > 0 {
            let same = |axis: &usize| self.reduced[*axis] == self.reduced[end - 1];
            let start = (0..end).rev().take_while(same).last().unwrap_or(end);
            let size: usize = sizes[start..end].iter().product();
            if self.reduced[end - 1] && size > 1 {
                y = pass(&y, [sizes[..start].iter().product(), size, inner]);
            } else {
                inner *= size;
            }
            end = start;
        }
        same_elements(&y, self.shape())
    }

    /// `dy`, the gradient of the result, or any other tensor of its shape, repeated along the reduced axes.
    pub fn spread<E: Element>(&self, dy: &Tensor<E>) -> Tensor<E> {
        stretch(&same_elements(dy, self.stretched()), &self.x).into_owned()
    }

    /// The result's shape with all axes of the input, of size 1 where reduced.
    fn stretched(&self) -> Shape {
        let sizes = self.x.sizes().iter().zip(self.reduced);
        smaller(&sizes.map(|(size, reduced)| if reduced { 1 } else { *size }).collect::<Vec<usize>>())
    }
}

/// The sum of `dy` over every axis along which an input of `shape` was repeated.
///
/// An element that was used many times gets the sum of the gradients of all its uses, added up as any other sum is: in
/// pairs of pairs, so that a bias added to millions of elements gets a gradient as exact as the others.
pub(in crate::ops) fn sum_back<E: Element>(dy: Tensor<E>, shape: &Shape) -> Tensor<E> {
    if dy.shape() == shape {
        return dy;
    }
    let sum = Plan::back(dy.shape(), shape).sum(&dy);
    sum.reshape(*shape).expect("the sizes differ by axes of size 1 alone")
}

/// Marks the axes that the user named.
fn mark(op: &'static str, x: &Shape, axes: &[usize], reduced: &mut [bool]) -> Result<()> {
    let refuse = |problem: String, remedy: String| Err(Error::op(op, problem, &[("x", x)], remedy));
    if axes.is_empty() {
        return refuse("no axes are named".into(), format!("name at least one, or use {op}_all"));
    }
    for axis in axes {
        if *axis >= x.rank() {
            return refuse(format!("axis {axis} does not exist"), format!("name axes below {}", x.rank()));
        }
        if std::mem::replace(&mut reduced[*axis], true) {
            return refuse(format!("axis {axis} is named twice"), "name each axis once".into());
        }
    }
    Ok(())
}

/// `factor·x`
fn scaled<E: Element>(x: &Tensor<E>, factor: f64) -> Tensor<E> {
    elementwise::unary(x, |isa, x, y| arith::scale(isa, x, E::from_f64(factor), y))
}

fn finite<E: Element>(x: &Tensor<E>) -> bool {
    reduce::fits(isa(), x.as_slice(), E::ONE)
}

/// `x`, with the element of `other` wherever its own is not finite.
fn mended<E: Element>(x: &Tensor<E>, other: &Tensor<E>) -> Tensor<E> {
    let pairs = x.as_slice().iter().zip(other.as_slice());
    let elements = pairs.map(|(x, other)| if x.is_finite() { *x } else { *other }).collect::<Vec<E>>();
    Tensor::from_vec(x.shape(), elements).expect("as many elements as before")
}

fn smaller(sizes: &[usize]) -> Shape {
    Shape::new(sizes).expect("no more axes and elements than a shape that exists")
}

fn same_elements<E: Element>(x: &Tensor<E>, shape: Shape) -> Tensor<E> {
    x.reshape(shape).expect("the sizes differ by axes of size 1 alone")
}

/// From `x`, seen as `[outer, axis, inner]`, the elements of the middle axis that no other replaces.
fn choose_middle<E: Element>(x: &Tensor<E>, [outer, axis, inner]: [usize; 3], replaces: fn(E, E) -> bool) -> Tensor<E> {
    let reach = axis.min(CHUNK);
    let parts = axis.div_ceil(reach);
    let elements = x.as_slice();
    let y = Tensor::build(smaller(&[outer, parts, inner]), |y| {
        let chunk = (CHUNK / reach).max(1);
        for_each(y, chunk, |i, y| {
            for (j, y) in y.iter_mut().enumerate() {
                let (lane, column) = ((i * chunk + j) / inner, (i * chunk + j) % inner);
                let (line, part) = (lane / parts, lane % parts);
                let places = line * axis + part * reach..line * axis + axis.min((part + 1) * reach);
                let lane = places.map(|place| elements[place * inner + column]);
                *y = lane.reduce(|best, x| if replaces(x, best) { x } else { best }).expect("no axis is empty");
            }
        });
    });
    if parts == 1 { y } else { choose_middle(&y, [outer, parts, inner], replaces) }
}

/// From `x`, seen as `[outer, axis, inner]`, the sums over the middle axis.
pub(in crate::ops) fn sum_middle<E: Element>(x: &Tensor<E>, [outer, axis, inner]: [usize; 3]) -> Tensor<E> {
    let reach = if inner == 1 { CHUNK } else { ROWS };
    let parts = axis.div_ceil(reach);
    let x = x.as_slice();
    let y = Tensor::build(smaller(&[outer, parts, inner]), |y| match inner {
        1 => sum_lines(x, axis, reach, y),
        _ => sum_columns(x, axis, inner, reach, y),
    });
    if parts == 1 { y } else { sum_middle(&y, [outer, parts, inner]) }
}

/// Sums each line of `axis` elements, in parts of `reach`, to one element each.
fn sum_lines<E: Element>(x: &[E], axis: usize, reach: usize, y: &mut [E]) {
    let (isa, parts) = (isa(), axis.div_ceil(reach));
    let chunk = (CHUNK / axis).max(1);
    for_each(y, chunk, |i, y| {
        for (j, y) in y.iter_mut().enumerate() {
            let (line, part) = ((i * chunk + j) / parts, (i * chunk + j) % parts);
            let elements = part * reach..axis.min((part + 1) * reach);
            *y = reduce::sum(isa, &x[line * axis..][elements]);
        }
    });
}

/// Adds each stack of `axis` rows of `inner` elements, in parts of `reach` rows, to one row each.
fn sum_columns<E: Element>(x: &[E], axis: usize, inner: usize, reach: usize, y: &mut [E]) {
    let (isa, parts) = (isa(), axis.div_ceil(reach));
    let chunk = CHUNK / axis.min(reach);
    for_each(y, chunk, |i, y| {
        let mut done = 0;
        while done < y.len() {
            let (cell, first) = ((i * chunk + done) / inner, (i * chunk + done) % inner);
            let columns = (inner - first).min(y.len() - done);
            let (stack, part) = (cell / parts, cell % parts);
            let rows = part * reach..axis.min((part + 1) * reach);
            let x = &x[(stack * axis + rows.start) * inner..(stack * axis + rows.end) * inner];
            reduce::sum_rows(isa, x, inner, first, &mut y[done..done + columns]);
            done += columns;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::par::ThreadPool;
    use crate::tape::{Tape, Var};

    /// One after the other, so many ones stop adding up at 2²⁴.
    #[test]
    fn a_number_added_to_many_ones_gets_their_count_as_its_gradient() {
        const COUNT: usize = (1 << 24) + (1 << 20);
        let tape = Tape::new();
        let a = tape.leaf(Tensor::scalar(1.0_f32));
        let y = a.add(&Var::constant(Tensor::full([COUNT], 1.0).unwrap())).unwrap();
        let gradients = tape.backward_from(&[(&y, Tensor::full([COUNT], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().item().unwrap(), COUNT as f32);
    }

    #[test]
    fn the_gradient_of_a_bias_for_each_channel_is_exact_to_a_few_units() {
        let shape = Shape::new(&[64, 4, 32, 32]).unwrap();
        let dy = Tensor::full(shape, 0.1_f32).unwrap();
        let sums = sum_back(dy, &Shape::new(&[4, 1, 1]).unwrap());
        assert_eq!(sums.shape().sizes(), [4, 1, 1]);
        let exact = f64::from(0.1_f32) * 65_536.0;
        for sum in sums.as_slice() {
            let error = (f64::from(*sum) - exact).abs() / exact;
            assert!(error < 16.0 * f64::from(f32::EPSILON), "off by {error:e}");
        }
    }

    /// Every way to choose axes, against the definition; the numbers are coarse, so the sums are exact.
    #[test]
    fn every_choice_of_axes_agrees_with_the_definition() {
        let sizes = [3, 4, 1, 5];
        let x = Tensor::from_fn(sizes, |i| (i * 7 % 13) as f32).unwrap();
        for choice in 1..16_usize {
            let axes: Vec<usize> = (0..4).filter(|axis| choice >> axis & 1 == 1).collect();
            let plan = Plan::new("sum", x.shape(), &Axes::Named(axes.clone()), true).unwrap();
            let mut expected = Tensor::<f32>::zeros(plan.shape()).unwrap();
            for flat in 0..60 {
                let mut index = x.index_of(flat);
                axes.iter().for_each(|axis| index[*axis] = 0);
                let place = index.iter().zip(plan.shape().sizes()).fold(0, |flat, (i, size)| flat * size + i);
                expected.as_mut_slice()[place] += x.as_slice()[flat];
            }
            assert_eq!(plan.sum(&x), expected, "{axes:?}");
            assert_eq!(plan.count() * plan.shape().elements(), 60);
        }
    }

    #[test]
    fn long_and_wide_tensors_have_the_same_bits_on_any_number_of_threads() {
        for shape in [[1, 200_001, 1], [1, 70_001, 3], [2, 70, 9_001], [40_003, 5, 1], [3_001, 3, 7]] {
            let x = Tensor::from_fn(shape, |i| ((i * 7919) % 10_007) as f32 / 10_007.0).unwrap();
            let run = |threads| ThreadPool::new(threads).unwrap().install(|| sum_middle(&x, shape));
            let y = run(1);
            assert!([2, 3].into_iter().all(|threads| run(threads) == y), "{shape:?}");
            let [_, axis, inner] = shape;
            for at in [0, y.as_slice().len() / 2, y.as_slice().len() - 1] {
                let start = at / inner * axis * inner + at % inner;
                let exact: f64 = (0..axis).map(|r| f64::from(x.as_slice()[start + r * inner])).sum();
                let error = (f64::from(y.as_slice()[at]) - exact).abs() / exact;
                assert!(error < 16.0 * f64::from(f32::EPSILON), "{shape:?} at {at}: off by {error:e}");
            }
        }
    }
}
