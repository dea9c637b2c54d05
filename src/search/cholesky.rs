//! The Cholesky factor of a small symmetric positive definite matrix, and what a Gaussian model needs of it. Knows numbers alone.
//!
//! **Source** Golub and Van Loan, *Matrix Computations*, 4th edition, section 4.2.

/// The lower triangle `L` of `A = L·Lᵀ`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cholesky {
    size: usize,
    /// Row after row, `[size, size]`; above the diagonal it holds what `A` held.
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factors the matrix `[size, size]` of which the lower triangle is given, row after row; `None` where it is not positive
    /// definite to the precision of `f64`.
    pub fn new(size: usize, mut matrix: Vec<f64>) -> Option<Cholesky> {
        assert_eq!(matrix.len(), size * size, "a square matrix");
        for column in 0..size {
            for row in column..size {
                let [above, own] = [column, row].map(|row| row * size);
                let products = (0..column).map(|k| matrix[own + k] * matrix[above + k]);
                let rest = matrix[own + column] - products.sum::<f64>();
                if row == column {
                    // Not `rest <= 0`, which would let NaN pass.
                    if !(rest > 0.0 && rest.is_finite()) {
                        return None;
                    }
                    matrix[own + column] = rest.sqrt();
                } else {
                    matrix[own + column] = rest / matrix[above + column];
                }
            }
        }
        Some(Cholesky { size, lower: matrix })
    }

    /// The natural logarithm of the determinant of `A`.
    pub fn log_determinant(&self) -> f64 {
        (0..self.size).map(|i| 2.0 * self.lower[i * self.size + i].ln()).sum()
    }

    /// `x` of `L·x = b`. The squared length of the result is `bᵀ·A⁻¹·b`.
    pub fn forward(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for row in 0..self.size {
            let own = &self.lower[row * self.size..][..=row];
            let known: f64 = own[..row].iter().zip(&x).map(|(l, x)| l * x).sum();
            x[row] = (x[row] - known) / own[row];
        }
        x
    }

    /// `x` of `Lᵀ·x = b`. Of independent normal numbers `b` it makes a draw with the covariance `A⁻¹`.
    pub fn backward(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for row in (0..self.size).rev() {
            let known: f64 = (row + 1..self.size).map(|below| self.lower[below * self.size + row] * x[below]).sum();
            x[row] = (x[row] - known) / self.lower[row * self.size + row];
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn times(size: usize, matrix: &[f64], x: &[f64]) -> Vec<f64> {
        (0..size).map(|i| matrix[i * size..][..size].iter().zip(x).map(|(a, x)| a * x).sum()).collect()
    }

    /// By hand: `L = [2 0; 1 3]`.
    #[test]
    fn a_matrix_of_two_rows_is_factored_as_by_hand() {
        let factor = Cholesky::new(2, vec![4.0, 2.0, 2.0, 10.0]).unwrap();
        assert!((factor.log_determinant() - 36.0_f64.ln()).abs() < 1e-15);
        assert_eq!(factor.forward(&[2.0, 7.0]), [1.0, 2.0]);
        assert_eq!(factor.backward(&[4.0, 6.0]), [1.0, 2.0]);
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        for matrix in [[1.0, 2.0, 2.0, 1.0], [0.0; 4], [f64::NAN, 0.0, 0.0, 1.0], [f64::INFINITY, 0.0, 0.0, 1.0]] {
            assert_eq!(Cholesky::new(2, matrix.to_vec()), None, "{matrix:?}");
        }
    }

    proptest! {
        /// `A = B·Bᵀ + I` of drawn `B`.
        #[test]
        fn what_is_solved_solves(size in 1_usize..12, numbers in prop::collection::vec(-3.0..3.0, 144), b in prop::collection::vec(-5.0..5.0, 12)) {
            let entry = |i: usize, j: usize| {
                let product: f64 = (0..size).map(|k| numbers[i * 12 + k] * numbers[j * 12 + k]).sum();
                product + f64::from(i == j)
            };
            let matrix: Vec<f64> = (0..size * size).map(|at| entry(at / size, at % size)).collect();
            let factor = Cholesky::new(size, matrix.clone()).unwrap();
            let solved = times(size, &matrix, &factor.backward(&factor.forward(&b[..size])));
            prop_assert!(solved.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-8), "{solved:?} {b:?}");
        }
    }
}
