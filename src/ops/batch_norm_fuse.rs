//! Batch normalisation while training, its fusion with a shortcut, and the ReLU behind it: the end of a residual block, in one
//! pass.
//!
//! **Formula** `y = R(J(a, f))` with `R(z) = max(z, 0)`, `a` the shortcut and `f` as [`batch_norm`](Var::batch_norm) gives it
//! of `x`. `J` is the sum `a + f`, or SORT's `a + f + √(R(a)·R(f) + ε)`. The operations one after the other write `f` and read
//! it again, forward, and its gradient, backward; here `f` stays in registers.
//!
//! **Shapes** `x`, the shortcut and `y` are `[N, C, H, W]` or `[N, C]`; `γ`, `β` and both running statistics are `[C]`;
//! `N·H·W > 1`.
//!
//! **Gradient** Of the sum `da = df = dy·[y > 0]`. Of SORT, as in [`sort_root_fusion`](Var::sort_root_fusion), with
//! `r = √(R(a)·R(f) + ε)` and `g = dy·[y > 0]`: `da = g·(1 + R(f)·[a > 0] / 2r)` and `df = g·(1 + R(a)·[f > 0] / 2r)`, where
//! `f`, `r` and `y` are computed again from `x` and `a`. Then that of the normalisation with `df` in the place of `dy`. The
//! first pass gives `da`, writes `df` over `dy` where nobody shares that, and adds up `Σdf` and `Σdf·(x − μ)` on its way; the
//! second makes `dx` of `df`.
//!
//! **Kept for backward** what [`batch_norm`](Var::batch_norm) keeps, and one thing more, which whoever made or takes it keeps
//! too: for the sum `y`, for SORT the shortcut. Where nobody else keeps that, because it is itself a normalisation, it is computed
//! again in backward. So SORT needs no more memory than the sum.
//!
//! **Source** as of [`batch_norm`](Var::batch_norm) and [`fuse`](Var::fuse); the bits are theirs.

use super::support::batch_statistics::{Batch, BatchNorm, RunningStats, gradient_coefficients, train};
use super::support::catalogue::{CHANNELS, Draw, IMAGES, Large, Row, case};
use super::support::constant::require_positive;
use super::support::fusion::Fusion;
use super::support::isa;
use super::support::planes::{Affine, Channel, Planes, parameter_gradients};
use super::support::wide::in_f64;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, SavedValue, Var};
use crate::tensor::Tensor;
use evograd_kernels::norm::Normalisation;
use evograd_kernels::{Element, Isa, join};
use std::ops::Range;

pub(super) const ROW: Row = Row {
    name: "batch_norm_fuse",
    formula: "y = R(a + f) or R(a + f + sqrt(R(a)·R(f) + ε)), f = (x − mean)/√(variance + ε)·γ + β",
    nondifferentiable: "|f| < 0.2, |a| < 0.2 or |sum| < 0.2: every other image is negative, β is small, and a has the sign of f or is large",
    f32_bound: 24.0,
    draw: |draw| {
        let (n, c) = (2 * draw.size(2, 4), draw.size(4, 7));
        let (h, w) = (draw.size(1, 5), draw.size(1, 5));
        let inputs = if draw.flag() { draw_block(draw, [n, c, h, w]) } else { draw_block(draw, [n, c, 1, 1]) };
        let options = BatchNorm { epsilon: draw.pick(&[1e-5, 1e-3]), momentum: draw.pick(&[0.1, 0.0, 0.3, 1.0]) };
        let root = Fusion::SortRoot { epsilon: draw.pick(&[1e-4, 1e-2]) };
        let fusion = draw.pick(&[Fusion::Sum, root]);
        case!(inputs, format!("{options:?} {fusion:?}"), |v| {
            v[0].batch_norm_fuse(&v[1], &v[2], &v[3], &mut RunningStats::new(c)?, options, fusion)
        })
    },
    large: Large {
        shapes: &[IMAGES, CHANNELS, CHANNELS, IMAGES],
        run: |v| {
            let fusion = Fusion::SortRoot { epsilon: 1e-4 };
            v[0].batch_norm_fuse(&v[1], &v[2], &v[3], &mut RunningStats::new(6)?, BatchNorm::default(), fusion)
        },
    },
};

