//! What holds for every operation: property tests over drawn shapes, parameters and values.

use evograd::gradcheck::{Diagnosis, Gradcheck};
use evograd::ops::{CATALOGUE, Case, Conv2d, Draw, Row};
use evograd::{Element, Isa, Op, Shape, Tape, Tensor, ThreadPool, Var, apply, gradcheck, no_grad};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Runs a property on drawn cases of every row, the same ones every time; a failure is shrunk, and names the operation.
fn for_every_row(cases: u32, property: impl Fn(&Row, &Case) -> Result<(), TestCaseError>) {
    for row in CATALOGUE {
        let strategy = (proptest::collection::vec(0_u32..60, 0..24), any::<u64>());
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |(words, seed)| {
            let case = (row.draw)(&mut Draw::replaying(words, seed));
            property(row, &case).map_err(|error| TestCaseError::fail(format!("{}: {error}", case.description)))
        });
        if let Err(error) = outcome {
            panic!("{}: {error}", row.name);
        }
    }
}

/// The output and the gradient of every input, from a gradient of the output that depends on the place alone.
fn forward_and_gradients<E: Element>(
    run: &evograd::ops::Run<E>,
    inputs: &[Tensor<f64>],
) -> evograd::Result<Vec<Tensor<E>>> {
    forward_and_gradients_of(run, inputs, |_| true)
}

/// The output and the gradients of some inputs; the others are constants.
fn forward_and_gradients_of<E: Element>(
    run: &evograd::ops::Run<E>,
    inputs: &[Tensor<f64>],
    is_tracked: impl Fn(usize) -> bool,
) -> evograd::Result<Vec<Tensor<E>>> {
    let tape = Tape::new();
    let variable = |(i, x): (usize, &Tensor<f64>)| match is_tracked(i) {
        true => tape.leaf(x.cast()),
        false => Var::constant(x.cast()),
    };
    let variables: Vec<Var<E>> = inputs.iter().enumerate().map(variable).collect();
    let y = run(&variables)?;
    let dy = Tensor::from_fn(y.value().shape(), |i| E::from_f64(((i * 37 % 101) as f64 - 50.0) / 64.0))?;
    let gradients = tape.backward_from(&[(&y, dy)])?;
    let mut all = vec![y.value().clone()];
    let leaves = variables.iter().filter(|variable| variable.is_tracked());
    all.extend(leaves.map(|leaf| gradients.get(leaf).expect("every leaf has a gradient").clone()));
    Ok(all)
}

