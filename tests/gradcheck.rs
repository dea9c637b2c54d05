//! The gradient checker against functions whose derivatives are known by formula, at inputs and outputs of all sizes: a wrong
//! derivative is found and named, and a right one is never called wrong.

#[path = "gradcheck/hessian.rs"]
mod hessian;
#[path = "gradcheck/linearity.rs"]
mod linearity;
#[path = "gradcheck/said.rs"]
mod said;
#[path = "gradcheck/teacher.rs"]
mod teacher;

use evograd::gradcheck::{Diagnosis, Gradcheck, Report, Verdict};
use evograd::{Op, Purpose, Shape, Stream, Tensor, Var, apply};
use proptest::prelude::*;
use std::cell::Cell;

fn vector(values: &[f64]) -> Tensor<f64> {
    Tensor::from_slice([values.len()], values).unwrap()
}

/// `y[j] = scale[j] · g(Σᵢ weight[j][i] · x[i] / size[i])`, with a Jacobian matrix that may be spoiled.
#[derive(Clone, Debug)]
struct Drawn {
    curve: usize,
    scales: Vec<f64>,
    sizes: Vec<f64>,
    weights: Vec<Vec<f64>>,
    sabotage: Option<Sabotage>,
}

#[derive(Clone, Copy, Debug)]
enum Sabotage {
    /// One entry, 1 % too great.
    Entry(usize, usize),
    /// One entry with the other sign.
    Sign(usize, usize),
    /// One entry left out.
    Dropped(usize, usize),
    /// All of an element left out, as where a part was detached.
    Detached(usize),
    /// A row 1 % too great.
    Row(usize),
    /// The gradients of two neighbouring elements exchanged.
    Exchanged(usize),
    /// Everything 1 % too great.
    Factor,
    /// An entry that is 1 wherever the function stands, in units of the sizes.
    Constant(usize, usize),
    /// A sum over the outputs left out: the last output alone counts.
    Unsummed,
}

/// The curve and its derivative.
fn curve(which: usize, z: f64) -> (f64, f64) {
    match which {
        0 => (z, 1.0),
        1 => (z * z * z + z, 3.0 * z * z + 1.0),
        2 => (z.exp(), z.exp()),
        3 => (z.tanh(), 1.0 - z.tanh().powi(2)),
        4 => (z + z.sin() / 2.0, 1.0 + z.cos() / 2.0),
        _ => ((1.0 + z * z).sqrt() + 2.0 * z, z / (1.0 + z * z).sqrt() + 2.0),
    }
}

impl Drawn {
    fn sum(&self, j: usize, x: &[f64]) -> f64 {
        (0..x.len()).map(|i| self.weights[j][i] * (x[i] / self.sizes[i])).sum()
    }

    /// The derivative of an output by an element, by formula.
    fn derivative(&self, j: usize, i: usize, x: &[f64]) -> f64 {
        self.scales[j] * curve(self.curve, self.sum(j, x)).1 * self.weights[j][i] / self.sizes[i]
    }

    /// Whether what a diagnosis claims holds, by formula.
    fn is_true(&self, claim: &Diagnosis, x: &[f64]) -> bool {
        let places = || (0..self.scales.len()).flat_map(|j| (0..x.len()).map(move |i| (j, i)));
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * a.abs().max(b.abs());
        let right = |(j, i)| near(self.spoiled(j, i, x), self.derivative(j, i, x));
        let factor = |c: f64| places().all(|(j, i)| near(self.spoiled(j, i, x), c * self.derivative(j, i, x)));
        let zero = places().filter(|(j, i)| self.spoiled(*j, *i, x) == 0.0).count();
        let wrong: Vec<usize> = places().filter(|place| !right(*place)).map(|(_, i)| i).collect();
        match *claim {
            Diagnosis::Sign => factor(-1.0),
            Diagnosis::Factor(c) => factor(c),
            Diagnosis::NoGradient => factor(0.0),
            Diagnosis::AxisReversed(0) => {
                places().all(|(j, i)| near(self.spoiled(j, i, x), self.derivative(j, x.len() - 1 - i, x)))
            }
            Diagnosis::LeftOut { zero: counted, of } => (counted, of) == (zero, places().count()),
            Diagnosis::Single(ref ends) => {
                let at_end = wrong[0] == 0 || wrong[0] + 1 == x.len();
                wrong.iter().all(|i| *i == wrong[0]) && ends.as_slice() == if at_end { &[0][..] } else { &[] }
            }
            Diagnosis::Border { width, ref axes } => {
                axes == &[0] && wrong.iter().all(|i| *i < width || *i + width >= x.len())
            }
            _ => false,
        }
    }

