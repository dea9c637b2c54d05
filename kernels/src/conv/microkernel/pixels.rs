//! Filters by pixels, with lanes over pixels, over the whole depth.
//!
//! Filters are packed as `[block][depth][filter in block]`, the order in which the inner loop reads them. A last block
//! that is not full is filled up with zeros, and its surplus results are not stored.

use super::{SUMMED, add_to};
use crate::conv::geometry::{Gather, Weights};
use crate::number::Number;
use crate::simd::Simd;

/// Vectors of pixels in a micro-kernel.
pub(crate) const VECTORS: usize = 2;

/// Filters in a micro-kernel of an instruction set with 32 registers, and of one with 16.
pub(crate) const LARGE_BLOCK: usize = 8;
pub(crate) const SMALL_BLOCK: usize = 4;

/// Filters in a micro-kernel of an instruction set with so many registers.
pub(crate) fn block_of(registers: usize) -> usize {
    if registers == 32 { LARGE_BLOCK } else { SMALL_BLOCK }
}

/// Elements of packed filters: room for whole blocks on any instruction set.
pub(crate) fn packed_len(gather: &Gather, filters: usize) -> usize {
    filters.next_multiple_of(LARGE_BLOCK) * gather.depth()
}

/// Packs blocks of `block` filters.
pub(crate) fn pack_filters<E: Number>(
    gather: &Gather,
    filters: usize,
    block: usize,
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
                packed.iter_mut().zip(own.clone()).for_each(|(w, filter)| *w = weights.at(filter, plane, i, j));
            }
        }
    }
}

/// Where a micro-kernel finds its pixels: for each plane and tap, `V` vectors.
pub(crate) struct PixelAccess<const V: usize> {
    /// Where each vector starts, for the first tap of the first plane.
    pub starts: [usize; V],
    /// From a plane to the next.
    pub plane: usize,
    /// From a tap to the next, and how many there are.
    pub tap: isize,
    pub taps: usize,
}

impl<const V: usize> PixelAccess<V> {
    /// A panel, packed as `panel[depth][pixels]`.
    #[inline(always)]
    pub fn panel(lanes: usize) -> Self {
        let mut starts = [0; V];
        for (v, start) in starts.iter_mut().enumerate() {
            *start = v * lanes;
        }
        PixelAccess { starts, plane: V * lanes, tap: 0, taps: 1 }
    }
}

/// The micro-kernel: `V` vectors of pixels times `K` filters, over the whole depth, in blocks of [`SUMMED`] products.
#[inline(always)]
pub(crate) fn multiply<S: Simd, const V: usize, const K: usize>(
    s: S,
    x: &[S::Elem],
    access: &PixelAccess<V>,
    filters: &[S::Elem],
    bias: [S::Elem; K],
) -> [[S::Vector; V]; K] {
    let mut sums = [[s.zero(); V]; K];
    for k in 0..K {
        sums[k] = [s.splat(bias[k]); V];
    }
    let planes = (SUMMED / access.taps).max(1);
    let (first, rest) = filters.split_at(filters.len().min(planes * K * access.taps));
    sums = multiply_block(s, x, access, first, 0, sums);
    for (b, filters) in rest.chunks(planes * K * access.taps).enumerate() {
        let plane = (b + 1) * planes * access.plane;
        let block = multiply_block(s, x, access, filters, plane, [[s.zero(); V]; K]);
        add_to(s, &mut sums, block);
    }
    sums
}

/// The products of some planes, from where `plane` starts, added to `sums` one after the other.
#[inline(always)]
fn multiply_block<S: Simd, const V: usize, const K: usize>(
    s: S,
    x: &[S::Elem],
    access: &PixelAccess<V>,
    filters: &[S::Elem],
    mut plane: usize,
    mut sums: [[S::Vector; V]; K],
) -> [[S::Vector; V]; K] {
    // Not `zip`: the compiler would keep the sums in memory instead of registers, at a third of the speed.
    for weights in filters.chunks_exact(K * access.taps) {
        // Where taps lie backwards this passes below zero, and comes back when a vector's start is added.
        let mut place = plane;
        for weights in weights.chunks_exact(K) {
            let mut pixels = [s.zero(); V];
            for v in 0..V {
                pixels[v] = s.load(&x[access.starts[v].wrapping_add(place)..]);
            }
            for k in 0..K {
                let w = s.splat(weights[k]);
                for v in 0..V {
                    sums[k][v] = s.mul_add(pixels[v], w, sums[k][v]);
                }
            }
            place = place.wrapping_add_signed(access.tap);
        }
        plane += access.plane;
    }
    sums
}
