//! General matrix products, by the library `matrixmultiply`.
//!
//! ```text
//! c[m, n] = Σₖ a[m, k] · b[k, n]      for every m of M and n of N
//! ```
//!
//! A transposed operand is the same memory with its strides exchanged, so a transpose costs nothing. The library
//! picks its own instruction set; it serves linear layers and products that users ask for. The skinny products
//! of a convolution go through [`conv`](crate::conv) instead.

use crate::number::Number;
use std::ops::Range;

/// A matrix in a slice: row-major as stored, or read as its transpose.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, E> {
    /// The elements, row-major as stored.
    pub data: &'a [E],
    /// Rows and columns as the product sees them, after transposing.
    pub size: (usize, usize),
    /// Whether the stored matrix is the transpose of the one meant.
    pub transposed: bool,
}

impl<E> Matrix<'_, E> {
    /// Elements from one row to the next, and from one column to the next.
    fn strides(&self) -> (isize, isize) {
        let (rows, columns) = self.size;
        if self.transposed { (1, rows as isize) } else { (columns as isize, 1) }
    }
}

/// A checked product, on its way into the library: `rows` rows of it, of which `a` starts with the first.
#[doc(hidden)]
pub struct Strided<'a, E> {
    a: Matrix<'a, E>,
    b: Matrix<'a, E>,
    rows: usize,
    c: &'a mut [E],
    beta: E,
}

/// `c = a·b`, or `c += a·b` when `add` is set; `c` is row-major, `M×N`.
///
/// ```
/// use evograd_kernels::gemm::{gemm, Matrix};
/// let a = Matrix { data: &[1.0, 2.0, 3.0], size: (1, 3), transposed: false };
/// let mut c = [0.0];
/// gemm(a, Matrix { size: (3, 1), transposed: true, ..a }, false, &mut c);
/// assert_eq!(c, [14.0]);
/// ```
///
/// # Panics
/// When the inner sizes differ, or a slice is not as long as its sizes say.
pub fn gemm<E: GemmKernel>(a: Matrix<'_, E>, b: Matrix<'_, E>, add: bool, c: &mut [E]) {
    gemm_rows(a, b, 0..a.size.0, add, c);
}

/// As [`gemm`] for some rows of the product only; `c` holds just those. So a large product can be cut into chunks.
///
/// # Panics
/// As [`gemm`], and when there are no such rows.
pub fn gemm_rows<E: GemmKernel>(a: Matrix<'_, E>, b: Matrix<'_, E>, rows: Range<usize>, add: bool, c: &mut [E]) {
    let ((m, k), (k2, n)) = (a.size, b.size);
    assert_eq!(k, k2, "gemm: the inner sizes of {m}×{k} and {k2}×{n} differ");
    assert!(rows.start <= rows.end && rows.end <= m, "gemm: rows {rows:?} of {m}");
    let area = |rows: usize, columns: usize| rows.checked_mul(columns).expect("gemm: a size overflows");
    assert_eq!(a.data.len(), area(m, k), "gemm: a is {m}×{k}");
    assert_eq!(b.data.len(), area(k, n), "gemm: b is {k}×{n}");
    assert_eq!(c.len(), area(rows.len(), n), "gemm: c is {}×{n}", rows.len());
    let first = if a.transposed { rows.start } else { rows.start * k };
    let from_first = Matrix { data: &a.data[first.min(a.data.len())..], ..a };
    let beta = if add { E::ONE } else { E::ZERO };
    E::gemm_strided(Strided { a: from_first, b, rows: rows.len(), c, beta });
}

/// A scalar that the library multiplies.
pub trait GemmKernel: Number {
    /// One call into the library.
    #[doc(hidden)]
    fn gemm_strided(product: Strided<'_, Self>);
}

impl GemmKernel for f32 {
    fn gemm_strided(product: Strided<'_, f32>) {
        product.run_f32();
    }
}

impl GemmKernel for f64 {
    fn gemm_strided(product: Strided<'_, f64>) {
        product.run_f64();
    }
}

/// Hands the product to the library's function for one element type.
macro_rules! run {
    ($name:ident, $type:ty, $library:ident) => {
        fn $name(self) {
            let (m, (k, n)) = (self.rows, self.b.size);
            let ((a_row, a_column), (b_row, b_column)) = (self.a.strides(), self.b.strides());
            let (a, b) = (self.a.data.as_ptr(), self.b.data.as_ptr());
            // SAFETY: `gemm_rows` alone builds a `Strided`, and it has checked that each slice is exactly as long as its
            // rows × columns; the strides are those of a dense matrix of that size, plain or transposed, so every
            // index stays inside. Of `a`, the elements before the first wanted row are cut off, and at most the rows
            // that were behind are read: the last index is that of the last wanted row of the whole matrix, less what
            // was cut off. `c` is borrowed mutably, so it overlaps neither `a` nor `b`.
            unsafe {
                matrixmultiply::$library(
                    m,
                    k,
                    n,
                    1.0,
                    a,
                    a_row,
                    a_column,
                    b,
                    b_row,
                    b_column,
                    self.beta,
                    self.c.as_mut_ptr(),
                    n as isize,
                    1,
                );
            }
        }
    };
}

impl Strided<'_, f32> {
    run!(run_f32, f32, sgemm);
}

