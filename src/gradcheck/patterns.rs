//! Patterns of wrong gradients that a sample of the Jacobian matrix shows as a whole.

use super::Diagnosis;
use super::sample::{Pair, Sample, equal_axes, exchanged, flat, index, reversed};
use std::collections::BTreeSet;

/// So many entries that are not 0 have to be in proportion before a factor is named.
const FACTOR: usize = 3;

/// A pattern of all entries: a factor, or the right gradient in another order.
pub(super) fn of_all(sample: &Sample) -> Option<Diagnosis> {
    proportion(sample).or_else(|| order(sample))
}

/// All entries in one proportion.
fn proportion(sample: &Sample) -> Option<Diagnosis> {
    let depending: Vec<&Pair> = sample.entries().filter(|pair| pair.depends()).collect();
    if sample.entries().all(|pair| pair.analytic == 0.0) {
        return (!depending.is_empty()).then_some(Diagnosis::NoGradient);
    }
    // The sharpest of them is the best measure.
    let sharpness = |pair: &&&Pair| pair.numeric.abs() / pair.error.max(f64::MIN_POSITIVE);
    let best = depending.iter().max_by(|a, b| sharpness(a).total_cmp(&sharpness(b)))?;
    let factor = best.analytic / best.numeric;
    let fits = |factor: f64| sample.entries().all(|pair| pair.is(pair.analytic / factor));
    match () {
        () if fits(-1.0) => Some(Diagnosis::Sign),
        () if factor != 0.0 && depending.len() >= FACTOR && fits(factor) => Some(Diagnosis::Factor(factor)),
        () => None,
    }
}

/// The right entries of each output in another order.
fn order(sample: &Sample) -> Option<Diagnosis> {
    let shape = &sample.shape;
    let exchange = |axes: &[usize; 2]| moved(sample, |element| Some(exchanged(shape, element, *axes)));
    if let Some(axes) = equal_axes(shape).into_iter().find(exchange) {
        return Some(Diagnosis::AxesExchanged(axes));
    }
    let reverse = |axis: &usize| moved(sample, |element| Some(reversed(shape, element, *axis)));
    if let Some(axis) = (0..shape.rank()).find(reverse) {
        return Some(Diagnosis::AxisReversed(axis));
    }
    let steps = (0..shape.rank()).flat_map(|axis| [(axis, 1), (axis, -1)]);
    let shift = |&(axis, by): &(usize, isize)| {
        moved(sample, |element| {
            let mut at = index(shape, element);
            at[axis] = at[axis].checked_add_signed(by).filter(|place| *place < shape.sizes()[axis])?;
            Some(flat(shape, &at))
        })
    };
    steps.into_iter().find(shift).map(|(axis, by)| Diagnosis::Shifted { axis, by })
}

/// Whether backward says of each element what is right of another one; those whose other is not in the sample do not count.
/// At least two entries have to tell the elements apart.
fn moved(sample: &Sample, other: impl Fn(usize) -> Option<usize>) -> bool {
    let place = |element: usize| sample.elements.iter().position(|known| *known == element);
    let others: Vec<Option<usize>> = sample.elements.iter().map(|element| place(other(*element)?)).collect();
    let mut telling = 0;
    for row in &sample.rows {
        for (element, other) in others.iter().enumerate() {
            let Some(other) = *other else { continue };
            let said = row[element].analytic / sample.sizes[element] * sample.sizes[other];
            if !row[other].is(said) {
                return false;
            }
            telling += usize::from(row[element].depends() && !row[element].is_right());
        }
    }
    telling >= 2
}

/// An element that counts in some of its outputs alone, though each output depends on one element; and so do all that enter
/// several outputs of the sample.
pub(super) fn sum_missing(sample: &Sample) -> Option<Diagnosis> {
    let of_one = |row: &Vec<Pair>| row.iter().filter(|pair| pair.depends()).count() <= 1;
    let is_zero_or_right = |pair: &Pair| pair.is_left_out() || pair.is_right();
    if !sample.rows.iter().all(of_one) || !sample.entries().all(is_zero_or_right) {
        return None;
    }
    let counts = |element: usize| {
        let entered = sample.column(element).filter(|pair| pair.depends());
        entered.fold((0, 0), |(kept, of), pair| (kept + usize::from(!pair.is_left_out()), of + 1))
    };
    let is_partial = |(kept, of)| of < 2 || (1..of).contains(&kept);
    let ((counted, of), mut others) = (counts(0), (1..sample.elements.len()).map(counts));
    (of > 1 && is_partial((counted, of)) && others.all(is_partial)).then_some(Diagnosis::SumMissing { counted, of })
}

/// Axes of the input along which elements that count in an output differ.
fn spread<'a>(sample: &Sample, row: &'a [Pair], counts: impl Fn(&'a Pair) -> bool) -> BTreeSet<usize> {
    let members: Vec<Vec<usize>> = (0..row.len()).filter(|i| counts(&row[*i])).map(|i| sample.index(i)).collect();
    let differ = |axis: &usize| members.iter().any(|member| member[*axis] != members[0][*axis]);
    (0..sample.shape.rank()).filter(differ).collect()
}

/// Outputs that depend on elements along some axes, where backward spreads their gradients along others.
pub(super) fn wrong_axis(sample: &Sample) -> Option<Diagnosis> {
    let axes = |counts: fn(&Pair) -> bool| {
        sample.rows.iter().fold(BTreeSet::new(), |all, row| &all | &spread(sample, row, counts))
    };
    let (right, taken) = (axes(Pair::depends), axes(Pair::is_said_to_depend));
    let apart = right.difference(&taken).count() > 0 && taken.difference(&right).count() > 0;
    apart.then(|| Diagnosis::WrongAxis { right: right.into_iter().collect(), taken: taken.into_iter().collect() })
}

/// Derivatives that backward says are 0, where it names none that is.
pub(super) fn left_out(sample: &Sample) -> Option<Diagnosis> {
    let invented = |pair: &Pair| !pair.depends() && !pair.is_right();
    let depending = sample.entries().filter(|pair| pair.depends());
    let (of, zero) = depending.fold((0, 0), |(of, zero), pair| (of + 1, zero + usize::from(pair.is_left_out())));
    (zero > 0 && !sample.entries().any(invented)).then_some(Diagnosis::LeftOut { zero, of })
}
