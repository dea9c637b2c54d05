//! The three passes of a convolution, cut into chunks of a few images for the threads.

use super::sizes::Sizes;
use crate::buffer::Buffer;
use crate::ops::support::isa;
use crate::par::{for_each, map};
use crate::shape::Shape;
use crate::tensor::Tensor;
use evograd_kernels::conv::weights::conv_weights;
use evograd_kernels::conv::{
    Batch, Filters, Gather, Grid, Images, ImagesMut, Phase, Plan, Weights, Window, conv, pack_filters,
};
use evograd_kernels::{Element, Isa, arith, reduce};
use std::ops::Range;

/// Images that a thread takes at a time, and below how many it is one, lest threads go without.
const IMAGES: usize = 4;
const FEW_IMAGES: usize = 16;

/// The most parts that the gradient of the weights is summed in; each needs room for all weights.
const PARTS: usize = 16;

/// The most elements that those parts take together.
const PART_ELEMENTS: usize = 1 << 24;

/// The passes of one convolution.
pub(in crate::ops) struct Passes {
    sizes: Sizes,
    /// Height and width of the output.
    output: [usize; 2],
}

impl Passes {
    pub fn new(sizes: Sizes) -> Self {
        Passes { output: [sizes.rows.output, sizes.columns.output], sizes: sizes.flat() }
    }

    /// `y` from `x`, `w` and the bias.
    pub fn forward<E: Element>(&self, x: &Tensor<E>, w: &Tensor<E>, bias: Option<&Tensor<E>>) -> Tensor<E> {
        let images = self.sizes.images;
        Tensor::build(self.output_shape(images), |y| self.products(w, bias).run(isa(), images, x.as_slice(), y, |_| ()))
    }

    /// The shape of `y` for so many images.
    pub fn output_shape(&self, images: usize) -> Shape {
        let [height, width] = self.output;
        Shape::new(&[images, self.sizes.filters, height, width]).expect("output_shape has agreed")
    }

    /// The products that give `y`, for any number of images.
    pub fn products<E: Element>(&self, w: &Tensor<E>, bias: Option<&Tensor<E>>) -> Products<E> {
        let Sizes { filters, groups, rows, columns, .. } = self.sizes;
        let (own, depth) = (filters / groups, w.shape().elements() / filters);
        let of_group = |group| {
            let plan = Plan::new(self.gather(), own);
            let layout = Weights {
                w: &[],
                filter: depth,
                plane: rows.kernel * columns.kernel,
                columns: columns.kernel,
                first: [0, 0],
                step: [1, 1],
            };
            let kernel = Kernel { w: w.clone(), group: group * own * depth..(group + 1) * own * depth, layout };
            Product {
                plan,
                packed: pack(&plan, &kernel.weights()),
                kernel,
                grid: Grid::whole([rows.output, columns.output]),
                bias: bias.map_or(Vec::new(), |bias| bias.as_slice()[group * own..][..own].to_vec()),
                source: group * self.group_len(),
                target: group * own * rows.output * columns.output,
            }
        };
        Products((0..groups).map(of_group).collect())
    }

    /// `dx`, of the shape of `x`, from `w` and `dy`.
    pub fn input<E: Element>(&self, x: Shape, w: &Tensor<E>, dy: &Tensor<E>) -> Tensor<E> {
        let Sizes { images, groups, rows, columns, .. } = self.sizes;
        let mut products = Products(Vec::new());
        for group in 0..groups {
            for (a, i) in phases(rows) {
                products.0.extend(phases(columns).map(|(b, j)| self.phase(w, group, (a, i), (b, j))));
            }
        }
        Tensor::build(x, |dx| {
            // Input pixels that no tap reaches have no product that writes them.
            let written: usize =
                products.0.iter().map(|product| product.plan.filters() * product.plan.gather().pixels()).sum();
            if written * images < dx.len() {
                dx.fill(E::ZERO);
            }
            products.run(isa(), images, dy.as_slice(), dx, |_| ());
        })
    }

    /// The product that gives one phase of the input's gradient.
    fn phase<E: Element>(
        &self,
        w: &Tensor<E>,
        group: usize,
        (top, i): (usize, Phase),
        (left, j): (usize, Phase),
    ) -> Product<E> {
        let Sizes { channels, filters, groups, rows, columns, .. } = self.sizes;
        let (own_channels, own_filters) = (channels / groups, filters / groups);
        let plan = Plan::new(Gather { planes: own_filters, rows: i.axis, columns: j.axis }, own_channels);
        // Filters and planes change places.
        let taps = rows.kernel * columns.kernel;
        let layout = Weights {
            w: &[],
            filter: taps,
            plane: own_channels * taps,
            columns: columns.kernel,
            first: [i.first_tap, j.first_tap],
            step: [i.tap_step, j.tap_step],
        };
        let len = own_filters * own_channels * taps;
        let kernel = Kernel { w: w.clone(), group: group * len..(group + 1) * len, layout };
        Product {
            plan,
            packed: pack(&plan, &kernel.weights()),
            kernel,
            grid: Grid { size: [rows.input, columns.input], first: [top, left], step: [rows.stride, columns.stride] },
            bias: Vec::new(),
            source: group * own_filters * rows.output * columns.output,
            target: group * self.group_len(),
        }
    }

