//! The matrix product, also of stacks of matrices.
//!
//! **Formula** `y[m, n] = Σₖ a[m, k] · b[k, n]`; where asked, `a` or `b` is read as its transpose.
//!
//! **Shapes** `a` `[…, M, K]`, `b` `[…, K, N]`, `y` `[…, M, N]`; transposed, `a` is `[…, K, M]` and `b` `[…, N, K]`. The
//! leading sizes broadcast as in NumPy: equal, or 1, or not there, in which case a matrix meets every one of the other factor.
//!
//! **Gradient** `a[m, k]` goes into `y[m, n]` for every `n`, with slope `b[k, n]`, so `da[m, k] = Σₙ dy[m, n]·b[k, n]`:
//! `da = dy·bᵀ`. Likewise `db[k, n] = Σₘ a[m, k]·dy[m, n]`: `db = aᵀ·dy`. The gradient of a transposed factor is the
//! transpose of that, `daᵀ = b·dyᵀ` and `dbᵀ = dyᵀ·a`. A matrix that met many gets the sum over all of them. The
//! transposes are ways of reading; none is made.
//!
//! **Kept for backward** `a` and `b`.
//!
//! **Source** any book on linear algebra; the products themselves are those of the library `matrixmultiply`.

use super::support::broadcast::stretch;
use super::support::catalogue::{Large, Row, case};
use super::support::product::{Factor, multiply};
use super::support::reduction::sum_back;
use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;
use std::borrow::Cow;

pub(super) const ROW: Row = Row {
    name: "matmul",
    formula: "y[m, n] = sum over k of a[m, k]·b[k, n]",
    nondifferentiable: "",
    f32_bound: 12.0,
    draw: |draw| {
        // In long sums the rounding is measured; there are enough of them that they do not all cancel.
        let long = draw.flag();
        let [m, n] = [0; 2].map(|_| if long { draw.size(3, 4) } else { draw.size(1, 5) });
        let k = if long { draw.size(8, 70) } else { draw.size(1, 5) };
        let transpose = Transpose { a: draw.flag(), b: draw.flag() };
        let leading = if long { Shape::SCALAR } else { draw.shape(0, 2) };
        // One of the factors is a single matrix, or is repeated along its first axis.
        let odd = draw.size(0, 4);
        let mut factor = |transposed: bool, rows, columns, single: bool, repeated: bool| {
            let mut sizes = if single { Vec::new() } else { leading.sizes().to_vec() };
            sizes.iter_mut().take(usize::from(repeated)).for_each(|size| *size = 1);
            sizes.extend(if transposed { [columns, rows] } else { [rows, columns] });
            if long { draw.values(sizes.as_slice()) } else { draw.coarse(sizes.as_slice()) }
        };
        let inputs = [factor(transpose.a, m, k, odd == 1, odd == 3), factor(transpose.b, k, n, odd == 2, odd == 4)];
        case!(inputs, format!("{transpose:?}"), |v| match transpose {
            Transpose { a: false, b: false } => v[0].matmul(&v[1]),
            _ => v[0].matmul_with(&v[1], transpose),
        })
    },
    large: Large { shapes: &[&[3, 259, 130], &[3, 130, 70]], run: |v| v[0].matmul(&v[1]) },
};

/// Which factors of [`Var::matmul_with`] are read as their transposes.
///
/// ```
/// use evograd::ops::Transpose;
/// use evograd::{Tensor, Var};
/// let x = Var::constant(Tensor::from_vec([1, 2], vec![3.0_f32, 4.0])?);
/// let gram = x.matmul_with(&x, Transpose { a: false, b: true })?;
/// assert_eq!(gram.value().as_slice(), [25.0]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transpose {
    /// The first.
    pub a: bool,
    /// The second.
    pub b: bool,
}

#[derive(Debug)]
struct Matmul {
    transpose: Transpose,
}

impl<E: Element> Op<E, 2> for Matmul {
    const NAME: &'static str = ROW.name;
    type Saved = [Tensor<E>; 2];

