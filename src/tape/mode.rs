//! The two modes a computation may run in: without recording, and with every value checked.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    static NO_GRAD: Cell<bool> = const { Cell::new(false) };
    static CHECKED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` without recording: what it computes is constant, and keeps nothing for gradients.
///
/// ```
/// use evograd::{Tape, Tensor, no_grad};
/// let x = Tape::new().leaf(Tensor::scalar(2.0_f32));
/// assert!(!no_grad(|| x.mul(&x))?.is_tracked());
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn no_grad<R>(work: impl FnOnce() -> R) -> R {
    within(&NO_GRAD, work)
}

/// Runs `work` with every input, output and gradient of every operation checked: the first value that is infinite or
/// not a number is an error that names the operation. Costs one more pass over each tensor.
///
/// ```
/// use evograd::{Tensor, Var, checked};
/// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, -1.0])?);
/// let error = checked(|| x.log()).unwrap_err().to_string();
/// assert!(error.starts_with("log: the output holds NaN at [1] (input 0 [2])"), "{error}");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn checked<R>(work: impl FnOnce() -> R) -> R {
    within(&CHECKED, work)
}

/// Sets the flag for as long as `work` runs, also where it panics.
fn within<R>(flag: &'static LocalKey<Cell<bool>>, work: impl FnOnce() -> R) -> R {
    struct Restore(&'static LocalKey<Cell<bool>>, bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(flag, flag.replace(true));
    work()
}

pub(super) fn recording() -> bool {
    !NO_GRAD.get()
}

pub(super) fn check_inputs<E: Element>(op: &'static str, inputs: &[&Tensor<E>]) -> Result<()> {
    for (i, input) in inputs.iter().enumerate().filter(|_| CHECKED.get()) {
        finite(op, &format!("input {i}"), input, inputs)?;
    }
    Ok(())
}

pub(super) fn check_output<E: Element>(op: &'static str, y: &Tensor<E>, inputs: &[&Tensor<E>]) -> Result<()> {
    if CHECKED.get() { finite(op, "the output", y, inputs) } else { Ok(()) }
}

pub(super) fn check_gradient<E: Element>(op: &'static str, dx: &Tensor<E>) -> Result<()> {
    if CHECKED.get() { finite(op, "a gradient", dx, &[dx]) } else { Ok(()) }
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
