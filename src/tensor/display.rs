//! A tensor as text, laid out as NumPy and PyTorch lay it out. Knows shapes and numbers.

use super::Tensor;
use evograd_kernels::Element;
use std::fmt;

/// More elements than these are shown by the first and last of each axis alone.
const FEW: usize = 1000;
/// How many of them are shown on either side.
const EDGE: usize = 3;
/// Columns of a line that rows are shortened to.
const COLUMNS: usize = 80;

/// All rows, `…` for what is left out of long ones, and the element type and the shape. Of more than 1000 elements the first and
/// last three along each axis are shown. A precision, as in `{:.1}`, is the number of decimals.
///
/// ```
/// use evograd::Tensor;
/// let x = Tensor::from_fn([2, 3], |i| i as f32 / 2.0)?;
/// assert_eq!(x.to_string(), "[[0.0000, 0.5000, 1.0000],\n [1.5000, 2.0000, 2.5000]] f32 [2, 3]");
/// assert_eq!(Tensor::from_fn([2000], |i| i as f64)?.to_string(), "[   0.,    1.,    2., …, 1997., 1998., 1999.] f64 [2000]");
/// assert_eq!(format!("{x:.1}"), "[[0.0, 0.5, 1.0],\n [1.5, 2.0, 2.5]] f32 [2, 3]");
/// assert_eq!(Tensor::scalar(1e-9_f32).to_string(), "1.0000e-9 f32 []");
/// # Ok::<(), evograd::Error>(())
/// ```
impl<E: Element> fmt::Display for Tensor<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout::of(self, f.precision());
        layout.write(f, 0, 0)?;
        write!(f, " {} {}", E::NAME, self.shape)
    }
}

/// How the elements of a tensor are written.
struct Layout<'a, E: Element> {
    tensor: &'a Tensor<E>,
    notation: Notation,
    /// Columns of an element.
    width: usize,
}

/// How a number is written: as all others of its tensor are.
#[derive(Clone, Copy)]
enum Notation {
    Whole,
    /// With so many decimals.
    Fixed(usize),
    Scientific,
}

impl Notation {
    /// The notation of numbers, as PyTorch chooses it.
    fn of(numbers: &[f64]) -> Notation {
        let sizes = || numbers.iter().map(|x| x.abs()).filter(|x| x.is_finite() && *x > 0.0);
        let (least, greatest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
        if greatest < 1e8 && sizes().all(|x| x.fract() == 0.0) {
            Notation::Whole
        } else if greatest >= 1e8 || least < 1e-4 || greatest / least > 1e4 {
            Notation::Scientific
        } else {
            Notation::Fixed(4)
        }
    }

    fn text(self, x: f64) -> String {
        match self {
            _ if !x.is_finite() => x.to_string(),
            Notation::Whole => format!("{x:.0}."),
            Notation::Fixed(decimals) => format!("{x:.decimals$}"),
            Notation::Scientific => format!("{x:.4e}"),
        }
    }
}

impl<'a, E: Element> Layout<'a, E> {
    fn of(tensor: &'a Tensor<E>, decimals: Option<usize>) -> Self {
        let mut layout = Layout { tensor, notation: Notation::Whole, width: 0 };
        let mut numbers = Vec::new();
        layout.collect(0, 0, &mut numbers);
        layout.notation = decimals.map_or_else(|| Notation::of(&numbers), Notation::Fixed);
        layout.width = numbers.iter().map(|x| layout.notation.text(*x).len()).max().unwrap_or(0);
        layout
    }

    /// The numbers that may be shown, from this axis on.
    fn collect(&self, axis: usize, first: usize, numbers: &mut Vec<f64>) {
        match self.tensor.shape.sizes().get(axis) {
            None => numbers.push(self.tensor.as_slice()[first].to_f64()),
            Some(size) => {
                self.shown(*size)
                    .into_iter()
                    .flatten()
                    .for_each(|i| self.collect(axis + 1, self.place(axis, first, i), numbers));
            }
        }
    }

    /// The position of the element `i` along an axis, behind the one at `first`.
    fn place(&self, axis: usize, first: usize, i: usize) -> usize {
        first + i * self.tensor.shape.sizes()[axis + 1..].iter().product::<usize>()
    }

