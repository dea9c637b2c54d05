//! Local response normalisation across channels.
//!
//! **Formula** `y_c = x_c · s_c^(−β)` with `s_c = k + α/n · Σ x_j²` over the window `W(c)` of channels `j` from
//! `c − ⌊n/2⌋` to `c + ⌊(n−1)/2⌋`, as far as there are any; for each pixel of each image.
//!
//! **Shapes** `x [N, C, H, W]`, `y` the same.
//!
//! **Gradient** `∂s_c/∂x_j = 2α/n · x_j` for `j` in `W(c)`, so
//! `∂y_c/∂x_j = [j = c]·s_c^(−β) − β·x_c·s_c^(−β−1) · 2α/n · x_j`. Summed over the channels `c` whose windows hold `j`,
//! which are those from `j − ⌊(n−1)/2⌋` to `j + ⌊n/2⌋`:
//! `dx_j = dy_j·s_j^(−β) − 2αβ/n · x_j · Σ dy_c·x_c·s_c^(−β−1)`. With `k > 0` and `α ≥ 0`, `s` is above 0 and the
//! derivative exists everywhere.
//!
//! **Kept for backward** `x`, nothing else: `s` is recomputed.
//!
//! **Source** Krizhevsky, Sutskever and Hinton, *ImageNet classification with deep convolutional neural networks*,
//! NIPS 2012, section 3.3; with `α` divided by `n` and the window as in PyTorch's `LocalResponseNorm`.

use super::support::catalogue::{IMAGES, Large, Row, case};
use super::support::constant::{require_positive, shown};
use super::support::isa;
use super::support::wide::{in_f64, ordinary};
use super::support::window::image_sizes;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::par::for_each;
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::{Element, lrn};

pub(super) const ROW: Row = Row {
    name: "local_response_norm",
    formula: "y = x·(k + α/n·Σx²)^(−β) over a window of n channels",
    nondifferentiable: "",
    f32_bound: 5.0,
    draw: |draw| {
        let (size, beta) = (draw.size(1, 6), draw.pick(&[0.75, 0.5, 1.0, 0.3]));
        // Far enough from where the two terms of the gradient cancel, whose rounding is no measure of the kernel.
        let options = LocalResponseNorm { size, beta, alpha: draw.number(0.0, 0.2), k: draw.number(1.0, 2.0) };
        let shape = [draw.size(1, 2), draw.size(1, 7), 1, draw.pick(&[1, 2, 3, 17])];
        case!([draw.values(shape)], format!("{options:?}"), |v| v[0].local_response_norm(options))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].local_response_norm(LocalResponseNorm::new(5)) },
};

/// Settings of [`Var::local_response_norm`].
///
/// ```
/// use evograd::ops::LocalResponseNorm;
/// let usual = LocalResponseNorm::new(5);
/// assert_eq!((usual.size, usual.alpha, usual.beta, usual.k), (5, 1e-4, 0.75, 1.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNorm {
    /// Channels in a window, `n`; at least 1.
    pub size: usize,
    /// The weight of the mean square, `α`; at least 0.
    pub alpha: f64,
    /// The exponent, `β`.
    pub beta: f64,
    /// What is added to the mean square, `k`; above 0.
    pub k: f64,
}

impl LocalResponseNorm {
    /// The output's shape.
    ///
    /// # Errors
    /// When the input is no batch of images, or a setting makes no sense.
    pub(crate) fn output_shape(&self, x: &Shape) -> Result<Shape> {
        Op::<f32, 1>::output_shape(&Normalisation(*self), [x])
    }

    /// A window of `size` channels, all else as PyTorch has it unless set otherwise.
    pub fn new(size: usize) -> Self {
        LocalResponseNorm { size, alpha: 1e-4, beta: 0.75, k: 1.0 }
    }

    fn settings(&self) -> lrn::Settings {
        lrn::Settings { size: self.size, alpha: self.alpha, beta: self.beta, k: self.k }
    }