/// Draws `x`, `gamma`, `beta` and a shortcut. Magnitudes of `x` from 1 to 2, half of them negative, have a mean from −½ to ½;
/// so `f` has the sign of `x·gamma`, and a magnitude from 0.2 to 6.
fn draw_block(draw: &mut Draw, [n, c, h, w]: [usize; 4]) -> [Tensor<f64>; 4] {
    let shape = if h * w == 1 { vec![n, c] } else { vec![n, c, h, w] };
    let [mut x, mut a] = [(); 2].map(|()| draw.positive(shape.as_slice()));
    let (mut gamma, mut beta) = (draw.nonzero([c]), draw.values([c]));
    gamma.as_mut_slice().iter_mut().for_each(|gamma| *gamma = gamma.signum() * gamma.abs().max(1.0));
    beta.as_mut_slice().iter_mut().for_each(|beta| *beta /= 128.0);
    for (i, (x, a)) in x.as_mut_slice().iter_mut().zip(a.as_mut_slice()).enumerate() {
        let (image, channel) = (i / (c * h * w), i / (h * w) % c);
        let sign = if image % 2 == 0 { 1.0 } else { -1.0 };
        *x = sign * draw.number(1.0, 2.0);
        let sign = sign * gamma.as_slice()[channel].signum();
        *a = if draw.number(-1.0, 1.0) > 0.0 { sign * *a } else { -sign * draw.number(7.0, 8.0) };
    }
    [x, gamma, beta, a]
}

#[derive(Debug)]
struct Fusing<E: Element> {
    batch: Batch,
    fusion: Fusion,
    /// The shortcut, where SORT will need it.
    shortcut: Option<SavedValue<E>>,
}

#[derive(Debug)]
struct Kept<E: Element> {
    planes: Planes,
    /// Laid out in planes.
    x: Tensor<E>,
    gamma: Tensor<E>,
    beta: Tensor<E>,
    channels: Vec<Channel>,
    /// Of the sum alone.
    y: Option<Tensor<E>>,
}

impl<E: Element> Fusing<E> {
    /// The `ε` of SORT and the shortcut; nothing of the sum. Other fusions have been refused.
    fn root(&self) -> Option<(E, &SavedValue<E>)> {
        match (self.fusion, &self.shortcut) {
            (Fusion::SortRoot { epsilon }, Some(shortcut)) => Some((E::from_f64(epsilon), shortcut)),
            _ => None,
        }
    }
}

impl<E: Element> Op<E, 4> for Fusing<E> {
    const NAME: &'static str = ROW.name;
    type Saved = Kept<E>;

    fn output_shape(&self, [x, gamma, beta, shortcut]: [&Shape; 4]) -> Result<Shape> {
        let shapes = [("x", x), ("shortcut", shortcut)];
        match self.fusion {
            Fusion::Sum => {}
            Fusion::SortRoot { epsilon } => {
                require_positive::<E>(ROW.name, "the epsilon of sort-root", epsilon, &shapes, "1e-4")?;
            }
            other => {
                let remedy = "use sum or sort-root, or batch_norm and then fuse";
                return Err(Error::op(ROW.name, format!("it cannot fuse by {other}"), &shapes, remedy));
            }
        }
        if x != shortcut {
            let problem = "the shortcut has another shape than x";
            return Err(Error::op(ROW.name, problem, &shapes, "give both branches the same shape"));
        }
        self.batch.check::<E>(ROW.name, [x, gamma, beta])?;
        Ok(*x)
    }

