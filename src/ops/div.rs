//! Division.
//!
//! **Formula** `y = a / b`; a division by zero gives an infinity, `0 / 0` gives NaN.
//!
//! **Shapes** `a` and `b` broadcast as in NumPy; `y` has their common shape.
//!
//! **Gradient** `∂y/∂a = 1/b` and `∂y/∂b = −a/b²`. So `da = dy/b` and `db = −dy·a/b²`. In whatever order the three
//! factors of `db` are taken, a product or quotient of two of them may leave the range of the type where the result
//! does not: it is computed in `f64`, and for tensors of `f64` with the exponents apart. Each is summed over the axes along
//! which the input was repeated.
//!
//! **Kept for backward** `b`; and `a` where the gradient of `b` is wanted. Neither is copied.
//!
//! **Source** the quotient rule.

use super::mul::on_grid;
use super::support::broadcast::{common_shape, stretch};
use super::support::catalogue::{Draw, IMAGES, Large, Row, case};
use super::support::elementwise::binary;
use super::support::reduction::sum_back;
use crate::error::Result;
use crate::par::{CHUNK, chunk, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, arith};

pub(super) const ROW: Row = Row {
    name: "div",
    formula: "y = a / b",
    nondifferentiable: "|b| < 0.2",
    f32_bound: 3.0,
    draw: |draw| {
        let (a, b) = draw.broadcasting();
        let inputs = if a == b { [draw.values(a), draw.nonzero(b)] } else { [on_grid(draw, a), powers_of_2(draw, b)] };
        case!(inputs, "", |v| v[0].div(&v[1]))
    },
    large: Large { shapes: &[IMAGES, IMAGES], run: |v| v[0].div(&v[1]) },
};

/// Divisors from 1/4 to 2 with either sign whose quotients are exact, for the reason that [`on_grid`] gives.
fn powers_of_2(draw: &mut Draw, shape: Shape) -> Tensor<f64> {
    let mut divisors = draw.nonzero(shape);
    divisors.as_mut_slice().iter_mut().for_each(|x| *x = x.abs().log2().round().exp2().copysign(*x));
    divisors
}

#[derive(Debug)]
struct Div {
    /// Whether the gradient of the divisor will be wanted.
    divisor_tracked: bool,
}

/// What backward needs: the shape of the dividend, the divisor, and the dividend where the divisor's gradient is wanted.
struct Saved<E: Element> {
    shape: Shape,
    b: Tensor<E>,
    a: Option<Tensor<E>>,
}

impl<E: Element> Op<E, 2> for Div {
    const NAME: &'static str = ROW.name;
    type Saved = Saved<E>;

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        common_shape(ROW.name, a, b)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, Saved<E>) {
        let shape = a.shape().broadcast(b.shape()).expect("output_shape has agreed");
        let y = binary(&stretch(a, &shape), &stretch(b, &shape), arith::div);
        let saved = Saved { shape: *a.shape(), b: b.clone(), a: self.divisor_tracked.then(|| a.clone()) };
        (y, saved)
    }

    fn backward(&self, saved: Saved<E>, dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let Saved { shape, b, a } = saved;
        let divisor = stretch(&b, dy.shape());
        let da = wanted[0].then(|| sum_back(binary(&dy, &divisor, arith::div), &shape));
        let db = a.map(|a| sum_back(divisor_gradient(&stretch(&a, dy.shape()), &divisor, dy), b.shape()));
        [da, db]
    }
}

/// `−dy·a/b²`
fn divisor_gradient<E: Element>(a: &Tensor<E>, b: &Tensor<E>, mut dy: Tensor<E>) -> Tensor<E> {
    let (a, b) = (a.as_slice(), b.as_slice());
    for_each(dy.as_mut_slice(), CHUNK, |i, dy| {
        let place = chunk(i, a.len());
        for ((dy, a), b) in dy.iter_mut().zip(&a[place.clone()]).zip(&b[place]) {
            *dy = E::quotient_slope(*dy, *a, *b);
        }
    });
    dy
}

