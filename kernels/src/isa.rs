//! Which instruction set runs: found on the CPU, or forced by `EVOGRAD_ISA`.
//!
//! Knows the environment variable and the three instruction sets; knows no kernel.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512};

/// The environment variable that forces an instruction set.
pub const VARIABLE: &str = "EVOGRAD_ISA";

/// An instruction set that this CPU has.
///
/// A value is its own proof: it can only be had from [`Isa::chosen`], [`Isa::named`] or [`Isa::available`],
/// which ask the CPU first. Every kernel takes one.
///
/// ```
/// use evograd_kernels::Isa;
/// let best = *Isa::available().last().unwrap();
/// assert_eq!(Isa::named(best.name()).unwrap(), best);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(pub(crate) Kind);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// `EVOGRAD_ISA` names an instruction set that does not exist or that this CPU lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsaError {
    /// The name that was asked for.
    pub wanted: String,
    /// The names that work on this CPU, slowest first.
    pub available: Vec<&'static str>,
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, available } = self;
        let known = ["portable", "avx2", "avx512"].contains(&wanted.trim().to_ascii_lowercase().as_str());
        let problem = if known { "this CPU does not have it" } else { "there is no such instruction set" };
        write!(
            f,
            "{VARIABLE}={wanted}: {problem}; this CPU has {}; set one of them or unset {VARIABLE}",
            available.join(", ")
        )
    }
}

impl std::error::Error for IsaError {}

thread_local! {
    static SCOPED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl Isa {
    /// The lanes that every CPU has.
    pub const PORTABLE: Isa = Isa(Kind::Portable);

    /// Every instruction set of this CPU, slowest first.
    pub fn available() -> Vec<Isa> {
        #[allow(unused_mut, reason = "other architectures have the portable lanes alone")]
        let mut all = vec![Isa::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx2::detect().map(|token| Isa(Kind::Avx2(token))));
            all.extend(Avx512::detect().map(|token| Isa(Kind::Avx512(token))));
        }
        all
    }

    /// The instruction set called `portable`, `avx2` or `avx512`.
    ///
    /// # Errors
    /// When there is no such name, or this CPU lacks it.
    pub fn named(name: &str) -> Result<Isa, IsaError> {
        let all = Isa::available();
        all.iter()
            .copied()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| IsaError { wanted: name.to_string(), available: all.iter().map(|isa| isa.name()).collect() })
    }

    /// The instruction set that a user names, in letters of any size and with spaces around.
    fn said(name: &str) -> Result<Isa, IsaError> {
        Isa::named(&name.trim().to_ascii_lowercase()).map_err(|error| IsaError { wanted: name.into(), ..error })
    }

    /// The instruction set to use: that of [`Isa::scope`], else that of `EVOGRAD_ISA`, else the CPU's best.
    ///
    /// The variable is read once a process.
    ///
    /// # Errors
    /// When `EVOGRAD_ISA` names one that this CPU lacks: there is no silent fallback.
    pub fn chosen() -> Result<Isa, IsaError> {
        static PROCESS: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        let process = || match std::env::var_os(VARIABLE) {
            Some(name) if !name.to_string_lossy().trim().is_empty() => Isa::said(&name.to_string_lossy()),
            _ => Ok(*Isa::available().last().expect("the portable lanes are always there")),
        };
        match SCOPED.get() {
            Some(isa) => Ok(isa),
            None => PROCESS.get_or_init(process).clone(),
        }
    }

    /// Runs `work` with this instruction set as the [`chosen`](Isa::chosen) one of the current thread.
    ///
    /// ```
    /// use evograd_kernels::Isa;
    /// Isa::PORTABLE.scope(|| assert_eq!(Isa::chosen().unwrap(), Isa::PORTABLE));
    /// ```
    pub fn scope<R>(self, work: impl FnOnce() -> R) -> R {
        struct Restore(Option<Isa>);
        impl Drop for Restore {
            fn drop(&mut self) {
                SCOPED.set(self.0);
            }
        }
        let _restore = Restore(SCOPED.replace(Some(self)));
        work()
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
        }
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_an_error_that_lists_what_works() {
        let error = Isa::named("sse9").unwrap_err().to_string();
        assert!(
            error.starts_with("EVOGRAD_ISA=sse9: there is no such instruction set; this CPU has portable"),
            "{error}"
        );
    }

    #[test]
    fn the_variable_is_obeyed() {
        let best = Isa::available().last().unwrap().name().to_string();
        let wanted = std::env::var(VARIABLE).unwrap_or(best);
        assert_eq!(Isa::chosen().unwrap().name(), wanted);
    }

    #[test]
    fn a_scope_ends_even_when_its_work_panics() {
        let before = Isa::chosen().unwrap();
        let _ = std::panic::catch_unwind(|| Isa::PORTABLE.scope(|| panic!("on purpose")));
        assert_eq!(Isa::chosen().unwrap(), before);
    }
}