    /// What is wrong with the settings other than `k`, and what would be right.
    fn wrong<E: Element>(&self) -> Option<(String, &'static str)> {
        let LocalResponseNorm { size, alpha, beta, .. } = *self;
        if size == 0 {
            Some(("size is 0".into(), "use a window of at least 1 channel, such as 5"))
        } else if !Allowed::NotNegative.holds::<E>(alpha) {
            Some((format!("alpha is {}", shown(alpha)), "use a number of at least 0, such as 1e-4"))
        } else if !Allowed::Finite.holds::<E>(beta) {
            Some((format!("beta is {}", shown(beta)), "use a finite number, such as 0.75"))
        } else {
            None
        }
    }
}

#[derive(Debug)]
struct Normalisation(LocalResponseNorm);

impl<E: Element> Op<E, 1> for Normalisation {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        image_sizes(ROW.name, x)?;
        if let Some((problem, remedy)) = self.0.wrong::<E>() {
            return Err(Error::op(ROW.name, problem, &[("input", x)], remedy));
        }
        require_positive::<E>(ROW.name, "k", self.0.k, &[("input", x)], "1")?;
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let (isa, settings, values) = (isa(), self.0.settings(), x.as_slice());
        let (channels, image) = cut(x.shape());
        let y = Tensor::build(*x.shape(), |y| {
            for_each(y, image, |i, y| {
                let x = &values[i * image..][..image];
                if !self.trusted::<E>(lrn::lrn_forward(isa, &settings, channels, x, y)) {
                    in_f64([x], y, |[x], y| lrn::lrn_forward(isa, &settings, channels, x, y));
                }
            });
        });
        (y, x.clone())
    }

    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let (isa, settings, dy) = (isa(), self.0.settings(), dy.as_slice());
        let (channels, image) = cut(x.shape());
        [Some(Tensor::build(*x.shape(), |dx| {
            for_each(dx, image, |i, dx| {
                let [x, dy] = [x.as_slice(), dy].map(|all| &all[i * image..][..image]);
                let most = lrn::lrn_backward(isa, &settings, channels, x, dy, dx, &mut Buffer::stale(image));
                if !self.trusted::<E>(most) {
                    in_f64([x, dy], dx, |[x, dy], dx| {
                        lrn::lrn_backward(isa, &settings, channels, x, dy, dx, &mut Buffer::stale(image))
                    });
                }
            });
        }))]
    }
}

impl Normalisation {
    /// Whether the type holds every power of `s`, which goes from `k` to `most`, and every square under it.
    fn trusted<E: Element>(&self, most: E) -> bool {
        let LocalResponseNorm { alpha, beta, k, .. } = self.0;
        let powers = [k, most.to_f64()].map(|s| s.powf(-beta));
        ordinary::<E>(&[k, most.to_f64(), powers[0], powers[1]], 40) && alpha < 1e9
    }
}

/// Channels of an image, and elements.
fn cut(x: &Shape) -> (usize, usize) {
    let [_, c, h, w] = image_sizes(ROW.name, x).expect("output_shape has agreed");
    (c, c * h * w)
}

