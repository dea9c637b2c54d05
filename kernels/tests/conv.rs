//! The three passes of a convolution against the plain loops, on every instruction set and on drawn sizes.

use evograd_kernels::conv::weights::conv_weights;
use evograd_kernels::conv::{
    Batch, Filters, Gather, Grid, Images, ImagesMut, Plan, Weights, Window, conv, pack_filters,
};
use evograd_kernels::{Element, Isa, VARIABLE};
use proptest::prelude::*;

/// Every instruction set of this CPU, or the one that the environment forces.
fn every_isa() -> Vec<Isa> {
    match std::env::var_os(VARIABLE) {
        Some(_) => vec![Isa::chosen().expect("the environment names an instruction set of this CPU")],
        None => Isa::available(),
    }
}

/// A convolution without groups: sizes of a batch and of both axes.
#[derive(Clone, Debug)]
struct Sizes {
    images: usize,
    planes: usize,
    filters: usize,
    axes: [Window; 2],
}

impl Sizes {
    fn x_len(&self) -> usize {
        self.planes * self.axes[0].input * self.axes[1].input
    }
    fn y_len(&self) -> usize {
        self.filters * self.axes[0].output * self.axes[1].output
    }
    fn depth(&self) -> usize {
        self.planes * self.axes[0].kernel * self.axes[1].kernel
    }

    /// How far a sum of so many products of [`numbers`] may be off. Direct summation of whole numbers is exact. At Winograd's
    /// points, which three and five rows of taps without a gap meet, there are fractions, and they round as the numbers that a tile
    /// sees are great, not as their sum is: so the bound is one for all sums, and far below the 1 that a product too many or
    /// too few would make.
    fn rounding<E: Element>(&self, terms: usize) -> f64 {
        let rows = self.axes[0];
        let phases = (0..rows.stride).map(|phase| rows.backward(phase).axis.taps);
        let tiles = phases.chain([rows.kernel]).any(|taps| taps == 3 || taps == 5);
        if tiles { 8.0 * E::EPSILON.to_f64() * terms as f64 * GREATEST * GREATEST } else { 0.0 }
    }

    /// Calls `visit(x index, weight index, y index)` for every product that a convolution sums.
    fn for_each_product(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [rows, columns] = self.axes;
        let place = |axis: Window, o: usize, t: usize| {
            (o * axis.stride + t * axis.dilation).checked_sub(axis.padding).filter(|place| *place < axis.input)
        };
        for n in 0..self.images {
            for k in 0..self.filters {
                for (oh, ow) in (0..rows.output).flat_map(|oh| (0..columns.output).map(move |ow| (oh, ow))) {
                    let y = ((n * self.filters + k) * rows.output + oh) * columns.output + ow;
                    for c in 0..self.planes {
                        for (i, j) in (0..rows.kernel).flat_map(|i| (0..columns.kernel).map(move |j| (i, j))) {
                            let (Some(h), Some(w)) = (place(rows, oh, i), place(columns, ow, j)) else { continue };
                            let x = ((n * self.planes + c) * rows.input + h) * columns.input + w;
                            visit(x, ((k * self.planes + c) * rows.kernel + i) * columns.kernel + j, y);
                        }
                    }
                }
            }
        }
    }
}

fn window() -> impl Strategy<Value = Window> {
    (1_usize..8, 1_usize..4, 0_usize..4, 1_usize..4, 0_usize..24).prop_map(
        |(kernel, stride, padding, dilation, extra)| {
            let reach = dilation * (kernel - 1) + 1;
            let input = reach.saturating_sub(2 * padding).max(1) + extra;
            Window { input, output: (input + 2 * padding - reach) / stride + 1, kernel, stride, padding, dilation }
        },
    )
}

fn sizes() -> impl Strategy<Value = Sizes> {
    let planes = prop_oneof![4 => 1_usize..5, 1 => Just(16), 1 => Just(32)];
    let filters = prop_oneof![4 => 1_usize..12, 1 => Just(16), 1 => Just(48)];
    (1_usize..4, planes, filters, window(), window()).prop_map(|(images, planes, filters, rows, columns)| Sizes {
        images,
        planes,
        filters,
        axes: [rows, columns],
    })
}

