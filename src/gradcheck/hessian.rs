//! Products with the Hessian matrix, by central differences of gradients.

use super::Gradcheck;
use super::directions::sizes;
use super::slopes::{Differentiable, Function, slopes_along};
use crate::error::{Error, Result};
use crate::mode::checked;
use crate::tape::Var;
use crate::tensor::Tensor;
use std::cell::Cell;

/// The name in errors.
const NAME: &str = "hessian_vector_product";

/// What the Hessian matrix makes of a vector, for each input.
#[derive(Clone, Debug)]
pub struct HessianVectorProduct {
    /// `Hv`, in the shapes of the inputs.
    pub values: Vec<Tensor<f64>>,
    /// How far each value may be off, by what differences with unlike steps differ in; with a margin.
    pub errors: Vec<Tensor<f64>>,
    /// How often the function was evaluated, nearly always with backward.
    pub evaluations: usize,
}

/// The product `Hv` of the Hessian matrix of `f`, a single number, with a vector `v`, `direction`, of the inputs' shapes.
///
/// It is the slope of the gradient along `v`: central differences of gradients for a ladder of steps, of which Richardson's
/// extrapolation takes the best: about 24 gradients, whatever the number of elements. Nine or ten digits are right where
/// `f` is smooth; the errors say how many.
///
/// ```
/// use evograd::{Tensor, gradcheck::hessian_vector_product};
/// // f = x₀²·x₁ has the Hessian matrix [2x₁ 2x₀; 2x₀ 0].
/// let f = |v: &[evograd::Var<f64>]| v[0].slice(0, 0..1)?.pow(2.0)?.mul(&v[0].slice(0, 1..2)?)?.sum_all();
/// let [x, v] = [[3.0, 5.0], [1.0, 10.0]].map(|values| Tensor::from_slice([2], &values));
/// let product = hessian_vector_product(f, &[x?], &[v?])?;
/// let (hv, error) = (product.values[0].as_slice(), product.errors[0].as_slice());
/// assert!((hv[0] - 70.0).abs() <= error[0] && (hv[1] - 6.0).abs() <= error[1] && error[0] < 1e-6);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When `f` fails or gives more than one number, a value or gradient is not finite, there are no inputs, or `direction` has other
/// shapes than they or holds what is not finite.
pub fn hessian_vector_product(
    f: impl Fn(&[Var<f64>]) -> Result<Var<f64>>,
    inputs: &[Tensor<f64>],
    direction: &[Tensor<f64>],
) -> Result<HessianVectorProduct> {
    expect_direction(inputs, direction)?;
    let evaluations = Cell::new(0);
    let line = Line { f: &f, inputs, direction, unit: unit(inputs, direction), evaluations: &evaluations };
    checked(|| {
        line.expect_number()?;
        let slopes = slopes_along(|step| line.gradient(step), Gradcheck::default().step)?;
        let split = |part: &dyn Fn(usize) -> f64| -> Result<Vec<Tensor<f64>>> {
            let mut from = 0;
            let tensor = |x: &Tensor<f64>| {
                let start = from;
                from += x.shape().elements();
                Tensor::from_fn(x.shape(), |i| part(start + i))
            };
            inputs.iter().map(tensor).collect()
        };
        let values = split(&|i| slopes[i].value / line.unit)?;
        let errors = split(&|i| slopes[i].error / line.unit)?;
        Ok(HessianVectorProduct { values, errors, evaluations: evaluations.get() })
    })
}

/// The points `x + t·unit·v`.
struct Line<'a> {
    f: &'a Differentiable<'a>,
    inputs: &'a [Tensor<f64>],
    direction: &'a [Tensor<f64>],
    /// What the direction is multiplied by, so that a step of 1 moves no element by more than its own size.
    unit: f64,
    evaluations: &'a Cell<usize>,
}

impl Line<'_> {
    fn at(&self, step: f64) -> Vec<Tensor<f64>> {
        let mut inputs = self.inputs.to_vec();
        for (x, v) in inputs.iter_mut().zip(self.direction) {
            x.as_mut_slice().iter_mut().zip(v.as_slice()).for_each(|(x, v)| *x += step * (self.unit * v));
        }
        inputs
    }

    /// The gradients of all inputs, one after the other.
    fn gradient(&self, step: f64) -> Result<Tensor<f64>> {
        let inputs = self.at(step);
        let gradients = self.function(&inputs, |function| function.gradients(|_| 1.0))?;
        let all: Vec<f64> = gradients.iter().flat_map(|gradient| gradient.as_slice().iter().copied()).collect();
        Tensor::from_slice([all.len()], &all)
    }

    fn expect_number(&self) -> Result<()> {
        let none = vec![0.0; self.inputs[0].shape().elements()];
        let y = self.function(self.inputs, |function| function.moved(0, &none, 0.0))?;
        match y.shape().elements() {
            1 => Ok(()),
            _ => Err(refused("the function gives more than one number", &y, "sum or average it")),
        }
    }

    fn function<R>(&self, inputs: &[Tensor<f64>], work: impl FnOnce(&Function<'_>) -> Result<R>) -> Result<R> {
        let step = Gradcheck::default().step;
        let function = Function { f: self.f, inputs, name: NAME, step, evaluations: Cell::new(0) };
        let found = work(&function);
        self.evaluations.set(self.evaluations.get() + function.evaluations.get());
        found
    }
}

/// The longest multiple of a direction that moves no element by more than its size; 1 where nothing moves.
fn unit(inputs: &[Tensor<f64>], direction: &[Tensor<f64>]) -> f64 {
    let shares = inputs.iter().zip(direction).flat_map(|(x, v)| {
        let sizes = sizes(x);
        v.as_slice().iter().zip(sizes).map(|(v, size)| v.abs() / size).collect::<Vec<f64>>()
    });
    let greatest = shares.fold(0.0, f64::max);
    if greatest > 0.0 { 1.0 / greatest } else { 1.0 }
}

fn expect_direction(inputs: &[Tensor<f64>], direction: &[Tensor<f64>]) -> Result<()> {
    if inputs.is_empty() || inputs.len() != direction.len() {
        let problem = format!("there are {} inputs and {} directions", inputs.len(), direction.len());
        return Err(Error::op(NAME, problem, &[], "give at least one input, and a direction for each"));
    }
    for (input, (x, v)) in inputs.iter().zip(direction).enumerate() {
        if x.shape() != v.shape() {
            let shapes = [("input", x.shape()), ("direction", v.shape())];
            let problem = format!("the direction of input {input} has another shape");
            return Err(Error::op(NAME, problem, &shapes, "give it that of the input"));
        }
        if let Some(value) = v.as_slice().iter().find(|value| !value.is_finite()) {
            return Err(refused(&format!("the direction of input {input} holds {value}"), v, "use finite numbers"));
        }
    }
    Ok(())
}

fn refused(problem: &str, tensor: &Tensor<f64>, remedy: &str) -> Error {
    Error::op(NAME, problem, &[("tensor", tensor.shape())], remedy)
}
