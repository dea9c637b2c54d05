//! Shapes: how many elements along each axis. Knows nothing but numbers.

use std::fmt;

/// The most axes that a shape may have.
pub const MAX_RANK: usize = 8;

/// The most elements that a shape may have: so many that their bytes still fit a signed 64-bit size.
const MAX_ELEMENTS: usize = isize::MAX as usize / 64;

/// The sizes of a tensor's axes, outermost first: `[N, C, H, W]` for a batch of images, `[]` for a single number.
///
/// Every axis has at least one element, there are at most [`MAX_RANK`] axes, and the number of elements does not
/// overflow, so code that holds a `Shape` need not ask.
///
/// ```
/// use evograd::Shape;
/// let shape = Shape::new(&[8, 3, 32, 32])?;
/// assert_eq!((shape.rank(), shape.elements(), shape.to_string()), (4, 24576, "[8, 3, 32, 32]".into()));
/// # Ok::<(), evograd::ShapeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    sizes: [usize; MAX_RANK],
    rank: usize,
}

/// Why some sizes do not make a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShapeError {
    /// An axis without elements.
    Empty {
        /// The sizes that were given.
        sizes: Vec<usize>,
        /// The axis whose size is 0.
        axis: usize,
    },
    /// More axes than [`MAX_RANK`].
    Rank {
        /// The sizes that were given.
        sizes: Vec<usize>,
    },
    /// More elements than memory can address.
    Overflow {
        /// The sizes that were given.
        sizes: Vec<usize>,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { sizes, axis } => {
                write!(f, "shape {sizes:?}: axis {axis} has size 0; every axis needs at least one element")
            }
            Self::Rank { sizes } => {
                write!(
                    f,
                    "shape {sizes:?}: {} axes are too many; merge some, at most {MAX_RANK} are supported",
                    sizes.len()
                )
            }
            Self::Overflow { sizes } => {
                write!(f, "shape {sizes:?}: the number of elements overflows; use at most {MAX_ELEMENTS}")
            }
        }
    }
}

impl std::error::Error for ShapeError {}

impl Shape {
    /// The shape of a single number, `[]`.
    pub const SCALAR: Shape = Shape { sizes: [1; MAX_RANK], rank: 0 };

    /// A shape of these sizes.
    ///
    /// # Errors
    /// When a size is 0, there are more than [`MAX_RANK`] axes, or the number of elements overflows.
    pub fn new(sizes: &[usize]) -> Result<Shape, ShapeError> {
        let owned = || sizes.to_vec();
        if sizes.len() > MAX_RANK {
            return Err(ShapeError::Rank { sizes: owned() });
        }
        if let Some(axis) = sizes.iter().position(|size| *size == 0) {
            return Err(ShapeError::Empty { sizes: owned(), axis });
        }
        let elements = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        if elements.is_none_or(|elements| elements > MAX_ELEMENTS) {
            return Err(ShapeError::Overflow { sizes: owned() });
        }
        let mut shape = Shape { rank: sizes.len(), ..Shape::SCALAR };
        shape.sizes[..sizes.len()].copy_from_slice(sizes);
        Ok(shape)
    }

    /// The sizes, outermost axis first.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The number of elements: the product of the sizes, 1 for a single number.
    pub fn elements(&self) -> usize {
        self.sizes().iter().product()
    }

    /// The sizes as an array, where there are exactly `N` axes.
    ///
    /// ```
    /// # use evograd::Shape;
    /// assert_eq!(Shape::new(&[2, 3])?.axes(), Some([2, 3]));
    /// assert_eq!(Shape::new(&[2, 3])?.axes::<4>(), None);
    /// # Ok::<(), evograd::ShapeError>(())
    /// ```
    pub fn axes<const N: usize>(&self) -> Option<[usize; N]> {
        self.sizes().try_into().ok()
    }

    /// The shape that NumPy's broadcasting makes of two: aligned at the last axis, a size of 1 stretches.
    /// `None` where two sizes differ and neither is 1, or where the result has too many elements.
    ///
    /// ```
    /// # use evograd::Shape;
    /// let (column, row) = (Shape::new(&[4, 1])?, Shape::new(&[3])?);
    /// assert_eq!(column.broadcast(&row), Some(Shape::new(&[4, 3])?));
    /// assert_eq!(column.broadcast(&Shape::new(&[3, 1])?), None);
    /// # Ok::<(), evograd::ShapeError>(())
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank.max(other.rank);
        let mut sizes = [1; MAX_RANK];
        for (axis, size) in sizes[..rank].iter_mut().enumerate() {
            *size = match (self.aligned(axis, rank), other.aligned(axis, rank)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Shape::new(&sizes[..rank]).ok()
    }

    /// The size at `axis` of this shape written with `rank` axes, ones in front.
    pub(crate) fn aligned(&self, axis: usize, rank: usize) -> usize {
        (axis + self.rank).checked_sub(rank).map_or(1, |own| self.sizes[own])
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.sizes())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Whatever can name a shape: `[2, 3]`, `&[2, 3][..]`, a `Shape`.
pub trait IntoShape {
    /// The shape that is meant.
    ///
    /// # Errors
    /// As [`Shape::new`].
    fn into_shape(self) -> Result<Shape, ShapeError>;
}

impl IntoShape for Shape {
    fn into_shape(self) -> Result<Shape, ShapeError> {
        Ok(self)
    }
}

impl IntoShape for &Shape {
    fn into_shape(self) -> Result<Shape, ShapeError> {
        Ok(*self)
    }
}

impl IntoShape for &[usize] {
    fn into_shape(self) -> Result<Shape, ShapeError> {
        Shape::new(self)
    }
}

impl<const N: usize> IntoShape for [usize; N] {
    fn into_shape(self) -> Result<Shape, ShapeError> {
        Shape::new(&self)
    }
}

impl<const N: usize> IntoShape for &[usize; N] {
    fn into_shape(self) -> Result<Shape, ShapeError> {
        Shape::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_shape_says_why() {
        let text = |sizes: &[usize]| Shape::new(sizes).unwrap_err().to_string();
        assert_eq!(text(&[2, 0]), "shape [2, 0]: axis 1 has size 0; every axis needs at least one element");
        assert!(text(&[1; 9]).starts_with("shape [1, 1, 1, 1, 1, 1, 1, 1, 1]: 9 axes are too many; merge some"));
        assert!(text(&[1 << 40, 1 << 40]).contains("overflows"));
        assert!(text(&[usize::MAX]).contains("overflows"));
    }

    #[test]
    fn broadcasting_follows_numpy() {
        let shape = |sizes: &[usize]| Shape::new(sizes).unwrap();
        let both = |a: &[usize], b: &[usize]| shape(a).broadcast(&shape(b)).map(|y| y.sizes().to_vec());
        assert_eq!(both(&[8, 1, 6, 1], &[7, 1, 5]), Some(vec![8, 7, 6, 5]));
        assert_eq!(both(&[], &[2]), Some(vec![2]));
        assert_eq!(both(&[2, 3], &[2]), None);
    }
}
