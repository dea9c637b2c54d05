//! Images in another size, by bilinear interpolation.
//!
//! **Formula** output `i` of `OH` stands at `u = max((i + ½)·H/OH − ½, 0)`, between rows `⌊u⌋` and `⌊u⌋ + 1`, the last row repeated,
//! and likewise columns; `y` is the mean of the four pixels there, weighted by how near they are. Corners are not aligned: pixels are
//! areas, not points.
//!
//! **Shapes** `x [N, C, H, W]`, `y [N, C, OH, OW]` for any `OH` and `OW`, also smaller ones.
//!
//! **Gradient** `y` is linear in `x`, so `dx` is the sum of `dy` times the weight over the outputs that see the element.
//!
//! **Kept for backward** the shape of `x`, no values.
//!
//! **Source** PyTorch's `interpolate` with `mode="bilinear"` and `align_corners=False`; making images smaller, it skips pixels as that
//! does.

use super::support::catalogue::{Large, Row, case};
use super::support::resample::{Resampling, Tap, resized};
use crate::error::Result;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "upsample_bilinear2d",
    formula: "y = mean of the four nearest pixels of x, weighted by distance",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(4, 4);
        let size = [draw.size(1, 7), draw.size(1, 7)];
        case!([draw.positive(shape)], format!("to {size:?}"), |v| v[0].upsample_bilinear2d(size))
    },
    large: Large { shapes: &[&[13, 6, 19, 17]], run: |v| v[0].upsample_bilinear2d([37, 34]) },
};

#[derive(Debug)]
struct Bilinear {
    size: [usize; 2],
}

/// The two places around output `o` of `outputs`.
fn tap(o: usize, inputs: usize, outputs: usize) -> Tap {
    let place = ((o as f64 + 0.5) * (inputs as f64 / outputs as f64) - 0.5).max(0.0);
    let first = (place as usize).min(inputs - 1);
    let second = (first + 1).min(inputs - 1);
    Tap { first, second, share: if second == first { 0.0 } else { place - first as f64 } }
}

impl<E: Element> Op<E, 1> for Bilinear {
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
    /// Images `[N, C, H, W]` in height and width `size`: each pixel is a mean of the four nearest ones, weighted by distance.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 1, 1, 2], vec![1.0_f32, 3.0])?);
    /// assert_eq!(x.upsample_bilinear2d([1, 4])?.value().as_slice(), [1.0, 1.5, 2.5, 3.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has not four axes, a size is 0, or the output has too many elements.
    pub fn upsample_bilinear2d(&self, size: [usize; 2]) -> Result<Var<E>> {
        apply(Bilinear { size }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn values_and_gradients_are_those_worked_out_by_hand() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_vec([1, 1, 2, 2], vec![0.0_f64, 4.0, 8.0, 12.0]).unwrap());
        let y = x.upsample_bilinear2d([4, 1]).unwrap();
        // Columns half and half; rows at 0, ¼, ¾ and 1.
        assert_eq!(y.value().as_slice(), [2.0, 4.0, 8.0, 10.0]);
        let dy = Tensor::from_vec([1, 1, 4, 1], vec![8.0, 16.0, 32.0, 64.0]).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [14.0, 14.0, 46.0, 46.0]);
    }

    #[test]
    fn infinity_spoils_only_what_sees_it() {
        let x = Var::constant(Tensor::from_vec([1, 1, 1, 3], vec![1.0_f32, 2.0, f32::INFINITY]).unwrap());
        let y = x.upsample_bilinear2d([1, 3]).unwrap();
        assert_eq!(y.value().as_slice(), [1.0, 2.0, f32::INFINITY]);
    }

    #[test]
    fn what_is_no_image_or_no_size_is_named() {
        let [x, flat] = [&[1, 1, 2, 2][..], &[2, 2]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.upsample_bilinear2d([0, 2]).unwrap_err().to_string(),
            "upsample_bilinear2d: the output's size is [0, 2] (input [1, 1, 2, 2]); use a height and width of at least 1"
        );
        assert!(x.upsample_bilinear2d([1 << 40, 1 << 40]).unwrap_err().to_string().contains("too many elements"));
        assert!(flat.upsample_bilinear2d([1, 1]).unwrap_err().to_string().contains("the input has 2 axes, not four"));
    }
}
