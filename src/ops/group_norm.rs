//! Group normalisation.
//!
//! **Formula** The `C` channels of each image fall into `G` groups of neighbours. In each group of each image, `μ` and `v` are the
//! mean and the biased variance of its values, and `y = (x − μ)/√(v + ε)·γ + β`, with a `γ` and a `β` for each channel.
//!
//! **Shapes** `x` and `y` are `[N, C, …]` with any further axes; `γ` and `β` are `[C]`; `G` divides `C`.
//!
//! **Gradient** as of `layer_norm`, of which this is one: a row is a group of an image, and neighbours along the axes behind the
//! channels share a parameter, so `dγ` and `dβ` are summed over those too.
//!
//! **Kept for backward** `x` and `γ`, not copied, and two numbers for each group of each image.
//!
//! **Source** Wu and He, *Group normalization*, ECCV 2018; PyTorch's `group_norm`.

use super::support::catalogue::{CHANNELS, Draw, IMAGES, Large, Row, case};
use super::support::row_norm::{Normalise, RowNorm, Rows, draw_rows, expect_params};
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Var, apply_list};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "group_norm",
    formula: "y = (x − mean)/√(variance + ε)·γ + β over each group of channels of an image",
    nondifferentiable: "groups of nearly equal values, whose slopes are too steep to compare",
    f32_bound: 4.0,
    draw: |draw| {
        let (groups, own) = (draw.size(1, 3), draw.size(1, 3));
        case!(draw_images(draw, groups * own), format!("groups {groups}"), |v| {
            v[0].group_norm(groups, &v[1], &v[2], 1e-5)
        })
    },
    large: Large { shapes: &[IMAGES, CHANNELS, CHANNELS], run: |v| v[0].group_norm(3, &v[1], &v[2], 1e-5) },
};

/// Images, or rows of elements, of `c` channels of four elements at least, with `γ` and `β`.
pub(super) fn draw_images(draw: &mut Draw, c: usize) -> [Tensor<f64>; 3] {
    let (n, h, w) = (draw.size(1, 3), draw.size(2, 3), draw.size(2, 4));
    let x = if draw.flag() { draw_rows(draw, &[n, c, h, w]) } else { draw_rows(draw, &[n, c, h * w]) };
    [x, draw.nonzero([c]), draw.values([c])]
}

/// The operation; of as many groups as there are channels, that is instance normalisation.
#[derive(Debug)]
pub(super) struct GroupNorm<const INSTANCE: bool> {
    /// None where each channel is one.
    pub groups: Option<usize>,
    pub epsilon: f64,
}

impl<const INSTANCE: bool> RowNorm for GroupNorm<INSTANCE> {
    const NAME: &'static str = if INSTANCE { "instance_norm" } else { ROW.name };
    const CENTRED: bool = true;

    fn rows(&self, x: &Shape, params: &[&Shape]) -> Result<Rows> {
        let refuse = |problem: String, remedy: &str| Err(Error::op(Self::NAME, problem, &[("x", x)], remedy));
        let [_, channels, pixels @ ..] = x.sizes() else {
            return refuse(format!("x has {} axes", x.rank()), "give it the shape [N, C, …]");
        };
        let groups = self.groups.unwrap_or(*channels);
        if groups == 0 || channels % groups != 0 {
            let problem = format!("{groups} groups do not divide {channels} channels");
            return refuse(problem, "use a number of groups that divides them");
        }
        expect_params(Self::NAME, x, params, &[*channels])?;
        let inner = pixels.iter().product();
        Ok(Rows { width: channels / groups * inner, inner, params: *channels })
    }

    fn epsilon(&self) -> f64 {
        self.epsilon
    }
}

impl<E: Element> Var<E> {
    /// `self`, `[N, C, …]`, with the mean and variance of each of `groups` groups of channels taken out in each image, times `gamma`,
    /// plus `beta`, both `[C]`; 1e-5 is usual for `epsilon`.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([1, 2, 2], vec![1.0_f32, 3.0, -4.0, 4.0])?);
    /// let [gamma, beta] = [1.0, 5.0].map(|value| Var::constant(Tensor::full([2], value).unwrap()));
    /// let y = x.group_norm(2, &gamma, &beta, 1e-5)?;
    /// assert!(y.value().as_slice().iter().zip([4.0, 6.0, 4.0, 6.0]).all(|(y, expected)| (y - expected).abs() < 1e-4));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has less than two axes, `groups` does not divide the channels, `gamma` or `beta` is not `[C]`, or `epsilon` is not
    /// above 0 or not finite in the element type.
    pub fn group_norm(&self, groups: usize, gamma: &Var<E>, beta: &Var<E>, epsilon: f64) -> Result<Var<E>> {
        let norm = GroupNorm::<false> { groups: Some(groups), epsilon };
        apply_list(Normalise(norm), &[self, gamma, beta])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    fn parameter(channels: usize, value: f64) -> Var<f64> {
        Var::constant(Tensor::full([channels], value).unwrap())
    }

    /// One group over all of an image is a layer norm of it, where the parameters are the same everywhere.
    #[test]
    fn one_group_is_a_layer_norm_of_each_image() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([2, 4, 3], |i| (i * 7 % 11) as f64).unwrap());
        let whole = [2.0, 0.5].map(|value| Var::constant(Tensor::full([4, 3], value).unwrap()));
        let group = x.group_norm(1, &parameter(4, 2.0), &parameter(4, 0.5), 1e-5).unwrap();
        let layer = x.layer_norm(&whole[0], &whole[1], 1e-5).unwrap();
        assert_eq!(group.value(), layer.value());
        let dy = Tensor::from_fn([2, 4, 3], |i| (i * 5 % 7) as f64).unwrap();
        let gradient = |y: &Var<f64>| tape.backward_from(&[(y, dy.clone())]).unwrap().get(&x).unwrap().clone();
        assert_eq!(gradient(&group), gradient(&layer));
    }

    #[test]
    fn each_channel_has_its_own_parameters() {
        // Both groups hold −1 and 1 in each channel.
        let x = Var::constant(Tensor::from_fn([1, 4, 2], |i| if i % 2 == 0 { -1.0 } else { 1.0 }).unwrap());
        let gamma = Var::constant(Tensor::from_fn([4], |i| i as f64).unwrap());
        let y = x.group_norm(2, &gamma, &parameter(4, 10.0), 1e-14).unwrap();
        let expected = [10.0, 10.0, 9.0, 11.0, 8.0, 12.0, 7.0, 13.0];
        assert!(y.value().as_slice().iter().zip(expected).all(|(y, expected)| (y - expected).abs() < 1e-12));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let x = Var::constant(Tensor::zeros([2, 4, 3]).unwrap());
        let text = |groups, channels| {
            x.group_norm(groups, &parameter(channels, 1.0), &parameter(4, 0.0), 1e-5).unwrap_err().to_string()
        };
        let groups =
            "group_norm: 3 groups do not divide 4 channels (x [2, 4, 3]); use a number of groups that divides them";
        assert_eq!(text(3, 4), groups);
        assert!(text(0, 4).starts_with("group_norm: 0 groups"));
        assert_eq!(
            text(2, 3),
            "group_norm: gamma has another shape than [4] (x [2, 4, 3], gamma [3]); give gamma the shape [4]"
        );
    }
}