/// Depthwise: a plane with a few filters, or a few planes with a filter, whose rows fill vectors or do not.
fn depthwise_sizes() -> impl Strategy<Value = Sizes> {
    let channels =
        prop_oneof![2 => Just((1, 1)), 1 => (2_usize..5).prop_map(|k| (1, k)), 1 => (2_usize..5).prop_map(|c| (c, 1))];
    (1_usize..4, channels, window(), window()).prop_map(|(images, (planes, filters), rows, columns)| Sizes {
        images,
        planes,
        filters,
        axes: [rows, columns],
    })
}

/// The greatest of [`numbers`].
const GREATEST: f64 = 8.0;

/// Small whole numbers, whose sums of products are exact in both types.
fn numbers<E: Element>(len: usize, seed: usize) -> Vec<E> {
    (0..len).map(|i| E::from_f64(((i * 7919 + seed * 104_729) % 17) as f64 - GREATEST)).collect()
}

/// What stands around the planes of every image: nothing may be read into a result or written over.
const AROUND: [usize; 2] = [3, 4];

/// The planes of a batch of images with other things around them.
fn surrounded<E: Element>(planes: &[E], images: usize, around: f64) -> (Vec<E>, Batch) {
    let len = planes.len() / images;
    let batch = Batch { images, stride: AROUND[0] + len + AROUND[1], start: AROUND[0] };
    let mut all = vec![E::from_f64(around); images * batch.stride];
    for (all, planes) in all.chunks_exact_mut(batch.stride).zip(planes.chunks_exact(len)) {
        all[AROUND[0]..][..len].copy_from_slice(planes);
    }
    (all, batch)
}

/// The planes alone, once it is certain that nothing around them has changed.
fn alone<E: Element>(all: &[E], batch: Batch, around: f64) -> Vec<E> {
    let (before, len) = (batch.start, batch.stride - AROUND[0] - AROUND[1]);
    let mut planes = Vec::new();
    for all in all.chunks_exact(batch.stride) {
        let mut outside = all[..before].iter().chain(&all[before + len..]);
        assert!(outside.all(|x| *x == E::from_f64(around)), "something was written around the planes");
        planes.extend_from_slice(&all[before..][..len]);
    }
    planes
}

fn run_forward<E: Element>(isa: Isa, sizes: &Sizes, x: &[E], w: &[E], bias: &[E]) -> Vec<E> {
    let gather = Gather { planes: sizes.planes, rows: sizes.axes[0].forward(), columns: sizes.axes[1].forward() };
    let [rows, columns] = sizes.axes.map(|axis| axis.kernel);
    let plan = Plan::new(gather, sizes.filters);
    let mut packed = vec![E::NEG_INFINITY; plan.packed_len()];
    let kernel = rows * columns;
    let weights = Weights { w, filter: sizes.planes * kernel, plane: kernel, columns, first: [0, 0], step: [1, 1] };
    pack_filters(isa, &plan, &weights, &mut packed);
    let mut scratch = vec![E::NEG_INFINITY; plan.scratch_len(sizes.images)];
    let (x, batch) = surrounded(x, sizes.images, f64::NAN);
    let x = Images { data: &x, batch };
    let unwritten = vec![E::NEG_INFINITY; sizes.images * sizes.y_len()];
    let (mut y, target) = surrounded(&unwritten, sizes.images, 77.0);
    let grid = Grid::whole(sizes.axes.map(|axis| axis.output));
    let filters = Filters { packed: &packed, weights: &weights, bias };
    conv(isa, &plan, &filters, x, ImagesMut { data: &mut y, batch: target }, grid, &mut scratch);
    alone(&y, target, 77.0)
}