    fn forward(&self, [x, gamma, beta, shortcut]: [&Tensor<E>; 4]) -> (Tensor<E>, Kept<E>) {
        let (isa, root) = (isa(), self.root().map(|(epsilon, _)| epsilon));
        let planes = Planes::agreed(x.shape());
        let (x, a) = (planes.laid_out(x), planes.laid_out(shortcut));
        let channels = self.batch.channels(&planes, x.as_slice());
        let (gammas, betas) = (gamma.as_slice(), beta.as_slice());
        let y = planes.build(|c, place, y| {
            let inputs = [&x.as_slice()[place.clone()], &a.as_slice()[place]];
            let affine = Affine { gamma: gammas[c], beta: betas[c] };
            if channels[c].ordinary(affine.gamma) {
                return join(isa, channels[c].normalisation(affine), root, inputs, y);
            }
            let (line, root) = (channels[c].normalisation(affine.wide()), root.map(E::to_f64));
            in_f64(inputs, y, |inputs, y| join(isa, line, root, inputs, y));
        });
        let kept = root.is_none().then(|| y.clone());
        (y, Kept { planes, x, gamma: gamma.clone(), beta: beta.clone(), channels, y: kept })
    }

    fn backward(&self, saved: Kept<E>, dy: Tensor<E>, wanted: [bool; 4]) -> [Option<Tensor<E>>; 4] {
        let dy = Over::new(saved.planes.lay_out(dy));
        let (df, da, sums) = match self.root() {
            None => saved.sum_backward(dy),
            Some((epsilon, shortcut)) => saved.sort_root_backward(dy, shortcut.value(), epsilon),
        };
        let da = wanted[3].then_some(da);
        let Kept { planes, x, gamma, channels, .. } = saved;
        let [dgamma, dbeta] = parameter_gradients(&channels, &sums, *gamma.shape());
        let coefficients = gradient_coefficients(&planes, &channels, &sums, &gamma);
        let dx = wanted[0].then(|| {
            let (isa, mut dx) = (isa(), Over::new(df));
            let df = dx.shared.as_ref().map(Tensor::as_slice);
            planes.visit(dx.memory.as_mut_slice(), |c, place, dx| match df {
                None => channels[c].backward_over(isa, coefficients[c], &x.as_slice()[place], dx),
                Some(df) => {
                    let inputs = [&x.as_slice()[place.clone()], &df[place]];
                    channels[c].backward(isa, coefficients[c], None, inputs, dx);
                }
            });
            dx.memory
        });
        [dx.map(|dx| planes.restored(dx)), Some(dgamma), Some(dbeta), da.map(|da| planes.restored(da))]
    }
}

/// The end of the block for one plane of `x` and of the shortcut `a`, of a channel.
fn join<E: Element>(isa: Isa, line: Normalisation<E>, root: Option<E>, [x, a]: [&[E]; 2], y: &mut [E]) {
    match root {
        None => join::join_sum(isa, x, a, line, y),
        Some(epsilon) => join::join_sort_root(isa, x, a, epsilon, line, y),
    }
}

/// A gradient that another is made of, and where that goes: over it, unless others share its memory.
struct Over<E: Element> {
    memory: Tensor<E>,
    /// The gradient, where it does not stand in `memory`.
    shared: Option<Tensor<E>>,
}

impl<E: Element> Over<E> {
    fn new(gradient: Tensor<E>) -> Self {
        match gradient.owners() {
            1 => Over { memory: gradient, shared: None },
            _ => Over { memory: Tensor::build(*gradient.shape(), |_| ()), shared: Some(gradient) },
        }
    }
}

/// Puts the plane at `place` of a gradient that others share where it is worked on; it is in the cache then.
fn fetch<E: Element>(shared: &Option<Tensor<E>>, place: &Range<usize>, plane: &mut [E]) {
    if let Some(gradient) = shared {
        plane.copy_from_slice(&gradient.as_slice()[place.clone()]);
    }
}

/// The gradients of what the normalisation gave and of the shortcut, and the sums of the first.
type Branches<E> = (Tensor<E>, Tensor<E>, Vec<[f64; 2]>);