    /// The indices along an axis that are shown; `None` stands for those left out. A row that is too wide is shortened.
    fn shown(&self, size: usize) -> Vec<Option<usize>> {
        if self.tensor.shape.elements() <= FEW || size <= 2 * EDGE {
            return (0..size).map(Some).collect();
        }
        shortened(size, EDGE)
    }

    /// As [`Layout::shown`], of the last axis: as many as have room in a line.
    fn shown_in_row(&self, size: usize) -> Vec<Option<usize>> {
        let room = COLUMNS.saturating_sub(self.tensor.shape.rank() + 3) / (self.width + 2);
        if size > room.max(2 * EDGE) && self.tensor.shape.elements() <= FEW {
            return shortened(size, (room / 2).max(EDGE));
        }
        self.shown(size)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, axis: usize, first: usize) -> fmt::Result {
        let (sizes, width) = (self.tensor.shape.sizes(), self.width);
        let Some(size) = sizes.get(axis) else {
            return write!(f, "{:>width$}", self.notation.text(self.tensor.as_slice()[first].to_f64()));
        };
        let is_row = axis + 1 == sizes.len();
        let between = match is_row {
            true => ", ".to_string(),
            false => format!(",{}{}", "\n".repeat(sizes.len() - 1 - axis), " ".repeat(axis + 1)),
        };
        write!(f, "[")?;
        for (place, i) in if is_row { self.shown_in_row(*size) } else { self.shown(*size) }.into_iter().enumerate() {
            if place > 0 {
                write!(f, "{between}")?;
            }
            match i {
                Some(i) => self.write(f, axis + 1, self.place(axis, first, i))?,
                None => write!(f, "…")?,
            }
        }
        write!(f, "]")
    }
}

/// The first and last indices of an axis, so many on either side.
fn shortened(size: usize, edge: usize) -> Vec<Option<usize>> {
    let (first, last) = ((0..edge).map(Some), (size - edge..size).map(Some));
    first.chain([None]).chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tensor_is_laid_out_in_lines_of_a_terminal() {
        let table: [(&[usize], &str); 4] = [
            (&[], "0. f32 []"),
            (&[1, 1], "[[0.]] f32 [1, 1]"),
            (&[2, 1, 2], "[[[0., 1.]],\n\n [[2., 3.]]] f32 [2, 1, 2]"),
            (
                &[40, 30],
                "[[   0.,    1.,    2., …,   27.,   28.,   29.],\n [  30.,   31.,   32., …,   57.,   58.,   59.],\n \
                 [  60.,   61.,   62., …,   87.,   88.,   89.],\n …,\n [1110., 1111., 1112., …, 1137., 1138., 1139.],\n \
                 [1140., 1141., 1142., …, 1167., 1168., 1169.],\n [1170., 1171., 1172., …, 1197., 1198., 1199.]] f32 [40, 30]",
            ),
        ];
        for (shape, expected) in table {
            assert_eq!(Tensor::from_fn(shape, |i| i as f32).unwrap().to_string(), expected);
        }
        let row = Tensor::from_fn([4, 200], |i| i as f32 / 7.0).unwrap().to_string();
        let row = row.split(" f32").next().unwrap();
        assert!(
            row.lines().count() == 4 && row.lines().all(|line| line.contains('…') && line.chars().count() <= 80),
            "{row}"
        );
    }

    #[test]
    fn numbers_are_written_as_all_of_their_tensor() {
        let text = |values: &[f64]| Tensor::from_slice([values.len()], values).unwrap().to_string();
        assert_eq!(text(&[1.0, -20.0]), "[  1., -20.] f64 [2]");
        assert_eq!(text(&[0.5, f64::NAN, f64::NEG_INFINITY]), "[0.5000,    NaN,   -inf] f64 [3]");
        assert_eq!(text(&[1e-7, 2.5]), "[1.0000e-7,  2.5000e0] f64 [2]");
        assert_eq!(text(&[0.0, 3e12]), "[ 0.0000e0, 3.0000e12] f64 [2]");
    }
}
