//! Matrix products of whole tensors, cut into chunks. Knows no operation.

use crate::par::for_each;
use crate::tensor::Tensor;
use evograd_kernels::Element;
use evograd_kernels::gemm::{Matrix, gemm_rows};

/// Multiplications that are worth handing to a thread.
const WORK: usize = 1 << 20;

/// The fewest rows in a chunk: each chunk goes through all of `b`, which must pay.
const ROWS: usize = 64;

/// A factor: a matrix, or a stack of them along the leading axes.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Factor<'a, E: Element> {
    data: &'a [E],
    /// Rows and columns as the product sees them, after transposing.
    size: (usize, usize),
    transposed: bool,
    /// Matrices in the stack.
    count: usize,
}

impl<'a, E: Element> Factor<'a, E> {
    /// The matrices in the last two axes of `x`, transposed where asked.
    pub fn new(x: &'a Tensor<E>, transposed: bool) -> Self {
        let [.., rows, columns] = *x.shape().sizes() else { panic!("a factor of shape {}", x.shape()) };
        let count = x.shape().elements() / (rows * columns);
        let size = if transposed { (columns, rows) } else { (rows, columns) };
        Factor { data: x.as_slice(), size, transposed, count }
    }

    /// One matrix; a stack of one serves for all.
    fn matrix(&self, index: usize) -> Matrix<'a, E> {
        let (index, len) = (index % self.count, self.size.0 * self.size.1);
        Matrix { data: &self.data[index * len..(index + 1) * len], size: self.size, transposed: self.transposed }
    }
}

/// Writes `a·b` over `c`, or adds it where `add` is set.
///
/// `c` is a stack of products, one for each pair of matrices; or a single matrix, which gets the sum of the products.
/// Rows of `c` are cut into chunks whose size depends on the sizes of the factors alone.
pub(in crate::ops) fn multiply<E: Element>(a: Factor<'_, E>, b: Factor<'_, E>, add: bool, c: &mut [E]) {
    let (a, b) = merged(a, b, c.len());
    let ((m, k), (_, n)) = (a.size, b.size);
    let pairs = a.count.max(b.count);
    let terms = pairs / (c.len() / (m * n));
    let rows = (WORK / (k * n * terms)).max(ROWS);
    for_each(c, rows * n, |i, c| {
        let mut done = 0;
        while done < c.len() / n {
            let (product, first) = ((i * rows + done) / m, (i * rows + done) % m);
            let end = m.min(first + c.len() / n - done);
            let c = &mut c[done * n..(done + end - first) * n];
            for term in 0..terms {
                let (a, b) = (a.matrix(product * terms + term), b.matrix(product * terms + term));
                gemm_rows(a, b, first..end, add || term > 0, c);
            }
            done += end - first;
        }
    });
}

/// The same product with fewer and larger matrices where stacks can be read as one: under each other, the matrices of
/// `a` meet the same `b`; behind each other, they make a sum of products.
fn merged<'a, E: Element>(mut a: Factor<'a, E>, mut b: Factor<'a, E>, len: usize) -> (Factor<'a, E>, Factor<'a, E>) {
    let ((m, k), (_, n)) = (a.size, b.size);
    if b.count == 1 && !a.transposed && len == a.count * m * n {
        (a.size, a.count) = ((a.count * m, k), 1);
    } else if a.count == b.count && a.transposed && !b.transposed && len == m * n {
        (a.size, b.size) = ((m, a.count * k), (a.count * k, n));
        (a.count, b.count) = (1, 1);
    }
    (a, b)
}