    fn output_shape(&self, [a, b]: [&Shape; 2]) -> Result<Shape> {
        let refuse = |problem: String, remedy: &str| Err(Error::op(ROW.name, problem, &[("a", a), ("b", b)], remedy));
        let ([a_leading @ .., a_rows, a_columns], [b_leading @ .., b_rows, b_columns]) = (a.sizes(), b.sizes()) else {
            return refuse("both factors need at least two axes".into(), "reshape a vector to one row or column");
        };
        let (m, k) = if self.transpose.a { (a_columns, a_rows) } else { (a_rows, a_columns) };
        let (k2, n) = if self.transpose.b { (b_columns, b_rows) } else { (b_rows, b_columns) };
        if k != k2 {
            let problem = format!("the inner sizes {k}{} and {k2}{} differ", self.note(0), self.note(1));
            return refuse(problem, "give a as many columns as b has rows, or read one of them as its transpose");
        }
        let Some(leading) = Shape::new(a_leading)?.broadcast(&Shape::new(b_leading)?) else {
            let problem = format!("the leading sizes {a_leading:?} and {b_leading:?} differ");
            return refuse(problem, "make each pair of them, counted from the last, equal, or one of them 1");
        };
        let sizes = [leading.sizes(), &[*m, *n]].concat();
        Shape::new(&sizes).or_else(|_| refuse(format!("the product {sizes:?} has too many elements"), "multiply parts"))
    }

    fn macs(&self, [a, _]: [&Shape; 2], output: &Shape) -> u64 {
        let sizes = a.sizes();
        let inner = sizes[sizes.len() - if self.transpose.a { 2 } else { 1 }];
        (output.elements() as u64).saturating_mul(inner as u64)
    }

    fn forward(&self, [a, b]: [&Tensor<E>; 2]) -> (Tensor<E>, [Tensor<E>; 2]) {
        let shape = Op::<E, 2>::output_shape(self, [a.shape(), b.shape()]).expect("output_shape has agreed");
        let Transpose { a: ta, b: tb } = self.transpose;
        (product(shape, (&repeated(a, &shape), ta), (&repeated(b, &shape), tb)), [a.clone(), b.clone()])
    }

    fn backward(&self, [a, b]: [Tensor<E>; 2], dy: Tensor<E>, wanted: [bool; 2]) -> [Option<Tensor<E>>; 2] {
        let Transpose { a: ta, b: tb } = self.transpose;
        let (every_a, every_b) = (repeated(&a, dy.shape()), repeated(&b, dy.shape()));
        let da = || match ta {
            false => product(*every_a.shape(), (&dy, false), (&every_b, !tb)),
            true => product(*every_a.shape(), (&every_b, tb), (&dy, true)),
        };
        let db = || match tb {
            false => product(*every_b.shape(), (&every_a, !ta), (&dy, false)),
            true => product(*every_b.shape(), (&dy, true), (&every_a, ta)),
        };
        [wanted[0].then(|| sum_back(da(), a.shape())), wanted[1].then(|| sum_back(db(), b.shape()))]
    }
}

impl Matmul {
    /// What an inner size belongs to, where that needs saying.
    fn note(&self, factor: usize) -> &'static str {
        match (factor, self.transpose) {
            (0, Transpose { a: true, .. }) => " of a transposed",
            (1, Transpose { b: true, .. }) => " of b transposed",
            _ => "",
        }
    }
}

/// A factor with the leading sizes of the product; a single matrix stays one, which the product knows how to use again.
fn repeated<'a, E: Element>(x: &'a Tensor<E>, product: &Shape) -> Cow<'a, Tensor<E>> {
    let (own, leading) = (x.shape().sizes(), &product.sizes()[..product.rank() - 2]);
    let (own, matrix) = own.split_at(own.len() - 2);
    if own == leading || own.iter().all(|size| *size == 1) {
        return Cow::Borrowed(x);
    }
    stretch(x, &Shape::new(&[leading, matrix].concat()).expect("no more elements than go into the product's tensors"))
}

