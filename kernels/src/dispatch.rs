//! From an instruction set to its lanes: for each element type, which token runs a kernel.

use crate::isa::{Isa, Kind};
use crate::number::Number;
use crate::simd::{Kernel, Portable};

/// A scalar for which every instruction set has lanes: those of `f32` are as wide as the registers, `f64` has one.
pub trait Dispatch: Number {
    /// Runs `kernel` with the lanes that `isa` has for this type.
    #[doc(hidden)]
    fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;
}

impl Dispatch for f32 {
    #[inline(always)]
    fn dispatch<K: Kernel<f32>>(isa: Isa, kernel: K) -> K::Output {
        match isa.0 {
            Kind::Portable => kernel.run(Portable::<f32, 4>::TOKEN),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => token.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(token) => token.run(kernel),
        }
    }
}

impl Dispatch for f64 {
    #[inline(always)]
    fn dispatch<K: Kernel<f64>>(_: Isa, kernel: K) -> K::Output {
        kernel.run(Portable::<f64, 1>::TOKEN)
    }
}
