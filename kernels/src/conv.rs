//! Convolution forward, and its input's gradient: products of filters with gathered pixels.
//!
//! The plain algorithm, for one image:
//!
//! ```text
//! for each filter k, output pixel p:
//!     y[k][p] = bias[k] + Σ over planes c and taps t of w[k][c][t] · x[c][p·step + t·delta + first]
//! ```
//!
//! with `x` zero outside, and pixels, taps, `step`, `delta` and `first` of both axes: see
//! [`Axis`](crate::im2col::Axis). The gradient of the input has the same form, with `dy` for `x`, filters and planes exchanged and
//! the taps in the order that [`Window::backward`](crate::im2col::Window::backward) gives; for a stride above 1 the
//! input's pixels fall into phases that see different taps, and each phase is one such product. What this code
//! does differently:
//!
//! 1. **Lanes run over pixels.** A vector holds neighbouring output pixels of one filter, so no lane is wasted on
//!    layers of 3 or 8 channels, and results are stored as they stand.
//! 2. **A panel at a time.** The pixels of two vectors are packed for all planes and taps (`panel[depth][pixels]`) and used by
//!    all filters before the next; for 16 planes and 3×3 taps that is 18 KiB and stays in L1, for 64 it stays in L2.
//! 3. **Register blocks.** Eight filters by two vectors accumulate in sixteen registers (four filters where there are
//!    only sixteen registers in all), over the whole depth: every loaded value is used several times, and a
//!    partial sum never travels to memory.
//! 4. **Filters are packed once a call** as `[block][depth][filter in block]`, the order in which the inner loop reads them.
//!    A last block that is not full is filled up with zeros, and its surplus results are not stored.
//!
//! The order of the sum over the depth is fixed, so a pixel's value does not depend on its place or on the batch.

use crate::Element;
use crate::conv_squares::{self, SquareProduct};
use crate::conv_tiles::{self, TileProduct};
use crate::im2col::{Gather, clear};
use crate::simd::{MAX_LANES, Simd};
use crate::squares::{Squares, TAPS};
use crate::winograd::{POINTS, Tiles};

/// Vectors of pixels in a register block.
pub(crate) const VECTORS: usize = 2;

/// Filters in a register block of an instruction set with 32 registers.
const LARGE_BLOCK: usize = 8;

/// Filters in a register block of an instruction set with 16 registers.
const SMALL_BLOCK: usize = 4;

/// Where some planes of each image stand in the slice of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// Number of images.
    pub images: usize,
    /// Elements from one image to the next.
    pub stride: usize,
    /// Where the planes start in an image.
    pub start: usize,
}

impl Batch {
    /// The `len` elements of an image's planes.
    #[inline(always)]
    pub(crate) fn of(&self, image: usize, len: usize) -> std::ops::Range<usize> {
        let start = image * self.stride + self.start;
        start..start + len
    }

    pub(crate) fn check(&self, len: usize, total: usize, what: &str) {
        assert!(self.images > 0 && self.start + len <= self.stride, "{what}: {len} elements do not fit {self:?}");
        assert!(self.images * self.stride <= total, "{what}: {total} elements are too few for {self:?}");
    }
}

/// Which pixels of the output planes a product writes: every `step`-th from `first` on, along each axis.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Size of an output plane, height and width.
    pub size: [usize; 2],
    /// First row and column.
    pub first: [usize; 2],
    /// From a row, or column, to the next.
    pub step: [usize; 2],
}

impl Grid {
    /// All pixels.
    pub fn whole(size: [usize; 2]) -> Self {
        Grid { size, first: [0, 0], step: [1, 1] }
    }

    fn check(&self, gather: &Gather) {
        for (axis, output) in [gather.rows.output, gather.columns.output].into_iter().enumerate() {
            assert!(output > 0, "a product without pixels");
            let last = self.first[axis] + (output - 1) * self.step[axis];
            assert!(last < self.size[axis], "the pixels of {gather:?} do not fit {self:?}");
        }
    }
}

/// Elements of `filters` filters, packed for `gather`: room for whole blocks on any instruction set, and to pack them.
pub fn packed_len(gather: &Gather, filters: usize) -> usize {
    if let Some(squares) = Squares::of(gather, filters) {
        return conv_squares::packed_len(&squares) + filters * gather.depth();
    }
    let depth = Tiles::of(gather).map_or(gather.depth(), |tiles| POINTS * tiles.gather.depth());
    filters.next_multiple_of(LARGE_BLOCK) * depth
}