/// The product, in a tensor of `shape`, of two factors of which each is read as its transpose where that is set.
fn product<E: Element>(shape: Shape, a: (&Tensor<E>, bool), b: (&Tensor<E>, bool)) -> Tensor<E> {
    Tensor::build(shape, |c| multiply(Factor::new(a.0, a.1), Factor::new(b.0, b.1), false, c))
}

impl<E: Element> Var<E> {
    /// The matrix product `self·b`: `[…, M, K]` and `[…, K, N]` make `[…, M, N]`. The leading sizes broadcast as
    /// in NumPy; a single matrix meets every one of the other factor.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let a = Var::constant(Tensor::from_vec([1, 2], vec![1.0_f32, 2.0])?);
    /// let b = Var::constant(Tensor::from_vec([2, 2], vec![3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(a.matmul(&b)?.value().as_slice(), [13.0, 16.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When a factor has less than two axes, the inner sizes differ, the leading ones do not broadcast, or the product
    /// has too many elements.
    pub fn matmul(&self, b: &Var<E>) -> Result<Var<E>> {
        self.matmul_with(b, Transpose::default())
    }

    /// As [`Var::matmul`], reading one factor or both as its transpose. That costs nothing.
    ///
    /// ```
    /// use evograd::{Tensor, Var, ops::Transpose};
    /// let a = Var::constant(Tensor::from_vec([1, 2], vec![1.0_f32, 2.0])?);
    /// let norm = a.matmul_with(&a, Transpose { a: false, b: true })?;
    /// assert_eq!(norm.item()?, 5.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Var::matmul`].
    pub fn matmul_with(&self, b: &Var<E>, transpose: Transpose) -> Result<Var<E>> {
        apply(Matmul { transpose }, [self, b])
    }
}

#[cfg(test)]
mod tests {
    use super::Transpose;
    use crate::{Tape, Tensor, ThreadPool, Var};

    /// Small integers, so that every sum of products is exact.
    fn numbers(shape: &[usize], seed: usize) -> Tensor<f32> {
        Tensor::from_fn(shape, |i| ((i * 7 + seed) % 11) as f32 - 5.0).unwrap()
    }

    /// Large enough to be cut into many chunks: the product and both gradients, against the definition, on any number
    /// of threads.
    fn agrees(batch: usize, [m, k, n]: [usize; 3], transpose: Transpose, single: [bool; 2]) {
        let stack = |rows, columns, transposed: bool, single: bool| {
            let matrix = if transposed { [columns, rows] } else { [rows, columns] };
            if single { matrix.to_vec() } else { vec![batch, matrix[0], matrix[1]] }
        };
        let a = numbers(&stack(m, k, transpose.a, single[0]), 1);
        let b = numbers(&stack(k, n, transpose.b, single[1]), 2);
        let dy = numbers(&[batch, m, n], 3);
        let a_at = |z: usize, i: usize, j: usize| {
            let (z, place) = (if single[0] { 0 } else { z }, if transpose.a { j * m + i } else { i * k + j });
            z * m * k + place
        };
        let b_at = |z: usize, i: usize, j: usize| {
            let (z, place) = (if single[1] { 0 } else { z }, if transpose.b { j * k + i } else { i * n + j });
            z * k * n + place
        };
        let mut y = vec![0.0; batch * m * n];
        let (mut da, mut db) = (vec![0.0; a.as_slice().len()], vec![0.0; b.as_slice().len()]);
        for (z, i, j) in (0..batch).flat_map(|z| (0..m).flat_map(move |i| (0..n).map(move |j| (z, i, j)))) {
            let at = (z * m + i) * n + j;
            for l in 0..k {
                let (from_a, from_b) = (a_at(z, i, l), b_at(z, l, j));
                y[at] += a.as_slice()[from_a] * b.as_slice()[from_b];
                da[from_a] += dy.as_slice()[at] * b.as_slice()[from_b];
                db[from_b] += dy.as_slice()[at] * a.as_slice()[from_a];
            }
        }
        for threads in [1, 2, 3] {
            let [found_y, found_da, found_db] = ThreadPool::new(threads).unwrap().install(|| {
                let tape = Tape::new();
                let leaves = [&a, &b].map(|x| tape.leaf(x.clone()));
                let found = leaves[0].matmul_with(&leaves[1], transpose).unwrap();
                let gradients = tape.backward_from(&[(&found, dy.clone())]).unwrap();
                [found.value(), gradients.get(&leaves[0]).unwrap(), gradients.get(&leaves[1]).unwrap()]
                    .map(|tensor| tensor.as_slice().to_vec())
            });
            let equal = (found_y == y, found_da == da, found_db == db);
            assert_eq!(equal, (true, true, true), "{batch}×[{m}, {k}, {n}] {transpose:?} single {single:?}");
        }
    }