impl<E: Element> Kept<E> {
    fn sum_backward(&self, dy: Over<E>) -> Branches<E> {
        let (isa, Over { mut memory, shared }) = (isa(), dy);
        let y = self.planes.laid_out(self.y.as_ref().expect("the sum keeps its output"));
        let (x, y) = (self.x.as_slice(), y.as_slice());
        let sums = self.planes.sums([memory.as_mut_slice()], |c, place, [g]| {
            fetch(&shared, &place, g);
            let (mean, _) = self.channels[c].rounded_mean();
            let x = &x[place.clone()];
            let sums = join::join_sum_backward(isa, x, &y[place], mean, g);
            self.channels[c].trusted_sums(isa, sums, [x, g])
        });
        (memory.clone(), memory, sums)
    }

    fn sort_root_backward(&self, dy: Over<E>, shortcut: Tensor<E>, epsilon: E) -> Branches<E> {
        let (isa, Over { mut memory, shared }) = (isa(), dy);
        let a = self.planes.lay_out(shortcut);
        let (x, a) = (self.x.as_slice(), a.as_slice());
        let (gammas, betas) = (self.gamma.as_slice(), self.beta.as_slice());
        let mut da = Tensor::build(*memory.shape(), |_| ());
        let sums = self.planes.sums([memory.as_mut_slice(), da.as_mut_slice()], |c, place, [df, da]| {
            fetch(&shared, &place, df);
            let (channel, x, a) = (&self.channels[c], &x[place.clone()], &a[place]);
            let affine = Affine { gamma: gammas[c], beta: betas[c] };
            let sums = if channel.ordinary(affine.gamma) {
                join::join_sort_root_backward(isa, x, a, channel.normalisation(affine), epsilon, df, da)
            } else {
                let (line, epsilon) = (channel.normalisation(affine.wide()), epsilon.to_f64());
                in_f64([x, a], df, |[x, a], df| {
                    in_f64([], da, |[], da| join::join_sort_root_backward(isa, x, a, line, epsilon, df, da))
                });
                // In the type at hand they may have overflowed.
                [E::from_f64(f64::NAN); 2]
            };
            channel.trusted_sums(isa, sums, [x, df])
        });
        (memory, da, sums)
    }
}

