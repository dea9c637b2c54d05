//! Pooling, plane by plane: the geometry of one, and how a batch of them is cut into chunks. Knows no operation.

use super::window::{image_sizes, output_size};
use crate::error::{Error, Result};
use crate::par::CHUNK;
use crate::shape::Shape;
use evograd_kernels::pool::Plane;

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
    /// The planes of a batch of images under a window; pairs are of height and width.
    ///
    /// # Errors
    /// As `output_size`, and when the padding is more than half the kernel.
    pub fn new(
        op: &'static str,
        input: &Shape,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        ceil: bool,
    ) -> Result<Planes> {
        let [.., h, w] = image_sizes(op, input)?;
        if !kernel.contains(&0) && (0..2).any(|axis| padding[axis] > kernel[axis] / 2) {
            let problem = format!("the padding {padding:?} is more than half the kernel {kernel:?}");
            let remedy = format!("use a padding of at most {:?}", kernel.map(|size| size / 2));
            return Err(Error::op(op, problem, &[("input", input)], remedy));
        }
        let output = output_size(op, input, kernel, stride, padding, [1, 1], ceil)?;
        let plane = Plane { input: [h, w], output, kernel, stride, padding };
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
