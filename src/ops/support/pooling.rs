//! Pooling, plane by plane: the geometry of one, and how a batch of them is cut into chunks. Knows no operation.

use super::window::{Moves, image_sizes};
use crate::error::{Error, Result};
use crate::par::CHUNK;
use crate::shape::Shape;
use evograd_kernels::pool::{Plane, taps_inside};

/// A batch of planes and how a window moves over each.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Planes {
    /// The geometry of one plane.
    pub plane: Plane,
    /// The shape `[N, C, H, W]` of all of them.
    pub input: Shape,
    /// Planes in a chunk of work.
    per_chunk: usize,
}

impl Planes {
    /// The planes of a batch of images under a window. Where that has gaps, the plane's kernel is its span.
    ///
    /// # Errors
    /// As [`Moves::output_size`], and when the padding is more than half the kernel, or a window lies in the padding or has all of the
    /// image between its elements.
    pub fn new(op: &'static str, input: &Shape, moves: &Moves) -> Result<Planes> {
        let [.., h, w] = image_sizes(op, input)?;
        let Moves { kernel, stride, padding, padding_end, dilation, .. } = *moves;
        // Too great a span does not fit, which is refused.
        let spans = [0, 1].map(|axis| kernel[axis].saturating_sub(1).saturating_mul(dilation[axis]).saturating_add(1));
        let most = kernel.map(|size| size / 2);
        let outside = [padding, padding_end].into_iter().find(|padding| (0..2).any(|axis| padding[axis] > most[axis]));
        if let Some(padding) = outside.filter(|_| !kernel.contains(&0)) {
            let problem = format!("the padding {padding:?} is more than half the kernel {kernel:?}");
            let remedy = format!("use a padding of at most {most:?}");
            return Err(Error::op(op, problem, &[("input", input)], remedy));
        }
        let output = moves.output_size(op, input)?;
        let plane = Plane { input: [h, w], output, kernel: spans, stride, padding, padding_end };
        if (0..2).any(|axis| dilation[axis] > 1 && sees_nothing(&plane, axis, dilation[axis])) {
            let problem = format!("a window of kernel {kernel:?} with dilation {dilation:?} sees no element");
            return Err(Error::op(op, problem, &[("input", input)], "use larger images, or less dilation or padding"));
        }
        Ok(Planes { plane, input: *input, per_chunk: (CHUNK / plane.inputs()).max(1) })
    }

    /// The shape `[N, C, OH, OW]` of the output.
    ///
    /// # Errors
    /// When it has too many elements.
    pub fn output(&self) -> Result<Shape> {
        let ([n, c, ..], [oh, ow]) = (self.sizes(), self.plane.output);
        Ok(Shape::new(&[n, c, oh, ow])?)
    }

    fn sizes(&self) -> [usize; 4] {
        self.input.axes().expect("new has asked for four axes")
    }

    /// Elements of inputs in a chunk.
    pub fn chunk_inputs(&self) -> usize {
        self.per_chunk * self.plane.inputs()
    }

    /// Elements of outputs in a chunk.
    pub fn chunk_outputs(&self) -> usize {
        self.per_chunk * self.plane.outputs()
    }

    /// The inputs of chunk `index`, plane by plane.
    pub fn inputs<'a, T>(&self, index: usize, all: &'a [T]) -> std::slice::ChunksExact<'a, T> {
        all[index * self.chunk_inputs()..].chunks_exact(self.plane.inputs())
    }

    /// The outputs of chunk `index`, plane by plane.
    pub fn outputs<'a, T>(&self, index: usize, all: &'a [T]) -> std::slice::ChunksExact<'a, T> {
        all[index * self.chunk_outputs()..].chunks_exact(self.plane.outputs())
    }
}

/// Whether some place of a window with gaps has no element of the plane in it.
fn sees_nothing(plane: &Plane, axis: usize, dilation: usize) -> bool {
    (0..plane.output[axis]).any(|place| taps_inside(plane, axis, dilation, place).next().is_none())
}
