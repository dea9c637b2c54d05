//! The plain twins, in signed arithmetic over every place of the kernel, and what the kernels are held against.

use super::*;
use crate::testing::every_isa;
use crate::{Element, Isa};
use proptest::prelude::*;

/// What [`Plane`] says, with the places along each axis counted as PyTorch does.
#[derive(Clone, Copy, Debug)]
struct Twin {
    plane: Plane,
    divisor: Divisor,
}

impl Twin {
    /// Calls `visit` with the output's position, its divisor, and the position of each element of its window.
    fn for_each(&self, mut visit: impl FnMut(usize, f64, &[usize])) {
        let Plane { input, output, kernel, stride, padding, padding_end } = self.plane;
        for (oy, ox) in (0..output[0]).flat_map(|oy| (0..output[1]).map(move |ox| (oy, ox))) {
            let (mut inside, mut padded) = (Vec::new(), 0);
            for (u, v) in (0..kernel[0]).flat_map(|u| (0..kernel[1]).map(move |v| (u, v))) {
                let (i, j) = (oy * stride[0] + u, ox * stride[1] + v);
                let within = |at: usize, axis: usize| at >= padding[axis] && at < padding[axis] + input[axis];
                if within(i, 0) && within(j, 1) {
                    inside.push((i - padding[0]) * input[1] + j - padding[1]);
                }
                let end = |axis: usize| padding[axis] + input[axis] + padding_end[axis];
                padded += usize::from(i < end(0) && j < end(1));
            }
            let divisor = match self.divisor {
                Divisor::Padded => padded,
                Divisor::Inside => inside.len(),
                Divisor::Fixed(divisor) => divisor,
            };
            visit(oy * output[1] + ox, divisor as f64, &inside);
        }
    }

    fn max(&self, x: &[f64]) -> Vec<usize> {
        let mut chosen = vec![0; self.plane.outputs()];
        self.for_each(|out, _, window| {
            let nan = window.iter().find(|at| x[**at].is_nan());
            let greatest = window.iter().copied().reduce(|best, at| if x[at] > x[best] { at } else { best });
            chosen[out] = nan.copied().or(greatest).expect("no window is empty");
        });
        chosen
    }

    fn avg(&self, x: &[f64]) -> Vec<f64> {
        let mut y = vec![0.0; self.plane.outputs()];
        self.for_each(|out, divisor, window| y[out] = window.iter().map(|at| x[*at]).sum::<f64>() / divisor);
        y
    }

    fn avg_gradient(&self, dy: &[f64]) -> Vec<f64> {
        let mut dx = vec![0.0; self.plane.inputs()];
        self.for_each(|out, divisor, window| window.iter().for_each(|at| dx[*at] += dy[out] / divisor));
        dx
    }
}

/// Geometries with as many places as there may be, of which the usual ones are wide enough for several vectors.
fn twins() -> impl Strategy<Value = Twin> {
    let axis = |most: usize| {
        let options = any::<(u8, u8, bool)>();
        (1..=most, 1..8_usize, 1..7_usize, options).prop_map(|(size, kernel, stride, (before, after, ceil))| {
            let [padding, end] = [before, after].map(|padding| padding as usize % (kernel / 2 + 1));
            let kernel = kernel.min(size + 2 * padding.min(end));
            let [padding, end] = [padding, end].map(|padding| padding.min(kernel / 2));
            let rest = size + padding + end - kernel;
            let up = rest.div_ceil(stride) + 1;
            let drop = (up - 1) * stride >= size + padding;
            (size, kernel, stride, (padding, end), if ceil && !drop { up } else { rest / stride + 1 })
        })
    };
    let divisor = prop_oneof![Just(Divisor::Padded), Just(Divisor::Inside), (1..9_usize).prop_map(Divisor::Fixed)];
    (axis(9), axis(90), divisor).prop_map(|(rows, columns, divisor)| {
        let plane = Plane {
            input: [rows.0, columns.0],
            kernel: [rows.1, columns.1],
            stride: [rows.2, columns.2],
            padding: [rows.3.0, columns.3.0],
            padding_end: [rows.3.1, columns.3.1],
            output: [rows.4, columns.4],
        };
        Twin { plane, divisor }
    })
}

/// Small integers, so that there are ties and every sum is exact; where asked, with NaN and infinities among them.
fn values(len: usize, seed: u64, special: bool) -> Vec<f64> {
    let value = |i: u64| {
        let hash = (i + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23).wrapping_mul(0xd6e8_feb8_6659_fd93);
        match hash >> 56 {
            0..8 if special => f64::NAN,
            8..30 if special => f64::NEG_INFINITY,
            30..34 if special => f64::INFINITY,
            high => (high % 9) as f64 - 4.0,
        }
    };
    (0..len as u64).map(value).collect()
}

fn cast<E: Element>(x: &[f64]) -> Vec<E> {
    x.iter().map(|x| E::from_f64(*x)).collect()
}

fn same<E: Element>(found: &[E], expected: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected) = (found.to_f64(), E::from_f64(*expected).to_f64());
        let close = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        prop_assert!(
            found == expected || close || found.is_nan() && expected.is_nan(),
            "{found}, not {expected}, at {i}"
        );
    }
    Ok(())
}

