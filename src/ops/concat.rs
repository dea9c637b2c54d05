//! Tensors one behind the other.
//!
//! **Formula** along the chosen axis, `y` has first the elements of the first input, then those of the second, …
//!
//! **Shapes** one or more inputs that have the same sizes but for the chosen axis; there, `y` has the sum of theirs.
//!
//! **Gradient** each element of an input is one of `y`, so the gradient of an input is its part of `dy`.
//!
//! **Kept for backward** the shape of `y` and the inputs' sizes along the axis, no values.
//!
//! **Source** a change of places; nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::region::Region;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{ListOp, Var, apply_list};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "concat",
    formula: "y = the inputs one behind the other along one axis",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(1, 4);
        let axis = draw.size(0, shape.rank() - 1);
        let inputs: Vec<Tensor<f64>> = (0..draw.size(1, 4))
            .map(|_| {
                let mut sizes = shape.sizes().to_vec();
                sizes[axis] = draw.size(1, 4);
                draw.values(sizes.as_slice())
            })
            .collect();
        case!(inputs, format!("axis {axis}"), |v| Var::concat(&v.iter().collect::<Vec<_>>(), axis))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| Var::concat(&[&v[0], &v[1]], 1) },
};

#[derive(Debug)]
struct Concat {
    axis: usize,
}

impl<E: Element> ListOp<E> for Concat {
    const NAME: &'static str = ROW.name;
    type Saved = (Shape, Vec<usize>);

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let refuse = |problem: String, remedy: String| Err(refusal(inputs, problem, remedy));
        let Some(first) = inputs.first() else {
            return refuse("there are no inputs".into(), "give at least one".into());
        };
        if self.axis >= first.rank() {
            let problem = format!("axis {} does not exist", self.axis);
            return refuse(problem, format!("name an axis below {}", first.rank()));
        }
        if let Some(other) = inputs.iter().position(|input| !self.fits(first, input)) {
            let problem = format!("input {other} differs from input 0 in more than axis {}", self.axis);
            return refuse(problem, "make all other sizes equal".into());
        }
        let total = inputs.iter().try_fold(0_usize, |sum, input| sum.checked_add(input.sizes()[self.axis]));
        let mut sizes = first.sizes().to_vec();
        sizes[self.axis] = total.unwrap_or(usize::MAX);
        Shape::new(&sizes).or_else(|_| refuse("the output has too many elements".into(), "join fewer inputs".into()))
    }

    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, (Shape, Vec<usize>)) {
        let shapes: Vec<&Shape> = inputs.iter().map(|input| input.shape()).collect();
        let shape = ListOp::<E>::output_shape(self, &shapes).expect("output_shape has agreed");
        let inner: usize = shape.sizes()[self.axis + 1..].iter().product();
        let sizes: Vec<usize> = shapes.iter().map(|shape| shape.sizes()[self.axis]).collect();
        let step = shape.sizes()[self.axis] * inner;
        let rows = (CHUNK / step).max(1);
        let y = Tensor::build(shape, |y| {
            for_each(y, rows * step, |i, y| {
                for (r, y) in y.chunks_mut(step).enumerate() {
                    join(inputs, &sizes, inner, i * rows + r, y);
                }
            });
        });
        (y, (shape, sizes))
    }

    fn backward(&self, saved: (Shape, Vec<usize>), dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        let (shape, sizes) = saved;
        let mut first = 0;
        let part = |(size, wanted): (&usize, &bool)| {
            first += size;
            wanted.then(|| Region::along(shape, self.axis, first - size, *size).crop(&dy))
        };
        sizes.iter().zip(wanted).map(part).collect()
    }
}

/// The shape of inputs joined along an axis.
pub(crate) fn concat_shape(inputs: &[&Shape], axis: usize) -> Result<Shape> {
    ListOp::<f32>::output_shape(&Concat { axis }, inputs)
}

impl Concat {
    /// Whether two shapes have equal sizes but for the axis.
    fn fits(&self, a: &Shape, b: &Shape) -> bool {
        let equal = |axis: usize| axis == self.axis || a.sizes()[axis] == b.sizes()[axis];
        a.rank() == b.rank() && (0..a.rank()).all(equal)
    }
}

/// Copies row `row` of every input behind each other.
fn join<E: Element>(inputs: &[&Tensor<E>], sizes: &[usize], inner: usize, row: usize, y: &mut [E]) {
    let mut done = 0;
    for (input, size) in inputs.iter().zip(sizes) {
        let run = size * inner;
        y[done..done + run].copy_from_slice(&input.as_slice()[row * run..(row + 1) * run]);
        done += run;
    }
}

fn refusal(inputs: &[&Shape], problem: String, remedy: String) -> Error {
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("input {i}")).collect();
    let shapes: Vec<(&str, &Shape)> = names.iter().map(String::as_str).zip(inputs.iter().copied()).collect();
    Error::op(ROW.name, problem, &shapes, remedy)
}

impl<E: Element> Var<E> {
    /// The inputs one behind the other along `axis`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 2.0])?);
    /// let b = Var::constant(Tensor::from_vec([2, 2], vec![3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(Var::concat(&[&a, &b], 1)?.value().as_slice(), [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no input, no such axis, the sizes differ along another axis, or the result has too many elements.
    pub fn concat(inputs: &[&Var<E>], axis: usize) -> Result<Var<E>> {
        apply_list(Concat { axis }, inputs)
    }
}

#[cfg(test)]
mod tests {
    use crate::shape::Shape;
    use crate::tape::ListOp;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn each_input_gets_its_part_of_the_gradient_and_one_used_twice_both() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([1, 2], vec![1.0_f32, 2.0]).unwrap());
        let b = Var::constant(Tensor::from_vec([2, 2], vec![3.0; 4]).unwrap());
        let y = Var::concat(&[&a, &b, &a], 0).unwrap();
        assert_eq!(y.value().as_slice(), [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 1.0, 2.0]);
        let dy = Tensor::from_fn([4, 2], |i| i as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [6.0, 8.0]);
    }

    #[test]
    fn what_cannot_be_joined_is_named() {
        let [a, b] = [[2, 3], [3, 4]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let text = |inputs: &[&Var], axis| Var::concat(inputs, axis).unwrap_err().to_string();
        assert_eq!(text(&[], 0), "concat: there are no inputs; give at least one");
        assert_eq!(text(&[&a], 2), "concat: axis 2 does not exist (input 0 [2, 3]); name an axis below 2");
        assert_eq!(
            text(&[&a, &a, &b], 1),
            "concat: input 2 differs from input 0 in more than axis 1 (input 0 [2, 3], input 1 [2, 3], \
             input 2 [3, 4]); make all other sizes equal"
        );
        let vector = Var::constant(Tensor::zeros([3]).unwrap());
        assert!(text(&[&a, &vector], 0).starts_with("concat: input 1 differs from input 0"));
    }

    /// No tensor of this size exists, but its shape does.
    #[test]
    fn too_many_elements_are_an_error() {
        let half = Shape::new(&[1 << 56, 1]).unwrap();
        let error = ListOp::<f32>::output_shape(&super::Concat { axis: 1 }, &[&half, &half, &half]).unwrap_err();
        assert!(
            error.to_string().starts_with("concat: the output has too many elements (input 0 [720575940379"),
            "{error}"
        );
    }
}
