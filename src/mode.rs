//! The modes that a thread computes in: without recording, with every value checked, under a
//! profile. Knows nothing of what is computed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

thread_local! {
    static CURRENT: Cell<Modes> = const { Cell::new(Modes { recording: true, checked: false, profile: 0, refusable: false }) };
    static PART: RefCell<Option<Rc<str>>> = const { RefCell::new(None) };
}

/// How operations run on this thread.
#[derive(Clone, Copy)]
pub(crate) struct Modes {
    /// Whether operations on tracked variables are recorded.
    pub recording: bool,
    /// Whether every value is checked to be finite.
    pub checked: bool,
    /// The number of the profile that operations are noted in; 0 where none is made.
    pub profile: u64,
    /// Whether whoever called is ready to hear that the system refuses memory.
    pub refusable: bool,
}

impl Modes {
    /// Those of this thread.
    pub fn current() -> Modes {
        CURRENT.get()
    }

    /// Runs `work` in these modes; those before come back, also where it panics.
    pub fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        struct Restore(Modes);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0);
            }
        }
        let _restore = Restore(CURRENT.replace(self));
        work()
    }
}

/// Runs `work` as a named part, such as a layer: errors in the gradients of the operations recorded there say its name.
///
/// ```
/// use evograd::{Tape, Tensor, checked, named};
/// let tape = Tape::new();
/// let zero = tape.leaf(Tensor::scalar(0.0_f32));
/// let y = named("head", || zero.sqrt())?;
/// let error = checked(|| tape.backward(&y)).err().unwrap().to_string();
/// assert!(error.starts_with("head: sqrt: a gradient holds inf at []"), "{error}");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn named<R>(part: &str, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<str>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            PART.set(self.0.take());
        }
    }
    let _restore = Restore(PART.replace(Some(Rc::from(part))));
    work()
}

/// The name of the part that runs on this thread, if it has one.
pub(crate) fn part() -> Option<Rc<str>> {
    PART.with_borrow(Clone::clone)
}

/// Runs `work` without recording: what it computes is constant, and keeps nothing for gradients.
///
/// ```
/// use evograd::{Tape, Tensor, no_grad};
/// let x = Tape::new().leaf(Tensor::scalar(2.0_f32));
/// assert!(!no_grad(|| x.mul(&x))?.is_tracked());
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn no_grad<R>(work: impl FnOnce() -> R) -> R {
    Modes { recording: false, ..Modes::current() }.scope(work)
}

/// Runs `work` with every input, output and gradient of every operation checked: the first value that is infinite or
/// not a number is an error that names the operation. Costs one more pass over each tensor.
///
/// ```
/// use evograd::{Tensor, Var, checked};
/// let x = Var::constant(Tensor::from_vec([2], vec![1.0_f32, -1.0])?);
/// let error = checked(|| x.log()).unwrap_err().to_string();
/// assert!(error.starts_with("log: the output holds NaN at [1] (input 0 [2])"), "{error}");
/// # Ok::<(), evograd::Error>(())
/// ```
pub fn checked<R>(work: impl FnOnce() -> R) -> R {
    Modes { checked: true, ..Modes::current() }.scope(work)
}
