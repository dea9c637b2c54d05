//! What a report says of a wrong gradient, and what it leaves out.

use evograd::gradcheck::Diagnosis;
use evograd::{Op, Result, Shape, Tensor, apply, gradcheck};
use std::cell::Cell;

type Spoil = fn(&mut [f64]);

/// `y = x²` of a vector, whose right gradient is spoiled.
#[derive(Clone, Copy, Debug)]
struct Spoiled(Spoil);

impl Op<f64, 1> for Spoiled {
    const NAME: &'static str = "spoiled";
    type Saved = Tensor<f64>;
    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Tensor<f64>) {
        (Tensor::from_fn(x.shape(), |i| x.as_slice()[i].powi(2)).unwrap(), x.clone())
    }
    fn backward(&self, x: Tensor<f64>, dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        let mut dx = Tensor::from_fn(x.shape(), |i| 2.0 * x.as_slice()[i] * dy.as_slice()[i]).unwrap();
        (self.0)(dx.as_mut_slice());
        [Some(dx)]
    }
}

#[test]
fn a_shift_is_said_with_its_direction() {
    let x = Tensor::from_slice([5], &[0.3, -1.1, 0.7, 1.9, -0.6]).unwrap();
    let table: [(Spoil, isize, &str); 2] =
        [(|dx| dx.rotate_left(1), 1, "next"), (|dx| dx.rotate_right(1), -1, "previous")];
    for (spoil, by, whose) in table {
        let report = gradcheck(|v| apply(Spoiled(spoil), [&v[0]]), std::slice::from_ref(&x)).unwrap();
        assert_eq!(report.diagnosis, Some(Diagnosis::Shifted { axis: 0, by }), "{report}");
        let end = format!("off by one: every element has the right gradient of the {whose} one along axis 0");
        assert!(report.to_string().ends_with(&end), "{report}");
    }
}

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
    static FIRST: Cell<u32> = const { Cell::new(0) };
}

/// Backward that is off where it first runs on a random gradient of the output, and right ever after: the place that is named
/// shows no error.
#[test]
fn an_error_that_does_not_show_at_the_place_is_left_out() {
    let said = |spoil: Spoil| {
        RUNS.set(0);
        let report = gradcheck(|v| apply(Spoiled(spoil), [&v[0]]), &[Tensor::scalar(0.7)]).unwrap();
        (report.diagnosis.clone(), report.to_string(), RUNS.get())
    };
    let (_, text, _) = said(|dx| dx[0] *= 1.01);
    assert!(text.starts_with("gradient WRONG: relative error 9.9e-3, allowed 1e-6; input 0 at []"), "{text}");
    let (diagnosis, _, runs) = said(|_| RUNS.set(RUNS.get() + 1));
    assert_eq!(diagnosis, None);
    FIRST.set(runs - 2);
    let (diagnosis, text, _) = said(|dx| {
        dx[0] *= if RUNS.replace(RUNS.get() + 1) == FIRST.get() { 1.01 } else { 1.0 };
    });
    assert_eq!(diagnosis, Some(Diagnosis::Unrepeatable), "{text}");
    assert!(text.starts_with("gradient WRONG: input 0 at [], output at []: backward says 1.4000"), "{text}");
}
