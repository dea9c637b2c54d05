//! A caching allocator: recycled, aligned memory. Knows bytes and element types; knows no shape and no tensor.
//!
//! A fresh block from the system costs a page fault for every 4 KiB, which on the machines this was measured on takes
//! longer than the arithmetic of a cheap operation. A training step asks for the same sizes again and again, so a
//! buffer that is dropped goes to the free list of its size and the next request of that size takes it from there. After the
//! first step nothing is asked of the system any more.
//!
//! Sizes are rounded up by at most an eighth, so that networks of different widths share size classes. And the free lists
//! never hold more than twice what was in use at the busiest moment: beyond that, blocks of the size that was not asked for the
//! longest go back to the system. So a program that trains one network after another does not grow. (Once would not do:
//! sizes have their busy moments at different times, and a step needs all of them.)
//!
//! The system may refuse memory. A request deep inside a kernel's preparation, on whatever thread, then gives up all work up
//! to the operation that it belongs to, which returns an error: [`refusable`] is that boundary. On the way up the stack
//! unwinds, by the mechanism of a panic but without one: no message is printed and no trace collected, for which there
//! might be no memory either. All tensors and all scratch of kernels come from here; lists that are none and are as long as the
//! data, such as the bytes of an image, come from `reserve`. What is left to the standard library, which ends the program where
//! it gets nothing, is a few words for each sample, class, layer or row of a journal, and what libraries keep of a file while
//! they read it.

use crate::mode::Modes;
use bytemuck::Pod;
use evograd_kernels::CacheLine;
use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `len` elements, the first at an address divisible by 64.
pub(crate) struct Buffer<T: Pod> {
    lines: Vec<CacheLine>,
    len: usize,
    element: PhantomData<T>,
}

/// The free list of one size class.
struct SizeClass {
    blocks: Vec<Vec<CacheLine>>,
    /// When this size was last asked for.
    asked: u64,
}

/// All free blocks, by their number of lines; amounts are in lines.
struct FreeLists {
    by_size: BTreeMap<usize, SizeClass>,
    requests: u64,
    free: usize,
    in_use: usize,
    most_in_use: usize,
}

thread_local! {
    /// Bytes of all buffers that this thread has made, less those that it has dropped.
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Bytes of all buffers that this thread has made, less those that it has dropped. Only differences mean anything: buffers move
/// between threads.
pub(crate) fn held() -> i64 {
    HELD.get()
}

/// Counts a buffer of this thread in or out.
fn hold(bytes: i64) {
    // Where the thread ends, and its counter with it, nobody asks any more.
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(bytes)));
}

static FREE_LISTS: Mutex<FreeLists> = Mutex::new(FreeLists::NONE);

impl FreeLists {
    const NONE: FreeLists = FreeLists { by_size: BTreeMap::new(), requests: 0, free: 0, in_use: 0, most_in_use: 0 };

    fn lock() -> MutexGuard<'static, FreeLists> {
        FREE_LISTS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free block of exactly this size, if there is one; counts the request.
    fn take(&mut self, size: usize) -> Option<Vec<CacheLine>> {
        self.requests += 1;
        let class = self.by_size.entry(size).or_insert(SizeClass { blocks: Vec::new(), asked: 0 });
        class.asked = self.requests;
        let block = class.blocks.pop()?;
        self.free -= size;
        self.count(size);
        Some(block)
    }

    /// Counts a block that is in use from now on.
    fn count(&mut self, size: usize) {
        self.in_use += size;
        self.most_in_use = self.most_in_use.max(self.in_use);
    }

    /// Puts a block back; returns those that are to go back to the system.
    fn put(&mut self, block: Vec<CacheLine>) -> Vec<Vec<CacheLine>> {
        self.in_use = self.in_use.saturating_sub(block.len());
        self.free += block.len();
        let requests = self.requests;
        let class = self.by_size.entry(block.len()).or_insert(SizeClass { blocks: Vec::new(), asked: requests });
        class.blocks.push(block);
        let mut surplus = Vec::new();
        while self.free > 2 * self.most_in_use {
            let filled = self.by_size.values_mut().filter(|class| !class.blocks.is_empty());
            let Some(block) = filled.min_by_key(|class| class.asked).and_then(|class| class.blocks.pop()) else {
                break;
            };
            self.free -= block.len();
            surplus.push(block);
        }
        surplus
    }
}

/// The lines of a block for so many bytes: rounded up to an eighth of the power of two below. `None` where no system has
/// so many.
fn block_size(bytes: usize) -> Option<usize> {
    let lines = bytes.div_ceil(size_of::<CacheLine>());
    let size = lines.next_multiple_of((lines.next_power_of_two() / 16).max(1));
    size.checked_mul(size_of::<CacheLine>()).filter(|bytes| *bytes <= isize::MAX as usize).map(|_| size)
}

/// A block that the system gives, where it does: if need be, once all free blocks have gone back to it.
fn fresh(size: usize) -> Option<Vec<CacheLine>> {
    let zeroed = || bytemuck::try_zeroed_vec(size).ok();
    let block = zeroed().or_else(|| {
        release_memory();
        zeroed()
    })?;
    FreeLists::lock().count(size);
    Some(block)
}

/// A refusal of so many bytes, on its way to [`refusable`].
struct Refused(usize);

