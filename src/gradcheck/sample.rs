//! A sample of the Jacobian matrix around a wrong entry: what backward and finite differences say of some elements and outputs.

use super::Place;
use super::directions::{only, sizes};
use super::projection::{Comparison, tensor_of};
use super::slopes::Slopes;
use crate::error::Result;
use crate::shape::Shape;
use crate::tensor::Tensor;
use std::collections::BTreeSet;

/// A sample holds all elements, or all outputs, where there are no more than this.
const ALL: usize = 40;
/// The most elements, or outputs, that a sample takes of more.
const SOME: usize = 20;
/// The fewest elements of a sample, if the input has so many.
const FEWEST: usize = 8;
/// The most slopes that are held at once: 32 bytes each, with the outputs they come from.
const SLOPES: usize = 4_000_000;
/// A derivative so small beside the others of its row is taken for 0.
const ZERO: f64 = 1e-9;

/// Some entries of the Jacobian matrix with respect to one input.
pub(super) struct Sample {
    pub shape: Shape,
    /// Flat indices of the elements; that of the wrong entry is the first.
    pub elements: Vec<usize>,
    /// The value of each element.
    pub x: Vec<f64>,
    /// The size of each element, which is the unit of its entries.
    pub sizes: Vec<f64>,
    /// The value of each output.
    pub y: Vec<f64>,
    /// Each output's entries, one for each element.
    pub rows: Vec<Vec<Pair>>,
}

/// A derivative in two ways, times the size of its element.
#[derive(Clone, Copy)]
pub(super) struct Pair {
    /// What backward says.
    pub analytic: f64,
    /// What finite differences say.
    pub numeric: f64,
    /// How far the second may be off.
    pub error: f64,
    /// What is not distinguished from 0.
    pub zero: f64,
    /// The relative tolerance.
    pub tolerance: f64,
}

impl Pair {
    /// Whether finite differences say the same as a number.
    pub fn is(&self, value: f64) -> bool {
        let greater = value.abs().max(self.numeric.abs());
        (value - self.numeric).abs() <= self.tolerance * greater + self.error + self.zero
    }

    /// Whether both say the same.
    pub fn is_right(&self) -> bool {
        self.is(self.analytic)
    }

    /// Whether the derivative is not 0, for certain.
    pub fn depends(&self) -> bool {
        self.numeric.abs() > 2.0 * (self.error + self.zero)
    }

    /// Whether backward says that it is not 0, nor next to it.
    pub fn is_said_to_depend(&self) -> bool {
        self.analytic.abs() > self.zero
    }

    /// Whether backward says that it is 0, and it is not.
    pub fn is_left_out(&self) -> bool {
        self.analytic == 0.0 && self.depends()
    }
}

impl Sample {
    /// Takes the sample: four evaluations for each element, one for each output and one more. `None` where there are too many
    /// outputs to hold the slopes of even a few elements.
    pub fn around(comparison: &Comparison<'_>, place: &Place) -> Result<Option<Self>> {
        let input = place.input;
        let x = &comparison.function.inputs[input];
        let sizes = sizes(x);
        let y = comparison.function.moved(input, &sizes, 0.0)?;
        let most = (SLOPES / y.shape().elements()).min(if x.shape().elements() <= ALL { ALL } else { SOME });
        if most < FEWEST {
            return Ok(None);
        }
        let elements = chosen_elements(x.shape(), flat(x.shape(), &place.index), most);
        let column = |&i: &usize| comparison.function.quick(input, &only(&sizes, &[i]));
        let columns: Vec<Slopes> = elements.iter().map(column).collect::<Result<_>>()?;
        let outputs = chosen_outputs(&columns, flat(y.shape(), &place.output));
        let sizes: Vec<f64> = elements.iter().map(|i| sizes[*i]).collect();
        let row = |&output: &usize| -> Result<Vec<Pair>> {
            let unit = (0..y.shape().elements()).map(|other| f64::from(u8::from(other == output)));
            let analytic = comparison.function.analytic(input, &tensor_of(&y, unit))?;
            let scale = columns.iter().fold(0.0, |most: f64, column| most.max(column.all[output].value.abs()));
            let pair = |(k, i): (usize, &usize)| Pair {
                analytic: analytic.as_slice()[*i] * sizes[k],
                numeric: columns[k].all[output].value,
                error: columns[k].all[output].error,
                zero: ZERO * scale + comparison.settings.absolute * sizes[k],
                tolerance: comparison.settings.tolerance,
            };
            Ok(elements.iter().enumerate().map(pair).collect())
        };
        let rows = outputs.iter().map(row).collect::<Result<_>>()?;
        let of = |tensor: &Tensor<f64>, places: &[usize]| places.iter().map(|i| tensor.as_slice()[*i]).collect();
        Ok(Some(Sample { shape: *x.shape(), x: of(x, &elements), y: of(&y, &outputs), elements, sizes, rows }))
    }

    /// Whether it shows that the wrong entry is wrong: finite differences with few steps may be too rough.
    pub fn is_telling(&self) -> bool {
        !self.rows[0][0].is_right()
    }

    /// All entries.
    pub fn entries(&self) -> impl Iterator<Item = &Pair> {
        self.rows.iter().flatten()
    }

    /// The entries of one element, by its number in the sample.
    pub fn column(&self, element: usize) -> impl Iterator<Item = &Pair> {
        self.rows.iter().map(move |row| &row[element])
    }

    /// The index of an element along each axis.
    pub fn index(&self, element: usize) -> Vec<usize> {
        index(&self.shape, self.elements[element])
    }
}

