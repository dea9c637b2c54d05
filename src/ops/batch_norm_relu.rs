//! Batch normalisation while training, and the ReLU behind it, in one pass.
//!
//! **Formula** `y = R(z)` with `z` as [`batch_norm`](Var::batch_norm) gives it and `R(z) = max(z, 0)`. The two operations one
//! after the other write `z` and read it again, forward, and its gradient, backward; here both stay in registers.
//!
//! **Shapes** those of [`batch_norm`](Var::batch_norm).
//!
//! **Gradient** `dz = dy` where `z > 0` or NaN, else 0, and then that of the normalisation. `z` is computed again from `x`, twice: for
//! the sums over each channel, and for `dx`.
//!
//! **Kept for backward** what [`batch_norm`](Var::batch_norm) keeps, and not `y`.
//!
//! **Source** as of [`batch_norm`](Var::batch_norm) and [`relu`](Var::relu); the bits are theirs.

use super::batch_norm::Training;
use super::support::batch_statistics::{BatchNorm, RunningStats, train};
use super::support::catalogue::{CHANNELS, IMAGES, Large, Row, case};
use crate::error::Result;
use crate::tape::Var;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "batch_norm_relu",
    formula: "y = max((x − mean)/√(variance + ε)·γ + β, 0) over each channel of the batch",
    nondifferentiable: "values near 0 before the ReLU: every other image is negative, and β is small",
    f32_bound: 24.0,
    draw: |draw| {
        let (n, c) = (draw.size(4, 9), draw.size(4, 7));
        let (h, w) = (draw.size(1, 5), draw.size(1, 5));
        let mut x = if draw.flag() { draw.positive([n, c, h, w]) } else { draw.positive([n, c]) };
        let image = x.shape().elements() / n;
        x.as_mut_slice().chunks_mut(image).skip(1).step_by(2).flatten().for_each(|x| *x = -*x);
        let options = BatchNorm { epsilon: draw.pick(&[1e-5, 1e-3]), momentum: draw.pick(&[0.1, 0.0, 0.3, 1.0]) };
        let mut beta = draw.values([c]);
        beta.as_mut_slice().iter_mut().for_each(|beta| *beta *= 0.01);
        case!([x, draw.nonzero([c]), beta], format!("{options:?}"), |v| {
            v[0].batch_norm_relu(&v[1], &v[2], &mut RunningStats::new(c)?, options)
        })
    },
    large: Large {
        shapes: &[IMAGES, CHANNELS, CHANNELS],
        run: |v| v[0].batch_norm_relu(&v[1], &v[2], &mut RunningStats::new(6)?, BatchNorm::default()),
    },
};

impl<E: Element> Var<E> {
    /// [`batch_norm`](Var::batch_norm) and then [`relu`](Var::relu), with the same bits and less traffic.
    ///
    /// ```
    /// use evograd::{BatchNorm, RunningStats, Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 3.0])?);
    /// let [gamma, beta] = [10.0, 5.0].map(|value| Var::constant(Tensor::full([1], value).unwrap()));
    /// let y = x.batch_norm_relu(&gamma, &beta, &mut RunningStats::new(1)?, BatchNorm::default())?;
    /// assert_eq!(y.value().as_slice()[0], 0.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`batch_norm`](Var::batch_norm).
    pub fn batch_norm_relu(
        &self,
        gamma: &Var<E>,
        beta: &Var<E>,
        running: &mut RunningStats<E>,
        options: BatchNorm,
    ) -> Result<Var<E>> {
        Ok(train([self, gamma, beta], running, options, Training::<true>::new)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, Tensor, ThreadPool};

    type Operation = fn(&[Var], &mut RunningStats) -> Result<Var>;

    /// Values, gradients and running statistics, as bits.
    fn bits(shape: &[usize], operation: Operation, threads: usize) -> Vec<Vec<u32>> {
        ThreadPool::new(threads).unwrap().install(|| {
            let tape = Tape::new();
            let channels = shape[1];
            let number = |i: usize, by: usize| (i * 7919 % by) as f32 / by as f32 - 0.5;
            let x = tape.leaf(Tensor::from_fn(shape, |i| 40.0 + number(i, 1009)).unwrap());
            let gamma = tape.leaf(Tensor::from_fn([channels], |i| number(i, 7) - 0.1).unwrap());
            let beta = tape.leaf(Tensor::from_fn([channels], |i| number(i, 5)).unwrap());
            let mut running = RunningStats::new(channels).unwrap();
            let y = operation(&[x.clone(), gamma.clone(), beta.clone()], &mut running).unwrap();
            let dy = Tensor::from_fn(shape, |i| number(i, 97)).unwrap();
            let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
            let leaves = [&x, &gamma, &beta].map(|leaf| gradients.get(leaf).unwrap());
            let all = [y.value(), leaves[0], leaves[1], leaves[2], &running.mean, &running.variance];
            all.map(|tensor| tensor.as_slice().iter().map(|x| x.to_bits()).collect()).to_vec()
        })
    }

    #[test]
    fn the_bits_are_those_of_the_two_operations_one_after_the_other() {
        let fused: Operation = |v, running| v[0].batch_norm_relu(&v[1], &v[2], running, BatchNorm::default());
        let plain: Operation = |v, running| v[0].batch_norm(&v[1], &v[2], running, BatchNorm::default())?.relu();
        for shape in [&[5, 7, 41, 43][..], &[3, 2, 1, 5], &[300, 9], &[2, 3, 8, 8]] {
            let expected = bits(shape, plain, 1);
            for threads in [1, 2, 3] {
                assert_eq!(bits(shape, fused, threads), expected, "{shape:?} on {threads} threads");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let [x, gamma] = [&[2, 3][..], &[4]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        let mut running = RunningStats::new(3).unwrap();
        let text = x.batch_norm_relu(&gamma, &gamma, &mut running, BatchNorm::default()).unwrap_err().to_string();
        assert!(text.starts_with("batch_norm_relu: x has 3 channels, but gamma has the shape [4]"), "{text}");
    }
}
