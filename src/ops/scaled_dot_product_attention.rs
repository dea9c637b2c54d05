//! Scaled dot-product attention.
//!
//! **Formula** `y = softmax(q·kᵀ/√D + m)·v`, where the mask `m` is 0 where a query may look at a key and −∞ where not, or any number:
//! each query gets a mean of the values, weighted by how well it agrees with their keys. A query that may look at nothing gets 0.
//!
//! **Shapes** `q` `[…, L, D]`, `k` `[…, S, D]`, `v` `[…, S, F]`, `y` `[…, L, F]`; the mask broadcasts to `[…, L, S]`. Leading sizes,
//! such as images and heads, broadcast.
//!
//! **Gradient** that of the operations it is made of, `scale`, `matmul` and, with the mask, softmax: with the weights `p` of a row of
//! scores `x`, `p = softmax(x + m)`, the mask is a constant that is added, so `dxⱼ = pⱼ·(dpⱼ − Σᵢ dpᵢ·pᵢ)` as of `softmax`. What is
//! masked has `p = 0` and so gets exactly 0, and so does a row where everything is. The mask has no gradient.
//!
//! **Kept for backward** what they keep: `q`, `k`, `v`, and the weights `[…, L, S]`, which is what attention costs.
//!
//! **Source** Vaswani and others, *Attention is all you need*, NeurIPS 2017; PyTorch's `scaled_dot_product_attention`, from 2.5 on also
//! for queries that may look at nothing.

use super::matmul::Transpose;
use super::support::broadcast::stretch;
use super::support::catalogue::{Large, Row, case};
use super::support::elementwise::map_chunks;
use super::support::rows;
use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use evograd_kernels::softmax::{softmax_backward, softmax_forward};

pub(super) const ROW: Row = Row {
    name: "scaled_dot_product_attention",
    formula: "y = softmax(q·kᵀ/√D + mask)·v",
    nondifferentiable: "",
    f32_bound: 24.0,
    draw: |draw| {
        // Several queries, keys and features: of few, slopes may cancel, and nothing be left to measure f32 by.
        let (l, s, d, f) = (draw.size(3, 6), draw.size(3, 6), draw.size(2, 4), draw.size(2, 3));
        let (heads, mask) = (draw.size(1, 2), draw.pick(&["none", "causal", "visible", "added"]));
        let inputs = [draw.values([heads, l, d]), draw.values([heads, s, d]), draw.values([heads, s, f])];
        case!(inputs, format!("mask {mask}"), |v| {
            // Of the last queries, some may look at nothing.
            let seen = |i: usize| u8::from(i / s < 2 || i.is_multiple_of(4));
            let number = |i: usize| if mask == "visible" { seen(i) } else { (i % 3) as u8 };
            let tensor = Tensor::from_fn([l, s], |i| number(i).into())?;
            let mask = match mask {
                "none" => AttentionMask::None,
                "causal" => AttentionMask::Causal,
                "visible" => AttentionMask::Visible(&tensor),
                _ => AttentionMask::Added(&tensor),
            };
            v[0].scaled_dot_product_attention(&v[1], &v[2], mask)
        })
    },
    large: Large {
        shapes: &[&[2, 3, 131, 17], &[2, 3, 129, 17], &[2, 3, 129, 19]],
        run: |v| v[0].scaled_dot_product_attention(&v[1], &v[2], AttentionMask::Causal),
    },
};

/// Which keys a query of [`Var::scaled_dot_product_attention`] may look at, for scores `[…, L, S]` of `L` queries and `S` keys.
///
/// ```
/// use evograd::ops::AttentionMask;
/// use evograd::{Tensor, Var};
/// let x = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 2.0])?);
/// let itself = Tensor::eye(2)?;
/// let y = x.scaled_dot_product_attention(&x, &x, AttentionMask::Visible(&itself))?;
/// assert_eq!(y.value().as_slice(), [1.0, 2.0]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum AttentionMask<'a, E: Element> {
    /// All of them.
    None,
    /// Query `i` those up to key `i`, as in PyTorch counted from the first also where there are more of one than of the other.
    Causal,
    /// Those where this tensor is not 0; it broadcasts to `[…, L, S]`.
    Visible(&'a Tensor<E>),
    /// All where this tensor is not −∞; it broadcasts to `[…, L, S]` and is added to the scores, `q·kᵀ/√D`.
    Added(&'a Tensor<E>),
}

impl<E: Element> AttentionMask<'_, E> {
    /// What is added to the scores of these queries and keys, if anything.
    fn added(&self, queries: usize, keys: usize) -> Result<Option<Tensor<E>>> {
        let of = |visible: bool| if visible { E::ZERO } else { E::NEG_INFINITY };
        Ok(match self {
            AttentionMask::None => None,
            AttentionMask::Causal => Some(Tensor::from_fn([queries, keys], |i| of(i % keys <= i / keys))?),
            AttentionMask::Visible(mask) => {
                Some(map_chunks(mask, |mask, m| mask.iter().zip(m).for_each(|(x, m)| *m = of(*x != E::ZERO))))
            }
            AttentionMask::Added(mask) => Some((*mask).clone()),
        })
    }
}