    /// What backward says of it.
    fn spoiled(&self, j: usize, i: usize, x: &[f64]) -> f64 {
        let right = self.derivative(j, i, x);
        match self.sabotage {
            Some(Sabotage::Entry(a, b)) if (a, b) == (j, i) => 1.01 * right,
            Some(Sabotage::Sign(a, b)) if (a, b) == (j, i) => -right,
            Some(Sabotage::Dropped(a, b)) if (a, b) == (j, i) => 0.0,
            Some(Sabotage::Detached(b)) if b == i => 0.0,
            Some(Sabotage::Row(a)) if a == j => 1.01 * right,
            Some(Sabotage::Exchanged(b)) if i == b || i == b + 1 => self.derivative(j, 2 * b + 1 - i, x),
            Some(Sabotage::Factor) => 1.01 * right,
            Some(Sabotage::Constant(a, b)) if (a, b) == (j, i) => self.scales[j] / self.sizes[i] * 1.7,
            Some(Sabotage::Unsummed) if j + 1 < self.scales.len() => 0.0,
            _ => right,
        }
    }
}

impl Op<f64, 1> for Drawn {
    const NAME: &'static str = "drawn";
    type Saved = Tensor<f64>;
    fn output_shape(&self, _: [&Shape; 1]) -> evograd::Result<Shape> {
        Ok(Shape::new(&[self.scales.len()])?)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, Tensor<f64>) {
        let value = |j: usize| self.scales[j] * curve(self.curve, self.sum(j, x.as_slice())).0;
        (Tensor::from_fn([self.scales.len()], value).unwrap(), x.clone())
    }
    fn backward(&self, x: Tensor<f64>, dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        let entry = |j: usize, i: usize| dy.as_slice()[j] * self.spoiled(j, i, x.as_slice());
        let dx = |i: usize| (0..self.scales.len()).map(|j| entry(j, i)).sum();
        [Some(Tensor::from_fn(x.shape(), dx).unwrap())]
    }
}

/// A function of drawn sizes, and where it is looked at.
fn drawn(seed: u64) -> (Drawn, Vec<f64>, Stream) {
    let mut stream = Stream::new(seed, Purpose::Gradcheck, 77, 0);
    let (inputs, outputs) = (2 + stream.below(7), 2 + stream.below(5));
    let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
    let scales = (0..outputs).map(|_| 10_f64.powf(between(-12.0, 12.0))).collect();
    let sizes: Vec<f64> = (0..inputs).map(|_| 10_f64.powf(between(-8.0, 10.0))).collect();
    let x = sizes.iter().map(|size| size * between(0.3, 1.0) * if between(0.0, 1.0) < 0.5 { 1.0 } else { -1.0 });
    let x = x.collect();
    let mut weight = || between(0.2, 1.0) * if between(0.0, 1.0) < 0.5 { 0.5 } else { -0.5 };
    let weights = (0..outputs).map(|_| (0..inputs).map(|_| weight()).collect()).collect();
    let curve = stream.below(6);
    (Drawn { curve, scales, sizes, weights, sabotage: None }, x, stream)
}

fn sabotage(number: usize, function: &Drawn, stream: &mut Stream) -> Sabotage {
    let (j, i) = (stream.below(function.scales.len()), stream.below(function.sizes.len()));
    match number {
        0 => Sabotage::Entry(j, i),
        1 => Sabotage::Sign(j, i),
        2 => Sabotage::Dropped(j, i),
        3 => Sabotage::Detached(i),
        4 => Sabotage::Row(j),
        5 => Sabotage::Exchanged(stream.below(function.sizes.len() - 1)),
        6 => Sabotage::Factor,
        7 => Sabotage::Constant(j, i),
        8 => Sabotage::Unsummed,
        _ => Sabotage::Entry(function.scales.len() - 1, function.sizes.len() - 1),
    }
}

