//! Where the time of a computation goes: every pass of every operation as an event with its shapes, its multiply-adds
//! and the memory it moves. Knows no operation, no layer and no network.
//!
//! Definitions, the same in every table, trace and chart:
//!
//! * A **multiply-add** is one multiplication and one addition: two operations. GFLOP/s are 10⁹ operations a second.
//!   Only products have multiply-adds (convolutions, matrix products); element-wise work counts for nothing, as in
//!   [`Layer::macs`](crate::nn::Layer::macs). What counts are those of the formula, also where a kernel does with fewer.
//! * **Bytes** are the least traffic that a pass can do with: forward, every input once and the output once; backward,
//!   the gradient of the output, the inputs and outputs that the operation kept, and every gradient it gives, each once.
//!   What is handed on without being touched, as by a reshape, counts for nothing. GB/s are 10⁹ bytes a second.
//! * The **roofline** is what the [`Machine`] allows a pass: the time of its operations at the machine's peak, or of its
//!   bytes at the bandwidth of its memory, whichever is longer. The share of the roofline is that time over the time taken.
//!   It can be above 1: where data come from a cache and not from memory, or a kernel does with fewer multiply-adds.

mod budget;
mod machine;
#[cfg(feature = "training")]
mod trace;

pub use budget::{Kind, LayerTime, Spent};
pub use machine::Machine;
#[cfg(feature = "training")]
pub use trace::chrome_trace;

use crate::mode::Modes;
use crate::shape::Shape;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which way an operation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// From inputs to the output.
    Forward,
    /// From the gradient of the output to those of the inputs.
    Backward,
    /// From gradients to weights.
    Update,
}

impl Pass {
    /// Its name: `forward`, `backward` or `update`.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Forward => "forward",
            Pass::Backward => "backward",
            Pass::Update => "update",
        }
    }
}

/// One pass of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The operation, as error messages say it; `sum of gradients` where the tape adds up those of a variable's uses.
    pub op: &'static str,
    /// Which way it ran.
    pub pass: Pass,
    /// The part that it ran or was recorded in, such as a layer.
    pub part: Option<String>,
    /// The shapes of its inputs; of an update, those of the weights.
    pub inputs: Vec<Shape>,
    /// The shape of its output, backward too; of an update, that of all weights in a row.
    pub output: Shape,
    /// Multiply-adds.
    pub macs: u64,
    /// The least bytes that had to be moved.
    pub bytes: u64,
    /// When it began, after the beginning of the profile.
    pub start: Duration,
    /// How long it took.
    pub duration: Duration,
}

impl Event {
    /// An event of which no more is known; [`Span::note`] sets its times.
    pub(crate) fn new(op: &'static str, pass: Pass, output: Shape) -> Event {
        let (start, duration) = (Duration::ZERO, Duration::ZERO);
        Event { op, pass, part: None, inputs: Vec::new(), output, macs: 0, bytes: 0, start, duration }
    }
}

/// What happened in a chunk of work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// How long the whole of it took.
    pub duration: Duration,
    /// The operations in the order of their ends. They do not overlap, unless the work ran on several threads of its own.
    pub events: Vec<Event>,
}

/// A profile that is being made.
struct Open {
    start: Instant,
    events: Vec<Event>,
}

/// All profiles that are being made, by their numbers, so that one finds its events also where its work goes on on
/// another thread.
static OPEN: Mutex<BTreeMap<u64, Open>> = Mutex::new(BTreeMap::new());
/// The number of the next profile.
static NEXT: AtomicU64 = AtomicU64::new(1);

fn all_open() -> MutexGuard<'static, BTreeMap<u64, Open>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` and notes every pass of every operation in it: what it was, when it began and how long it took.
///
/// A profile within another has its events to itself. What an operation computes by other operations is part of it and
/// not noted again. Values do not change; the time that noting takes, a microsecond or so for each operation, stands in
/// no event. Outside, nothing is noted: no clock is read.
///
/// ```
/// use evograd::profile::{Pass, profiled};
/// use evograd::{Tape, Tensor};
/// let (gradients, profile) = profiled(|| {
///     let tape = Tape::new();
///     let x = tape.leaf(Tensor::from_vec([2], vec![3.0_f32, -1.0])?);
///     tape.backward(&x.relu()?.sum_all()?)
/// });
/// gradients?;
/// let passes: Vec<(&str, Pass)> = profile.events.iter().map(|event| (event.op, event.pass)).collect();
/// let both = |pass| [("relu", pass), ("sum", pass)];
/// assert_eq!(passes[..2], both(Pass::Forward));
/// assert_eq!(passes[2..], [both(Pass::Backward)[1], both(Pass::Backward)[0]]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn profiled<R>(work: impl FnOnce() -> R) -> (R, Profile) {
    struct Close(u64);
    impl Drop for Close {
        fn drop(&mut self) {
            all_open().remove(&self.0);
        }
    }
    let profile = NEXT.fetch_add(1, Ordering::Relaxed);
    let start = Instant::now();
    all_open().insert(profile, Open { start, events: Vec::new() });
    let close = Close(profile);
    let result = Modes { profile, ..Modes::current() }.scope(work);
    let duration = start.elapsed();
    let events = all_open().remove(&profile).map_or(Vec::new(), |open| open.events);
    drop(close);
    (result, Profile { duration, events })
}

/// Whether a profile is being made on this thread.
pub(crate) fn is_on() -> bool {
    Modes::current().profile != 0
}

/// Runs `work`, and times it where a profile is being made.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, Option<Span>) {
    let modes = Modes::current();
    if modes.profile == 0 {
        return (work(), None);
    }
    let start = Instant::now();
    let result = Modes { profile: 0, ..modes }.scope(work);
    (result, Some(Span { profile: modes.profile, start, duration: start.elapsed() }))
}

/// A time that belongs to a profile.
pub(crate) struct Span {
    profile: u64,
    start: Instant,
    duration: Duration,
}

impl Span {
    /// Notes what the time was spent on; the event's own times are set here.
    pub(crate) fn note(self, event: Event) {
        if let Some(open) = all_open().get_mut(&self.profile) {
            let start = self.start.saturating_duration_since(open.start);
            open.events.push(Event { start, duration: self.duration, ..event });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tensor, ThreadPool, Var};

    fn exp() {
        Var::constant(Tensor::scalar(1.0_f32)).exp().unwrap();
    }

    #[test]
    fn nothing_is_timed_or_noted_outside_a_profile() {
        assert!(timed(|| ()).1.is_none() && !is_on());
        let ((), profile) = profiled(|| ());
        exp();
        assert!(profile.events.is_empty() && timed(|| ()).1.is_none());
    }

    #[test]
    fn a_profile_follows_its_work_to_other_threads_and_keeps_its_events_to_itself() {
        let pool = ThreadPool::new(2).unwrap();
        let (inner, outer) = profiled(|| {
            pool.install(exp);
            profiled(|| pool.install(|| (exp(), exp()))).1
        });
        assert_eq!((inner.events.len(), outer.events.len()), (2, 1));
        assert!(inner.duration <= outer.duration);
    }

    #[test]
    fn a_profile_whose_work_panics_leaves_nothing_behind() {
        let number = std::panic::catch_unwind(|| {
            profiled(|| {
                exp();
                std::panic::panic_any(Modes::current().profile);
            })
        });
        let number = *number.err().unwrap().downcast::<u64>().unwrap();
        assert!(number > 0 && !all_open().contains_key(&number) && !is_on());
    }
}