/// The softmax of scores with a mask, row by row.
#[derive(Debug)]
struct MaskedSoftmax<E: Element> {
    /// What is added; −∞ hides a key whatever its score.
    mask: Tensor<E>,
}

impl<E: Element> Op<E, 1> for MaskedSoftmax<E> {
    const NAME: &'static str = ROW.name;
    type Saved = Tensor<E>;

    fn output_shape(&self, [scores]: [&Shape; 1]) -> Result<Shape> {
        let mask = self.mask.shape();
        if mask.broadcast(scores) != Some(*scores) {
            let remedy = "give a mask of shape [L, S] for L queries and S keys, or one that broadcasts to the scores";
            let shapes = [("mask", mask), ("scores", scores)];
            return Err(Error::op(ROW.name, "the mask does not fit the scores", &shapes, remedy));
        }
        Ok(*scores)
    }

    fn forward(&self, [scores]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let mask = stretch(&self.mask, scores.shape());
        let weights = rows::binary(scores, &mask, |isa, width, scores, mask, weights| {
            let mut masked = Buffer::stale(scores.len());
            for ((masked, score), mask) in masked.iter_mut().zip(scores).zip(mask) {
                *masked = if *mask == E::NEG_INFINITY { *mask } else { *score + *mask };
            }
            softmax_forward(isa, width, &masked, weights);
            for (weights, mask) in weights.chunks_exact_mut(width).zip(mask.chunks_exact(width)) {
                if mask.iter().all(|mask| *mask == E::NEG_INFINITY) {
                    weights.fill(E::ZERO);
                }
            }
        });
        (weights.clone(), weights)
    }

    fn backward(&self, weights: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        [Some(rows::binary(&weights, &dy, softmax_backward))]
    }
}

/// Refuses queries, keys and values that do not fit each other; how many queries and keys there are.
fn sizes(q: &Shape, k: &Shape, v: &Shape) -> Result<[usize; 2]> {
    let shapes = [("queries", q), ("keys", k), ("values", v)];
    let refuse = |problem, remedy| Err(Error::op(ROW.name, problem, &shapes, remedy));
    let ([.., l, d], [.., s, key], [.., s2, _]) = (q.sizes(), k.sizes(), v.sizes()) else {
        return refuse("each input needs at least two axes", "give them the shapes […, L, D], […, S, D], […, S, F]");
    };
    if d != key {
        return refuse("queries and keys have different last sizes", "give keys as many features as queries");
    }
    if s != s2 {
        return refuse("there is not one value for each key", "make the last size but one of keys and values equal");
    }
    Ok([*l, *s])
}

