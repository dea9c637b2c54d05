//! Tensors of numbers that follow a rule: ranges, unit matrices, classes as rows, normal noise.

use super::Tensor;
use crate::error::{Error, Result};
use crate::rng::Stream;
use crate::shape::IntoShape;
use evograd_kernels::Element;

impl<E: Element> Tensor<E> {
    /// Normally distributed numbers of mean 0 and variance 1, the next ones of a stream.
    ///
    /// ```
    /// use evograd::{Purpose, Stream, Tensor};
    /// let mut stream = Stream::new(7, Purpose::Init, 0, 0);
    /// let x = Tensor::<f32>::randn([2, 3], &mut stream)?;
    /// assert_ne!(x, Tensor::randn([2, 3], &mut stream)?);
    /// assert_eq!(x, Tensor::randn([2, 3], &mut Stream::new(7, Purpose::Init, 0, 0))?);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn randn(shape: impl IntoShape, stream: &mut Stream) -> Result<Self> {
        Self::from_fn(shape, |_| E::from_f64(stream.normal()))
    }

    /// The numbers from `start` to before `end` in steps of `step`, which may be negative.
    ///
    /// ```
    /// use evograd::Tensor;
    /// assert_eq!(Tensor::<f32>::arange(0.0, 5.0, 2.0)?.as_slice(), [0.0, 2.0, 4.0]);
    /// assert_eq!(Tensor::<f32>::arange(3.0, 0.0, -1.0)?.as_slice(), [3.0, 2.0, 1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such number, one of the three is not finite, or the system has not the memory.
    pub fn arange(start: f64, end: f64, step: f64) -> Result<Self> {
        let count = ((end - start) / step).ceil();
        if !(start.is_finite() && end.is_finite() && step.is_finite() && step != 0.0 && count >= 1.0) {
            let problem = format!("there is no number from {start} to before {end} in steps of {step}");
            return Err(Error::op("arange", problem, &[], "give finite numbers, and a step that leads to the end"));
        }
        // As a number that is too great for a shape, infinity becomes the greatest.
        Self::from_fn([count as usize], |i| E::from_f64(start + i as f64 * step))
    }

    /// `count` numbers at equal distances, of which the first is `start` and the last `end`.
    ///
    /// ```
    /// use evograd::Tensor;
    /// assert_eq!(Tensor::<f32>::linspace(0.0, 1.0, 5)?.as_slice(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// assert_eq!(Tensor::<f32>::linspace(2.0, 9.0, 1)?.as_slice(), [2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When an end or the range between them is not finite, and as [`Tensor::zeros`].
    pub fn linspace(start: f64, end: f64, count: usize) -> Result<Self> {
        if !(end - start).is_finite() {
            let problem = format!("it goes from {start} to {end}");
            return Err(Error::op("linspace", problem, &[], "give two finite numbers, and a range that is finite too"));
        }
        // From both ends, so that both are exact.
        let last = count.saturating_sub(1).max(1) as f64;
        let at = |i: usize| match i as f64 / last {
            share if share < 0.5 => start + share * (end - start),
            share => end - (1.0 - share) * (end - start),
        };
        Self::from_fn([count], |i| E::from_f64(at(i)))
    }

    /// The unit matrix of `size` rows: 1 on the diagonal, 0 elsewhere.
    ///
    /// ```
    /// use evograd::Tensor;
    /// assert_eq!(Tensor::<f32>::eye(2)?.as_slice(), [1.0, 0.0, 0.0, 1.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn eye(size: usize) -> Result<Self> {
        let mut eye = Self::zeros([size, size])?;
        eye.as_mut_slice().iter_mut().step_by(size + 1).for_each(|x| *x = E::ONE);
        Ok(eye)
    }

    /// A row for each class number, of `classes` places: 1 at the class, 0 elsewhere.
    ///
    /// ```
    /// use evograd::Tensor;
    /// assert_eq!(Tensor::<f32>::one_hot(&[2, 0], 3)?.as_slice(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a number is not below `classes`, and as [`Tensor::zeros`].
    pub fn one_hot(numbers: &[usize], classes: usize) -> Result<Self> {
        let mut rows = Self::zeros([numbers.len(), classes])?;
        if let Some(place) = numbers.iter().position(|number| *number >= classes) {
            let problem = format!("number {place} is {}, but there are {classes} classes", numbers[place]);
            let remedy = format!("number the classes from 0 to {}", classes - 1);
            return Err(Error::op("one_hot", problem, &[("output", rows.shape())], remedy));
        }
        let places = rows.as_mut_slice().chunks_exact_mut(classes).zip(numbers);
        places.for_each(|(row, number)| row[*number] = E::ONE);
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn a_range_that_is_empty_or_endless_is_an_error() {
        let text = |start, end, step| Tensor::<f32>::arange(start, end, step).unwrap_err().to_string();
        assert_eq!(
            text(1.0, 0.0, 1.0),
            "arange: there is no number from 1 to before 0 in steps of 1; \
             give finite numbers, and a step that leads to the end"
        );
        for (start, end, step) in [(0.0, 1.0, 0.0), (0.0, f64::INFINITY, 1.0), (f64::NAN, 1.0, 1.0), (1.0, 1.0, 1.0)] {
            assert!(text(start, end, step).starts_with("arange: there is no number"));
        }
        assert!(text(0.0, 1e300, 1e-300).contains("overflows"));
        assert_eq!(Tensor::<f64>::arange(0.0, 1.0, 0.1).unwrap().shape().sizes(), [10]);
    }

    #[test]
    fn both_ends_of_a_line_are_exact() {
        for count in [2, 3, 7, 100, 1001] {
            let line = Tensor::<f64>::linspace(0.1, 0.7, count).unwrap();
            assert_eq!((line.as_slice()[0], line.as_slice()[count - 1]), (0.1, 0.7));
            assert!(line.as_slice().windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert!(Tensor::<f32>::linspace(0.0, 1.0, 0).is_err());
    }

    #[test]
    fn a_class_that_there_is_not_is_named() {
        assert_eq!(
            Tensor::<f32>::one_hot(&[0, 3], 3).unwrap_err().to_string(),
            "one_hot: number 1 is 3, but there are 3 classes (output [2, 3]); number the classes from 0 to 2"
        );
    }

    #[test]
    fn noise_is_that_of_the_stream() {
        let mut stream = Stream::new(3, Purpose::Noise, 0, 0);
        let noise = Tensor::<f64>::randn([4], &mut stream.clone()).unwrap();
        assert!(noise.as_slice().iter().all(|x| *x == stream.normal()));
        assert!(Tensor::<f32>::eye(0).is_err());
    }
}