    #[test]
    fn stacks_of_every_kind_agree_with_the_definition() {
        for flags in 0..4 {
            let transpose = Transpose { a: flags & 1 == 1, b: flags & 2 == 2 };
            for single in [[false, false], [true, false], [false, true]] {
                agrees(3, [70, 9, 67], transpose, single);
                agrees(50, [3, 40, 5], transpose, single);
            }
            agrees(1, [300, 65, 130], transpose, [false, false]);
        }
    }

    /// Against the product of factors that were repeated before.
    #[test]
    fn leading_sizes_broadcast_and_gradients_add_up() {
        let tape = Tape::new();
        let (a, b) = (tape.leaf(numbers(&[2, 1, 3, 4], 1)), tape.leaf(numbers(&[5, 4, 2], 2)));
        let ones = Var::constant(Tensor::full([2, 5, 1, 1], 1.0).unwrap());
        let [y, expected] = [a.matmul(&b), (&a * &ones).unwrap().matmul(&(&b * &ones).unwrap())].map(Result::unwrap);
        assert_eq!((y.value().shape().sizes(), y.value()), (&[2, 5, 3, 2][..], expected.value()));
        let gradients = [&y, &expected].map(|y| tape.backward_from(&[(y, numbers(&[2, 5, 3, 2], 3))]).unwrap());
        for leaf in [&a, &b] {
            assert_eq!(gradients[0].get(leaf), gradients[1].get(leaf));
        }
    }

    #[test]
    fn what_cannot_be_multiplied_is_named() {
        let zeros = |shape: &[usize]| Var::constant(Tensor::<f32>::zeros(shape).unwrap());
        let text =
            |a: &[usize], b: &[usize], transpose| zeros(a).matmul_with(&zeros(b), transpose).unwrap_err().to_string();
        let plain = Transpose::default();
        assert_eq!(
            text(&[2, 3], &[4, 5], plain),
            "matmul: the inner sizes 3 and 4 differ (a [2, 3], b [4, 5]); \
             give a as many columns as b has rows, or read one of them as its transpose"
        );
        assert!(text(&[2, 3], &[4, 3], Transpose { a: true, b: true }).starts_with(
            "matmul: the inner sizes 2 of a transposed and 3 of b transposed differ (a [2, 3], b [4, 3])"
        ));
        assert_eq!(
            text(&[3], &[3, 2], plain),
            "matmul: both factors need at least two axes (a [3], b [3, 2]); reshape a vector to one row or column"
        );
        assert_eq!(
            text(&[2, 3, 4], &[5, 4, 1], plain),
            "matmul: the leading sizes [2] and [5] differ (a [2, 3, 4], b [5, 4, 1]); \
             make each pair of them, counted from the last, equal, or one of them 1"
        );
    }

    /// No tensors of this size exist, but their shapes do.
    #[test]
    fn too_many_elements_are_an_error() {
        use crate::{Op, Shape};
        let [a, b] = [[1 << 30, 1], [1, 1 << 30]].map(|sizes| Shape::new(&sizes).unwrap());
        let matmul = super::Matmul { transpose: Transpose::default() };
        let error = Op::<f32, 2>::output_shape(&matmul, [&a, &b]).unwrap_err().to_string();
        assert_eq!(
            error,
            "matmul: the product [1073741824, 1073741824] has too many elements (a [1073741824, 1], \
             b [1, 1073741824]); multiply parts"
        );
    }
}