fn run(full: bool, function: &Drawn, x: &[f64]) -> Report {
    let settings = Gradcheck { full, ..Gradcheck::default() };
    settings.run(|v| apply(function.clone(), [&v[0]]), &[vector(x)]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn right_gradients_pass_at_all_sizes(seed: u64, full: bool) {
        let (function, x, _) = drawn(seed);
        let report = run(full, &function, &x);
        prop_assert!(report.passed(), "{report}\n{function:?} at {x:?}");
        prop_assert!(report.worst < 1e-7, "{report}");
    }

    #[test]
    fn every_sabotage_is_found_and_named(seed: u64, full: bool, number in 0_usize..10) {
        let (mut function, x, mut stream) = drawn(seed);
        function.sabotage = Some(sabotage(number, &function, &mut stream));
        let report = run(full, &function, &x);
        prop_assert_eq!(report.verdict(), Verdict::Wrong, "{}\n{:?} at {:?}", report, function, x);
        let place = report.wrong.clone().unwrap();
        let (j, i) = (place.output[0], place.index[0]);
        let (right, wrong) = (function.derivative(j, i, &x), function.spoiled(j, i, &x));
        prop_assert!(right != wrong, "{report}: that entry is right, {function:?}");
        prop_assert!((place.analytic / wrong - 1.0).abs() < 1e-12 || place.analytic == wrong, "{report}: {wrong}");
        prop_assert!((place.numeric / right - 1.0).abs() < 1e-6, "{report}: {right}");
        let said = format!("backward says {:.9e}", place.analytic);
        prop_assert!(report.to_string().contains(&said));
        prop_assert!(report.diagnosis.as_ref().is_none_or(|claim| function.is_true(claim, &x)), "{report}\n{function:?} at {x:?}");
        let is_factor = matches!(report.diagnosis, Some(Diagnosis::Factor(c)) if (c - 1.01).abs() < 1e-6);
        prop_assert!(is_factor || !matches!(function.sabotage, Some(Sabotage::Factor)), "{report}");
        prop_assert!(report.diagnosis.is_some() || !matches!(function.sabotage, Some(Sabotage::Detached(_))), "{report}");
    }
}

/// `y = x` with a gradient that is a factor off.
#[derive(Debug)]
struct Off(f64);

impl Op<f64, 1> for Off {
    const NAME: &'static str = "off";
    type Saved = ();
    fn output_shape(&self, [x]: [&Shape; 1]) -> evograd::Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, ()) {
        (x.clone(), ())
    }
    fn backward(&self, (): (), mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        dy.as_mut_slice().iter_mut().for_each(|dy| *dy *= self.0);
        [Some(dy)]
    }
}

fn constant(x: f64) -> Var<f64> {
    Var::constant(Tensor::scalar(x))
}

type Function = fn(&Var<f64>) -> evograd::Result<Var<f64>>;

fn verdicts(function: Function, x: &Tensor<f64>, factor: f64) -> [Verdict; 2] {
    [false, true].map(|full| {
        let settings = Gradcheck { full, ..Gradcheck::default() };
        let report = settings.run(|v| function(&apply(Off(factor), [&v[0]])?), std::slice::from_ref(x)).unwrap();
        println!("{factor} {full}: {report}");
        report.verdict()
    })
}

/// A slope too small by a third beside an output up to 10¹² times as great.
#[test]
fn an_output_is_judged_by_its_own_noise() {
    for a in [1e-12, 1e-8, 1.0, 1e5, 1e8, 1e12] {
        for (share, full) in [(0.33, false), (0.33, true), (0.01, false), (0.01, true), (0.0, false), (0.0, true)] {
            let f = |v: &[Var<f64>]| {
                let (x0, x1) = (v[0].slice(0, 0..1)?, v[0].slice(0, 1..2)?);
                let cube = x1.mul(&x1)?.mul(&x1)?;
                let cut = cube.scale(1.0 - share)?.add(&cube.detach().scale(share)?)?;
                Var::concat(&[&x0.scale(a)?, &cut], 0)
            };
            let settings = Gradcheck { full, ..Gradcheck::default() };
            let report = settings.run(f, &[vector(&[0.7, 1.3])]).unwrap();
            if share == 0.0 {
                assert!(report.passed(), "{a}: {report}");
                continue;
            }
            let place = report.wrong.clone().unwrap_or_else(|| panic!("{a} {share} {full}: {report}"));
            assert_eq!((place.index, place.output), (vec![1], vec![1]));
            assert!((place.numeric - 5.07).abs() < 1e-5 && (place.analytic - 5.07 * (1.0 - share)).abs() < 1e-12);
        }
    }
}