fn run_input<E: Element>(isa: Isa, sizes: &Sizes, w: &[E], dy: &[E]) -> Vec<E> {
    let unwritten = vec![E::ZERO; sizes.images * sizes.x_len()];
    let (mut dx, target) = surrounded(&unwritten, sizes.images, 77.0);
    let (dy, batch) = surrounded(dy, sizes.images, f64::NAN);
    let dy = Images { data: &dy, batch };
    let [rows, columns] = sizes.axes;
    for (a, b) in (0..rows.stride).flat_map(|a| (0..columns.stride).map(move |b| (a, b))) {
        let (i, j) = (rows.backward(a), columns.backward(b));
        if i.axis.output == 0 || j.axis.output == 0 {
            continue;
        }
        let gather = Gather { planes: sizes.filters, rows: i.axis, columns: j.axis };
        let kernel = rows.kernel * columns.kernel;
        let weights = Weights {
            w,
            filter: kernel,
            plane: sizes.planes * kernel,
            columns: columns.kernel,
            first: [i.first_tap, j.first_tap],
            step: [i.tap_step, j.tap_step],
        };
        let plan = Plan::new(gather, sizes.planes);
        let mut packed = vec![E::NEG_INFINITY; plan.packed_len()];
        pack_filters(isa, &plan, &weights, &mut packed);
        let mut scratch = vec![E::NEG_INFINITY; plan.scratch_len(sizes.images)];
        let grid = Grid { size: [rows.input, columns.input], first: [a, b], step: [rows.stride, columns.stride] };
        let filters = Filters { packed: &packed, weights: &weights, bias: &[] };
        conv(isa, &plan, &filters, dy, ImagesMut { data: &mut dx, batch: target }, grid, &mut scratch);
    }
    alone(&dx, target, 77.0)
}

fn run_weights<E: Element>(isa: Isa, sizes: &Sizes, x: &[E], dy: &[E]) -> Vec<E> {
    let gather = Gather { planes: sizes.planes, rows: sizes.axes[0].forward(), columns: sizes.axes[1].forward() };
    let mut dw = vec![E::NEG_INFINITY; sizes.filters * sizes.depth()];
    let mut scratch = vec![E::NEG_INFINITY; Plan::new(gather, sizes.filters).weights_scratch_len(sizes.images)];
    let (x, source) = surrounded(x, sizes.images, f64::NAN);
    let (dy, output) = surrounded(dy, sizes.images, f64::NAN);
    let (x, dy) = (Images { data: &x, batch: source }, Images { data: &dy, batch: output });
    conv_weights(isa, &Plan::new(gather, sizes.filters), x, dy, &mut dw, &mut scratch);
    dw
}

fn agrees<E: Element>(isa: Isa, sizes: &Sizes) {
    let x: Vec<E> = numbers(sizes.images * sizes.x_len(), 1);
    let w: Vec<E> = numbers(sizes.filters * sizes.depth(), 2);
    let dy: Vec<E> = numbers(sizes.images * sizes.y_len(), 3);
    let bias: Vec<E> = numbers(sizes.filters, 4);

    let pixels = sizes.axes[0].output * sizes.axes[1].output;
    let mut y: Vec<E> = (0..dy.len()).map(|i| bias[i / pixels % sizes.filters]).collect();
    let (mut dx, mut dw) = (vec![E::ZERO; x.len()], vec![E::ZERO; w.len()]);
    sizes.for_each_product(|i, j, o| {
        y[o] += w[j] * x[i];
        dx[i] += w[j] * dy[o];
        dw[j] += x[i] * dy[o];
    });

    let taps = sizes.depth() / sizes.planes;
    let check = |found: Vec<E>, exact: &[E], terms: usize, what: &str| {
        assert_close(&found, exact, sizes.rounding::<E>(terms), &format!("{what} on {isa:?}"));
    };
    check(run_forward(isa, sizes, &x, &w, &bias), &y, sizes.depth() + 1, "forward");
    check(run_input(isa, sizes, &w, &dy), &dx, sizes.filters * taps, "gradient of the input");
    check(run_weights(isa, sizes, &x, &dy), &dw, sizes.images * pixels, "gradient of the weights");
}