/// The elements of a sample, the wrong one first: all where they are few; else its neighbours, the ends and others evenly, each
/// with those that stand in its place where axes are exchanged or reversed.
fn chosen_elements(shape: &Shape, wrong: usize, most: usize) -> Vec<usize> {
    let count = shape.elements();
    let mut chosen = vec![wrong];
    let mut seen = BTreeSet::from([wrong]);
    let even = (0..most).map(|k| k * (count - 1) / (most - 1).max(1));
    let seeds: Vec<usize> = match count <= most {
        true => (0..count).collect(),
        false => neighbours(shape, wrong).into_iter().chain([0, count - 1, count / 2]).chain(even).collect(),
    };
    for seed in std::iter::once(wrong).chain(seeds) {
        for element in std::iter::once(seed).chain(partners(shape, seed)) {
            if chosen.len() < most && seen.insert(element) {
                chosen.push(element);
            }
        }
    }
    chosen
}

/// The outputs of a sample, the wrong one first: all where they are few; else those that the wrong element moves most, and for
/// each other element the one that it moves most.
fn chosen_outputs(columns: &[Slopes], wrong: usize) -> Vec<usize> {
    let count = columns[0].all.len();
    if count <= ALL {
        return std::iter::once(wrong).chain((0..count).filter(|output| *output != wrong)).collect();
    }
    let size = |column: &Slopes, output: usize| column.all[output].value.abs();
    let mut moved: Vec<usize> = (0..count).filter(|output| size(&columns[0], *output) > 0.0).collect();
    moved.sort_by(|a, b| size(&columns[0], *b).total_cmp(&size(&columns[0], *a)));
    let most = |column: &Slopes| (0..count).max_by(|a, b| size(column, *a).total_cmp(&size(column, *b)));
    let mut seen = BTreeSet::new();
    let candidates =
        std::iter::once(wrong).chain(moved.into_iter().take(SOME / 4)).chain(columns.iter().filter_map(most));
    candidates.filter(|output| seen.insert(*output)).take(SOME).collect()
}

/// The elements next to one along each axis.
fn neighbours(shape: &Shape, element: usize) -> Vec<usize> {
    let at = index(shape, element);
    let beside = |axis: usize, place: Option<usize>| {
        let place = place.filter(|place| *place < shape.sizes()[axis])?;
        let mut near = at.clone();
        near[axis] = place;
        Some(flat(shape, &near))
    };
    let both = |axis: usize| [beside(axis, at[axis].checked_sub(1)), beside(axis, at[axis].checked_add(1))];
    (0..shape.rank()).flat_map(both).flatten().collect()
}

/// The elements that stand in the place of one where two axes of a size are exchanged, or one is reversed.
fn partners(shape: &Shape, element: usize) -> Vec<usize> {
    let exchanged = equal_axes(shape).into_iter().map(|axes| exchanged(shape, element, axes));
    exchanged.chain((0..shape.rank()).map(|axis| reversed(shape, element, axis))).collect()
}

/// Pairs of axes with the same size, above 1.
pub(super) fn equal_axes(shape: &Shape) -> Vec<[usize; 2]> {
    let sizes = shape.sizes();
    let pairs = (0..sizes.len()).flat_map(|p| (p + 1..sizes.len()).map(move |q| [p, q]));
    pairs.filter(|[p, q]| sizes[*p] == sizes[*q] && sizes[*p] > 1).collect()
}

/// The element with the indices along two axes exchanged.
pub(super) fn exchanged(shape: &Shape, element: usize, [p, q]: [usize; 2]) -> usize {
    let mut at = index(shape, element);
    at.swap(p, q);
    flat(shape, &at)
}

/// The element at the index counted from the other end of an axis.
pub(super) fn reversed(shape: &Shape, element: usize, axis: usize) -> usize {
    let mut at = index(shape, element);
    at[axis] = shape.sizes()[axis] - 1 - at[axis];
    flat(shape, &at)
}

/// The index along each axis of a place in row-major order.
pub(super) fn index(shape: &Shape, mut element: usize) -> Vec<usize> {
    let mut at = vec![0; shape.rank()];
    for (i, size) in at.iter_mut().zip(shape.sizes()).rev() {
        (*i, element) = (element % size, element / size);
    }
    at
}

/// The place in row-major order of an index along each axis.
pub(super) fn flat(shape: &Shape, index: &[usize]) -> usize {
    index.iter().zip(shape.sizes()).fold(0, |flat, (i, size)| flat * size + i)
}

#[cfg(test)]
mod tests {
    use super::super::Gradcheck;
    use super::super::slopes::Function;
    use super::*;
    use crate::tape::Var;
    use std::cell::Cell;

    /// The sample of `y = x · 1`, broadcast to so many outputs, and the evaluations that it took.
    fn sample_of(outputs: usize) -> (Option<Sample>, usize) {
        let ones = Var::constant(Tensor::from_fn([outputs], |_| 1.0).unwrap());
        let f = |v: &[Var<f64>]| v[0].mul(&ones);
        let inputs = [Tensor::from_slice([1], &[0.7]).unwrap()];
        let function = Function { f: &f, inputs: &inputs, name: "test", step: 1e-4, evaluations: Cell::new(0) };
        let comparison = Comparison { settings: Gradcheck::default(), function };
        let place = Place { input: 0, index: vec![0], output: vec![0], analytic: 1.0, numeric: 1.0, uncertainty: 0.0 };
        let sample = Sample::around(&comparison, &place).unwrap();
        (sample, comparison.function.evaluations.get())
    }

    #[test]
    fn no_sample_is_taken_of_more_outputs_than_memory_should_hold() {
        let (sample, evaluations) = sample_of(SLOPES / FEWEST + 1);
        assert!(sample.is_none() && evaluations == 1);
        let sample = sample_of(1000).0.expect("a sample of few outputs is taken");
        assert!(sample.rows.iter().all(|row| row[0].is_right()));
    }
}