/// Both parts in one output: what is lost in rounding is not called right, and what can be seen is.
#[test]
fn a_small_part_of_a_great_output_is_not_called_right() {
    for (a, share) in [(1e12, 0.0), (1e12, 1e-4), (1e12, 0.33), (1e15, 0.33), (1e5, 0.01), (1e5, 0.0)] {
        let f = |v: &[Var<f64>]| {
            let (x0, x1) = (v[0].slice(0, 0..1)?, v[0].slice(0, 1..2)?);
            let cube = x1.mul(&x1)?.mul(&x1)?;
            x0.scale(a)?.add(&cube.scale(1.0 - share)?.add(&cube.detach().scale(share)?)?)
        };
        for full in [false, true] {
            let settings = Gradcheck { full, ..Gradcheck::default() };
            let report = settings.run(f, &[vector(&[0.7, 1.3])]).unwrap();
            let expected = match (a, share) {
                (1e12, 0.33) | (1e5, 0.01) => Verdict::Wrong,
                (1e5, _) => Verdict::Right,
                _ => Verdict::CannotTell,
            };
            assert_eq!(report.verdict(), expected, "{a} {share} {full}: {report}");
        }
    }
}

#[test]
fn steps_follow_the_size_of_the_input() {
    let near = |size: f64| Tensor::from_fn([12], |i| size * (2.0 + (i as f64).sin())).unwrap();
    let table: [(Function, f64); 8] = [
        (|x| x.sqrt(), 1e10),
        (|x| x.sqrt(), 1e-8),
        (|x| x.log(), 1e-4),
        (|x| x.log(), 1e10),
        (|x| x.log(), 1e-300),
        (|x| constant(1.0).div(x), 1e-8),
        (|x| constant(1.0).div(x), 1e10),
        (|x| x.mul(x)?.sum_all(), 1e20),
    ];
    for (number, (function, size)) in table.into_iter().enumerate() {
        let x = near(size);
        assert_eq!(verdicts(function, &x, 1.0), [Verdict::Right; 2], "{number}");
        for factor in [1.01, 0.99999, -1.0, 0.0, 1e6] {
            assert_eq!(verdicts(function, &x, factor), [Verdict::Wrong; 2], "{number}, {factor}");
        }
    }
}

/// Forward formulas that cancel: the right gradient is never called wrong, a wrong one never right.
#[test]
fn where_digits_are_lost_nothing_is_claimed() {
    let softplus: Function = |x| x.exp()?.add(&constant(1.0))?.log();
    let great: Function = |x| x.mul(x)?.add(&constant(1e12));
    let table: [(Function, f64); 15] = [
        (softplus, -17.97),
        (softplus, -18.0),
        (softplus, -25.0),
        (softplus, -30.0),
        (softplus, -33.0),
        (softplus, -36.0),
        (softplus, -38.0),
        (great, 1.3),
        (great, 1e-3),
        (|x| x.add(&constant(1e12))?.sub(&constant(1e12)), 0.7),
        (|x| x.mul(x)?.add(&constant(1e14))?.sub(&constant(1e14)), 1.3),
        (|x| x.mul(x)?.add(&constant(1.0))?.sqrt()?.sub(x), 1e7),
        (|x| constant(1.0).sub(&x.sigmoid()?), 34.0),
        (|x| x.tanh(), 17.0),
        (|x| x.reshape([1, 5])?.softmax()?.sum_all(), 0.4),
    ];
    for (number, (function, x)) in table.into_iter().enumerate() {
        let x = Tensor::from_fn([5], |i| x * (1.0 + 0.003 * i as f64)).unwrap();
        for verdict in verdicts(function, &x, 1.0) {
            assert_ne!(verdict, Verdict::Wrong, "{number}");
        }
        for verdict in verdicts(function, &x, 1.01) {
            assert_ne!(verdict, Verdict::Right, "{number}");
        }
    }
    assert_eq!(verdicts(great, &Tensor::scalar(1.3), 1.0), [Verdict::CannotTell; 2]);
    assert_eq!(verdicts(great, &Tensor::scalar(1.3), -1.0), [Verdict::Wrong; 2]);
    assert_eq!(verdicts(softplus, &Tensor::scalar(-18.0), -1.0), [Verdict::Wrong; 2]);
    // It does not move at all, and backward says less than rounding of 1.
    assert_eq!(verdicts(softplus, &Tensor::scalar(-60.0), 1.0), [Verdict::Right; 2]);
}

