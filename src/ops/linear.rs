//! The linear layer.
//!
//! **Formula** `y[n, o] = Σᵢ x[n, i] · w[o, i] + b[o]`, or `y = x·wᵀ + b`; without bias, `y = x·wᵀ`.
//!
//! **Shapes** `x` `[N, I]`, `w` `[O, I]` as PyTorch lays it out, `b` `[O]`, `y` `[N, O]`. An `x` of more axes, as of the words of several
//! sentences, is `[…, I]`, and `y` `[…, O]`: each of its last rows is one of the `N`.
//!
//! **Gradient** `x[n, i]` goes into `y[n, o]` for every `o`, with slope `w[o, i]`, so `dx[n, i] = Σₒ dy[n, o]·w[o, i]`:
//! `dx = dy·w`. Likewise `w[o, i]` goes into `y[n, o]` for every `n`, with slope `x[n, i]`: `dw = dyᵀ·x`. And `b[o]` goes
//! into every row with slope 1, so `db[o] = Σₙ dy[n, o]`, the sum of the rows.
//!
//! **Kept for backward** `x` and `w`.
//!
//! **Source** the affine map; the products are those of the library `matrixmultiply`.

use super::support::catalogue::{Large, Row, case};
use super::support::product::{Factor, multiply};
use super::support::reduction::sum_middle;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{ListOp, Var, apply_list};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "linear",
    formula: "y = x·wᵀ + b",
    nondifferentiable: "",
    f32_bound: 15.0,
    draw: |draw| {
        // In long sums the rounding is measured; there are enough of them that they do not all cancel.
        let long = draw.flag();
        let [n, o] = [0; 2].map(|_| if long { draw.size(3, 4) } else { draw.size(1, 6) });
        let i = if long { draw.size(8, 70) } else { draw.size(1, 6) };
        let x = if draw.flag() { vec![n, i] } else { vec![draw.size(1, 2), n, i] };
        let shapes = [&x[..], &[o, i], &[o]];
        let given = if draw.flag() { &shapes[..] } else { &shapes[..2] };
        let fill = |shape: &&[usize]| if long { draw.values(*shape) } else { draw.coarse(*shape) };
        let inputs: Vec<Tensor<f64>> = given.iter().map(fill).collect();
        case!(inputs, "", |v| v[0].linear(&v[1], v.get(2)))
    },
    large: Large { shapes: &[&[259, 130], &[70, 130], &[70]], run: |v| v[0].linear(&v[1], Some(&v[2])) },
};

#[derive(Debug)]
struct Linear;

impl<E: Element> ListOp<E> for Linear {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let names = ["x", "w", "b"].into_iter().zip(inputs.iter().copied());
        let shapes: Vec<(&str, &Shape)> = names.collect();
        let refuse = |problem: String, remedy: &str| Err(Error::op(ROW.name, problem, &shapes, remedy));
        let (Some([n, i]), Some([o, i2])) = (inputs[0].axes(), inputs[1].axes()) else {
            let problem = "the last axis of the input is not the features of the weights".into();
            return refuse(problem, "use x […, in] and w [out, in]; flatten(1) makes an image flat");
        };
        if i != i2 {
            return refuse(format!("the input has {i} features, the weights expect {i2}"), "make these sizes equal");
        }
        if inputs.get(2).is_some_and(|b| b.sizes() != [o]) {
            return refuse(format!("the bias does not have one number for each of {o} outputs"), "use b [out]");
        }
        Shape::new(&[n, o]).or_else(|_| refuse("the output has too many elements".into(), "use fewer rows at a time"))
    }

    fn macs(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        (output.elements() as u64).saturating_mul(inputs[1].sizes()[1] as u64)
    }

    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let (x, w) = (inputs[0], inputs[1]);
        let (n, o) = (x.shape().sizes()[0], w.shape().sizes()[0]);
        let shape = Shape::new(&[n, o]).expect("output_shape has agreed");
        let y = Tensor::build(shape, |y| {
            if let Some(b) = inputs.get(2) {
                y.chunks_mut(o).for_each(|row| row.copy_from_slice(b.as_slice()));
            }
            multiply(Factor::new(x, false), Factor::new(w, true), inputs.len() == 3, y);
        });
        (y, [x.clone(), w.clone()])
    }

    fn backward(&self, [x, w]: [Tensor<E>; 2], dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        let dx =
            || Tensor::build(*x.shape(), |dx| multiply(Factor::new(&dy, false), Factor::new(&w, false), false, dx));
        let dw = || Tensor::build(*w.shape(), |dw| multiply(Factor::new(&dy, true), Factor::new(&x, false), false, dw));
        let mut gradients = vec![wanted[0].then(dx), wanted[1].then(dw)];
        gradients.extend(wanted.get(2).map(|wanted| wanted.then(|| sum_of_rows(&dy))));
        gradients
    }
}

