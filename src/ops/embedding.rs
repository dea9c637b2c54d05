//! Rows of a table, by their numbers.
//!
//! **Formula** `y[n, …] = x[index[n], …]`
//!
//! **Shapes** the table `x` is `[V, …]` with any further axes, mostly `[V, D]`; for `N` numbers `y` is `[N, …]`.
//!
//! **Gradient** each row of `y` is one of `x`, so `dx[v] = Σ dy[n]` over the `n` whose number is `v`, and 0 for a row that was not
//! asked for. Repeated rows are added in the order of `n`: each thread owns rows of `dx`, so its bits do not depend on how many there
//! are.
//!
//! **Kept for backward** the shape of `x`; the operation holds the numbers.
//!
//! **Source** Bengio and others, *A neural probabilistic language model*, JMLR 2003; PyTorch's `embedding` and, along the first axis,
//! `index_select`.

use super::support::catalogue::{Large, Row, case};
use crate::error::{Error, Result};
use crate::par::{CHUNK, for_each};
use crate::shape::Shape;
use crate::tape::{Op, Var, apply};
use crate::tensor::Tensor;
use evograd_kernels::Element;

pub(super) const ROW: Row = Row {
    name: "embedding",
    formula: "y[n, ..] = x[index[n], ..]",
    nondifferentiable: "",
    f32_bound: 2.0,
    draw: |draw| {
        let shape = draw.shape(1, 3);
        let rows = shape.sizes()[0];
        let index: [usize; 6] = std::array::from_fn(|i| if i == 0 { rows - 1 } else { draw.size(0, rows - 1) });
        let count = draw.size(1, 6);
        case!([draw.coarse(shape)], format!("index {:?}", &index[..count]), |v| v[0].embedding(&index[..count]))
    },
    large: Large {
        shapes: &[&[1031, 33]],
        run: |v| v[0].embedding(&(0..5003).map(|i| i * i % 1031).collect::<Vec<_>>()),
    },
};

/// The most parts that the rows of the table are cut into; each part goes over all numbers.
const PARTS: usize = 64;

#[derive(Debug)]
struct Embedding {
    index: Vec<usize>,
}

impl<E: Element> Op<E, 1> for Embedding {
    const NAME: &'static str = ROW.name;
    type Saved = Shape;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        let refuse = |problem: String, remedy: String| Err(Error::op(ROW.name, problem, &[("table", x)], remedy));
        let [rows, rest @ ..] = x.sizes() else {
            return refuse("the table is a single number".into(), "give it the shape [V, D]".into());
        };
        if self.index.is_empty() {
            return refuse("no rows are named".into(), "name at least one".into());
        }
        if let Some(place) = self.index.iter().position(|index| index >= rows) {
            let problem = format!("number {place} is {}, but the table has {rows} rows", self.index[place]);
            return refuse(problem, format!("number them from 0 to {}", rows - 1));
        }
        Ok(Shape::new(&[&[self.index.len()], rest].concat())?)
    }

    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Shape) {
        let shape = Op::<E, 1>::output_shape(self, [x.shape()]).expect("output_shape has agreed");
        let (width, table) = (shape.elements() / self.index.len(), x.as_slice());
        let rows = (CHUNK / width).max(1);
        let y = Tensor::build(shape, |y| {
            for_each(y, rows * width, |i, y| {
                for (y, row) in y.chunks_exact_mut(width).zip(&self.index[i * rows..]) {
                    y.copy_from_slice(&table[row * width..(row + 1) * width]);
                }
            });
        });
        (y, *x.shape())
    }

    fn backward(&self, x: Shape, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let (width, dy) = (x.elements() / x.sizes()[0], dy.as_slice());
        let rows = (CHUNK / width).max(x.sizes()[0].div_ceil(PARTS)).max(1);
        [Some(Tensor::build(x, |dx| {
            for_each(dx, rows * width, |i, dx| {
                // In f64, as a row that many places name has as many terms.
                let mut sums = vec![0.0; dx.len()];
                let own = i * rows..i * rows + dx.len() / width;
                for (row, dy) in self.index.iter().zip(dy.chunks_exact(width)).filter(|(row, _)| own.contains(row)) {
                    let sums = &mut sums[(row - own.start) * width..][..width];
                    sums.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy.to_f64());
                }
                dx.iter_mut().zip(sums).for_each(|(dx, sum)| *dx = E::from_f64(sum));
            });
        }))]
    }
}

impl<E: Element> Var<E> {
    /// The rows of the table `self`, `[V, …]`, with these numbers: `[N, …]`. For sentences, reshape the result.
    ///
    /// ```
    /// use evograd::{Tensor, Var};
    /// let table = Var::constant(Tensor::from_vec([3, 2], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    /// assert_eq!(table.embedding(&[2, 0])?.value().as_slice(), [5.0, 6.0, 1.0, 2.0]);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When `self` has no axis, no number is given, or one is not below `V`.
    pub fn embedding(&self, index: &[usize]) -> Result<Var<E>> {
        apply(Embedding { index: index.to_vec() }, [self])
    }
}

#[cfg(test)]
mod tests {
    use crate::{Tape, Tensor, Var};

    #[test]
    fn repeated_rows_add_up_and_others_have_no_gradient() {
        let tape = Tape::new();
        let table = tape.leaf(Tensor::from_fn([4, 2], |i| i as f32).unwrap());
        let y = table.embedding(&[3, 1, 3]).unwrap();
        assert_eq!(y.value().as_slice(), [6.0, 7.0, 2.0, 3.0, 6.0, 7.0]);
        let dy = Tensor::from_fn([3, 2], |i| (1 << i) as f32).unwrap();
        let gradients = tape.backward_from(&[(&y, dy)]).unwrap();
        assert_eq!(gradients.get(&table).unwrap().as_slice(), [0.0, 0.0, 4.0, 8.0, 0.0, 0.0, 17.0, 34.0]);
    }

    /// A sum of which a part does not fit, and one whose small terms are below the last bit of a large one.
    #[test]
    fn many_gradients_of_a_row_add_up_exactly() {
        for (dy, sum) in [([3e38_f32, 3e38, -3e38], 3e38), ([1e8, 1.0, -1e8], 1.0)] {
            let tape = Tape::new();
            let table = tape.leaf(Tensor::zeros([2, 1]).unwrap());
            let y = table.embedding(&[0, 0, 0]).unwrap();
            let dy = Tensor::from_vec([3, 1], dy.to_vec()).unwrap();
            assert_eq!(tape.backward_from(&[(&y, dy)]).unwrap().get(&table).unwrap().as_slice(), [sum, 0.0]);
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_named() {
        let table = Var::constant(Tensor::<f32>::zeros([3, 2]).unwrap());
        let text = |index: &[usize]| table.embedding(index).unwrap_err().to_string();
        assert_eq!(
            text(&[0, 3]),
            "embedding: number 1 is 3, but the table has 3 rows (table [3, 2]); number them from 0 to 2"
        );
        assert_eq!(text(&[]), "embedding: no rows are named (table [3, 2]); name at least one");
        let scalar = Var::constant(Tensor::scalar(1.0_f32));
        assert!(scalar.embedding(&[0]).unwrap_err().to_string().contains("is a single number"));
    }
}
