//! Images in another size, by the nearest pixel.
//!
//! **Formula** `y[n, c, i, j] = x[n, c, ⌊i·H/OH⌋, ⌊j·W/OW⌋]`, in whole numbers, so no rounding decides.
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C, OH, OW]` for any `OH` and `OW`, also smaller ones.
//!
//! **Gradient** each element of `y` is one of `x`, so `dx` is the sum of `dy` over the places that show the element.
//!
//! **Kept for backward** the shape of `x`, no values.
//!
//! **Source** PyTorch's `interpolate` with `mode="nearest"`, which divides in floating point, so that where `i·H/OH` is a whole number
//! it may take the pixel before.

use super::support::catalogue::{Large, Row, case};
use super::support::resample::{Resampling, Tap, resized};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "upsample_nearest2d",
    formula: "y[.., i, j] = x[.., floor(i·H/OH), floor(j·W/OW)]",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(4, 4);
        let size = [draw.size(1, 7), draw.size(1, 7)];
        case!([draw.positive(shape)], format!("to {size:?}"), |v| v[0].upsample_nearest2d(size))
    },
    large: Large { shapes: &[&[13, 6, 19, 17]], run: |v| v[0].upsample_nearest2d([37, 34]) },
};

#[derive(Debug)]
struct Nearest {
    size: [usize; 2],
}

/// The one place that output `o` of `outputs` shows.
fn tap(o: usize, inputs: usize, outputs: usize) -> Tap {
    let place = (o as u128 * inputs as u128 / outputs as u128) as usize;
    Tap { first: place, second: place, share: 0.0 }
}

impl<E: Element> Op<E, 1> for Nearest {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        resized(ROW.name, x, self.size)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        (Resampling::new(x.shape(), self.size, tap).forward(x), *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(Resampling::new(&x, self.size, tap).backward(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// Images `[N, C, H, W]` in height and width `size`: each pixel shows the one of `self` that it begins in.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0_f32, 3.0])?);
    /// assert_eq!(x.upsample_nearest2d([1, 4])?.value().as_slice(), [1.0, 1.0, 3.0, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has not four axes, a size is 0, or the output has too many elements.
    pub fn upsample_nearest2d(&self, size: [usize; 2]) -> Result<Var<E>> {
        apply(Nearest { size }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn each_pixel_gets_the_gradient_of_those_that_show_it() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([1, 1, 2, 3], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap());
        let y = x.upsample_nearest2d([3, 2]).unwrap();
        // Rows 0, 0, 1 and columns 0, 1.
        assert_eq!(y.value().as_slice(), [1.0, 2.0, 1.0, 2.0, 4.0, 5.0]);
        let dy = Tensor::from_fn([1, 1, 3, 2], |i| (1 << i) as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [5.0, 10.0, 0.0, 16.0, 32.0, 0.0]);
    }

    /// A pixel that shows another one has no part in its gradient, were that infinite.
    #[test]
    fn an_infinite_gradient_reaches_its_own_pixel_alone() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::<f32>::zeros([1, 1, 1, 2]).unwrap());
        let y = x.upsample_nearest2d([1, 4]).unwrap();
        let dy = Tensor::from_vec([1, 1, 1, 4], vec![1.0, f32::INFINITY, 2.0, 3.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [f32::INFINITY, 5.0]);
    }

    #[test]
    fn what_is_no_image_or_no_size_is_named() {
        let [x, flat] = [&[1, 1, 2, 2][..], &[2, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.upsample_nearest2d([0, 2]).unwrap_err().to_string(),
            "upsample_nearest2d: the output's size is [0, 2] (input [1, 1, 2, 2]); use a height and width of at least 1"
        );
        assert!(x.upsample_nearest2d([1 << 40, 1 << 40]).unwrap_err().to_string().contains("too many elements"));
        assert!(flat.upsample_nearest2d([1, 1]).unwrap_err().to_string().contains("the input has 2 axes, not four"));
    }
}
