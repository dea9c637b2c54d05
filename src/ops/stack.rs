//! Tensors of one shape as the places of a new axis.
//!
//! **Formula** `y[…, j, …]` is input `j`, where `j` counts along the new axis.
//!
//! **Shapes** one or more inputs of one shape; `y` has an axis more, as long as there are inputs.
//!
//! **Gradient** each element of an input is one of `y`, so the gradient of an input is its place in `dy`.
//!
//! **Kept for backward** what `concat` keeps, of which this is one with inputs that are reshaped first: no values. Reshaping costs
//! nothing, so neither does the detour.
//!
//! **Source** PyTorch's `stack`; a change of places, nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use crate::error::{Error, Result};
use crate::shape::{MAX_RANK, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "stack",
    formula: "y = the inputs as places of a new axis",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 3);
        let axis = draw.size(0, shape.rank());
        let inputs: Vec<Tensor<f64>> = (0..draw.size(1, 4)).map(|_| draw.values(shape)).collect();
        case!(inputs, format!("axis {axis}"), |v| Var::stack(&v.iter().collect::<Vec<_>>(), axis))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| Var::stack(&[&v[0], &v[1]], 2) },
};

/// The shape of each input with the new axis.
fn with_axis(inputs: &[&Shape], axis: usize) -> Result<Shape> {
    let refuse = |problem: String, remedy: String| {
        let names: Vec<String> = (0..inputs.len()).map(|i| format!("input {i}")).collect();
        let shapes: Vec<(&str, &Shape)> = names.iter().map(String::as_str).zip(inputs.iter().copied()).collect();
        Err(Error::op(ROW.name, problem, &shapes, remedy))
    };
    let Some(first) = inputs.first() else {
        return refuse("there are no inputs".into(), "give at least one".into());
    };
    if let Some(other) = inputs.iter().position(|input| input != first) {
        return refuse(format!("input {other} has another shape than input 0"), "make their shapes equal".into());
    }
    if axis > first.rank() {
        return refuse(format!("axis {axis} is none of the result"), format!("name an axis up to {}", first.rank()));
    }
    if first.rank() == MAX_RANK {
        return refuse(format!("the result would have {} axes", MAX_RANK + 1), "merge some axes".into());
    }
    let mut sizes = first.sizes().to_vec();
    sizes.insert(axis, 1);
    Ok(Shape::new(&sizes)?)
}

impl<E: Element> Var<E> {
    /// The inputs, all of one shape, as the places of a new axis that stands at `axis`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let [a, b] = [[1.0_f32, 2.0], [3.0, 4.0]].map(|x| Var::constant(Tensor::from_slice([2], &x).unwrap()));
    /// assert_eq!(Var::stack(&[&a, &b], 0)?.value().as_slice(), [1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(Var::stack(&[&a, &b], 1)?.value().as_slice(), [1.0, 3.0, 2.0, 4.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no input, their shapes differ, the result has no such axis, or it would have too many axes or elements.
    pub fn stack(inputs: &[&Var<E>], axis: usize) -> Result<Var<E>> {
        let shapes: Vec<&Shape> = inputs.iter().map(|input| input.value().shape()).collect();
        let shape = with_axis(&shapes, axis)?;
        let inputs = inputs.iter().map(|input| input.reshape(shape)).collect::<Result<Vec<_>>>();
        let inputs = inputs.map_err(|error| error.at(ROW.name))?;
        Var::concat(&inputs.iter().collect::<Vec<_>>(), axis).map_err(|error| error.at(ROW.name))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn each_input_gets_its_place_of_the_gradient() {
        let tape = Tape::new();
        let [a, b] = [[1.0_f32, 2.0], [3.0, 4.0]].map(|x| tape.leaf(Tensor::from_slice([2], &x).unwrap()));
        let y = Var::stack(&[&a, &b], 1).unwrap();
        assert_eq!(y.value().shape().sizes(), [2, 2]);
        let gradients = tape.backward_from(&[(&y, Tensor::from_fn([2, 2], |i| i as f32).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [0.0, 2.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [1.0, 3.0]);
    }

    #[test]
    fn what_cannot_be_stacked_is_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let text = |inputs: &[&Var], axis| Var::stack(inputs, axis).unwrap_err().to_string();
        assert_eq!(text(&[], 0), "stack: there are no inputs; give at least one");
        assert_eq!(
            text(&[&a, &b], 0),
            "stack: input 1 has another shape than input 0 (input 0 [2, 3], input 1 [3, 2]); make their shapes equal"
        );
        assert_eq!(text(&[&a], 3), "stack: axis 3 is none of the result (input 0 [2, 3]); name an axis up to 2");
        let most = Var::constant(Tensor::<f32>::zeros([1; 8]).unwrap());
        assert!(text(&[&most], 0).starts_with("stack: the result would have 9 axes"));
    }
}