    /// `dw` from `x` and `dy`: partial sums over a number of images that depends on the sizes alone, added in order.
    pub fn weights<E: Element>(&self, x: &Tensor<E>, w: &Tensor<E>, dy: &Tensor<E>) -> Tensor<E> {
        let Sizes { images, filters, groups, .. } = self.sizes;
        let isa = isa();
        let parts = (PART_ELEMENTS / w.shape().elements()).clamp(1, PARTS);
        let plan = Plan::new(self.gather(), filters / groups);
        let together = plan.weights_images_together();
        let part = images.div_ceil(parts).max(together.min(images));
        // A multiple of four parts of nearly one size, so that no thread waits for another.
        let part = images.div_ceil(images.div_ceil(part).next_multiple_of(4).min(images));
        let sums = map(images.div_ceil(part), |index| {
            let range = index * part..images.min((index + 1) * part);
            self.weights_of(isa, &plan, x.as_slice(), dy.as_slice(), range, w.shape().elements())
        });
        Tensor::build(*w.shape(), |dw| {
            dw.fill(E::ZERO);
            sums.iter().for_each(|sum| arith::accumulate(isa, sum, dw));
        })
    }

    /// The share of some images in `dw`.
    fn weights_of<E: Element>(
        &self,
        isa: Isa,
        plan: &Plan,
        x: &[E],
        dy: &[E],
        range: Range<usize>,
        len: usize,
    ) -> Buffer<E> {
        let Sizes { filters, groups, rows, columns, .. } = self.sizes;
        let (x_len, y_len) = (groups * self.group_len(), filters * rows.output * columns.output);
        let images = range.len();
        let x = &x[range.start * x_len..range.end * x_len];
        let dy = &dy[range.start * y_len..range.end * y_len];
        let mut dw = Buffer::stale(len);
        let mut scratch = Buffer::stale(plan.weights_scratch_len(images));
        for (group, dw) in dw.chunks_mut(len / groups).enumerate() {
            let x = Images { data: x, batch: Batch { images, stride: x_len, start: group * self.group_len() } };
            let dy = Images { data: dy, batch: Batch { images, stride: y_len, start: group * y_len / groups } };
            conv_weights(isa, plan, x, dy, dw, &mut scratch);
        }
        dw
    }

    /// `db` from `dy`: sums of planes, then over the images in order.
    pub fn bias<E: Element>(&self, dy: &Tensor<E>) -> Tensor<E> {
        let Sizes { images, filters, rows, columns, .. } = self.sizes;
        let (isa, pixels) = (isa(), rows.output * columns.output);
        let sums = map(filters, |filter| {
            let plane = |image: usize| &dy.as_slice()[(image * filters + filter) * pixels..][..pixels];
            (0..images).fold(E::ZERO, |sum, image| sum + reduce::sum(isa, plane(image)))
        });
        let shape = Shape::new(&[filters]).expect("as many as the filters of a kernel");
        Tensor::build(shape, |db| db.copy_from_slice(&sums))
    }

    /// The gather of one group's input.
    fn gather(&self) -> Gather {
        let Sizes { channels, groups, rows, columns, .. } = self.sizes;
        Gather { planes: channels / groups, rows: rows.forward(), columns: columns.forward() }
    }

    /// Elements of one group's channels in one image.
    fn group_len(&self) -> usize {
        let Sizes { channels, groups, rows, columns, .. } = self.sizes;
        channels / groups * rows.input * columns.input
    }
}

/// The phases of an axis that any tap reaches.
fn phases(axis: Window) -> impl Iterator<Item = (usize, Phase)> {
    let phases = (0..axis.stride.min(axis.input)).map(move |phase| (phase, axis.backward(phase)));
    phases.filter(|(_, phase)| phase.axis.taps > 0)
}

fn pack<E: Element>(plan: &Plan, weights: &Weights<E>) -> Buffer<E> {
    let mut packed = Buffer::stale(plan.packed_len());
    pack_filters(isa(), plan, weights, &mut packed);
    packed
}

/// The weights of a group, for images that packed filters do not serve.
struct Kernel<E: Element> {
    w: Tensor<E>,
    group: Range<usize>,
    /// How they are read; of no weights.
    layout: Weights<'static, E>,
}

impl<E: Element> Kernel<E> {
    fn weights(&self) -> Weights<'_, E> {
        Weights { w: &self.w.as_slice()[self.group.clone()], ..self.layout }
    }
}

/// One product of packed filters with gathered pixels, for every image.
struct Product<E: Element> {
    plan: Plan,
    packed: Buffer<E>,
    kernel: Kernel<E>,
    grid: Grid,
    /// One value for each filter, or none at all.
    bias: Vec<E>,
    /// Where the source planes and the output planes start in an image.
    source: usize,
    target: usize,
}

/// The products that together write every output pixel once.
pub(in crate::ops) struct Products<E: Element>(Vec<Product<E>>);

impl<E: Element> Products<E> {
    /// Runs all products, a few images at a time, and `then` on what they have written of those.
    pub fn run(&self, isa: Isa, images: usize, x: &[E], y: &mut [E], then: impl Fn(&mut [E]) + Sync) {
        let (x_len, y_len) = (x.len() / images, y.len() / images);
        let together = if images < FEW_IMAGES { 1 } else { IMAGES };
        let scratch = |product: &Product<E>| product.plan.scratch_len(together);
        let scratch = self.0.iter().map(scratch).max().unwrap_or(0);
        for_each(y, together * y_len, |chunk, y| {
            let images = y.len() / y_len;
            let x = &x[chunk * together * x_len..][..images * x_len];
            let mut scratch = Buffer::stale(scratch);
            for Product { plan, packed, kernel, grid, bias, source, target } in &self.0 {
                let x = Images { data: x, batch: Batch { images, stride: x_len, start: *source } };
                let y = ImagesMut { data: y, batch: Batch { images, stride: y_len, start: *target } };
                let filters = Filters { packed, weights: &kernel.weights(), bias };
                conv(isa, plan, &filters, x, y, *grid, &mut scratch);
            }
            then(y);
        });
    }
}
