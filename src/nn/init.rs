//! The first values of weights.

use crate::error::Result;
use crate::rng::Stream;
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// How a weight begins. `fan_in` is the number of inputs that reach one output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every value the same.
    Constant(f64),
    /// Normal, with a variance of `2 / fan_in`: it keeps the size of activations through ReLUs (He, Zhang, Ren and Sun,
    /// *Delving deep into rectifiers*, ICCV 2015).
    He {
        /// Inputs of an output.
        fan_in: usize,
    },
    /// Evenly between `±1/√fan_in`, as PyTorch begins its linear layers.
    Uniform {
        /// Inputs of an output.
        fan_in: usize,
    },
}

impl Init {
    /// The first values of a weight of this shape. The same numbers for any element type, rounded to it.
    ///
    /// ```
    /// use evograd::nn::Init;
    /// use evograd::{Purpose, Shape, Stream};
    /// let mut stream = Stream::new(7, Purpose::Init, 0, 0);
    /// let weights = Init::Uniform { fan_in: 4 }.tensor::<f32>(&Shape::new(&[3, 4])?, &mut stream)?;
    /// assert!(weights.as_slice().iter().all(|weight| weight.abs() <= 0.5));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the system has not the memory.
    pub fn tensor<E: Element>(self, shape: &Shape, stream: &mut Stream) -> Result<Tensor<E>> {
        Tensor::from_fn(shape, |_| E::from_f64(self.value(stream)))
    }

    fn value(self, stream: &mut Stream) -> f64 {
        match self {
            Init::Constant(value) => value,
            Init::He { fan_in } => stream.normal() * (2.0 / fan_in as f64).sqrt(),
            Init::Uniform { fan_in } => (2.0 * stream.uniform() - 1.0) / (fan_in as f64).sqrt(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn moments(init: Init) -> (f64, f64) {
        let shape = Shape::new(&[100_000]).unwrap();
        let values = init.tensor::<f64>(&shape, &mut Stream::new(0, Purpose::Init, 0, 0)).unwrap();
        let mean = values.as_slice().iter().sum::<f64>() / 1e5;
        (mean, values.as_slice().iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5)
    }

    #[test]
    fn variances_are_those_of_the_formulas() {
        let (mean, variance) = moments(Init::He { fan_in: 50 });
        assert!(mean.abs() < 2e-3 && (variance - 0.04).abs() < 1e-3, "{mean} {variance}");
        let (mean, variance) = moments(Init::Uniform { fan_in: 25 });
        assert!(mean.abs() < 2e-3 && (variance - 0.04 / 3.0).abs() < 3e-4, "{mean} {variance}");
        assert_eq!(moments(Init::Constant(1.0)), (1.0, 0.0));
    }
}
