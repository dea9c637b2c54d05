//! Normalisation of rows of neighbouring elements, each by its own mean and variance: what layer norm, group norm and RMS norm
//! share. Knows no operation.
//!
//! All in `f64`, where the squares of numbers of `f32`, their sums and the factors of the gradient fit. The variance is the mean of
//! the squared deviations from the mean, in a second pass, so a large mean costs no digits. Parameters are shared by rows: a sum over
//! rows is made of a fixed number of parts, added in order.

use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each, map};
use crate::shape::Shape;
use crate::tape::ListOp;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// How a tensor is cut into rows, and which parameter an element has.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Rows {
    /// Elements of a row.
    pub width: usize,
    /// Neighbours that share a parameter.
    pub inner: usize,
    /// Parameters; behind the last comes the first again.
    pub params: usize,
}

/// An operation that normalises rows.
pub(in crate::ops) trait RowNorm: std::fmt::Debug + Sync + 'static {
    /// The operation's name.
    const NAME: &'static str;
    /// Whether the mean is taken out.
    const CENTRED: bool;

    /// The rows of `x` where the parameters, of which there is at least `gamma`, fit it.
    fn rows(&self, x: &Shape, params: &[&Shape]) -> Result<Rows>;

    /// What is added to the variance.
    fn epsilon(&self) -> f64;
}

/// Refuses parameters of another shape than the one expected.
pub(in crate::ops) fn expect_params(op: &'static str, x: &Shape, params: &[&Shape], expected: &[usize]) -> Result<()> {
    for (name, param) in ["gamma", "beta"].iter().zip(params) {
        if param.sizes() != expected {
            let problem = format!("{name} has another shape than {expected:?}");
            let remedy = format!("give {name} the shape {expected:?}");
            return Err(Error::op(op, problem, &[("x", x), (name, param)], remedy));
        }
    }
    Ok(())
}

/// The operation: `x`, `γ` and, where the rows are centred, `β`.
#[derive(Debug)]
pub(in crate::ops) struct Normalise<N>(pub N);

/// A row's mean, or 0 where it is not taken out, and `1/√(v + ε)`.
type Moments = (f64, f64);

/// What is kept.
pub(in crate::ops) struct Kept<E: Element> {
    rows: Rows,
    x: Tensor<E>,
    gamma: Tensor<E>,
    moments: Vec<Moments>,
}

/// The most parts that the gradients of parameters are summed in.
const PARTS: usize = 16;

impl<E: Element, N: RowNorm> ListOp<E> for Normalise<N> {
    const NAME: &'static str = N::NAME;
    type Saved = Kept<E>;

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        self.0.rows(inputs[0], &inputs[1..])?;
        let shapes = [("x", inputs[0])];
        super::constant::require_positive::<E>(N::NAME, "epsilon", self.0.epsilon(), &shapes, "1e-5")?;
        Ok(*inputs[0])
    }

    fn forward(&self, inputs: &[&Tensor<E>]) -> (Tensor<E>, Kept<E>) {
        let params: Vec<&Shape> = inputs[1..].iter().map(|param| param.shape()).collect();
        let rows = self.0.rows(inputs[0].shape(), &params).expect("output_shape has agreed");
        let (x, gamma, beta) = (inputs[0], inputs[1].as_slice(), inputs.get(2).map(|beta| beta.as_slice()));
        let (chunk, values) = (rows.per_chunk(), x.as_slice());
        let mut moments = vec![(0.0, 0.0); values.len() / rows.width];
        for_each(&mut moments, chunk, |i, moments| {
            let rows = values[i * chunk * rows.width..].chunks_exact(rows.width);
            moments.iter_mut().zip(rows).for_each(|(m, row)| *m = self.moments(row));
        });
        let y = Tensor::build(*x.shape(), |y| {
            for_each(y, chunk * rows.width, |i, y| {
                let first = i * chunk * rows.width;
                for (j, (y, x)) in y.iter_mut().zip(&values[first..]).enumerate() {
                    let ((mean, scale), param) = (moments[(first + j) / rows.width], rows.param(first + j));
                    let beta = beta.map_or(0.0, |beta| beta[param].to_f64());
                    *y = E::from_f64((x.to_f64() - mean) * scale * gamma[param].to_f64() + beta);
                }
            });
        });
        (y, Kept { rows, x: x.clone(), gamma: inputs[1].clone(), moments })
    }

    fn backward(&self, kept: Kept<E>, dy: Tensor<E>, wanted: &[bool]) -> Vec<Option<Tensor<E>>> {
        let mut gradients = vec![wanted[0].then(|| kept.input(&dy, N::CENTRED))];
        if wanted[1..].contains(&true) {
            let sums = kept.param_sums(&dy);
            let tensor = |(sums, wanted): (Vec<f64>, &bool)| {
                let fill = |out: &mut [E]| out.iter_mut().zip(&sums).for_each(|(out, sum)| *out = E::from_f64(*sum));
                wanted.then(|| Tensor::build(*kept.gamma.shape(), fill))
            };
            gradients.extend(sums.into_iter().zip(&wanted[1..]).map(tensor));
        }
        gradients.resize_with(wanted.len(), || None);
        gradients
    }
}

