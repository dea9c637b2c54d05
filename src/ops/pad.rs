//! Padding with a constant.
//!
//! **Formula** `y[i] = x[i − before]` inside, the constant elsewhere; `before` has a number for each axis.
//!
//! **Shapes** `x` any; each axis of `y` is longer by what is added before and after.
//!
//! **Gradient** every element of `x` is one of `y`, and the constant depends on nothing, so `dx` is `dy` without its
//! margins.
//!
//! **Kept for backward** the shape of `x`, no values.
//!
//! **Source** a choice of places; nothing is computed.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::require_finite;
use super::support::region::Region;
use crate::error::{Error, Result};
use crate::shape::{MAX_RANK, Shape};
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "pad",
    formula: "y = x with constant margins",
    nondifferentiable: "",
    f32_bound: 0.0,
    draw: |draw| {
        let shape = draw.shape(0, 4);
        let (rank, value) = (shape.rank(), draw.pick(&[0.0, -1.5]));
        let mut margins = [(0, 0); 4];
        margins[..rank].iter_mut().for_each(|margin| *margin = (draw.size(0, 2), draw.size(0, 2)));
        let chosen = format!("margins {:?} value {value}", &margins[..rank]);
        case!([draw.values(shape)], chosen, |v| match value {
            0.0 => v[0].pad(&margins[..rank]),
            _ => v[0].pad_with(&margins[..rank], value),
        })
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].pad(&[(0, 0), (1, 0), (2, 2), (0, 3)]) },
};

#[derive(Debug)]
struct Pad {
    margins: Vec<(usize, usize)>,
    value: f64,
}

impl Pad {
    /// Where `x` lies in the padded tensor.
    fn region(&self, x: &Shape) -> Result<Region> {
        let refuse = |problem: String, remedy: &str| Error::op(ROW.name, problem, &[("x", x)], remedy);
        if self.margins.len() != x.rank() {
            let problem = format!("{} pairs of margins are given for {} axes", self.margins.len(), x.rank());
            return Err(refuse(problem, "give (before, after) for each axis"));
        }
        let longer =
            |(size, (before, after)): (&usize, &(usize, usize))| size.checked_add(*before)?.checked_add(*after);
        let sizes: Option<Vec<usize>> = x.sizes().iter().zip(&self.margins).map(longer).collect();
        let Some(y) = sizes.and_then(|sizes| Shape::new(&sizes).ok()) else {
            return Err(refuse(format!("margins of {:?} make it too large", self.margins), "use smaller margins"));
        };
        let mut start = [0; MAX_RANK];
        start.iter_mut().zip(&self.margins).for_each(|(start, (before, _))| *start = *before);
        Ok(Region::new(y, *x, start))
    }
}

impl<E: Element> Op<E, 1> for Pad {
    const NAME: &'static str = ROW.name;
    type Saved = Region;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        // An infinity that is asked for is no mistake; one that comes of rounding is.
        if self.value.is_finite() {
            require_finite::<E>(ROW.name, "value", self.value, x)?;
        }
        Ok(self.region(x)?.large())
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Region) {
        let region = self.region(x.shape()).expect("output_shape has agreed");
        (region.embed(x, E::from_f64(self.value)), region)
    }

    fn backward(&self, region: Region, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(region.crop(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// Zeros added before and after, as many as `margins` says for each axis.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, 2.0])?);
    /// assert_eq!(x.pad(&[(1, 2)])?.value().as_slice(), [0.0, 1.0, 2.0, 0.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is not one pair of margins for each axis, or the result has too many elements.
    pub fn pad(&self, margins: &[(usize, usize)]) -> Result<Var<E>> {
        self.pad_with(margins, 0.0)
    }

    /// As [`Var::pad`] with another value than zero.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, 2.0])?);
    /// assert_eq!(x.pad_with(&[(1, 0)], -1.0)?.value().as_slice(), [-1.0, 1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::pad`], and when a finite `value` is beyond the range of the element type.
    pub fn pad_with(&self, margins: &[(usize, usize)], value: f64) -> Result<Var<E>> {
        apply(Pad { margins: margins.to_vec(), value }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn margins_surround_the_values_and_have_no_gradient() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([1, 2], vec![1.0_f32, 2.0]).unwrap());
        let y = x.pad_with(&[(1, 0), (0, 1)], 9.0).unwrap();
        assert_eq!(y.value(), &Tensor::from_vec([2, 3], vec![9.0, 9.0, 9.0, 1.0, 2.0, 9.0]).unwrap());
        let dy = Tensor::from_fn([2, 3], |i| i as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [3.0, 4.0]);
    }

    #[test]
    fn a_value_beyond_the_range_of_the_type_is_refused_and_an_infinite_one_is_not() {
        let x = Tensor::from_vec([1], vec![2.0_f32]).unwrap();
        let single = |value| Var::constant(x.clone()).pad_with(&[(0, 1)], value);
        assert_eq!(
            single(1e300).unwrap_err().to_string(),
            "pad: the value is 1e300 (x [1]); use a number that is finite in f32"
        );
        assert_eq!(single(f64::NEG_INFINITY).unwrap().value().as_slice(), [2.0, f32::NEG_INFINITY]);
        let double = Var::constant(x.cast::<f64>()).pad_with(&[(0, 1)], 1e300).unwrap();
        assert_eq!(double.value().as_slice(), [2.0, 1e300]);
    }

    #[test]
    fn wrong_margins_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([2, 3]).unwrap());
        let text = |margins: &[(usize, usize)]| x.pad(margins).unwrap_err().to_string();
        assert_eq!(
            text(&[(1, 1)]),
            "pad: 1 pairs of margins are given for 2 axes (x [2, 3]); give (before, after) for each axis"
        );
        assert_eq!(
            text(&[(0, 0), (1, usize::MAX)]),
            "pad: margins of [(0, 0), (1, 18446744073709551615)] make it too large (x [2, 3]); use smaller margins"
        );
        assert!(text(&[(1 << 40, 0), (1 << 40, 0)]).contains("make it too large"));
    }
}