impl<E: Element> Var<E> {
    /// [`batch_norm`](Var::batch_norm) of `self`, fused with `shortcut`, which has its shape, and rectified:
    /// `shortcut.fuse(&self.batch_norm(…)?, fusion, FusedActivation::Relu)` with the same bits and less traffic. `fusion` is
    /// [`Fusion::Sum`] or [`Fusion::SortRoot`].
    ///
    /// ```
    /// use evograd::{BatchNorm, Fusion, RunningStats, Tensor, Var};
    /// let x = Var::constant(Tensor::from_vec([2, 1], vec![1.0_f32, 3.0])?);
    /// let shortcut = Var::constant(Tensor::from_vec([2, 1], vec![4.0, 4.0])?);
    /// let [gamma, beta] = [10.0, 5.0].map(|value| Var::constant(Tensor::full([1], value).unwrap()));
    /// let (mut running, options) = (RunningStats::new(1)?, BatchNorm::default());
    /// let y = x.batch_norm_fuse(&gamma, &beta, &shortcut, &mut running, options, Fusion::Sum)?;
    /// assert_eq!(y.value().as_slice()[0], 0.0);
    /// assert!((y.value().as_slice()[1] - 19.0).abs() < 1e-3);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`batch_norm`](Var::batch_norm), and when the shortcut has another shape, the fusion is another one, or its `epsilon`
    /// is not above 0.
    pub fn batch_norm_fuse(
        &self,
        gamma: &Var<E>,
        beta: &Var<E>,
        shortcut: &Var<E>,
        running: &mut RunningStats<E>,
        options: BatchNorm,
        fusion: Fusion,
    ) -> Result<Var<E>> {
        let kept = matches!(fusion, Fusion::SortRoot { .. }).then(|| shortcut.saved_value());
        let fusing = |batch| Fusing { batch, fusion, shortcut: kept };
        Ok(train([self, gamma, beta, shortcut], running, options, fusing)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::FusedActivation;
    use crate::{Tape, ThreadPool};

    const FUSIONS: [Fusion; 2] = [Fusion::Sum, Fusion::SortRoot { epsilon: 1e-4 }];

    /// The end of a block: of `x`, `gamma`, `beta` and the shortcut.
    type End<E> = fn(&[Var<E>], &mut RunningStats<E>, Fusion) -> Result<Var<E>>;

    fn fused<E: Element>(v: &[Var<E>], running: &mut RunningStats<E>, fusion: Fusion) -> Result<Var<E>> {
        v[0].batch_norm_fuse(&v[1], &v[2], &v[3], running, BatchNorm::default(), fusion)
    }

    fn in_steps<E: Element>(v: &[Var<E>], running: &mut RunningStats<E>, fusion: Fusion) -> Result<Var<E>> {
        v[3].fuse(&v[0].batch_norm(&v[1], &v[2], running, BatchNorm::default())?, fusion, FusedActivation::Relu)
    }

    /// `x` and the shortcut of these shapes, with `gamma` and `beta`.
    fn inputs<E: Element>(shape: &[usize]) -> [Tensor<E>; 4] {
        let number = |i: usize, by: usize| (i * 7919 % by) as f64 / by as f64 - 0.5;
        let tensor =
            |shape: &[usize], value: &dyn Fn(usize) -> f64| Tensor::from_fn(shape, |i| E::from_f64(value(i))).unwrap();
        [
            tensor(shape, &|i| 40.0 + number(i, 1009)),
            tensor(&shape[1..2], &|i| number(i, 7) - 0.1),
            tensor(&shape[1..2], &|i| number(i, 5)),
            tensor(shape, &|i| number(i, 499)),
        ]
    }

    /// Values, gradients and running statistics, exactly. With a layer behind it, `dy` is handed over; else it is shared.
    fn run<E: Element>(shape: &[usize], threads: usize, fusion: Fusion, behind: bool, end: End<E>) -> Vec<Vec<f64>> {
        ThreadPool::new(threads).unwrap().install(|| {
            let tape = Tape::new();
            let leaves = inputs(shape).map(|input| tape.leaf(input));
            let mut running = RunningStats::new(shape[1]).unwrap();
            let mut y = end(&leaves, &mut running, fusion).unwrap();
            if behind {
                y = y.scale(0.75).unwrap();
            }
            let dy = Tensor::from_fn(shape, |i| E::from_f64((i * 31 % 97) as f64 / 97.0 - 0.4)).unwrap();
            let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
            let [x, gamma, beta, a] = leaves.each_ref().map(|leaf| gradients.get(leaf).unwrap());
            let all = [y.value(), x, gamma, beta, a, &running.mean, &running.variance];
            all.map(|tensor| tensor.as_slice().iter().map(|x| x.to_f64()).collect()).to_vec()
        })
    }

    fn check<E: Element>() {
        for shape in [&[5, 7, 41, 43][..], &[3, 2, 1, 5], &[300, 9], &[2, 3, 8, 8], &[4, 5, 1, 1]] {
            for (fusion, behind) in FUSIONS.into_iter().flat_map(|fusion| [(fusion, false), (fusion, true)]) {
                let expected = run::<E>(shape, 1, fusion, behind, in_steps);
                assert!(expected[0].contains(&0.0) && expected[0].iter().any(|y| *y > 0.0));
                for threads in [1, 2, 3] {
                    let found = run::<E>(shape, threads, fusion, behind, fused);
                    assert!(found == expected, "{shape:?} {fusion} on {threads} threads, {}", E::NAME);
                }
            }
        }
    }

    #[test]
    fn the_bits_are_those_of_the_operations_one_after_the_other() {
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn gradients_that_nobody_wants_change_no_other() {
        for (fusion, wanted) in FUSIONS.into_iter().flat_map(|fusion| [(fusion, 0), (fusion, 3)]) {
            let gradient = |end: End<f32>| {
                let tape = Tape::new();
                let mut leaves = inputs(&[3, 2, 4, 5]).map(Var::constant);
                leaves[wanted] = tape.leaf(leaves[wanted].value().clone());
                let y = end(&leaves, &mut RunningStats::new(2).unwrap(), fusion).unwrap();
                let loss = y.sum_all().unwrap();
                tape.backward(&loss).unwrap().take(&leaves[wanted]).unwrap()
            };
            assert_eq!(gradient(fused), gradient(in_steps), "{fusion}, input {wanted}");
        }
    }

    /// A tensor's memory has as many owners as there are tensors that share it.
    #[test]
    fn nothing_is_kept_beside_what_is_shared() {
        for fusion in FUSIONS {
            let tape = Tape::new();
            let leaves = inputs::<f32>(&[3, 2, 4, 5]).map(|input| tape.leaf(input));
            let y = fused(&leaves, &mut RunningStats::new(2).unwrap(), fusion).unwrap();
            let owners = [&leaves[0], &leaves[3], &y].map(|var| var.value().owners());
            assert_eq!(owners, if fusion == Fusion::Sum { [2, 1, 2] } else { [2, 2, 1] }, "{fusion}");
        }
    }

    /// A shortcut that is a normalisation goes when nobody else has it, and comes again with the same bits.
    #[test]
    fn a_normalised_shortcut_is_computed_again_and_not_kept() {
        for shape in [&[5, 7, 11, 13][..], &[30, 9]] {
            let gradients = |again: bool| {
                let tape = Tape::new();
                let leaves = inputs::<f32>(shape).map(|input| tape.leaf(input));
                let [x, gamma, beta, below] = &leaves;
                let mut running = RunningStats::new(shape[1]).unwrap();
                let a = below.batch_norm(gamma, beta, &mut running, BatchNorm::default()).unwrap();
                let a = if again { a } else { a.scale(1.0).unwrap() };
                let value = a.value().clone();
                let y = x.batch_norm_fuse(gamma, beta, &a, &mut running, BatchNorm::default(), FUSIONS[1]).unwrap();
                drop(a);
                assert_eq!(value.owners(), if again { 1 } else { 2 });
                let loss = y.sum_all().unwrap();
                let gradients = tape.backward(&loss).unwrap();
                leaves.map(|leaf| gradients.get(&leaf).unwrap().clone())
            };
            assert_eq!(gradients(true), gradients(false), "{shape:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = |x: &[usize], shortcut: &[usize], fusion: Fusion| {
            let [x, a, c] = [x, shortcut, &[3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
            let mut running = RunningStats::new(3).unwrap();
            let options = BatchNorm::default();
            let error = x.batch_norm_fuse(&c, &c, &a, &mut running, options, fusion).unwrap_err().to_string();
            assert_eq!(running, RunningStats::new(3).unwrap());
            error
        };
        assert_eq!(
            text(&[2, 3], &[2, 1], Fusion::Sum),
            "batch_norm_fuse: the shortcut has another shape than x (x [2, 3], shortcut [2, 1]); \
             give both branches the same shape"
        );
        for fusion in [Fusion::Product, Fusion::Max, Fusion::SumMax, Fusion::Sort] {
            assert_eq!(
                text(&[2, 3], &[2, 3], fusion),
                format!(
                    "batch_norm_fuse: it cannot fuse by {fusion} (x [2, 3], shortcut [2, 3]); \
                     use sum or sort-root, or batch_norm and then fuse"
                )
            );
        }
        assert_eq!(
            text(&[2, 3], &[2, 3], Fusion::SortRoot { epsilon: 0.0 }),
            "batch_norm_fuse: the epsilon of sort-root is 0 (x [2, 3], shortcut [2, 3]); \
             use a number above 0, such as 1e-4"
        );
        assert_eq!(
            text(&[1, 3], &[1, 3], Fusion::Sum),
            "batch_norm_fuse: one value for each channel has no variance (x [1, 3], gamma [3], beta [3], \
             running mean [3], running variance [3]); use a larger batch or batch_norm_eval"
        );
    }
}