impl Strided<'_, f64> {
    run!(run_f64, f64, dgemm);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(usize, usize, usize); 12] = [
        (1, 1, 1),
        (2, 3, 4),
        (5, 1, 7),
        (1, 9, 1),
        (8, 8, 8),
        (17, 33, 3),
        (3, 70, 19),
        (67, 5, 65),
        (64, 300, 9),
        (0, 3, 2),
        (2, 0, 3),
        (2, 3, 0),
    ];

    /// Small integers: every sum of their products is exact in both types.
    fn numbers<E: GemmKernel>(len: usize, seed: usize) -> Vec<E> {
        (0..len).map(|i| E::from_f64(((i * 7 + seed) % 11) as f64 - 5.0)).collect()
    }

    /// The product by its definition, added to `c`.
    fn naive<E: GemmKernel>(a: Matrix<'_, E>, b: Matrix<'_, E>, c: &mut [E]) {
        let at = |matrix: &Matrix<'_, E>, row: usize, column: usize| {
            let (row_step, column_step) = matrix.strides();
            matrix.data[row * row_step as usize + column * column_step as usize]
        };
        let ((m, k), (_, n)) = (a.size, b.size);
        for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
            (0..k).for_each(|i| c[row * n + column] += at(&a, row, i) * at(&b, i, column));
        }
    }

    fn agrees_with_the_definition<E: GemmKernel>() {
        for (m, k, n) in SIZES {
            for flags in 0..8 {
                let (a_data, b_data) = (numbers::<E>(m * k, 1), numbers::<E>(k * n, 2));
                let a = Matrix { data: &a_data, size: (m, k), transposed: flags & 1 == 1 };
                let b = Matrix { data: &b_data, size: (k, n), transposed: flags & 2 == 2 };
                let add = flags & 4 == 4;
                let old: Vec<E> = if add { numbers(m * n, 3) } else { vec![E::from_f64(f64::NAN); m * n] };
                let mut expected = if add { old.clone() } else { vec![E::ZERO; m * n] };
                naive(a, b, &mut expected);
                let mut c = old.clone();
                gemm(a, b, add, &mut c);
                assert_eq!(c, expected, "{m}×{k}×{n}, a transposed {}, b transposed {}", a.transposed, b.transposed);
                for cut in [0, m / 3, m / 2, m] {
                    let mut c = old.clone();
                    let (head, tail) = c.split_at_mut(cut * n);
                    gemm_rows(a, b, 0..cut, add, head);
                    gemm_rows(a, b, cut..m, add, tail);
                    assert_eq!(c, expected, "{m}×{k}×{n} cut at row {cut}, a transposed {}", a.transposed);
                }
            }
        }
    }

    #[test]
    fn products_agree_with_the_definition() {
        agrees_with_the_definition::<f32>();
        agrees_with_the_definition::<f64>();
    }

    #[test]
    fn what_is_not_finite_comes_out() {
        let a = Matrix { data: &[0.0_f32, f32::NAN], size: (1, 2), transposed: false };
        let b = Matrix { data: &[f32::INFINITY, 1.0, 0.0, 0.0], size: (2, 2), transposed: false };
        let mut c = [0.0; 2];
        gemm(a, b, false, &mut c);
        assert!(c[0].is_nan() && c[1].is_nan());
    }

    #[test]
    #[should_panic(expected = "gemm: the inner sizes of 1×2 and 1×2 differ")]
    fn different_inner_sizes_are_refused() {
        let a = Matrix { data: &[0.0_f32; 2], size: (1, 2), transposed: false };
        gemm(a, a, false, &mut [0.0; 2]);
    }

    #[test]
    #[should_panic(expected = "gemm: b is 2×3")]
    fn a_slice_of_another_length_is_refused() {
        let a = Matrix { data: &[0.0_f32; 2], size: (1, 2), transposed: false };
        gemm(a, Matrix { size: (2, 3), ..a }, false, &mut [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "gemm: rows 1..3 of 2")]
    fn rows_that_do_not_exist_are_refused() {
        let a = Matrix { data: &[0.0_f32; 4], size: (2, 2), transposed: false };
        gemm_rows(a, a, 1..3, false, &mut [0.0; 4]);
    }
}