impl<E: Element> Var<E> {
    /// Each element divided by a power of the mean square of the channels around it: `[N, C, H, W]`, output the same.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::LocalResponseNorm};
    /// let x = Var::constant(Tensor::from_vec([1, 2, 1, 1], vec![3.0_f32, 4.0])?);
    /// let y = x.local_response_norm(LocalResponseNorm { size: 2, alpha: 2.0, beta: 0.5, k: 1.0 })?;
    /// assert_eq!(y.value().as_slice(), [3.0 / 10_f32.sqrt(), 4.0 / 26_f32.sqrt()]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the input has not four axes, `size` is 0, `alpha` below 0, `k` not above 0, or a setting not finite.
    pub fn local_response_norm(&self, options: LocalResponseNorm) -> Result<Var<E>> {
        apply(Normalisation(options), [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula, pixel by pixel.
    fn naive(x: &Tensor<f64>, options: LocalResponseNorm) -> Tensor<f64> {
        let ((channels, image), n) = (cut(x.shape()), options.size);
        let pixels = image / channels;
        Tensor::from_fn(x.shape(), |at| {
            let (start, c) = (at / image * image + at % pixels, at % image / pixels);
            let mut sum = 0.0;
            for j in 0..channels {
                if j + n / 2 >= c && j <= c + (n - 1) / 2 {
                    sum += x.as_slice()[start + j * pixels].powi(2);
                }
            }
            x.as_slice()[at] * (options.k + options.alpha / n as f64 * sum).powf(-options.beta)
        })
        .unwrap()
    }

    #[test]
    fn the_formula_holds_for_every_window() {
        let x = Tensor::from_fn([2, 5, 3, 7], |i| ((i * 29 % 31) as f64 - 15.0) / 8.0).unwrap();
        for size in [1, 2, 3, 4, 5, 9, 10, 11, usize::MAX] {
            for beta in [0.75, 0.6] {
                let options = LocalResponseNorm { size, alpha: 0.7, beta, k: 1.5 };
                let y = Var::constant(x.clone()).local_response_norm(options).unwrap();
                for (found, expected) in y.value().as_slice().iter().zip(naive(&x, options).as_slice()) {
                    assert!((found - expected).abs() < 1e-14, "{options:?}: {found} instead of {expected}");
                }
            }
        }
    }

    #[test]
    fn a_nan_reaches_the_windows_that_hold_it_and_no_others() {
        let x = Tensor::from_vec([1, 4, 1, 1], vec![1.0_f32, f32::NAN, 1.0, 1.0]).unwrap();
        let y = Var::constant(x).local_response_norm(LocalResponseNorm::new(2)).unwrap();
        let nan: Vec<bool> = y.value().as_slice().iter().map(|y| y.is_nan()).collect();
        assert_eq!(nan, [false, true, true, false]);
    }

    #[test]
    fn wrong_settings_are_named() {
        let x = Var::constant(Tensor::<f32>::zeros([1, 2, 3, 4]).unwrap());
        let text = |options| x.local_response_norm(options).unwrap_err().to_string();
        let usual = LocalResponseNorm::new(5);
        assert_eq!(
            text(LocalResponseNorm::new(0)),
            "local_response_norm: size is 0 (input [1, 2, 3, 4]); use a window of at least 1 channel, such as 5"
        );
        assert_eq!(
            text(LocalResponseNorm { alpha: -1.0, ..usual }),
            "local_response_norm: alpha is -1 (input [1, 2, 3, 4]); use a number of at least 0, such as 1e-4"
        );
        assert_eq!(
            text(LocalResponseNorm { beta: f64::NAN, ..usual }),
            "local_response_norm: beta is NaN (input [1, 2, 3, 4]); use a finite number, such as 0.75"
        );
        assert_eq!(
            text(LocalResponseNorm { k: 0.0, ..usual }),
            "local_response_norm: k is 0 (input [1, 2, 3, 4]); use a number above 0, such as 1"
        );
        assert!(text(LocalResponseNorm { k: 1e-60, ..usual }).ends_with("use a number above 0, such as 1"));
        assert!(text(LocalResponseNorm { alpha: 1e300, ..usual }).starts_with("local_response_norm: alpha is 1e300 ("));
        assert!(text(LocalResponseNorm { beta: 1e300, ..usual }).starts_with("local_response_norm: beta is 1e300 ("));
        let flat = Var::constant(Tensor::<f32>::zeros([3, 4]).unwrap());
        assert_eq!(
            flat.local_response_norm(usual).unwrap_err().to_string(),
            "local_response_norm: the input has 2 axes, not four (input [3, 4]); give images of shape [N, C, H, W]"
        );
    }
}