fn fail(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

#[test]
fn gradients_agree_with_finite_differences() {
    for_every_row(1000, |_, case| {
        let report = gradcheck(&case.double, &case.inputs).map_err(fail)?;
        if report.passed() { Ok(()) } else { Err(fail(report)) }
    });
}

#[test]
fn whole_jacobians_agree_with_finite_differences() {
    for_every_row(100, |_, case| {
        let full = Gradcheck { full: true, ..Gradcheck::default() };
        let report = full.run(&case.double, &case.inputs).map_err(fail)?;
        if report.passed() { Ok(()) } else { Err(fail(report)) }
    });
}

#[test]
fn every_instruction_set_agrees_with_f64() {
    for_every_row(1000, |row, case| instruction_sets_agree(row.f32_bound, case));
}

/// Compares `f32` on every instruction set with `f64`: so many times `f32::EPSILON` and the greatest magnitude may they differ.
fn instruction_sets_agree(bound: f64, case: &Case) -> Result<(), TestCaseError> {
    let exact = forward_and_gradients(&case.double, &case.inputs).map_err(fail)?;
    for isa in Isa::available() {
        let single = isa.scope(|| forward_and_gradients(&case.single, &case.inputs)).map_err(fail)?;
        for (which, (exact, single)) in exact.iter().zip(&single).enumerate() {
            let magnitude = exact.as_slice().iter().fold(1e-3, |most: f64, x| most.max(x.abs()));
            let allowed = bound * f64::from(f32::EPSILON) * magnitude;
            for (x, y) in exact.as_slice().iter().zip(single.as_slice()) {
                let error = (x - f64::from(*y)).abs();
                prop_assert!(
                    error <= allowed,
                    "{isa:?}: tensor {which}: {y} instead of {x}, allowed error {allowed:.1e}"
                );
            }
        }
    }
    Ok(())
}

/// Channels in sixteens, where drawing them would take too long: by Winograd's `F(4×4, 3×3)`, on channels-last copies, and a gradient of
/// the input whose phases go by Winograd.
#[test]
fn wide_convolutions_are_proved_too() {
    let row = CATALOGUE.iter().find(|row| row.name == "conv2d").expect("conv2d is in the catalogue");
    // Sums of up to 800 products, of which drawn ones have some fifty; rounding grows with the root of the number.
    let bound = row.f32_bound * 4.0;
    for (kernel, stride, groups) in [(3, 1, 1), (3, 1, 2), (3, 2, 1), (1, 2, 1), (1, 1, 1), (5, 2, 1)] {
        let options = Conv2d { stride: [stride; 2], padding: [kernel / 2; 2], groups, ..Conv2d::default() };
        let numbers = |seed: usize| move |i: usize| (((i + seed) * 7919 % 1009) as f64 - 504.0) / 256.0;
        let inputs = vec![
            Tensor::from_fn([2, 16 * groups, 11, 10], numbers(1)).unwrap(),
            Tensor::from_fn([32 * groups, 16, kernel, kernel], numbers(2)).unwrap(),
            Tensor::from_fn([32 * groups], numbers(3)).unwrap(),
        ];
        let case = Case {
            double: Box::new(move |v| v[0].conv2d(&v[1], Some(&v[2]), options)),
            single: Box::new(move |v| v[0].conv2d(&v[1], Some(&v[2]), options)),
            inputs,
            description: format!("{options:?}"),
        };
        let report = gradcheck(&case.double, &case.inputs).unwrap();
        assert!(report.passed(), "{}: {report}", case.description);
        instruction_sets_agree(bound, &case).unwrap_or_else(|error| panic!("{}: {error}", case.description));
    }
}

#[test]
fn tracked_and_untracked_values_are_equal() {
    for_every_row(24, |_, case| {
        let tape = Tape::new();
        let leaves: Vec<Var<f32>> = case.inputs.iter().map(|input| tape.leaf(input.cast())).collect();
        let constants: Vec<Var<f32>> = leaves.iter().map(Var::detach).collect();
        let tracked = (case.single)(&leaves).map_err(fail)?;
        let untracked = (case.single)(&constants).map_err(fail)?;
        let silent = no_grad(|| (case.single)(&leaves)).map_err(fail)?;
        prop_assert!(tracked.is_tracked() && !untracked.is_tracked() && !silent.is_tracked());
        prop_assert_eq!(tracked.value(), untracked.value());
        prop_assert_eq!(tracked.value(), silent.value());
        Ok(())
    });
}

/// A backward that is asked for one gradient takes other ways than one that is asked for all.
#[test]
fn an_input_tracked_alone_has_the_gradient_that_it_has_among_others() {
    for_every_row(24, |_, case| {
        let all = bits(&forward_and_gradients(&case.single, &case.inputs).map_err(fail)?);
        for input in 0..case.inputs.len() {
            let alone = forward_and_gradients_of(&case.single, &case.inputs, |i| i == input).map_err(fail)?;
            prop_assert_eq!(bits(&alone), vec![all[0].clone(), all[1 + input].clone()], "input {}", input);
        }
        Ok(())
    });
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let pools = [1, 2, 3].map(|threads| ThreadPool::new(threads).unwrap());
    for_every_row(24, |_, case| {
        let run = |pool: &ThreadPool| pool.install(|| forward_and_gradients(&case.single, &case.inputs)).map_err(fail);
        let [one, two, three] = [run(&pools[0])?, run(&pools[1])?, run(&pools[2])?];
        prop_assert_eq!(bits(&one), bits(&two));
        prop_assert_eq!(bits(&one), bits(&three));
        Ok(())
    });
}

fn bits(tensors: &[Tensor<f32>]) -> Vec<Vec<u32>> {
    tensors.iter().map(|tensor| tensor.as_slice().iter().map(|x| x.to_bits()).collect()).collect()
}

/// The identity, whose gradient is wrong on purpose: one hundredth too great, everywhere or in the last element only.
#[derive(Debug)]
struct Tampered {
    last_only: bool,
}

impl Op<f64, 1> for Tampered {
    const NAME: &'static str = "tampered";
    type Saved = ();
    fn output_shape(&self, [x]: [&Shape; 1]) -> evograd::Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<f64>; 1]) -> (Tensor<f64>, ()) {
        (x.clone(), ())
    }
    fn backward(&self, (): (), mut dy: Tensor<f64>, _: [bool; 1]) -> [Option<Tensor<f64>>; 1] {
        let first = if self.last_only { dy.as_slice().len() - 1 } else { 0 };
        dy.as_mut_slice()[first..].iter_mut().for_each(|dy| *dy *= 1.01);
        [Some(dy)]
    }
}