impl<E: Element> Var<E> {
    /// For each query in `self`, `[…, L, D]`, the mean of `values`, `[…, S, F]`, weighted by how well it agrees with `keys`,
    /// `[…, S, D]`, of those that the mask lets it look at: `[…, L, F]`. A query that may look at none gets 0.
    ///
    /// ```
    /// use evograd::ops::AttentionMask;
    /// use evograd::{Tensor, Var};
    /// // Three words of two features each; none looks at those that follow.
    /// let x = Var::constant(Tensor::from_vec([3, 2], vec![1.0_f32, 0.0, 0.0, 1.0, 1.0, 1.0])?);
    /// let y = x.scaled_dot_product_attention(&x, &x, AttentionMask::Causal)?;
    /// assert_eq!(y.value().as_slice()[..2], [1.0, 0.0]); // the first sees itself alone
    /// assert!(y.value().as_slice()[3] > 0.6); // the second agrees best with itself
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes do not fit each other.
    pub fn scaled_dot_product_attention(
        &self,
        keys: &Var<E>,
        values: &Var<E>,
        mask: AttentionMask<'_, E>,
    ) -> Result<Var<E>> {
        let (q, k) = (self.value().shape(), keys.value().shape());
        let [queries, s] = sizes(q, k, values.value().shape())?;
        let features = q.sizes()[q.rank() - 1] as f64;
        let named = |error: Error| error.at(ROW.name);
        // Of the queries, which are mostly no more than the products.
        let scaled = self.scale(1.0 / features.sqrt()).map_err(named)?;
        let scores = scaled.matmul_with(keys, Transpose { a: false, b: true }).map_err(named)?;
        let weights = match mask.added(queries, s)? {
            Some(mask) => apply(MaskedSoftmax { mask }, [&scores])?,
            None => scores.softmax().map_err(named)?,
        };
        weights.matmul(values).map_err(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tape;

    #[test]
    fn values_are_those_worked_out_by_hand() {
        // The scores of the query are 2·ln 3/√4 and 0, so the weights are 3/4 and 1/4.
        let q = Var::constant(Tensor::from_vec([1, 4], vec![2.0 * 3.0_f64.ln(), 0.0, 0.0, 0.0]).unwrap());
        let k = Var::constant(Tensor::from_fn([2, 4], |i| if i == 0 { 1.0 } else { 0.0 }).unwrap());
        let v = Var::constant(Tensor::from_vec([2, 1], vec![4.0, 8.0]).unwrap());
        assert!(
            (q.scaled_dot_product_attention(&k, &v, AttentionMask::None).unwrap().item().unwrap() - 5.0).abs() < 1e-14
        );
    }

    #[test]
    fn what_is_masked_has_no_part_and_no_gradient() {
        let tape = Tape::new();
        let x = tape.leaf(Tensor::from_fn([3, 2], |i| (i as f64).sin()).unwrap());
        let v = tape.leaf(Tensor::from_vec([3, 1], vec![5.0, 7.0, 1e300]).unwrap());
        let mask = Tensor::from_vec([3, 3], vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
        let y = x.scaled_dot_product_attention(&x, &v, AttentionMask::Visible(&mask)).unwrap();
        assert_eq!(y.value().as_slice(), [5.0, 7.0, 0.0]); // the last may look at nothing
        let gradients = tape.backward_from(&[(&y, Tensor::full([3, 1], 1.0).unwrap())]).unwrap();
        assert_eq!(gradients.get(&v).unwrap().as_slice(), [1.0, 1.0, 0.0]);
        assert_eq!(gradients.get(&x).unwrap().as_slice(), [0.0; 6]);
    }

    /// Values of PyTorch 2.6: q = sin(i), k = cos(i), v = i and a mask of i/2 − 1, −∞ at 2, in `float64`.
    #[test]
    fn masks_mean_what_they_do_in_pytorch() {
        let tensor = |shape: [usize; 2], f: fn(usize) -> f64| Tensor::from_fn(shape, f).unwrap();
        let q = Var::constant(tensor([2, 2], |i| (i as f64).sin()));
        let k = Var::constant(tensor([3, 2], |i| (i as f64).cos()));
        let v = Var::constant(tensor([3, 1], |i| i as f64));
        let added = tensor([2, 3], |i| if i == 2 { f64::NEG_INFINITY } else { i as f64 / 2.0 - 1.0 });
        let close = |mask, expected: [f64; 2]| {
            let y = q.scaled_dot_product_attention(&k, &v, mask).unwrap();
            let found = y.value().as_slice();
            assert!(found.iter().zip(expected).all(|(y, right)| (y - right).abs() < 1e-12), "{found:?}");
        };
        close(AttentionMask::None, [0.9373573321360893, 0.605574956013869]);
        close(AttentionMask::Causal, [0.0, 0.2566900366931555]);
        close(AttentionMask::Added(&added), [0.3987825349024659, 0.9657775752268039]);
    }

    /// A score beyond the range is as far from being seen as one that is masked, and masked ones do not come before it.
    #[test]
    fn a_score_that_overflows_below_is_not_behind_what_is_masked() {
        let q = Var::constant(Tensor::from_vec([1, 1], vec![1e30_f32]).unwrap());
        let k = Var::constant(Tensor::from_vec([3, 1], vec![-1e30, -1e-30, f32::NAN]).unwrap());
        let v = Var::constant(Tensor::from_vec([3, 1], vec![2.0, 3.0, 4.0]).unwrap());
        let mask = Tensor::from_vec([1, 3], vec![1.0, 1.0, 0.0]).unwrap();
        let y = q.scaled_dot_product_attention(&k, &v, AttentionMask::Visible(&mask)).unwrap();
        assert_eq!(y.item().unwrap(), 3.0);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let text = |k: &[usize], v: &[usize]| {
            zeros(&[2, 3])
                .scaled_dot_product_attention(&zeros(k), &zeros(v), AttentionMask::None)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            text(&[4, 2], &[4, 2]),
            "scaled_dot_product_attention: queries and keys have different last sizes (queries [2, 3], keys [4, 2], \
             values [4, 2]); give keys as many features as queries"
        );
        let mask = Tensor::zeros([3, 4]).unwrap();
        let (x, k) = (zeros(&[2, 3]), zeros(&[4, 3]));
        assert_eq!(
            x.scaled_dot_product_attention(&k, &k, AttentionMask::Added(&mask)).unwrap_err().to_string(),
            "scaled_dot_product_attention: the mask does not fit the scores (mask [3, 4], scores [2, 4]); give a mask of \
             shape [L, S] for L queries and S keys, or one that broadcasts to the scores"
        );
        assert!(text(&[4, 3], &[5, 2]).contains("there is not one value for each key"));
        assert!(text(&[4, 3], &[5]).contains("at least two axes"));
    }
}