/// Packs filters for [`conv`] with the same `gather`; `weight(filter, [plane, i, j])` is the weight of a tap.
///
/// # Panics
/// When `packed` is shorter than [`packed_len`].
pub fn pack_filters<E: Element>(
    isa: crate::Isa,
    gather: &Gather,
    filters: usize,
    weight: impl Fn(usize, [usize; 3]) -> E,
    packed: &mut [E],
) {
    let block = filter_block::<E>(isa);
    let packed = &mut packed[..packed_len(gather, filters)];
    if Squares::of(gather, filters).is_some() {
        let (packed, weights) = packed.split_at_mut(packed_len(gather, filters) - filters * gather.depth());
        for (i, value) in weights.iter_mut().enumerate() {
            let (tap, plane, filter) = (i / filters / gather.planes, i / filters % gather.planes, i % filters);
            *value = weight(filter, [plane, tap / TAPS, tap % TAPS]);
        }
        return pack_squares(isa, gather, filters, weights, packed);
    }
    if let Some(tiles) = Tiles::of(gather) {
        return conv_tiles::pack_filters(&tiles, (filters, block), weight, packed);
    }
    let (depth, rows, columns) = (gather.depth(), gather.rows.taps, gather.columns.taps);
    packed.fill(E::ZERO);
    for filter in 0..filters {
        let first = filter / block * depth * block + filter % block;
        for d in 0..depth {
            packed[first + d * block] = weight(filter, [d / (rows * columns), d / columns % rows, d % columns]);
        }
    }
}

/// Elements of scratch that [`conv`] needs: the padded planes and a panel, each with room for one vector that a copy
/// reads or writes past its end.
pub fn scratch_len(gather: &Gather, filters: usize, images: usize) -> usize {
    if let Some(squares) = Squares::of(gather, filters) {
        return conv_squares::scratch_len(&squares, images);
    }
    match Tiles::of(gather) {
        Some(tiles) => conv_tiles::scratch_len(&tiles),
        None => gather.padded_len() + gather.depth() * VECTORS * MAX_LANES + 2 * MAX_LANES,
    }
}

kernel! {
    trait ConvKernels;

    /// Filters that [`pack_filters`] puts in a block.
    pub fn filter_block() -> usize |_s| {
        if S::REGISTERS == 32 { LARGE_BLOCK } else { SMALL_BLOCK }
    }

    /// [`pack_filters`] for squares, from `weights[tap][plane][filter]`.
    pub fn pack_squares(gather: &Gather, filters: usize, weights: &[E], packed: &mut [E]) |s| {
        let squares = Squares::of(gather, filters).expect("a convolution by squares");
        conv_squares::pack_filters(s, &squares, weights, packed);
    }

    /// The products of `filters` packed filters with the pixels of every image: see the module's text.
    ///
    /// `x` holds the source planes as `source` says, `y` receives one plane per filter, of which `grid` names the
    /// pixels, as `target` says. `bias` has one value per filter, or none at all.
    ///
    /// # Panics
    /// When a slice is shorter than the sizes say.
    pub fn conv(
        gather: &Gather, filters: usize, packed: &[E], bias: &[E],
        x: &[E], source: Batch, y: &mut [E], target: Batch, grid: Grid, scratch: &mut [E],
    ) |s| {
        source.check(gather.source_len(), x.len(), "the source of a convolution");
        target.check(filters * grid.size[0] * grid.size[1], y.len(), "the output of a convolution");
        assert_eq!(source.images, target.images, "images of a convolution");
        assert!(bias.is_empty() || bias.len() == filters, "{} biases for {filters} filters", bias.len());
        grid.check(gather);
        let packed = &packed[..packed_len(gather, filters)];
        if let Some(squares) = Squares::of(gather, filters) {
            return SquareProduct { squares: &squares, packed, bias, grid }.run(s, x, source, y, target, scratch);
        }
        if let Some(tiles) = Tiles::of(gather) {
            let product = TileProduct { tiles: &tiles, filters, packed, bias, grid };
            return if S::REGISTERS == 32 {
                product.run::<S, LARGE_BLOCK>(s, x, source, y, target, scratch)
            } else {
                product.run::<S, SMALL_BLOCK>(s, x, source, y, target, scratch)
            };
        }
        let product = Product { gather, filters, packed, bias, grid };
        let (padded, panel) = scratch[..scratch_len(gather, filters, source.images)].split_at_mut(gather.padded_len() + MAX_LANES);
        clear(padded);
        for image in 0..source.images {
            gather.pad(s, &x[source.of(image, gather.source_len())], padded);
            let y = &mut y[target.of(image, filters * grid.size[0] * grid.size[1])];
            if S::REGISTERS == 32 {
                product.image::<S, LARGE_BLOCK>(s, padded, panel, y);
            } else {
                product.image::<S, SMALL_BLOCK>(s, padded, panel, y);
            }
        }
    }
}

/// A product that is being computed.
struct Product<'a, E> {
    gather: &'a Gather,
    filters: usize,
    packed: &'a [E],
    bias: &'a [E],
    grid: Grid,
}