/// Whether the checker calls the gradient right when the gradient of `input` is tampered with.
fn passes_tampered(case: &Case, input: usize, last_only: bool) -> bool {
    let tampered = |v: &[Var<f64>]| {
        let mut inputs = v.to_vec();
        inputs[input] = apply(Tampered { last_only }, [&v[input]])?;
        (case.double)(&inputs)
    };
    let settings = Gradcheck { full: last_only, ..Gradcheck::default() };
    let report = settings.run(tampered, &case.inputs).unwrap();
    assert!(report.passed() || report.wrong.as_ref().is_some_and(|place| place.input == input), "{report}");
    report.passed()
}

/// A factor of 1 % too much in one gradient of one operation at a time: the checks above must not let it through.
#[test]
fn a_wrong_gradient_is_caught_in_every_operation() {
    for row in CATALOGUE {
        let cases: Vec<Case> = (0..6).map(|seed| (row.draw)(&mut Draw::seeded(seed))).collect();
        let inputs = cases.iter().map(|case| case.inputs.len()).max().unwrap();
        for input in 0..inputs {
            for last_only in [false, true] {
                let mut with_input = cases.iter().filter(|case| input < case.inputs.len());
                let caught = with_input.any(|case| !passes_tampered(case, input, last_only));
                assert!(
                    caught,
                    "{}: a wrong gradient of input {input} (last element only: {last_only}) passes",
                    row.name
                );
            }
        }
    }
}

/// What is tampered with looks like it, whatever the operation: nothing else is ever said, and it is said of some case.
#[test]
fn a_wrong_gradient_is_called_what_it_is_in_every_operation() {
    for row in CATALOGUE {
        let mut named = false;
        for seed in 0..16 {
            let case = (row.draw)(&mut Draw::seeded(seed));
            let tampered = |v: &[Var<f64>]| {
                let first = apply(Tampered { last_only: false }, [&v[0]])?;
                (case.double)(&[&[first], &v[1..]].concat())
            };
            let report = gradcheck(tampered, &case.inputs).unwrap();
            match report.diagnosis {
                Some(Diagnosis::Factor(factor)) if (factor - 1.01).abs() < 1e-6 => named = true,
                None => {}
                Some(_) => panic!("{} {}: {report}", row.name, case.description),
            }
        }
        assert!(named, "{}", row.name);
    }
}

/// The files of `src/ops` are the operations, each with a row of its own name; what they share is in its folders.
#[test]
fn every_operation_has_a_row() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ops");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    files.sort();
    let rows: Vec<&str> = CATALOGUE.iter().map(|row| row.name).collect();
    assert_eq!(files, rows, "files of src/ops and rows of the catalogue in src/ops.rs, in the order of the alphabet");
}