fn assert_close<E: Element>(found: &[E], exact: &[E], bound: f64, what: &str) {
    assert_eq!(exact.len(), found.len(), "{what}");
    for (i, (found, exact)) in found.iter().zip(exact).enumerate() {
        let error = (found.to_f64() - exact.to_f64()).abs();
        assert!(error <= bound, "{what}: {found:?} instead of {exact:?} at {i}, bound {bound:e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drawn_convolutions_agree_with_the_plain_loops(sizes in sizes()) {
        for isa in every_isa() {
            agrees::<f32>(isa, &sizes);
        }
        agrees::<f64>(Isa::PORTABLE, &sizes);
    }

    #[test]
    fn drawn_depthwise_convolutions_agree_with_the_plain_loops(sizes in depthwise_sizes()) {
        for isa in every_isa() {
            agrees::<f32>(isa, &sizes);
        }
        agrees::<f64>(Isa::PORTABLE, &sizes);
    }
}

/// Several blocks of pixels, of filters and of images: more than the small drawn sizes reach.
#[test]
fn large_convolutions_agree_with_the_plain_loops() {
    let square = |input, kernel, stride, padding| Window {
        input,
        output: (input + 2 * padding - kernel) / stride + 1,
        kernel,
        stride,
        padding,
        dilation: 1,
    };
    let same = |images, planes, filters, axis| Sizes { images, planes, filters, axes: [axis; 2] };
    for sizes in [
        same(2, 3, 20, square(40, 3, 1, 1)),
        same(9, 5, 9, square(8, 3, 2, 1)),
        same(20, 2, 33, square(5, 1, 1, 0)),
        same(1, 2, 2, square(70, 5, 1, 2)),
        same(9, 16, 32, square(8, 3, 1, 1)),
        same(2, 32, 16, square(37, 3, 1, 0)),
        same(1, 64, 64, square(9, 3, 1, 4)),
        same(3, 16, 32, square(33, 3, 2, 1)),
        same(2, 32, 48, square(17, 1, 2, 0)),
        same(2, 48, 16, square(12, 2, 1, 0)),
        // Few planes and filters that fill vectors, in both directions.
        same(2, 3, 16, square(32, 3, 1, 1)),
        same(1, 3, 64, square(37, 7, 2, 3)),
        same(2, 7, 48, square(13, 4, 3, 0)),
        same(1, 16, 5, square(19, 5, 2, 4)),
        Sizes { images: 2, planes: 1, filters: 32, axes: [square(9, 2, 1, 1), square(40, 16, 1, 8)] },
        // Kernels of one pixel whose planes fill vectors: 64 pixels, and of a stride the phases of the input's gradient.
        same(3, 16, 48, square(8, 1, 1, 0)),
        same(2, 5, 13, square(8, 1, 1, 0)),
        same(2, 16, 32, square(16, 1, 2, 0)),
        same(2, 3, 5, square(15, 1, 2, 0)),
        // Depthwise: several blocks of rows and of taps, rows of whole vectors and others, and more pixels than one sum has.
        same(2, 1, 1, square(32, 3, 1, 1)),
        same(3, 1, 2, square(45, 5, 2, 2)),
        same(1, 4, 1, square(33, 5, 1, 2)),
        same(1, 1, 1, square(40, 11, 3, 5)),
        Sizes { images: 1, planes: 1, filters: 3, axes: [square(1, 1, 1, 0), square(1500, 3, 1, 1)] },
        // Phases of the input's gradient that see three taps of a greater kernel.
        same(2, 16, 32, square(21, 5, 2, 2)),
        same(1, 32, 16, square(20, 6, 2, 2)),
        same(1, 16, 16, square(23, 7, 3, 3)),
        Sizes { images: 1, planes: 16, filters: 16, axes: [square(18, 3, 1, 1), square(19, 5, 2, 2)] },
    ] {
        for isa in every_isa() {
            agrees::<f32>(isa, &sizes);
        }
        agrees::<f64>(Isa::PORTABLE, &sizes);
    }
}

/// The rounding error of PyTorch's `f32` convolutions at these sizes: the root mean square of the error over that of the exact
/// values. It does not depend on the width. `python3 benches/peers/torch_rounding.py` prints it, on a machine that has torch: of
/// normal values, each pass in `float32` against the same in `float64`.
const PYTORCH: f64 = 2.1e-7;

/// The root mean square of the error of `found` over that of `exact`.
fn relative_error(found: &[f32], exact: &[f64]) -> f64 {
    let error: f64 = found.iter().zip(exact).map(|(found, exact)| (f64::from(*found) - exact).powi(2)).sum();
    (error / exact.iter().map(|exact| exact * exact).sum::<f64>()).sqrt()
}

/// Values of a normal distribution, nearly: sums of four even ones.
fn bells(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    (0..len).map(|_| next() + next() + next() + next()).collect()
}

/// The exact `[y, dx, dw]` of a convolution without a bias.
fn exact_passes(sizes: &Sizes, x: &[f32], w: &[f32], dy: &[f32]) -> [Vec<f64>; 3] {
    let [mut y, mut dx, mut dw] = [dy, x, w].map(|like| vec![0.0; like.len()]);
    sizes.for_each_product(|i, j, o| {
        let [x, w, dy] = [x[i], w[j], dy[o]].map(f64::from);
        y[o] += w * x;
        dx[i] += w * dy;
        dw[j] += x * dy;
    });
    [y, dx, dw]
}

/// A square image and kernel, "same" padding.
fn same_padding(input: usize, kernel: usize, stride: usize) -> Window {
    let padding = kernel / 2;
    let output = (input + 2 * padding - kernel) / stride + 1;
    Window { input, output, kernel, stride, padding, dilation: 1 }
}

/// All algorithms, on every instruction set: both of Winograd's (16 filters with 3×3 taps, and the others), and direct summation.
/// What is summed over is `width` channels forward, as many filters in the gradient of the input, and images in that of the weights.
#[test]
fn rounding_does_not_grow_with_the_width() {
    let mut cases = Vec::new();
    for (kernel, stride) in [(3, 1), (5, 1), (3, 2), (1, 1)] {
        let axis = same_padding(8, kernel, stride);
        for (width, narrow) in [16, 64, 256, 512, 1024].into_iter().flat_map(|width| [(width, 16), (width + 4, 10)]) {
            // Five rows of taps and other widths than the least and the greatest say nothing new.
            if kernel == 3 && stride == 1 || matches!(width, 512 | 516) {
                cases.push(Sizes { images: 1, planes: width, filters: narrow, axes: [axis; 2] });
            }
            if kernel == 3 && stride == 1 && matches!(width, 16 | 512 | 1028) {
                cases.push(Sizes { images: 1, planes: narrow, filters: width, axes: [axis; 2] });
            }
        }
        cases.push(Sizes { images: 48, planes: 16, filters: 16, axes: [same_padding(16, kernel, stride); 2] });
        cases.push(Sizes { images: 48, planes: 3, filters: 10, axes: [same_padding(16, kernel, stride); 2] });
        cases.push(Sizes { images: 48, planes: 1, filters: 1, axes: [same_padding(48, kernel, stride); 2] });
    }
    for sizes in cases {
        let x = bells(sizes.images * sizes.x_len(), 1);
        let w = bells(sizes.filters * sizes.depth(), 2);
        let dy = bells(sizes.images * sizes.y_len(), 3);
        let [y, dx, dw] = exact_passes(&sizes, &x, &w, &dy);
        for isa in every_isa() {
            let bias = vec![0.0; sizes.filters];
            for (found, exact, what) in [
                (run_forward(isa, &sizes, &x, &w, &bias), &y, "forward"),
                (run_input(isa, &sizes, &w, &dy), &dx, "gradient of the input"),
                (run_weights(isa, &sizes, &x, &dy), &dw, "gradient of the weights"),
            ] {
                let times = relative_error(&found, exact) / PYTORCH;
                println!("{times:.2} times PyTorch's error, {what} on {isa:?}: {sizes:?}");
                assert!(times <= 4.0, "{times:.2} times PyTorch's error, {what} on {isa:?}: {sizes:?}");
            }
        }
    }
}

/// `[x, w, dy]` of a convolution, and `[y, dx, dw]` as found on an instruction set.
type Three = [Vec<f32>; 3];

fn found_passes(isa: Isa, sizes: &Sizes, [x, w, dy]: &Three) -> Three {
    let bias = vec![0.0; sizes.filters];
    [run_forward(isa, sizes, x, w, &bias), run_input(isa, sizes, w, dy), run_weights(isa, sizes, x, dy)]
}

/// What is right for each element of `[y, dx, dw]`, from the plain loops.
#[derive(Clone, Copy, Default)]
struct Right {
    /// In `f64`, and by direct summation in order.
    exact: f64,
    direct: f32,
    /// The sums of the products' magnitudes and of their squares.
    magnitude: f64,
    squares: f64,
    /// Whether the element that a test enlarges takes part.
    sees: bool,
}

impl Right {
    fn add(&mut self, a: f32, b: f32, sees: bool) {
        let product = f64::from(a) * f64::from(b);
        self.exact += product;
        self.direct += a * b;
        self.magnitude += product.abs();
        self.squares += product * product;
        self.sees |= sees;
    }
}

/// The right `[y, dx, dw]`, where `large` is the input and the index in it that is enlarged.
fn right_passes(sizes: &Sizes, [x, w, dy]: &Three, large: (usize, usize)) -> [Vec<Right>; 3] {
    let [mut y, mut dx, mut dw] = [dy, x, w].map(|like| vec![Right::default(); like.len()]);
    sizes.for_each_product(|i, j, o| {
        let [in_x, in_w, in_dy] = [(0, i), (1, j), (2, o)].map(|place| place == large);
        y[o].add(w[j], x[i], in_x || in_w);
        dx[i].add(w[j], dy[o], in_w || in_dy);
        dw[j].add(x[i], dy[o], in_x || in_dy);
    });
    [y, dx, dw]
}

/// Convolutions by both of Winograd's algorithms and by the direct ones, depthwise among them, in all passes.
fn algorithms() -> Vec<Sizes> {
    let sizes = |planes, filters, input, kernel, stride| Sizes {
        images: 2,
        planes,
        filters,
        axes: [same_padding(input, kernel, stride); 2],
    };
    let mut found = Vec::new();
    for (kernel, stride) in [(3, 1), (5, 1), (3, 2), (5, 2), (1, 1)] {
        for (planes, filters) in [(3, 16), (16, 32), (32, 6), (5, 7)] {
            // Five rows of taps take 25 products, and pairs of many channels say nothing new there.
            if kernel < 5 || planes * filters < 200 {
                found.push(sizes(planes, filters, 9, kernel, stride));
            }
        }
    }
    for (kernel, stride) in [(3, 1), (5, 2)] {
        found.extend([(1, 1), (1, 2), (2, 1)].map(|(planes, filters)| sizes(planes, filters, 9, kernel, stride)));
    }
    found.push(sizes(16, 16, 8, 1, 1));
    found.push(sizes(16, 16, 4, 3, 1));
    found
}

/// Inputs and where in `[x, w, dy]` the `seed`-th test puts something else.
fn inputs(sizes: &Sizes, seed: usize) -> (Three, (usize, usize)) {
    let three = [
        bells(sizes.images * sizes.x_len(), 1),
        bells(sizes.filters * sizes.depth(), 2),
        bells(sizes.images * sizes.y_len(), 3),
    ];
    let input = seed % 3;
    // The corners first, where fewer outputs see a pixel, then anywhere.
    let len = three[input].len();
    let index = [0, len - 1, len / 2, len * 7 / 11, len * 2 / 13][seed / 3 % 5];
    (three, (input, index))
}

/// Like direct summation, whatever values are where: infinite or NaN in the same places, and elsewhere near the exact value.
#[test]
fn special_values_reach_what_sees_them_and_nothing_else() {
    let special = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30, -3e38, 1e-40, -0.0, 1e-20];
    let mut seed = 0;
    for sizes in algorithms() {
        for value in special {
            let (mut three, (input, index)) = inputs(&sizes, seed);
            seed += 1;
            three[input][index] = value;
            let right = right_passes(&sizes, &three, (input, index));
            for isa in every_isa() {
                let found = found_passes(isa, &sizes, &three);
                for (pass, (found, right)) in ["y", "dx", "dw"].iter().zip(found.iter().zip(&right)) {
                    let at = format!("{value} at {index} of input {input}, {pass} on {isa:?}, {sizes:?}");
                    assert_like_direct(found, right, &at);
                }
            }
        }
    }
}

