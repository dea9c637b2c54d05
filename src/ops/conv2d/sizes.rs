//! All sizes of one convolution. Knows no tensor.

use crate::shape::Shape;
use evograd_kernels::conv::Window;

/// All sizes of one convolution.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Sizes {
    pub images: usize,
    pub channels: usize,
    pub filters: usize,
    pub groups: usize,
    pub rows: Window,
    pub columns: Window,
    /// Zeros below and on the right, which take room while the passes run.
    pub padding_end: [usize; 2],
}

impl Sizes {
    /// A kernel of one pixel sees no neighbours: where it steps over none either, an image is as good as one long row.
    pub fn flat(self) -> Sizes {
        let single = |axis: Window| axis.kernel == 1 && axis.padding == 0 && axis.output == axis.input;
        if !single(self.rows) || !single(self.columns) {
            return self;
        }
        let pixels = self.rows.input * self.columns.input;
        let row = |size| Window { input: size, output: size, kernel: 1, stride: 1, padding: 0, dilation: 1 };
        Sizes { rows: row(1), columns: row(pixels), ..self }
    }

    /// The padded channels that a group sees in one image; `None` where that is too much for any memory.
    pub fn padded(&self) -> Option<Shape> {
        let [below, right] = self.padding_end;
        let [h, w] = [(self.rows, below), (self.columns, right)].map(|(axis, end)| axis.input + axis.padding + end);
        Shape::new(&[self.channels / self.groups, h, w]).ok()
    }
}
