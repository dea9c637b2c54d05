//! General matrix products, by the library `matrixmultiply`.
//!
//! ```text
//! c[m, n] = Σₖ a[m, k] · b[k, n]      for every m of M and n of N
//! ```
//!
//! A transposed operand is the same memory with its strides exchanged, so a transpose costs nothing. The library
//! picks its own instruction set; it serves linear layers and products that users ask for. The skinny products
//! of a convolution go through [`conv`](crate::conv) instead.

use crate::Element;

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

/// A checked product, on its way into the library.
#[doc(hidden)]
pub struct Strided<'a, E> {
    a: Matrix<'a, E>,
    b: Matrix<'a, E>,
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
pub fn gemm<E: Element>(a: Matrix<'_, E>, b: Matrix<'_, E>, add: bool, c: &mut [E]) {
    let ((m, k), (k2, n)) = (a.size, b.size);
    assert_eq!(k, k2, "gemm: the inner sizes of {m}×{k} and {k2}×{n} differ");
    let area = |rows: usize, columns: usize| rows.checked_mul(columns).expect("gemm: a size overflows");
    assert_eq!(a.data.len(), area(m, k), "gemm: a is {m}×{k}");
    assert_eq!(b.data.len(), area(k, n), "gemm: b is {k}×{n}");
    assert_eq!(c.len(), area(m, n), "gemm: c is {m}×{n}");
    E::gemm_strided(Strided { a, b, c, beta: if add { E::ONE } else { E::ZERO } });
}

/// Hands the product to the library's function for one element type.
macro_rules! run {
    ($name:ident, $type:ty, $library:ident) => {
        pub(crate) fn $name(self) {
            let ((m, k), (_, n)) = (self.a.size, self.b.size);
            let ((a_row, a_column), (b_row, b_column)) = (self.a.strides(), self.b.strides());
            let (a, b) = (self.a.data.as_ptr(), self.b.data.as_ptr());
            // SAFETY: `gemm` alone builds a `Strided`, and it has checked that each slice is exactly as long as its
            // rows × columns; the strides are those of a dense matrix of that size, plain or transposed, so every
            // index stays inside. `c` is borrowed mutably, so it overlaps neither `a` nor `b`.
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
