//! Instance normalisation: each channel of each image by its own mean and variance.
//!
//! **Formula** In each channel of each image, `μ` and `v` are the mean and the biased variance of its values, and
//! `y = (x − μ)/√(v + ε)·γ + β`, with a `γ` and a `β` for each channel.
//!
//! **Shapes** `x` and `y` are `[N, C, …]` with further axes; `γ` and `β` are `[C]`. A channel has more than one value.
//!
//! **Gradient** as of `group_norm`, of which this is the one with a group for each channel.
//!
//! **Kept for backward** `x` and `γ`, not copied, and two numbers for each channel of each image.
//!
//! **Source** Ulyanov, Vedaldi and Lempitsky, *Instance normalization*, 2016; PyTorch's `instance_norm` without running statistics.

use super::group_norm::{GroupNorm, draw_images};
use super::support::catalogue::{CHANNELS, IMAGES, Large, Row, case};
use super::support::row_norm::Normalise;
use crate::error::{Error, Result};
use crate::tape::{Var, apply_list};
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "instance_norm",
    formula: "y = (x − mean)/√(variance + ε)·γ + β over each channel of an image",
    nondifferentiable: "channels of nearly equal values, whose slopes are too steep to compare",
    f32_bound: 4.0,
    draw: |draw| {
        let c = draw.size(1, 5);
        case!(draw_images(draw, c), "", |v| v[0].instance_norm(&v[1], &v[2], 1e-5))
    },
    large: Large { shapes: &[IMAGES, CHANNELS, CHANNELS], run: |v| v[0].instance_norm(&v[1], &v[2], 1e-5) },
};

impl<E: Element> Var<E> {
    /// `self`, `[N, C, …]`, with the mean and variance of each channel of each image taken out, times `gamma`, plus `beta`, both `[C]`;
    /// 1e-5 is usual for `epsilon`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 2, 2], vec![1.0_f32, 3.0, -4.0, 4.0])?);
    /// let [gamma, beta] = [1.0, 5.0].map(|value| Var::constant(Tensor::full([2], value).unwrap()));
    /// let y = x.instance_norm(&gamma, &beta, 1e-5)?;
    /// assert!(y.value().as_slice().iter().zip([4.0, 6.0, 4.0, 6.0]).all(|(y, expected)| (y - expected).abs() < 1e-4));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a channel has a single value, `gamma` or `beta` is not `[C]`, or `epsilon` is not above 0 or not finite in the element type.
    pub fn instance_norm(&self, gamma: &Var<E>, beta: &Var<E>, epsilon: f64) -> Result<Var<E>> {
        let x = self.value().shape();
        if x.sizes().iter().skip(2).product::<usize>() == 1 {
            let problem = "one value for each channel has no variance";
            return Err(Error::op(ROW.name, problem, &[("x", x)], "give images of several pixels, [N, C, H, W]"));
        }
        apply_list(Normalise(GroupNorm::<true> { groups: None, epsilon }), &[self, gamma, beta])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tensor, Var};

    #[test]
    fn it_is_a_group_norm_with_a_group_for_each_channel() {
        let x = Var::constant(Tensor::from_fn([2, 3, 2, 2], |i| (i * 7 % 11) as f64).unwrap());
        let [gamma, beta] = [1, 5].map(|seed| Var::constant(Tensor::from_fn([3], |i| (i * 2 + seed) as f64).unwrap()));
        let y = x.instance_norm(&gamma, &beta, 1e-5).unwrap();
        assert_eq!(y.value(), x.group_norm(3, &gamma, &beta, 1e-5).unwrap().value());
    }

    #[test]
    fn what_has_no_variance_is_named() {
        let [x, c] = [&[2, 3, 1][..], &[3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        assert_eq!(
            x.instance_norm(&c, &c, 1e-5).unwrap_err().to_string(),
            "instance_norm: one value for each channel has no variance (x [2, 3, 1]); \
             give images of several pixels, [N, C, H, W]"
        );
    }
}
