//! The check that values are finite, where it is asked for.

use crate::error::{Error, Result};
use crate::mode::Modes;
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) fn check_inputs<E: Element>(op: &'static str, inputs: &[&Tensor<E>]) -> Result<()> {
    for (i, input) in inputs.iter().enumerate().filter(|_| Modes::current().checked) {
        finite(op, &format!("input {i}"), input, inputs)?;
    }
    Ok(())
}

pub(super) fn check_output<E: Element>(op: &'static str, y: &Tensor<E>, inputs: &[&Tensor<E>]) -> Result<()> {
    if Modes::current().checked { finite(op, "the output", y, inputs) } else { Ok(()) }
}

pub(super) fn check_gradient<E: Element>(op: &'static str, dx: &Tensor<E>) -> Result<()> {
    if Modes::current().checked { finite(op, "a gradient", dx, &[dx]) } else { Ok(()) }
}

fn finite<E: Element>(op: &'static str, place: &str, tensor: &Tensor<E>, inputs: &[&Tensor<E>]) -> Result<()> {
    let Some(flat) = tensor.as_slice().iter().position(|x| !x.is_finite()) else { return Ok(()) };
    let named = |(i, input): (usize, &&Tensor<E>)| -> (String, Shape) { (format!("input {i}"), *input.shape()) };
    Err(Error::NonFinite {
        op,
        place: place.to_string(),
        value: tensor.as_slice()[flat].to_f64(),
        index: tensor.index_of(flat),
        shapes: inputs.iter().enumerate().map(named).collect(),
    })
}
