//! Recycled, aligned memory. Knows bytes and element types; knows no shape and no tensor.
//!
//! A fresh block from the system costs a page fault for every 4 KiB, which on the machines this was measured on takes
//! longer than the arithmetic of a cheap operation. A training step asks for the same sizes again and again, so a
//! buffer that is dropped goes to a shelf of its size and the next request of that size takes it from there. After the
//! first step nothing is asked of the system any more.

use bytemuck::Pod;
use evograd_kernels::Line;
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `len` elements, the first at an address divisible by 64.
pub(crate) struct Buffer<T: Pod> {
    lines: Vec<Line>,
    len: usize,
    element: std::marker::PhantomData<T>,
}

/// The shelves: blocks that are free, by their number of lines.
static SHELVES: Mutex<Option<HashMap<usize, Vec<Vec<Line>>>>> = Mutex::new(None);

fn shelves() -> MutexGuard<'static, Option<HashMap<usize, Vec<Vec<Line>>>>> {
    SHELVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives all memory that waits to be used again back to the system.
///
/// ```
/// drop(evograd::Tensor::<f32>::zeros([1024, 1024])?);
/// evograd::release_memory();
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn release_memory() {
    *shelves() = None;
}

impl<T: Pod> Buffer<T> {
    /// A buffer with whatever values its memory last held, for a caller who writes all of it.
    pub fn stale(len: usize) -> Self {
        let count = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        let recycled = shelves().as_mut().and_then(|by_size| by_size.get_mut(&count)?.pop());
        let lines = recycled.unwrap_or_else(|| bytemuck::zeroed_vec(count));
        Buffer { lines, len, element: std::marker::PhantomData }
    }

    /// A buffer of zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Self::stale(len);
        buffer.fill(T::zeroed());
        buffer
    }

    /// Whether the system has memory for a buffer of `len`; small ones are taken for granted.
    pub fn fits(len: usize) -> bool {
        const SMALL: usize = 1 << 30;
        let Some(bytes) = len.checked_mul(size_of::<T>()) else { return false };
        bytes <= SMALL || Vec::<Line>::new().try_reserve_exact(bytes.div_ceil(size_of::<Line>())).is_ok()
    }
}

impl<T: Pod> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::stale(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: Pod> Drop for Buffer<T> {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            shelves().get_or_insert_default().entry(lines.len()).or_default().push(lines);
        }
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl<T: Pod> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_come_back() {
        for len in [1, 7, 16, 17, 100_003] {
            let first = Buffer::<f32>::zeros(len);
            assert_eq!((first.as_ptr() as usize % 64, first.len()), (0, len));
        }
        let block = Buffer::<f64>::zeros(123_457);
        let address = block.as_ptr();
        drop(block);
        assert_eq!(Buffer::<f64>::stale(123_457).as_ptr(), address);
    }

    #[test]
    fn zeros_are_zero_although_the_memory_was_used() {
        Buffer::<u32>::zeros(77_777).fill(9);
        assert!(Buffer::<u32>::zeros(77_777).iter().all(|x| *x == 0));
    }
}
