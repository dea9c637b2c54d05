//! The search for what kind of fault a wrong gradient looks like.

use super::directions::{only, sizes};
use super::projection::Comparison;
use super::sample::{Sample, flat, index};
use super::slopes::{CORNER, rounding};
use super::{Diagnosis, Place, location, patterns, terms};
use crate::error::Result;

/// What the fault looks like; `None` where no pattern fits.
pub(super) fn diagnosed(comparison: &Comparison<'_>, place: &Place) -> Result<Option<Diagnosis>> {
    if let Some(found) = corner(comparison, place)? {
        return Ok(Some(found));
    }
    let Some(sample) = Sample::around(comparison, place)?.filter(Sample::is_telling) else { return Ok(None) };
    if let Some(found) = patterns::of_all(&sample).or_else(|| patterns::sum_missing(&sample)) {
        return Ok(Some(found));
    }
    if let Some(found) = location::part(comparison, place.input, &sample)? {
        return Ok(Some(found));
    }
    Ok(patterns::wrong_axis(&sample).or_else(|| terms::term(&sample)).or_else(|| patterns::left_out(&sample)))
}

/// A place where the slopes below and above differ, and do so under a step of a quarter too.
fn corner(comparison: &Comparison<'_>, place: &Place) -> Result<Option<Diagnosis>> {
    let function = &comparison.function;
    let x = &function.inputs[place.input];
    let element = flat(x.shape(), &place.index);
    let size = sizes(x)[element];
    let u = only(&vec![size; x.shape().elements()], &[element]);
    let at = |step: f64| -> Result<f64> {
        let y = function.moved(place.input, &u, step)?;
        Ok(y.as_slice()[flat(y.shape(), &place.output)])
    };
    let middle = at(0.0)?;
    let sides = |step: f64| -> Result<[f64; 2]> { Ok([(middle - at(-step)?) / step, (at(step)? - middle) / step]) };
    let ([far_below, far_above], [below, above]) = (sides(function.step)?, sides(function.step / 4.0)?);
    let (far, near) = ((far_above - far_below).abs(), (above - below).abs());
    let greater = below.abs().max(above.abs());
    let noise = 16.0 * rounding(middle, below, above) / function.step;
    if near <= CORNER * greater + noise || near < 0.5 * far {
        return Ok(None);
    }
    let same = |i: &usize| *i != element && x.as_slice()[*i] == x.as_slice()[element];
    let tie = (0..x.shape().elements()).find(same).map(|i| index(x.shape(), i));
    let slope = |slope: f64| if slope.abs() <= 1e-9 * greater { 0.0 } else { slope / size };
    Ok(Some(Diagnosis::NoDerivative { below: slope(below), above: slope(above), tie }))
}
