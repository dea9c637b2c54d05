//! Images in another size: each output is a weighted sum of up to two rows and two columns of the input. Knows no operation.

use super::window::image_sizes;
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// What an output place along an axis sees of the input: `(1 − share)` of one place and `share` of another.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Tap {
    pub first: usize,
    pub second: usize,
    pub share: f64,
}

impl Tap {
    /// The places that are seen, each with its share: a place with a share of 0 is not.
    fn parts(&self) -> impl Iterator<Item = (usize, f64)> + use<> {
        [(self.first, 1.0 - self.share), (self.second, self.share)].into_iter().filter(|(_, share)| *share != 0.0)
    }
}

/// The taps of every output place along both axes.
#[derive(Debug)]
pub(in crate::ops) struct Resampling {
    input: [usize; 4],
    rows: Vec<Tap>,
    columns: Vec<Tap>,
}

/// The shape of images `x` in another size.
///
/// # Errors
/// When there are not four axes, a size is 0, or there would be too many elements.
pub(in crate::ops) fn resized(op: &'static str, x: &Shape, size: [usize; 2]) -> Result<Shape> {
    let [n, c, ..] = image_sizes(op, x)?;
    let refuse = |problem, remedy| Err(Error::op(op, problem, &[("input", x)], remedy));
    if size.contains(&0) {
        return refuse(format!("the output's size is {size:?}"), "use a height and width of at least 1");
    }
    Shape::new(&[n, c, size[0], size[1]])
        .or_else(|_| refuse(format!("the output of size {size:?} has too many elements"), "use a smaller one"))
}

impl Resampling {
    /// With the taps of output place `o` of `outputs` along an axis of `inputs` by `tap(o, inputs, outputs)`.
    pub fn new(x: &Shape, size: [usize; 2], tap: fn(usize, usize, usize) -> Tap) -> Resampling {
        let input @ [_, _, h, w] = x.axes().expect("output_shape has agreed to four axes");
        let along = |inputs, outputs| (0..outputs).map(|o| tap(o, inputs, outputs)).collect();
        Resampling { input, rows: along(h, size[0]), columns: along(w, size[1]) }
    }

    /// Elements of a plane of the input and of the output.
    fn planes(&self) -> [usize; 2] {
        let [.., h, w] = self.input;
        [h * w, self.rows.len() * self.columns.len()]
    }

    pub fn forward<E: Element>(&self, x: &Tensor<E>) -> Tensor<E> {
        let ([n, c, _, w], [from, to], values) = (self.input, self.planes(), x.as_slice());
        let shape = Shape::new(&[n, c, self.rows.len(), self.columns.len()]).expect("output_shape has agreed");
        let planes = (CHUNK / to).max(1);
        Tensor::build(shape, |y| {
            for_each(y, planes * to, |i, y| {
                for (p, y) in y.chunks_exact_mut(to).enumerate() {
                    let x = &values[(i * planes + p) * from..][..from];
                    for (y, row) in y.chunks_exact_mut(self.columns.len()).zip(&self.rows) {
                        let along = |start: usize, tap: &Tap| {
                            mix(x[start * w + tap.first].to_f64(), x[start * w + tap.second].to_f64(), tap.share)
                        };
                        for (y, column) in y.iter_mut().zip(&self.columns) {
                            *y = E::from_f64(mix(along(row.first, column), along(row.second, column), row.share));
                        }
                    }
                }
            });
        })
    }

    /// `dx`: each `dy` goes to the places that were seen, with the weights that they were seen with; added up in `f64`.
    pub fn backward<E: Element>(&self, dy: &Tensor<E>) -> Tensor<E> {
        let ([.., w], [from, to], values) = (self.input, self.planes(), dy.as_slice());
        let planes = (CHUNK / from).max(1);
        Tensor::build(Shape::new(&self.input).expect("it is that of an input"), |dx| {
            for_each(dx, planes * from, |i, dx| {
                let mut sums = vec![0.0; from];
                for (p, dx) in dx.chunks_exact_mut(from).enumerate() {
                    sums.fill(0.0);
                    let dy = &values[(i * planes + p) * to..][..to];
                    for (dy, row) in dy.chunks_exact(self.columns.len()).zip(&self.rows) {
                        for (dy, column) in dy.iter().zip(&self.columns) {
                            for (y, rows) in row.parts() {
                                for (x, columns) in column.parts() {
                                    sums[y * w + x] += dy.to_f64() * rows * columns;
                                }
                            }
                        }
                    }
                    dx.iter_mut().zip(&sums).for_each(|(dx, sum)| *dx = E::from_f64(*sum));
                }
            });
        })
    }
}

/// A share of the second, and the rest of the first; where the share is 0, what the second is does not matter.
fn mix(first: f64, second: f64, share: f64) -> f64 {
    if share == 0.0 { first } else { first * (1.0 - share) + second * share }
}
