//! Dropout.
//!
//! **Formula** `y = x·k/(1 − p)` where `k` is 0 with probability `p`, else 1, drawn for each element on its own. The
//! factor keeps the expectation of `y` at `x`, so evaluation is simply not to call this ("inverted" dropout).
//!
//! **Shapes** `y` has the shape of `x`, which may be any of up to 2³⁴ elements.
//!
//! **Gradient** For a given `k`, `y` is linear in `x`: `dx = dy·k/(1 − p)`, the same function once more.
//!
//! **Kept for backward** nothing. Element `i` takes word `i mod 4` of block `⌊i/4⌋` of the counter-based generator, so
//! backward draws the same mask again, and threads do not matter. It is kept where the word is at least `p·2³²`.
//!
//! **Source** Srivastava et al., *Dropout: a simple way to prevent neural networks from overfitting*, JMLR 15, 2014.

use super::support::catalogue::{IMAGES, Large, Row, case};
use crate::error::{Error, Result};
use crate::par::{CHUNK, chunk, for_each};
use crate::rng::{Purpose, Stream};
use crate::setting::Allowed;
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "dropout",
    formula: "y = x·k/(1 − p), k = 0 with probability p, else 1",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let (shape, p) = (draw.shape(0, 4), draw.pick(&[0.0, 0.1, 0.25, 0.5, 0.9]));
        let [step, layer] = [9, 5].map(|most| draw.size(0, most) as u32);
        let key = DropoutKey { seed: draw.size(0, 1000) as u64, step, layer };
        case!([draw.values(shape)], format!("p {p} {key:?}"), |v| v[0].dropout(p, key))
    },
    large: Large { shapes: &[IMAGES], run: |v| v[0].dropout(0.3, DropoutKey { seed: 1, step: 2, layer: 3 }) },
};

/// Elements served by one block of the generator.
const BLOCK: usize = 4;

/// Whole blocks must fit a chunk of work, and the number of a block 32 bits.
const _: () = assert!(CHUNK.is_multiple_of(BLOCK));

/// What a mask is for; equal keys give equal masks.
///
/// ```
/// use evograd::{DropoutKey, Tensor, Var};
/// let x = Var::constant(Tensor::<f32>::full([100], 1.0)?);
/// let key = DropoutKey { seed: 1, step: 0, layer: 0 };
/// assert_eq!(x.dropout(0.5, key)?.value(), x.dropout(0.5, key)?.value());
/// assert_ne!(x.dropout(0.5, key)?.value(), x.dropout(0.5, DropoutKey { step: 1, ..key })?.value());
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DropoutKey {
    /// The seed of the training run.
    pub seed: u64,
    /// The training step.
    pub step: u32,
    /// Which dropout layer of the network.
    pub layer: u32,
}

#[derive(Debug)]
struct Dropout {
    p: f64,
    key: DropoutKey,
}

impl Dropout {
    fn masked<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let DropoutKey { seed, step, layer } = self.key;
        let stream = Stream::new(seed, Purpose::Dropout, step, layer);
        let threshold = (self.p * 2.0_f64.powi(32)) as u32;
        let factor = E::from_f64(1.0 / (1.0 - self.p));
        let values = x.as_slice();
        Tensor::build(*x.shape(), |y| {
            for_each(y, CHUNK, |i, y| {
                let blocks = values[chunk(i, values.len())].chunks(BLOCK).zip(y.chunks_mut(BLOCK));
                for (block, (x, y)) in blocks.enumerate() {
                    let words = stream.block((i * (CHUNK / BLOCK) + block) as u32);
                    for ((x, y), word) in x.iter().zip(y).zip(words) {
                        *y = *x * if word >= threshold { factor } else { E::ZERO };
                    }
                }
            });
        })
    }
}