impl<E: Element> Var<E> {
    /// `self / b`, element by element; shapes broadcast.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([2, 1], vec![10.0_f32, 20.0])?);
    /// let b = Var::constant(Tensor::from_vec([2], vec![1.0, 2.0])?);
    /// assert_eq!(a.div(&b)?.value().as_slice(), [10.0, 5.0, 20.0, 10.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not broadcast. A zero in `b` is no error: see [`checked`](crate::checked).
    pub fn div(&self, b: &Var<E>) -> Result<Var<E>> {
        apply(Div { divisor_tracked: b.is_tracked() }, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;
    use evograd_kernels::Number;

    #[test]
    fn quotients_and_gradients_of_repeated_inputs() {
        let tape = Tape::new();
        let a = tape.leaf(Tensor::from_vec([2, 1], vec![2.0_f64, 8.0]).unwrap());
        let b = tape.leaf(Tensor::from_vec([3], vec![1.0, -2.0, 4.0]).unwrap());
        let y = a.div(&b).unwrap();
        assert_eq!(y.value().as_slice(), [2.0, -1.0, 0.5, 8.0, -4.0, 2.0]);
        let gradients = tape.backward_from(&[(&y, Tensor::full([2, 3], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&a).unwrap().as_slice(), [0.75, 0.75]);
        assert_eq!(gradients.get(&b).unwrap().as_slice(), [-10.0, -2.5, -0.625]);
    }

    #[test]
    fn a_huge_divisor_whose_square_would_overflow_has_a_gradient() {
        let tape = Tape::new();
        let [a, b] = [1e30, 1e20].map(|x| tape.leaf(Tensor::scalar(x as f32)));
        let y = a.div(&b).unwrap();
        let found = tape.backward(&y).unwrap().get(&b).unwrap().item().unwrap();
        assert!((found / -1e-10 - 1.0).abs() < 1e-6, "{found}");
    }

    /// Right values by Python's `decimal` of 60 digits: `-d(dy)*d(a)/d(b)**2` of the exact values of the numbers.
    #[test]
    fn the_gradient_of_a_divisor_is_right_wherever_it_fits() {
        let gradient = |dy: f32, a: f32, b: f32| {
            let tape = Tape::new();
            let [a, b] = [a, b].map(|x| tape.leaf(Tensor::scalar(x)));
            let y = a.div(&b).unwrap();
            tape.backward_from(&[(&y, Tensor::scalar(dy))]).unwrap().get(&b).unwrap().item().unwrap()
        };
        let table = [
            (1.0, -1.34e-41, 6.78e-40, 2.914_927_8e37),
            (1e-30, 1e30, 1e-15, -1e30),
            (1e30, 1e-30, 1e15, -1e-30),
            (1e38, 1e-30, 1e15, -1e-22),
            (1e30, 1e30, 1e20, -1e20),
            (1e-38, 1e-38, 1e-38, -1.0),
        ];
        for (dy, a, b, expected) in table {
            let found = f64::from(gradient(dy, a, b));
            assert!((found / expected - 1.0).abs() < 1e-4, "{dy:e} {a:e} {b:e}: {found:e} instead of {expected:e}");
        }
        assert!((f64::quotient_slope(1e-300, 1e300, 1e-150) / -1e300 - 1.0).abs() < 1e-15);
        assert_eq!(f64::quotient_slope(5e-324, 5e-324, 5e-324).to_bits(), (-1.0_f64).to_bits());
        assert_eq!(f64::quotient_slope(1.0, 0.0, 3.0), 0.0);
        assert_eq!(f64::quotient_slope(1.0, 1.0, 0.0), f64::NEG_INFINITY);
    }

    #[test]
    fn division_by_zero_follows_ieee_754() {
        let a = Var::constant(Tensor::from_vec([3], vec![1.0_f32, -1.0, 0.0]).unwrap());
        let y = a.div(&Var::constant(Tensor::scalar(0.0))).unwrap();
        assert_eq!(y.value().as_slice()[..2], [f32::INFINITY, f32::NEG_INFINITY]);
        assert!(y.value().as_slice()[2].is_nan());
    }

    #[test]
    fn the_dividend_is_kept_for_the_divisor_alone() {
        let x = Tensor::scalar(2.0_f32);
        for divisor_tracked in [true, false] {
            assert_eq!(Div { divisor_tracked }.forward([&x, &x]).1.a.is_some(), divisor_tracked);
        }
        let tape = Tape::new();
        let a = tape.leaf(x);
        let y = a.div(&Var::constant(Tensor::scalar(4.0))).unwrap();
        assert_eq!(tape.backward(&y).unwrap().get(&a).unwrap().item().unwrap(), 0.25);
    }

    #[test]
    fn shapes_that_do_not_broadcast_are_named() {
        let [a, b] = [[2, 3], [3, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            a.div(&b).unwrap_err().to_string(),
            "div: the shapes do not broadcast (a [2, 3], b [3, 2]); \
             make each pair of sizes, counted from the last axis, equal, or one of them 1"
        );
    }
}
