//! Convolution with lanes over pixels: the products of [`conv`](crate::conv), where the plain algorithm stands, for layers of any number
//! of channels.
//!
//! 1. **Lanes run over pixels.** A vector holds neighbouring output pixels of one filter, so no lane is wasted on
//!    layers of 3 or 8 channels, and results are stored as they stand.
//! 2. **A panel at a time.** The pixels of two vectors are packed for all planes and taps (`panel[depth][pixels]`) and used by
//!    all filters before the next; for 8 planes and 3×3 taps that is 9 KiB and stays in L1.
//! 3. **Register blocks.** Eight filters by two vectors accumulate in sixteen registers (four filters where there are
//!    only sixteen registers in all): every loaded value is used several times, and a partial sum travels to memory once in
//!    128 products, when it is added to those of others, lest rounding grow with the depth.
//!
//! Filters are packed as `[block][depth][filter in block]`, the order in which the inner loop reads them. A last block that is not
//! full is filled up with zeros, and its surplus results are not stored.

use crate::conv::geometry::Gather;
use crate::conv::nhwc::forward::{SUMMED, add_to};
use crate::conv::{Batch, Grid, Weights};
use crate::number::Number;
use crate::simd::{MAX_LANES, Simd};

/// Vectors of pixels in a register block.
pub(crate) const VECTORS: usize = 2;

/// Filters in a register block of an instruction set with 32 registers, and of one with 16.
pub(crate) const LARGE_BLOCK: usize = 8;
pub(crate) const SMALL_BLOCK: usize = 4;

/// Elements of packed filters: room for whole blocks on any instruction set.
pub(crate) fn packed_len(gather: &Gather, filters: usize) -> usize {
    filters.next_multiple_of(LARGE_BLOCK) * gather.depth()
}

/// Packs blocks of `block` filters.
pub(crate) fn pack_filters<E: Number>(
    gather: &Gather,
    (filters, block): (usize, usize),
    weights: &Weights<'_, E>,
    packed: &mut [E],
) {
    let (depth, rows, columns) = (gather.depth(), gather.rows.taps, gather.columns.taps);
    if !filters.is_multiple_of(block) {
        packed.fill(E::ZERO);
    }
    for (b, packed) in packed.chunks_exact_mut((depth * block).max(1)).enumerate() {
        let own = b * block..filters.min((b + 1) * block);
        let mut taps = packed.chunks_exact_mut(block);
        for plane in 0..gather.planes {
            for (i, j) in (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))) {
                let packed = taps.next().expect("a block has a place for each tap of each plane");
                packed.iter_mut().zip(own.clone()).for_each(|(w, filter)| *w = weights.at(filter, [plane, i, j]));
            }
        }
    }
}

/// Elements of scratch: the padded planes and a panel, each with room for one vector that a copy reads or writes past its end.
pub(crate) fn scratch_len(gather: &Gather) -> usize {
    gather.padded_len() + gather.depth() * VECTORS * MAX_LANES + 2 * MAX_LANES
}

/// A convolution that is being computed.
pub(crate) struct PixelProduct<'a, E> {
    pub gather: &'a Gather,
    pub filters: usize,
    pub packed: &'a [E],
    pub bias: &'a [E],
    pub grid: Grid,
}

impl<E: Number> PixelProduct<'_, E> {
    /// All images.
    #[inline(always)]
    pub fn run<S: Simd<Elem = E>>(&self, s: S, x: &[E], from: Batch, y: &mut [E], to: Batch, scratch: &mut [E]) {
        let (gather, [height, width]) = (self.gather, self.grid.size);
        let (padded, panel) = scratch[..scratch_len(gather)].split_at_mut(gather.padded_len() + MAX_LANES);
        padded.fill(E::ZERO);
        for image in 0..from.images {
            gather.pad(s, &x[from.of(image, gather.source_len())], padded);
            let y = &mut y[to.of(image, self.filters * height * width)];
            if S::REGISTERS == 32 {
                self.image::<S, LARGE_BLOCK>(s, padded, panel, y);
            } else {
                self.image::<S, SMALL_BLOCK>(s, padded, panel, y);
            }
        }
    }

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
    pub fn store<S: Simd<Elem = E>, const V: usize>(
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
pub(crate) fn store_run<E: Number>(from: &[E], right: usize, to: &mut [E]) {
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

/// The register block: `V` vectors of pixels times `K` filters, over the whole depth, in blocks of [`SUMMED`] products.
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
    let planes = (SUMMED / reach.taps).max(1);
    let (first, rest) = filters.split_at(filters.len().min(planes * K * reach.taps));
    sums = multiply_block(s, x, reach, first, 0, sums);
    for (b, filters) in rest.chunks(planes * K * reach.taps).enumerate() {
        let plane = (b + 1) * planes * reach.plane;
        let block = multiply_block(s, x, reach, filters, plane, [[s.zero(); V]; K]);
        add_to(s, &mut sums, block);
    }
    sums
}

/// The products of some planes, from where `plane` starts, added to `sums` one after the other.
#[inline(always)]
fn multiply_block<S: Simd, const V: usize, const K: usize>(
    s: S,
    x: &[S::Elem],
    reach: &Reach<V>,
    filters: &[S::Elem],
    mut plane: usize,
    mut sums: [[S::Vector; V]; K],
) -> [[S::Vector; V]; K] {
    // Not `zip`: the compiler would keep the sums in memory instead of registers, at a third of the speed.
    for weights in filters.chunks_exact(K * reach.taps) {
        // Where taps lie backwards this passes below zero, and comes back when a vector's start is added.
        let mut place = plane;
        for weights in weights.chunks_exact(K) {
            let mut pixels = [s.zero(); V];
            for v in 0..V {
                pixels[v] = s.load(&x[reach.starts[v].wrapping_add(place)..]);
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
