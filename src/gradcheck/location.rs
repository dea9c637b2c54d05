//! Wrong gradients that are wrong in some part of the input alone.

use super::Diagnosis;
use super::directions::{Signs, sizes};
use super::projection::{Comparison, Group, weights};
use super::sample::{Sample, index};
use crate::error::Result;
use crate::rng::{Purpose, Stream};

/// So many parts are tried, at five evaluations each.
const CANDIDATES: usize = 3;

/// The widest border that is tried, in elements.
const WIDEST: usize = 3;

/// The part of the input in which all that is wrong lies, where a projection confirms that everything else is right.
pub(super) fn part(comparison: &Comparison<'_>, input: usize, sample: &Sample) -> Result<Option<Diagnosis>> {
    let wrong = |element: &usize| sample.column(*element).any(|pair| !pair.is_right());
    let (wrong, right): (Vec<usize>, Vec<usize>) = (0..sample.elements.len()).partition(wrong);
    // Elements that the function does not depend on are right whatever the fault is.
    let depends = |element: &usize| sample.column(*element).any(|pair| pair.depends());
    if !right.iter().any(depends) || wrong.is_empty() {
        return Ok(None);
    }
    let [wrong, right] = [wrong, right].map(|some| some.into_iter().map(|i| sample.index(i)).collect::<Vec<_>>());
    for (diagnosis, holds) in candidates(sample, &wrong, &right).into_iter().take(CANDIDATES) {
        let holds = |element: usize| holds(&index(&sample.shape, element));
        if rest_is_right(comparison, input, holds)? {
            return Ok(Some(diagnosis));
        }
    }
    Ok(None)
}

/// Whether an index lies in a part of the input.
type Inside = Box<dyn Fn(&[usize]) -> bool>;

/// Parts that hold all wrong elements of a sample and none of the right ones.
fn candidates(sample: &Sample, wrong: &[Vec<usize>], right: &[Vec<usize>]) -> Vec<(Diagnosis, Inside)> {
    let sizes = sample.shape.sizes();
    let mut found = Vec::new();
    found.extend(single(sizes, wrong));
    found.extend((0..sizes.len()).map(|axis| slice(axis, wrong[0][axis])));
    found.extend(subsets(sizes.len()).into_iter().filter_map(|axes| border(sizes, axes, wrong)));
    found.retain(|(_, inside)| wrong.iter().all(|index| inside(index)) && !right.iter().any(|index| inside(index)));
    found
}

fn single(sizes: &[usize], wrong: &[Vec<usize>]) -> Option<(Diagnosis, Inside)> {
    let [only] = wrong else { return None };
    let is_end = |axis: &usize| sizes[*axis] > 1 && (only[*axis] == 0 || only[*axis] + 1 == sizes[*axis]);
    let at = only.clone();
    Some((Diagnosis::Single((0..sizes.len()).filter(is_end).collect()), Box::new(move |index| index == at)))
}

fn slice(axis: usize, place: usize) -> (Diagnosis, Inside) {
    (Diagnosis::Slice { axis, index: place }, Box::new(move |index| index[axis] == place))
}

/// The narrowest border along some axes that holds all wrong elements.
fn border(sizes: &[usize], axes: Vec<usize>, wrong: &[Vec<usize>]) -> Option<(Diagnosis, Inside)> {
    let sizes = sizes.to_vec();
    let is_within = move |width: usize, axes: &[usize], index: &[usize]| {
        axes.iter().any(|&axis| index[axis] < width || index[axis] + width >= sizes[axis])
    };
    let width = (1..=WIDEST).find(|width| wrong.iter().all(|index| is_within(*width, &axes, index)))?;
    let diagnosis = Diagnosis::Border { width, axes: axes.clone() };
    Some((diagnosis, Box::new(move |index| is_within(width, &axes, index))))
}

/// Sets of axes, the smaller first.
fn subsets(rank: usize) -> Vec<Vec<usize>> {
    let members = |set: u32| (0..rank).filter(|axis| set >> axis & 1 == 1).collect::<Vec<usize>>();
    let mut sets: Vec<Vec<usize>> = (1..1_u32 << rank).map(members).collect();
    sets.sort_by_key(Vec::len);
    sets
}

/// Whether a projection of all elements outside a part agrees.
fn rest_is_right(comparison: &Comparison<'_>, input: usize, inside: impl Fn(usize) -> bool) -> Result<bool> {
    let mut signs = Signs(Stream::new(comparison.settings.seed, Purpose::Gradcheck, 0, input as u32));
    let sizes = sizes(&comparison.function.inputs[input]);
    let u: Vec<f64> = (0..sizes.len()).map(|i| if inside(i) { 0.0 } else { sizes[i] * signs.signed() }).collect();
    if u.iter().all(|u| *u == 0.0) {
        return Ok(false);
    }
    let slopes = comparison.function.quick(input, &u)?;
    let rows: Vec<f64> = slopes.all.iter().map(|slope| slope.value.abs()).collect();
    let probe = comparison.probe(input, &u, slopes, &rows);
    let is_clear = |output: usize| !matches!(comparison.group(&probe, output), Group::Drowned | Group::Boundless);
    let projection = comparison.project(&probe, weights(&probe, is_clear, &mut signs))?;
    Ok(comparison.agrees(&probe, &projection))
}
