//! Backward is a product with the gradient of the output: where it is not, that is found, though every derivative is right where
//! that gradient is 1.

use evograd::gradcheck::{Diagnosis, Gradcheck, Verdict};
use evograd::{Op, Result, Shape, Tensor, apply};
use std::cell::Cell;

/// `y = x²`, or its sum, with any function of `x`, `dy` and how often backward ran in the place of its gradient.
#[derive(Clone, Copy, Debug)]
struct Square {
    backward: fn(f64, f64, f64) -> f64,
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

impl Op<f64, 1> for Square {
    const NAME: &'static str = "square";
    type Saved = Tensor<f64>;
    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Tensor<f64>) {
        (Tensor::from_fn(x.shape(), |i| x.as_slice()[i].powi(2)).unwrap(), x.clone())
    }
    fn backward(&self, x: Tensor<f64>, dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        let run = RUNS.with(|runs| runs.replace(runs.get() + 1));
        let dx = |i: usize| (self.backward)(x.as_slice()[i], dy.as_slice()[i], f64::from(run));
        [Some(Tensor::from_fn(x.shape(), dx).unwrap())]
    }
}

type Backward = fn(f64, f64, f64) -> f64;

#[test]
fn a_backward_that_is_not_linear_is_wrong_and_named() {
    let table: [(Backward, Option<Diagnosis>); 5] = [
        (|x, dy, _| 2.0 * x * dy, None),
        (|x, _, _| 2.0 * x, Some(Diagnosis::GradientIgnored)),
        (|x, dy, _| 2.0 * x * dy * dy, Some(Diagnosis::Nonlinear)),
        (|x, dy, run| 2.0 * x * dy * (1.0 + 1e-3 * run.sin()), Some(Diagnosis::Unrepeatable)),
        (|x, dy, _| 2.0 * x * dy + 0.5, Some(Diagnosis::ConstantAdded(0.5))),
    ];
    for (backward, expected) in table {
        for (full, shape) in [(false, &[][..]), (true, &[]), (false, &[3]), (true, &[3])] {
            let x = Tensor::from_fn(shape, |i| 0.7 + i as f64).unwrap();
            let settings = Gradcheck { full, ..Gradcheck::default() };
            let report = settings.run(|v| apply(Square { backward }, [&v[0]]), &[x]).unwrap();
            let verdict = if expected.is_some() { Verdict::Wrong } else { Verdict::Right };
            assert_eq!(report.verdict(), verdict, "{expected:?}: {report}");
            match (&report.diagnosis, &expected) {
                (Some(Diagnosis::ConstantAdded(c)), Some(Diagnosis::ConstantAdded(right))) => {
                    assert!((c - right).abs() < 1e-12, "{report}");
                }
                (found, expected) => assert_eq!(found, expected, "{report}"),
            }
        }
    }
}