impl<E: Element> Op<E, 1> for Dropout {
    const NAME: &'static str = ROW.name;
    type Saved = ();

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |problem, remedy| Err(Error::op(ROW.name, problem, &[("x", x)], remedy));
        if !Allowed::BelowOne.holds::<E>(self.p) {
            return refuse(format!("p is {}", self.p), "use a number from 0 to below 1, such as 0.5");
        }
        if x.elements().div_ceil(BLOCK) as u64 > 1 << 32 {
            return refuse("one key serves at most 2^34 elements".into(), "drop parts of the tensor apart");
        }
        Ok(*x)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, ()) {
        (self.masked(x), ())
    }

    fn backward(&self, (): (), dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(self.masked(&dy))]
    }
}

impl<E: Element> Var<E> {
    /// `self` with each element set to 0 with probability `p`, and the others divided by `1 − p`. For training; in
    /// evaluation, leave it out.
    ///
    /// ```
    /// use evograd::{DropoutKey, Tensor, Var};
    /// let x = Var::constant(Tensor::full([1000], 1.0_f32)?);
    /// let y = x.dropout(0.5, DropoutKey { seed: 1, step: 0, layer: 0 })?;
    /// assert!(y.value().as_slice().iter().all(|y| *y == 0.0 || *y == 2.0));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `p` is not from 0 to below 1, or there are more than 2³⁴ elements.
    pub fn dropout(&self, p: f64, key: DropoutKey) -> Result<Var<E>> {
        apply(Dropout { p, key }, [self])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, ThreadPool};

    const KEY: DropoutKey = DropoutKey { seed: 7, step: 2, layer: 5 };

    fn ones(len: usize) -> Tensor<f32> {
        Tensor::full([len], 1.0).unwrap()
    }

    #[test]
    fn the_share_of_zeros_is_p_and_the_mean_stays() {
        for p in [0.1, 0.5, 0.9] {
            let y = Var::constant(ones(200_000)).dropout(p, KEY).unwrap();
            let dropped = y.value().as_slice().iter().filter(|y| **y == 0.0).count() as f64 / 2e5;
            let mean = y.value().as_slice().iter().map(|y| f64::from(*y)).sum::<f64>() / 2e5;
            assert!((dropped - p).abs() < 0.005 && (mean - 1.0).abs() < 0.02, "p {p}: {dropped}, mean {mean}");
        }
    }

    #[test]
    fn backward_drops_what_forward_dropped_on_any_number_of_threads() {
        let mask = |threads| {
            ThreadPool::new(threads).unwrap().install(|| {
                let tape = Tape::new();
                let x = tape.leaf(ones(100_003));
                let y = x.dropout(0.3, KEY).unwrap();
                let gradients = tape.backward_from(&[(&y, ones(100_003))]).unwrap();
                assert_eq!(gradients.get(&x).unwrap(), y.value());
                y.value().as_slice().to_vec()
            })
        };
        assert_eq!(mask(1), mask(2));
    }

    #[test]
    fn an_element_is_dropped_by_its_own_word_of_the_stream() {
        let y = Var::constant(ones(40_000)).dropout(0.25, KEY).unwrap();
        let mut stream = Stream::new(KEY.seed, Purpose::Dropout, KEY.step, KEY.layer);
        assert!(y.value().as_slice().iter().all(|y| (*y != 0.0) == (stream.word() >= 1 << 30)));
    }

    #[test]
    fn other_keys_give_other_masks() {
        let mask = |key| Var::constant(ones(64)).dropout(0.5, key).unwrap().value().clone();
        for other in [DropoutKey { seed: 8, ..KEY }, DropoutKey { step: 3, ..KEY }, DropoutKey { layer: 6, ..KEY }] {
            assert_ne!(mask(KEY), mask(other));
        }
    }

    #[test]
    fn nan_stays_even_where_it_is_dropped() {
        let x = Var::constant(Tensor::full([64], f32::NAN).unwrap());
        assert!(x.dropout(0.5, KEY).unwrap().value().as_slice().iter().all(|y| y.is_nan()));
    }

    #[test]
    fn a_wrong_probability_is_named() {
        for (p, shown) in [(1.0, "1"), (-0.1, "-0.1"), (f64::NAN, "NaN")] {
            assert_eq!(
                Var::constant(ones(2)).dropout(p, KEY).unwrap_err().to_string(),
                format!("dropout: p is {shown} (x [2]); use a number from 0 to below 1, such as 0.5")
            );
        }
    }
}