impl<E: Element> Product<'_, E> {
    /// All pixels of one image, two vectors at a time; one where no more are left.
    #[inline(always)]
    fn image<S: Simd<Elem = E>, const K: usize>(&self, s: S, padded: &[E], panel: &mut [E], y: &mut [E]) {
        let pixels = self.gather.pixels();
        let mut first = 0;
        while first + S::LANES < pixels {
            self.panel::<S, VECTORS, K>(s, padded, first, panel, y);
            first += VECTORS * S::LANES;
        }
        if first < pixels {
            self.panel::<S, 1, K>(s, padded, first, panel, y);
        }
    }

    /// The pixels of one panel, for all filters.
    #[inline(always)]
    fn panel<S: Simd<Elem = E>, const V: usize, const K: usize>(
        &self,
        s: S,
        padded: &[E],
        first: usize,
        panel: &mut [E],
        y: &mut [E],
    ) {
        let (depth, width) = (self.gather.depth(), V * S::LANES);
        self.gather.pack_pixels::<S, V>(s, padded, first, panel);
        let panel = &panel[..depth * width];
        for block in (0..self.filters).step_by(K) {
            let filters = &self.packed[block * depth..(block + K) * depth];
            let mut bias = [E::ZERO; K];
            if !self.bias.is_empty() {
                let own = &self.bias[block..self.filters.min(block + K)];
                bias[..own.len()].copy_from_slice(own);
            }
            let sums = multiply::<S, V, K>(s, panel, &Reach::panel(S::LANES), filters, bias);
            #[allow(clippy::needless_range_loop, reason = "a constant bound unrolls, and the sums stay in registers")]
            for k in 0..K {
                if block + k < self.filters {
                    self.store(s, sums[k], block + k, first, y);
                }
            }
        }
    }

    /// Writes neighbouring pixels of one filter to their places.
    #[inline(always)]
    fn store<S: Simd<Elem = E>, const V: usize>(
        &self,
        s: S,
        sums: [S::Vector; V],
        filter: usize,
        first: usize,
        y: &mut [E],
    ) {
        let Grid { size: [height, width], first: [top, left], step: [down, right] } = self.grid;
        let y = &mut y[filter * height * width..][..height * width];
        let (columns, pixels) = (self.gather.columns.output, self.gather.pixels());
        let dense = columns == width && down == 1 && right == 1;
        if dense && first + V * S::LANES <= pixels {
            for v in 0..V {
                s.store(sums[v], &mut y[top * width + first + v * S::LANES..]);
            }
            return;
        }
        let mut values = [E::ZERO; VECTORS * MAX_LANES];
        for v in 0..V {
            s.store(sums[v], &mut values[v * S::LANES..]);
        }
        let (mut done, count) = (0, (pixels - first).min(V * S::LANES));
        while done < count {
            let (row, column) = ((first + done) / columns, (first + done) % columns);
            let len = (columns - column).min(count - done);
            let place = (top + row * down) * width + left + column * right;
            store_run(&values[done..][..len], right, &mut y[place..]);
            done += len;
        }
    }
}

/// Writes neighbouring pixels, at most two vectors, to places `right` apart: neighbours eight at a time, which takes no call.
#[inline(always)]
pub(crate) fn store_run<E: Element>(from: &[E], right: usize, to: &mut [E]) {
    if right != 1 {
        return to.iter_mut().step_by(right).zip(from).for_each(|(to, from)| *to = *from);
    }
    let (eights, rest) = from.as_chunks::<8>();
    for (from, to) in eights.iter().zip(to.as_chunks_mut::<8>().0) {
        *to = *from;
    }
    to[from.len() - rest.len()..from.len()].copy_from_slice(rest);
}

/// Where a register block finds its pixels: for each plane and tap, `V` vectors.
pub(crate) struct Reach<const V: usize> {
    /// Where each vector starts, for the first tap of the first plane.
    pub starts: [usize; V],
    /// From a plane to the next.
    pub plane: usize,
    /// From a tap to the next, and how many there are.
    pub tap: isize,
    pub taps: usize,
}

impl<const V: usize> Reach<V> {
    /// A panel, packed as `panel[depth][pixels]`.
    #[inline(always)]
    pub fn panel(lanes: usize) -> Self {
        let mut starts = [0; V];
        for (v, start) in starts.iter_mut().enumerate() {
            *start = v * lanes;
        }
        Reach { starts, plane: V * lanes, tap: 0, taps: 1 }
    }
}

/// The register block: `V` vectors of pixels times `K` filters, over the whole depth.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const V: usize, const K: usize>(
    s: S,
    x: &[S::Elem],
    reach: &Reach<V>,
    filters: &[S::Elem],
    bias: [S::Elem; K],
) -> [[S::Vector; V]; K] {
    let mut sums = [[s.zero(); V]; K];
    for k in 0..K {
        sums[k] = [s.splat(bias[k]); V];
    }
    // Not `zip`: the compiler would keep the sums in memory instead of registers, at a third of the speed.
    let mut plane = 0;
    for weights in filters.chunks_exact(K * reach.taps) {
        let mut place = plane;
        for weights in weights.chunks_exact(K) {
            let mut pixels = [s.zero(); V];
            for v in 0..V {
                pixels[v] = s.load(&x[reach.starts[v] + place..]);
            }
            for k in 0..K {
                let w = s.splat(weights[k]);
                for v in 0..V {
                    sums[k][v] = s.mul_add(pixels[v], w, sums[k][v]);
                }
            }
            place = place.wrapping_add_signed(reach.tap);
        }
        plane += reach.plane;
    }
    sums
}
