//! An operation from outside the crate is one like any other: it trains, is checked, and is named where it is wrong.

use evograd::{ListOp, Op, Purpose, Result, Shape, Stream, Tape, Tensor, Var, apply, apply_list};

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).unwrap()
}

/// `y = mean over n of (x[n]·slope + shift − target[n])²`, for a line through points.
#[derive(Debug)]
struct LineFit;

impl Op<f64, 4> for LineFit {
    const NAME: &'static str = "line_fit";
    type Saved = [Tensor<f64>; 2];

    fn output_shape(&self, [slope, shift, x, target]: [&Shape; 4]) -> Result<Shape> {
        assert!(slope.rank() == 0 && shift.rank() == 0 && x == target);
        Ok(Shape::SCALAR)
    }
    fn forward(&self, [slope, shift, x, target]: [&Tensor<f64>; 4]) -> (Tensor<f64>, [Tensor<f64>; 2]) {
        let (slope, shift) = (slope.item().unwrap(), shift.item().unwrap());
        let pairs = x.as_slice().iter().zip(target.as_slice());
        let residuals: Vec<f64> = pairs.map(|(x, target)| x * slope + shift - target).collect();
        let mean = residuals.iter().map(|r| r * r).sum::<f64>() / residuals.len() as f64;
        (Tensor::scalar(mean), [vector(&residuals), x.clone()])
    }
    fn backward(
        &self,
        [residuals, x]: [Tensor<f64>; 2],
        dy: Tensor<f64>,
        wanted: [bool; 4],
    ) -> [Option<Tensor<f64>>; 4] {
        assert_eq!(wanted, [true, true, false, false], "no gradient of the data is wanted");
        let factor = 2.0 * dy.item().unwrap() / x.as_slice().len() as f64;
        let pairs = residuals.as_slice().iter().zip(x.as_slice());
        let slope: f64 = pairs.map(|(r, x)| factor * r * x).sum();
        let shift: f64 = residuals.as_slice().iter().map(|r| factor * r).sum();
        [Some(Tensor::scalar(slope)), Some(Tensor::scalar(shift)), None, None]
    }
}

/// Gradient descent finds the line that the points were made from, up to their noise.
#[test]
fn an_operation_from_outside_trains() {
    let mut stream = Stream::new(1, Purpose::Init, 0, 0);
    let xs: Vec<f64> = (0..64).map(|i| i as f64 / 32.0 - 1.0).collect();
    let targets: Vec<f64> = xs.iter().map(|x| 1.5 * x - 0.75 + 0.01 * stream.normal()).collect();
    let (x, target) = (Var::constant(vector(&xs)), Var::constant(vector(&targets)));
    let mut weights = [0.0, 0.0];
    let mut losses = Vec::new();
    for _ in 0..200 {
        let tape = Tape::new();
        let leaves = weights.map(|w| tape.leaf(Tensor::scalar(w)));
        let loss = apply(LineFit, [&leaves[0], &leaves[1], &x, &target]).unwrap();
        let gradients = tape.backward(&loss).unwrap();
        losses.push(loss.item().unwrap());
        for (w, leaf) in weights.iter_mut().zip(&leaves) {
            *w -= 0.3 * gradients.get(leaf).unwrap().item().unwrap();
        }
    }
    assert!(losses[0] > 1.0 && losses[199] < 2e-4, "from {} to {}", losses[0], losses[199]);
    assert!((weights[0] - 1.5).abs() < 0.01 && (weights[1] + 0.75).abs() < 0.01, "{weights:?}");
}

#[test]
fn an_operation_from_outside_passes_the_gradient_checker() {
    let (x, target) = (vector(&[0.5, -1.0, 2.0]), vector(&[1.0, 0.0, -1.0]));
    let loss =
        |v: &[Var<f64>]| apply(LineFit, [&v[0], &v[1], &Var::constant(x.clone()), &Var::constant(target.clone())]);
    let report = evograd::gradcheck(loss, &[Tensor::scalar(0.3), Tensor::scalar(-0.2)]).unwrap();
    assert!(report.passed(), "{report}");
}

/// The identity that does not keep its word.
#[derive(Debug)]
struct Liar {
    there: bool,
}

impl ListOp<f64> for Liar {
    const NAME: &'static str = "liar";
    type Saved = ();

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        Ok(*inputs[0])
    }
    fn forward(&self, inputs: &[&Tensor<f64>]) -> (Tensor<f64>, ()) {
        (if self.there { Tensor::scalar(1.0) } else { inputs[0].clone() }, ())
    }
    fn backward(&self, (): (), _: Tensor<f64>, _: &[bool]) -> Vec<Option<Tensor<f64>>> {
        vec![Some(Tensor::scalar(1.0))]
    }
}

#[test]
fn an_operation_that_breaks_its_promises_is_named() {
    let tape = Tape::new();
    let x = tape.leaf(vector(&[1.0, 2.0]));
    assert_eq!(
        apply_list(Liar { there: true }, &[&x]).unwrap_err().to_string(),
        "liar: the output has another shape than promised (output [], promised [2]); \
         make forward and output_shape agree"
    );
    let y = apply_list(Liar { there: false }, &[&x]).unwrap().sum_all().unwrap();
    assert_eq!(
        tape.backward(&y).err().unwrap().to_string(),
        "liar: a gradient has another shape than its value (gradient [], value [2]); make their shapes equal"
    );
}