/// Runs `work`. Where the system refuses memory to a buffer anywhere inside, everything there is given up, and the
/// bytes that were asked for come back as the error.
pub(crate) fn refusable<R>(work: impl FnOnce() -> R) -> Result<R, usize> {
    let modes = Modes { refusable: true, ..Modes::current() };
    // What was worked on is dropped with its owner, an operation that now fails as a whole.
    caught(catch_unwind(AssertUnwindSafe(|| modes.scope(work))))
}

/// Tells a refusal from a panic, which goes on.
fn caught<R>(outcome: Result<R, Box<dyn Any + Send>>) -> Result<R, usize> {
    outcome.or_else(|payload| match payload.downcast::<Refused>() {
        Ok(refused) => Err(refused.0),
        Err(panic) => resume_unwind(panic),
    })
}

/// Gives up what is being worked on.
fn refuse(bytes: usize) -> ! {
    if Modes::current().refusable {
        resume_unwind(Box::new(Refused(bytes)));
    }
    panic!("the system refuses {bytes} bytes of memory, outside of any operation; see evograd::within_memory");
}

/// Gives all memory that waits to be used again back to the system.
///
/// ```
/// drop(evograd::Tensor::<f32>::zeros([1024, 1024])?);
/// evograd::release_memory();
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn release_memory() {
    let mut lists = FreeLists::lock();
    let in_use = lists.in_use;
    let released = std::mem::replace(&mut *lists, FreeLists { in_use, most_in_use: in_use, ..FreeLists::NONE });
    drop(lists);
    drop(released);
}

impl<T: Pod> Buffer<T> {
    /// A buffer with whatever values its memory last held, for a caller who writes all of it.
    pub fn stale(len: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        let block = |size| {
            let recycled = FreeLists::lock().take(size);
            recycled.or_else(|| fresh(size))
        };
        let lines = block_size(bytes).and_then(block).unwrap_or_else(|| refuse(bytes));
        hold(bytes as i64);
        Buffer { lines, len, element: PhantomData }
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
        let Some(size) = block_size(bytes) else { return false };
        bytes <= SMALL || Vec::<CacheLine>::new().try_reserve_exact(size).is_ok()
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
        hold(-((self.len * size_of::<T>()) as i64));
        let lines = std::mem::take(&mut self.lines);
        let surplus = if lines.is_empty() { Vec::new() } else { FreeLists::lock().put(lines) };
        drop(surplus);
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
    fn buffers_are_aligned() {
        for len in [1, 7, 16, 17, 100_003] {
            let first = Buffer::<f32>::zeros(len);
            assert_eq!((first.as_ptr() as usize % 64, first.len()), (0, len));
        }
    }

    #[test]
    fn a_block_comes_back_for_its_size() {
        let mut lists = FreeLists::NONE;
        assert!(lists.take(9).is_none());
        let block: Vec<CacheLine> = bytemuck::zeroed_vec(9);
        lists.count(9);
        let address = block.as_ptr();
        assert!(lists.put(block).is_empty());
        assert!(lists.take(8).is_none());
        assert_eq!(lists.take(9).map(|block| block.as_ptr()), Some(address));
        assert!(lists.take(9).is_none());
    }

    #[test]
    fn sizes_are_rounded_up_by_at_most_an_eighth() {
        for lines in 1..10_000 {
            let size = block_size(lines * 64).unwrap();
            assert!(size >= lines && (size - lines) * 8 <= lines, "{lines} lines become {size}");
        }
        let sizes: std::collections::BTreeSet<usize> =
            (1..=1 << 16).map(|lines| block_size(lines * 64).unwrap()).collect();
        assert!(sizes.len() < 120, "{} sizes", sizes.len());
    }

    #[test]
    fn the_free_lists_hold_no_more_than_was_in_use() {
        let mut lists = FreeLists::NONE;
        for size in 1..200 {
            let block = lists.take(size).unwrap_or_else(|| {
                lists.count(size);
                bytemuck::zeroed_vec(size)
            });
            let surplus: usize = lists.put(block).iter().map(Vec::len).sum();
            assert!(lists.free <= 2 * lists.most_in_use && surplus <= 2 * size);
        }
        assert_eq!((lists.in_use, lists.most_in_use), (0, 199));
        let kept = lists.take(199);
        assert!(kept.is_some(), "what was asked for last is kept");
    }

    #[test]
    fn zeros_are_zero_although_the_memory_was_used() {
        Buffer::<u32>::zeros(77_777).fill(9);
        assert!(Buffer::<u32>::zeros(77_777).iter().all(|x| *x == 0));
    }

    #[test]
    fn a_refusal_on_any_thread_comes_back_with_its_size_and_counts_for_nothing() {
        let before = FreeLists::lock().in_use;
        assert_eq!(refusable(|| Buffer::<f32>::stale(1 << 55).len()), Err(1 << 57));
        assert_eq!(refusable(|| Buffer::<f64>::stale(usize::MAX).len()), Err(usize::MAX));
        crate::ThreadPool::new(2).unwrap().install(|| {
            let work = |i| if i == 77 { Buffer::<f32>::stale(1 << 55).len() } else { i };
            assert_eq!(refusable(|| crate::par::map(100, work)), Err(1 << 57));
        });
        // Other tests run meanwhile, with far less.
        assert!(FreeLists::lock().in_use < before + (1 << 40));
        assert_eq!(refusable(|| 7), Ok(7));
    }

    #[test]
    fn a_panic_is_no_refusal() {
        let panic = catch_unwind(|| refusable(|| std::panic::panic_any(5_u8))).unwrap_err();
        assert_eq!(panic.downcast_ref::<u8>(), Some(&5));
    }
}