/// Each element of the kind of the right one, and within a rounding of the sum of its magnitudes, and of a usual one.
fn assert_like_direct(found: &[f32], right: &[Right], at: &str) {
    // Of those that the special value does not reach: with a single channel they may be the fewer.
    let mut magnitudes: Vec<f64> =
        right.iter().map(|right| right.magnitude).filter(|magnitude| magnitude.is_finite()).collect();
    magnitudes.sort_by(f64::total_cmp);
    let usual = magnitudes.get(magnitudes.len() / 2).copied().unwrap_or(0.0);
    for (o, (found, right)) in found.iter().zip(right).enumerate() {
        let kind = |x: f32| (x.is_nan(), x == f32::INFINITY, x == f32::NEG_INFINITY);
        if kind(right.direct) != kind(right.exact as f32) {
            continue;
        }
        assert_eq!(kind(*found), kind(right.direct), "{found} instead of {} at {o}: {at}", right.direct);
        let bound = f64::from(f32::EPSILON) * 64.0 * (right.magnitude + usual);
        let error = (f64::from(*found) - right.exact).abs();
        assert!(!found.is_finite() || error <= bound, "{found} instead of {} at {o}: {at}", right.exact);
    }
}

/// One element of an input many times as large as the others, or one pixel in all channels: what does not see it keeps an error of
/// a hundred times that of direct summation at most.
#[test]
fn large_values_spoil_nothing_that_does_not_see_them() {
    let mut seed = 0;
    for sizes in algorithms() {
        for factor in [10.0, 60.0, 200.0, 1e4, 1e6, 1e9] {
            let (mut three, (input, index)) = inputs(&sizes, seed);
            seed += 1;
            three[input][index] = factor;
            let right = right_passes(&sizes, &three, (input, index));
            for isa in every_isa() {
                let found = found_passes(isa, &sizes, &three);
                for (pass, (found, right)) in ["y", "dx", "dw"].iter().zip(found.iter().zip(&right)) {
                    let apart = found.iter().zip(right).filter(|(_, right)| !right.sees && right.squares > 0.0);
                    let squares: Vec<f64> =
                        apart.map(|(y, right)| (f64::from(*y) - right.exact).powi(2) / right.squares).collect();
                    let error = (squares.iter().sum::<f64>() / squares.len().max(1) as f64).sqrt();
                    assert!(error <= 4e-5, "{error:e} in {pass}, {factor} at {index} of {input}, {isa:?}, {sizes:?}");
                }
            }
        }
    }
}

/// A pixel and a gradient many times as large as the others: elements of the kernel's gradient that do not see the two meet keep their
/// error.
#[test]
fn a_large_pixel_and_a_large_gradient_spoil_no_element_where_they_do_not_meet() {
    for (seed, sizes) in algorithms().into_iter().enumerate() {
        let (mut three, _) = inputs(&sizes, seed);
        let (x, dy) = (seed * 31 % three[0].len(), seed * 17 % three[2].len());
        (three[0][x], three[2][dy]) = (1e4, 1e4);
        let [_, _, right] = right_passes(&sizes, &three, (0, x));
        for isa in every_isa() {
            let [_, _, found] = found_passes(isa, &sizes, &three);
            for (found, right) in found.iter().zip(&right).filter(|(_, right)| right.squares < 1e15) {
                let error = (f64::from(*found) - right.exact).abs() / right.squares.sqrt();
                assert!(error <= 2e-4, "{error:e}, {x} and {dy}, {isa:?}, {sizes:?}");
            }
        }
    }
}
