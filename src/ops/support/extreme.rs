//! Which of several elements is the greatest, or the least. Knows no operation.

use evograd_kernels::Element;

/// Whether `x` takes the place of `best`: it is greater, or for the least less, or the first NaN.
pub(in crate::ops) fn replaces<E: Element, const LEAST: bool>(x: E, best: E) -> bool {
    let beyond = if LEAST { x < best } else { x > best };
    beyond || x.is_nan() && !best.is_nan()
}

/// Whether two elements are equal; NaN is equal to NaN here.
pub(in crate::ops) fn same<E: Element>(a: E, b: E) -> bool {
    a == b || a.is_nan() && b.is_nan()
}