fn max_agrees<E: Element>(isa: Isa, twin: &Twin, x: &[f64]) -> Result<(), TestCaseError> {
    let plane = &twin.plane;
    let (mut y, mut index) = (vec![E::ONE; plane.outputs()], vec![7; plane.outputs()]);
    // Whatever the scratch holds must not matter.
    let mut scratch = vec![E::from_f64(f64::NAN); plane.scratch()];
    max_forward(isa, plane, &cast::<E>(x), &mut y, &mut index, &mut scratch);
    let chosen = twin.max(x);
    prop_assert_eq!(index.iter().map(|at| *at as usize).collect::<Vec<_>>(), &chosen[..]);
    same(&y, &chosen.iter().map(|at| x[*at]).collect::<Vec<_>>(), 0.0)?;
    let mut expected = vec![0.0; plane.inputs()];
    let dy = values(plane.outputs(), 5, false);
    chosen.iter().zip(&dy).for_each(|(at, dy)| expected[*at] += dy);
    let mut dx = vec![E::from_f64(f64::NAN); plane.inputs()];
    max_backward(&index, &cast::<E>(&dy), &mut dx);
    same(&dx, &expected, 0.0)
}

fn avg_agrees<E: Element>(isa: Isa, twin: &Twin, x: &[f64]) -> Result<(), TestCaseError> {
    let plane = &twin.plane;
    let mut y = vec![E::ONE; plane.outputs()];
    let mut scratch = vec![E::from_f64(f64::NAN); plane.scratch()];
    avg_forward(isa, plane, twin.divisor, &cast::<E>(x), &mut y, &mut scratch);
    same(&y, &twin.avg(x), 0.0)?;
    let dy = values(plane.outputs(), 6, false);
    let mut dx = vec![E::from_f64(f64::NAN); plane.inputs()];
    scratch.fill(E::from_f64(f64::NAN));
    avg_backward(isa, plane, twin.divisor, &cast::<E>(&dy), &mut dx, &mut scratch);
    same(&dx, &twin.avg_gradient(&dy), 8.0 * E::EPSILON.to_f64())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kernels_agree_with_their_twins(twin in twins(), seed in any::<u32>(), special in any::<bool>()) {
        let x = values(twin.plane.inputs(), u64::from(seed), special);
        for isa in every_isa() {
            max_agrees::<f32>(isa, &twin, &x)?;
            avg_agrees::<f32>(isa, &twin, &x)?;
        }
        max_agrees::<f64>(Isa::PORTABLE, &twin, &x)?;
        avg_agrees::<f64>(Isa::PORTABLE, &twin, &x)?;
    }
}

/// The last plane whose positions are exact in `f32`, and the first that is not.
#[test]
fn positions_stay_exact_in_great_planes() {
    for rows in [(1 << 14) - 1, 1 << 14] {
        let plane = Plane {
            input: [rows, 1 << 10],
            output: [rows / 2, 1 << 9],
            kernel: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            padding_end: [0; 2],
        };
        let mut x = vec![0.0_f32; plane.inputs()];
        let last = (rows / 2 * 2 - 1) * (1 << 10) + (1 << 10) - 1;
        x[last] = 1.0;
        let (mut y, mut index) = (vec![0.0; plane.outputs()], vec![0; plane.outputs()]);
        let isa = *every_isa().last().unwrap();
        max_forward(isa, &plane, &x, &mut y, &mut index, &mut vec![0.0; plane.scratch()]);
        assert_eq!((y[y.len() - 1], index[index.len() - 1] as usize), (1.0, last));
    }
}

#[test]
fn means_of_every_length() {
    for isa in every_isa() {
        for len in 1..200 {
            let x: Vec<f32> = (0..len).map(|i| i as f32).collect();
            assert_eq!(mean(isa, &x), (len - 1) as f32 / 2.0, "{isa:?} {len}");
        }
    }
}

#[test]
#[should_panic(expected = "a window outside its plane")]
fn a_window_outside_its_plane_is_refused() {
    let plane =
        Plane { input: [2; 2], output: [3; 2], kernel: [2; 2], stride: [2; 2], padding: [0; 2], padding_end: [0; 2] };
    let mut scratch = vec![0.0_f32; plane.scratch()];
    max_forward(Isa::PORTABLE, &plane, &[0.0; 4], &mut [0.0; 9], &mut [0; 9], &mut scratch);
}

#[test]
fn scratch_for_an_unsound_geometry_is_refused() {
    let sound =
        Plane { input: [2; 2], output: [1; 2], kernel: [2; 2], stride: [2; 2], padding: [0; 2], padding_end: [0; 2] };
    assert!(sound.scratch() > 0);
    for unsound in [Plane { kernel: [2, 0], ..sound }, Plane { stride: [2, 0], ..sound }] {
        let panic = std::panic::catch_unwind(|| unsound.scratch()).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().starts_with("a window outside its plane"));
    }
}

#[test]
fn the_mean_of_a_million_elements_is_off_by_a_few_units() {
    let tenths = vec![0.1_f32; 1_000_000];
    for isa in every_isa() {
        let error = (mean(isa, &tenths) / 0.1 - 1.0).abs();
        assert!(error <= 4.0 * f32::EPSILON, "{isa:?}: off by {error:e}");
    }
}