/// A slope that is beyond `f64` in the units of its element, alone, beside others, and of one of two elements: nothing is
/// claimed of it, and what is wrong beside it is found.
#[test]
fn a_slope_beyond_the_type_is_not_judged() {
    let x = vector(&[709.0, 0.5, 709.1]);
    let first: Function = |x| x.slice(0, 0..1)?.exp();
    let summed: Function = |x| x.slice(0, 0..2)?.exp()?.sum_all();
    let cancelled: Function = |x| x.slice(0, 0..1)?.exp()?.sub(&x.slice(0, 2..3)?.exp()?);
    let beside: Function = |x| Var::concat(&[&x.slice(0, 0..1)?.exp()?, &x.slice(0, 1..2)?], 0);
    for (number, function) in [first, summed, cancelled, beside].into_iter().enumerate() {
        assert_eq!(verdicts(function, &x, 1.0), [Verdict::CannotTell; 2], "{number}");
    }
    for function in [first, cancelled] {
        assert_eq!(verdicts(function, &x, 1.01), [Verdict::CannotTell; 2]);
    }
    assert_eq!(verdicts(beside, &x, 1.01), [Verdict::Wrong; 2]);
    let report = evograd::gradcheck(|v| v[0].exp(), &[Tensor::scalar(709.0)]).unwrap();
    let text = report.to_string();
    assert!(text.contains("input 0 at [], output at []: backward says 8.2"), "{text}");
    let reason = "beyond the range of f64; scale the function down or try inputs at which it is less steep";
    assert!(text.ends_with(reason), "{text}");
}

/// What is said of a derivative that could not be compared.
#[test]
fn a_report_that_cannot_tell_says_why_and_what_to_do() {
    let report = evograd::gradcheck(|v| v[0].mul(&v[0])?.add(&constant(1e12)), &[Tensor::scalar(1.5)]).unwrap();
    let text = report.to_string();
    assert!(!report.passed() && report.wrong.is_none() && !text.contains("WRONG") && !text.contains("right"), "{text}");
    let beginning =
        "gradient not compared, cannot tell within 1e-6; input 0 at [], output at []: backward says 3.000000000e0";
    assert!(text.starts_with(beginning) && text.contains("great numbers cancel"), "{text}");
    assert!(text.ends_with("set an absolute tolerance"), "{text}");
}

/// One wrong element among 50,176, and among as many outputs: found in some hundred evaluations.
#[test]
fn a_wrong_element_of_a_large_input_is_found_in_few_evaluations() {
    let calls = Cell::new(0);
    let spoiled = |v: &[Var<f64>]| {
        calls.set(calls.get() + 1);
        let (left, right) = (v[0].slice(1, 0..223)?, v[0].slice(1, 223..224)?);
        let (above, corner) = (right.slice(0, 0..223)?, right.slice(0, 223..224)?);
        let right = Var::concat(&[&above, &apply(Off(1.01), [&corner])?], 0)?;
        Var::concat(&[&left, &right], 1)?.tanh()
    };
    let x = Tensor::from_fn([224, 224], |i| 0.2 + (i % 97) as f64 / 97.0).unwrap();
    let report = evograd::gradcheck(spoiled, &[x]).unwrap();
    let place = report.wrong.clone().expect("the gradient is wrong");
    assert_eq!((place.index, place.output), (vec![223, 223], vec![223, 223]), "{}", report);
    println!("{} evaluations, {} with the diagnosis", report.evaluations, calls.get());
    assert!(report.evaluations < 200, "{} evaluations", report.evaluations);
    assert!((report.evaluations..=report.evaluations + 130).contains(&calls.get()), "{} evaluations", calls.get());
    assert_eq!(report.diagnosis, Some(Diagnosis::Single(vec![0, 1])), "{report}");
}