impl<N: RowNorm> Normalise<N> {
    fn moments<E: Element>(&self, row: &[E]) -> Moments {
        let count = row.len() as f64;
        let mean = if N::CENTRED { row.iter().map(|x| x.to_f64()).sum::<f64>() / count } else { 0.0 };
        let squares: f64 = row.iter().map(|x| (x.to_f64() - mean) * (x.to_f64() - mean)).sum();
        (mean, 1.0 / (squares / count + self.0.epsilon()).sqrt())
    }
}

impl Rows {
    /// Rows in a chunk of work.
    fn per_chunk(&self) -> usize {
        (CHUNK / self.width).max(1)
    }

    /// Which parameter the element at a place has.
    fn param(&self, flat: usize) -> usize {
        flat / self.inner % self.params
    }
}

impl<E: Element> Kept<E> {
    /// `dx`: with `x̂ = (x − μ)·s` and `dx̂ = γ·dy`, it is `s·(dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂))`, without the first mean where none was
    /// taken out.
    fn input(&self, dy: &Tensor<E>, centred: bool) -> Tensor<E> {
        let (rows, width) = (self.rows, self.rows.width);
        let (x, dy, gamma) = (self.x.as_slice(), dy.as_slice(), self.gamma.as_slice());
        Tensor::build(*self.x.shape(), |dx| {
            for_each(dx, rows.per_chunk() * width, |i, dx| {
                for (r, dx) in dx.chunks_exact_mut(width).enumerate() {
                    let row = i * rows.per_chunk() + r;
                    let (mean, scale) = self.moments[row];
                    let at = |j: usize| {
                        let flat = row * width + j;
                        ((x[flat].to_f64() - mean) * scale, gamma[rows.param(flat)].to_f64() * dy[flat].to_f64())
                    };
                    let add = |(sum, products): (f64, f64), j| (sum + at(j).1, products + at(j).0 * at(j).1);
                    let (sum, products) = (0..width).fold((0.0, 0.0), add);
                    let sum = if centred { sum } else { 0.0 };
                    for (j, dx) in dx.iter_mut().enumerate() {
                        let (normal, slope) = at(j);
                        *dx = E::from_f64(scale * (slope - (sum + normal * products) / width as f64));
                    }
                }
            });
        })
    }

    /// `dγ = Σ dy·x̂` and `dβ = Σ dy`.
    fn param_sums(&self, dy: &Tensor<E>) -> [Vec<f64>; 2] {
        let (rows, count) = (self.rows, self.moments.len());
        let per_part = count.div_ceil(PARTS);
        let parts = map(count.div_ceil(per_part), |part| {
            let mut sums = [vec![0.0; rows.params], vec![0.0; rows.params]];
            for row in part * per_part..count.min((part + 1) * per_part) {
                let (mean, scale) = self.moments[row];
                for flat in row * rows.width..(row + 1) * rows.width {
                    let (x, dy) = (self.x.as_slice()[flat].to_f64(), dy.as_slice()[flat].to_f64());
                    sums[0][rows.param(flat)] += dy * (x - mean) * scale;
                    sums[1][rows.param(flat)] += dy;
                }
            }
            sums
        });
        let mut total = [vec![0.0; rows.params], vec![0.0; rows.params]];
        for part in parts {
            for (total, part) in total.iter_mut().zip(part) {
                total.iter_mut().zip(part).for_each(|(total, part)| *total += part);
            }
        }
        total
    }
}

/// Values such that no row of them is nearly constant: of neighbours, every other one is negative.
pub(in crate::ops) fn draw_rows(draw: &mut super::catalogue::Draw, sizes: &[usize]) -> Tensor<f64> {
    let mut x = draw.positive(sizes);
    x.as_mut_slice().iter_mut().step_by(2).for_each(|x| *x = -*x);
    x
}
