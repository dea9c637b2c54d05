//! An operation from outside the crate is one like any other: it trains, is checked, and is named where it is wrong.

use evograd::gradcheck::{Gradcheck, verify};
use evograd::ops::{Draw, Large, Row};
use evograd::{Element, ListOp, Op, Purpose, Result, Shape, Stream, Tape, Tensor, Var, apply, apply_list, case};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

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

/// `y = x^exponent` for `x` above 0, with a gradient that may be a factor off.
#[derive(Clone, Copy, Debug)]
struct Power {
    exponent: f64,
    factor: f64,
}

impl<E: Element> Op<E, 1> for Power {
    const NAME: &'static str = "power";
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let power = |i: usize| x.as_slice()[i].powf(E::from_f64(self.exponent));
        (Tensor::from_fn(x.shape(), power).unwrap(), x.clone())
    }
    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let slope = |x: E| E::from_f64(self.factor * self.exponent) * x.powf(E::from_f64(self.exponent - 1.0));
        let dx = |i: usize| dy.as_slice()[i] * slope(x.as_slice()[i]);
        [Some(Tensor::from_fn(x.shape(), dx).unwrap())]
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_gradient_of_a_power_is_right(words in vec(0_u32..60, 12), seed: u64) {
        let mut draw = Draw::replaying(words, seed);
        let (exponent, shape) = (draw.number(-2.0, 3.0), draw.shape(0, 3));
        let x = draw.positive(shape);
        verify(|v| apply(Power { exponent, factor: 1.0 }, [&v[0]]), &[x])?;
    }
}

/// A row as the crate's own operations have one: what is drawn is said, and the same body runs in both element types.
const fn row(draw: fn(&mut Draw) -> evograd::ops::Case) -> Row {
    Row {
        name: "power",
        formula: "y = x^e",
        nondifferentiable: "x = 0",
        f32_bound: 8.0,
        draw,
        large: Large { shapes: &[&[70_000]], run: |v| apply(Power { exponent: 1.5, factor: 1.0 }, [&v[0]]) },
    }
}

fn drawn(draw: &mut Draw, factor: f64) -> evograd::ops::Case {
    let exponent = draw.pick(&[1.5, -0.5, 3.0]);
    let shape = draw.shape(1, 3);
    let power = Power { exponent, factor };
    case!([draw.positive(shape)], format!("exponent={exponent}"), |v| apply(power, [&v[0]]))
}

/// A property of a row: its gradient, and that `f32` is near `f64`.
fn property(row: &Row, settings: Gradcheck) -> std::result::Result<(), String> {
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&(vec(0_u32..60, 12), any::<u64>()), |(words, seed)| {
        let case = (row.draw)(&mut Draw::replaying(words, seed));
        settings
            .verify(&case.double, &case.inputs)
            .map_err(|error| TestCaseError::fail(format!("{} {}: {error}", row.name, case.description)))?;
        let inputs: Vec<Var> = case.inputs.iter().map(|x| Var::constant(x.cast())).collect();
        let exact: Vec<Var<f64>> = case.inputs.iter().cloned().map(Var::constant).collect();
        let (single, double) = ((case.single)(&inputs)?, (case.double)(&exact)?);
        for (single, double) in single.value().as_slice().iter().zip(double.value().as_slice()) {
            let allowed = row.f32_bound * f64::from(f32::EPSILON) * double.abs();
            prop_assert!((f64::from(*single) - double).abs() <= allowed, "{single} {double}");
        }
        Ok(())
    });
    outcome.map_err(|error| error.to_string())
}

#[test]
fn a_row_from_outside_is_proved_and_a_wrong_gradient_is_shrunk_and_shown() {
    let full = Gradcheck { full: true, ..Gradcheck::default() };
    for settings in [Gradcheck::default(), full] {
        property(&row(|draw| drawn(draw, 1.0)), settings).unwrap();
        let text = property(&row(|draw| drawn(draw, 1.01)), settings).unwrap_err();
        // The smallest case: all words 0, so a single element and the first exponent.
        assert!(text.contains("power [1] exponent=1.5: gradcheck: gradient WRONG: relative error 9.9e-3"), "{text}");
        assert!(
            text.contains("input 0 at [0], output at [0]: backward says ") && text.contains("; inputs ["),
            "{text}"
        );
        let smallest = text.split_whitespace().collect::<String>();
        let words = "0,".repeat(12);
        assert!(smallest.contains(&format!("minimalfailinginput:([{words}],")), "{text}");
    }
}