fn sum_of_rows<E: Element>(dy: &Tensor<E>) -> Tensor<E> {
    let [rows, columns] = dy.shape().axes().expect("the output has two axes");
    sum_middle(dy, [1, rows, columns]).reshape([columns]).expect("one row is left")
}

/// The shape of the output for an input, weights and, perhaps, a bias.
pub(crate) fn linear_shape(inputs: &[&Shape]) -> Result<Shape> {
    ListOp::<f32>::output_shape(&Linear, inputs)
}

impl<E: Element> Var<E> {
    /// `self·wᵀ + b` for `self` `[N, in]`, or `[…, in]` with any axes before, `w` `[out, in]`, `b` `[out]`; without `b`, `self·wᵀ`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 2], vec![1.0_f32, 2.0])?);
    /// let w = Var::constant(Tensor::from_vec([3, 2], vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0])?);
    /// let b = Var::constant(Tensor::from_vec([3], vec![10.0, 20.0, 30.0])?);
    /// assert_eq!(x.linear(&w, Some(&b))?.value().as_slice(), [11.0, 22.0, 33.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit each other, or the output has too many elements.
    pub fn linear(&self, w: &Var<E>, b: Option<&Var<E>>) -> Result<Var<E>> {
        let named = |error: Error| error.at(ROW.name);
        let run = |x: &Var<E>| apply_list(Linear, &[x, w].into_iter().chain(b).collect::<Vec<_>>());
        match (self.value().shape().sizes(), w.value().shape().sizes()) {
            ([before @ .., input], [output, of_weights]) if before.len() > 1 && input == of_weights => {
                let rows = self.reshape([before.iter().product(), *input]).map_err(named)?;
                run(&rows)?.reshape([before, &[*output]].concat().as_slice()).map_err(named)
            }
            _ => run(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, ThreadPool, Var};

    #[test]
    fn values_and_gradients_are_those_worked_out_by_hand() {
        let tape = Tape::new();
        let leaf = |shape: &[usize], values: &[f32]| tape.leaf(Tensor::from_slice(shape, values).unwrap());
        let (x, w, b) = (leaf(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), leaf(&[1, 2], &[5.0, -1.0]), leaf(&[1], &[0.5]));
        let y = x.linear(&w, Some(&b)).unwrap();
        assert_eq!(y.value(), &Tensor::from_vec([2, 1], vec![3.5, 11.5]).unwrap());
        let dy = Tensor::from_vec([2, 1], vec![1.0, 10.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [5.0, -1.0, 50.0, -10.0]);
        assert_eq!(gradients.get(&w).unwrap().as_slice(), [31.0, 42.0]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [11.0]);
    }

    #[test]
    fn words_of_sentences_are_rows_like_any_others() {
        let of = |shape: &[usize]| Var::constant(Tensor::from_fn(shape, |i| (i as f32 * 0.7).sin()).unwrap());
        let (x, w, b) = (of(&[2, 3, 5]), of(&[4, 5]), of(&[4]));
        let y = x.linear(&w, Some(&b)).unwrap();
        let rows = x.reshape([6, 5]).unwrap().linear(&w, Some(&b)).unwrap();
        assert_eq!(y.value().shape().sizes(), [2, 3, 4]);
        assert_eq!(y.value().as_slice(), rows.value().as_slice());
    }

    #[test]
    fn a_large_layer_has_the_same_bits_on_any_number_of_threads() {
        let wave = |shape: [usize; 2], step: f32| Tensor::from_fn(shape, |i| (i as f32 * step).sin()).unwrap();
        let run = |threads| {
            ThreadPool::new(threads).unwrap().install(|| {
                let tape = Tape::new();
                let leaves = [wave([300, 200], 0.37), wave([150, 200], 0.11)].map(|value| tape.leaf(value));
                let y = leaves[0].linear(&leaves[1], None).unwrap();
                let mut gradients = tape.backward_from(&[(&y, wave([300, 150], 0.23))]).unwrap();
                let mut all: Vec<Tensor> = leaves.iter().map(|leaf| gradients.take(leaf).unwrap()).collect();
                all.push(y.value().clone());
                all
            })
        };
        let one = run(1);
        assert!(run(2) == one && run(3) == one);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let (x, w) = (zeros(&[8, 3]), zeros(&[5, 3]));
        let text = |x: &Var, w: &Var, b: Option<&Var>| x.linear(w, b).unwrap_err().to_string();
        assert_eq!(
            text(&x, &zeros(&[5, 4]), None),
            "linear: the input has 3 features, the weights expect 4 (x [8, 3], w [5, 4]); make these sizes equal"
        );
        assert_eq!(
            text(&zeros(&[8, 3, 1, 1]), &w, None),
            "linear: the last axis of the input is not the features of the weights (x [8, 3, 1, 1], w [5, 3]); \
             use x […, in] and w [out, in]; flatten(1) makes an image flat"
        );
        assert_eq!(
            text(&x, &w, Some(&zeros(&[3]))),
            "linear: the bias does not have one number for each of 5 outputs (x [8, 3], w [5, 3], b [3]); use b [out]"
        );
    }
}
