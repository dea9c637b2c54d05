//! Limits on either side.
//!
//! **Formula** `y = min(max(x, a), b)`; NaN stays NaN.
//!
//! **Shapes** `y` has the shape of `x`, which may be any. The limits are numbers.
//!
//! **Gradient** `y` follows `x` between the limits and is constant beyond them, so `dx = dy·[a ≤ x ≤ b]`. At a limit there is
//! no derivative; `dy` is passed on, as PyTorch does. The limits have no gradient.
//!
//! **Kept for backward** `x`, not copied.
//!
//! **Source** the definition.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::shown;
use super::support::pointwise::{Each, Pointwise};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Var, apply};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "clamp",
    formula: "y = min(max(x, a), b)",
    nondifferentiable: "|x − a| or |x − b| < 1/128",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (low, high) = (draw.pick(&[-0.5, 0.25, f64::NEG_INFINITY]), draw.pick(&[0.75, 0.25, f64::INFINITY]));
        // Limits are multiples of 1/64, and values lie between these.
        let mut x = draw.coarse(shape);
        x.as_mut_slice().iter_mut().for_each(|x| *x += 1.0 / 128.0);
        case!([x], format!("from {low} to {high}"), |v| v[0].clamp(low, high))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].clamp(0.25, 0.75) },
};

#[derive(Debug)]
struct Clamp {
    low: f64,
    high: f64,
}

impl Pointwise for Clamp {
    const NAME: &'static str = ROW.name;

    fn check<E: Element>(&self, x: &Shape) -> Result<()> {
        // Of two limits that are in order, the nearest numbers of the type are too; NaN is in no order.
        if self.low <= self.high {
            return Ok(());
        }
        let problem = format!("the limits are {} and {}", shown(self.low), shown(self.high));
        let remedy = "give numbers of which the first is not above the second; an infinite one is no limit";
        Err(Error::op(ROW.name, problem, &[("x", x)], remedy))
    }

    fn value(&self, x: f64) -> f64 {
        x.clamp(self.low, self.high)
    }

    fn gradient(&self, x: f64, dy: f64) -> f64 {
        if x >= self.low && x <= self.high { dy } else { 0.0 }
    }
}

impl<E: Element> Var<E> {
    /// Each element, or the limit that it lies beyond. A limit may be infinite.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([3], vec![-2.0_f32, 0.5, 3.0])?);
    /// assert_eq!(x.clamp(0.0, 1.0)?.value().as_slice(), [0.0, 0.5, 1.0]);
    /// assert_eq!(x.clamp(0.0, f64::INFINITY)?.value().as_slice(), [0.0, 0.5, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a limit is NaN, `low` is above `high`, or the element type holds no number between the limits.
    pub fn clamp(&self, low: f64, high: f64) -> Result<Var<E>> {
        // As the element type has them, so that an element at a limit is one.
        let [least, most] = [low, high].map(|limit| E::from_f64(limit).to_f64());
        if least == f64::INFINITY && low < least || most == f64::NEG_INFINITY && high > most {
            let problem = format!("the limits are {} and {}, and {} holds neither", shown(low), shown(high), E::NAME);
            return Err(Error::op(ROW.name, problem, &[("x", self.value().shape())], "give limits within its range"));
        }
        apply(Each(Clamp { low: least, high: most }), [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::support::pointwise::agree;
    use crate::{Tape, Tensor, Var};

    #[test]
    fn beyond_the_limits_the_slope_is_0_and_at_them_1() {
        let table = [
            (-2.0, -1.0, 0.0),
            (-1.0, -1.0, 1.0),
            (0.25, 0.25, 1.0),
            (2.0, 2.0, 1.0),
            (2.5, 2.0, 0.0),
            (f64::INFINITY, 2.0, 0.0),
            (f64::NAN, f64::NAN, 0.0),
        ];
        agree(&table, 0.0, |x| x.clamp(-1.0, 2.0));
    }

    /// 0.1 lies below the nearest number of `f32`, which is the limit all the same.
    #[test]
    fn limits_are_those_of_the_element_type() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::scalar(0.1_f32));
        let slope = tape.backward(&x.clamp(0.0, 0.1).unwrap()).unwrap().take(&x).unwrap();
        assert_eq!(slope.item().unwrap(), 1.0);
        let refused = x.clamp(1e39, 1e40).unwrap_err().to_string();
        assert!(refused.starts_with("clamp: the limits are 1e39 and 1e40, and f32 holds neither"), "{refused}");
        assert!(x.clamp(-1e40, 1e39).is_ok());
    }

    #[test]
    fn limits_out_of_order_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2]).unwrap());
        assert_eq!(
            x.clamp(1.0, f64::NAN).unwrap_err().to_string(),
            "clamp: the limits are 1 and NaN (x [2]); give numbers of which the first is not above the second; \
             an infinite one is no limit"
        );
        assert!(x.clamp(1.0, 0.5).unwrap_err().to_string().starts_with("clamp: the limits are 1 and 0.5"));
    }
}
