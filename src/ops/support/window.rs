//! How many places a window has on an image: shared by convolution and pooling. Knows no operation.
//!
//! Along one axis a kernel of `k` elements with dilation `d` spans `d·(k − 1) + 1` elements. On an input of `n`
//! elements with `p` of padding before it and `q` behind it, moved by steps of `s`, it has
//!
//! ```text
//! ⌊(n + p + q − span) / s⌋ + 1     places, all inside the padded input, or
//! ⌈(n + p + q − span) / s⌉ + 1     with `ceil`, where the last place may reach beyond the padding on the right,
//! ```
//!
//! but a last place that would start beyond the input, in the padding on the right or behind it, is dropped. This is
//! PyTorch's definition; with `ceil` it lets a kernel be a little larger than the padded input.
//!
//! The arithmetic is done in 128 bits, in which no sizes of 64 bits overflow.

use crate::error::{Error, Result};
use crate::shape::Shape;

/// The most elements of a padded axis: positions in it are signed numbers.
const MAX_PADDED: u128 = isize::MAX as u128;

/// The sizes `[N, C, H, W]` of a batch of images.
///
/// # Errors
/// When `x` has not four axes.
pub(in crate::ops) fn image_sizes(op: &'static str, x: &Shape) -> Result<[usize; 4]> {
    x.axes().ok_or_else(|| {
        let problem = format!("the input has {} axes, not four", x.rank());
        Error::op(op, problem, &[("input", x)], "give images of shape [N, C, H, W]")
    })
}

/// How a window moves over images; every pair is of height and width.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Moves {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// Above and on the left.
    pub padding: [usize; 2],
    /// Below and on the right.
    pub padding_end: [usize; 2],
    pub dilation: [usize; 2],
    pub ceil: bool,
}

impl Moves {
    /// The height and width `[OH, OW]` of the output on images `[N, C, H, W]`.
    ///
    /// # Errors
    /// When `input` has not four axes; a kernel, stride or dilation is 0; the kernel does not fit the padded input; or sizes are so
    /// great that positions overflow.
    pub fn output_size(&self, op: &'static str, input: &Shape) -> Result<[usize; 2]> {
        let [.., h, w] = image_sizes(op, input)?;
        for (name, sizes) in [("kernel", self.kernel), ("stride", self.stride), ("dilation", self.dilation)] {
            if sizes.contains(&0) {
                let remedy = format!("use a {name} of at least 1 along both axes");
                return Err(Error::op(op, format!("the {name} is {sizes:?}"), &[("input", input)], remedy));
            }
        }
        let mut output = [0; 2];
        for (axis, size) in [h, w].into_iter().enumerate() {
            if size as u128 + self.padding[axis] as u128 + self.padding_end[axis] as u128 > MAX_PADDED {
                let problem = format!("the padded input overflows with {}", self.text());
                return Err(Error::op(op, problem, &[("input", input)], "use a smaller padding"));
            }
            output[axis] = self.places(axis, size).ok_or_else(|| {
                let problem = format!("the kernel is larger than the padded input with {}", self.text());
                let remedy = "use larger images, a smaller kernel or dilation, or more padding";
                Error::op(op, problem, &[("input", input)], remedy)
            })?;
        }
        Ok(output)
    }

    /// The places along one axis; `None` where there is none.
    fn places(&self, axis: usize, size: usize) -> Option<usize> {
        let [k, s, d] = [self.kernel, self.stride, self.dilation].map(|pair| pair[axis] as u128);
        let [n, p, q] = [size, self.padding[axis], self.padding_end[axis]].map(|x| x as u128);
        let last_step = if self.ceil { s - 1 } else { 0 };
        let steps = (n + p + q + last_step).checked_sub(d * (k - 1) + 1)? / s;
        let starts_beyond = self.ceil && steps * s >= n + p;
        let places = if starts_beyond { steps } else { steps + 1 };
        Some(usize::try_from(places).expect("no more places than elements of the padded input, which were checked"))
    }

    fn text(&self) -> String {
        let Moves { kernel, stride, padding, padding_end, dilation, .. } = self;
        let end = if padding == padding_end { String::new() } else { format!(" and {padding_end:?}") };
        format!("kernel {kernel:?}, stride {stride:?}, padding {padding:?}{end}, dilation {dilation:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moves(
        kernel: [usize; 2],
        stride: [usize; 2],
        [padding, padding_end]: [[usize; 2]; 2],
        dilation: [usize; 2],
        ceil: bool,
    ) -> Moves {
        Moves { kernel, stride, padding, padding_end, dilation, ceil }
    }

    fn along(size: usize, kernel: usize, stride: usize, padding: usize, ceil: bool) -> Result<usize> {
        let input = Shape::new(&[1, 1, 9, size])?;
        let size = moves([1, kernel], [1, stride], [[0, padding]; 2], [1, 1], ceil).output_size("pool", &input)?;
        assert_eq!(size[0], 9);
        Ok(size[1])
    }

    /// Each place tried: a window stands at every multiple of the stride that leaves it inside the padded input; with
    /// `ceil` one more may reach out of it, as long as it starts inside the input or the padding on the left.
    fn counted(size: usize, moves: &Moves) -> usize {
        let [kernel, stride, padding] = [moves.kernel, moves.stride, moves.padding].map(|pair| pair[0]);
        let span = moves.dilation[0] * (kernel - 1) + 1;
        let padded = size + padding + moves.padding_end[0];
        let inside = (0..padded).step_by(stride).filter(|start| start + span <= padded).count();
        let next = inside * stride;
        let reaches_something_new = next + span < padded + stride && next < size + padding;
        inside + usize::from(moves.ceil && reaches_something_new)
    }

    #[test]
    fn places_are_as_many_as_can_be_counted() {
        for size in 1..9 {
            for (kernel, stride, padding, end) in (1..6)
                .flat_map(|k| (1..5).flat_map(move |s| (0..4).flat_map(move |p| (0..4).map(move |end| (k, s, p, end)))))
            {
                for (dilation, ceil) in [(1, false), (2, false), (3, false), (1, true)] {
                    // What asks for ceiling mode allows no window inside the padding.
                    if ceil && padding.max(end) > kernel / 2 {
                        continue;
                    }
                    let moves = moves([kernel; 2], [stride; 2], [[padding; 2], [end; 2]], [dilation; 2], ceil);
                    assert_eq!(moves.places(0, size).unwrap_or(0), counted(size, &moves), "{size} {moves:?}");
                }
            }
        }
    }

    /// Worked out from PyTorch's definition.
    #[test]
    fn the_last_place_in_ceiling_mode() {
        assert_eq!(along(5, 2, 2, 0, false).unwrap(), 2);
        assert_eq!(along(5, 2, 2, 0, true).unwrap(), 3);
        // Kernel 2, stride 2, padding 1 on 4: places start at −1, 1, 3; the padding on the right starts at 4.
        assert_eq!(along(4, 2, 2, 1, true).unwrap(), 3);
        // On 3: −1, 1, and 3, which is in the padding on the right and dropped.
        assert_eq!(along(3, 2, 2, 1, true).unwrap(), 2);
        // A kernel of 3 on 2 elements reaches one beyond; on 1 element it would reach two, a whole stride.
        assert_eq!(along(2, 3, 2, 0, true).unwrap(), 1);
        assert!(along(1, 3, 2, 0, true).is_err());
    }

    fn text(kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2], dilation: [usize; 2]) -> String {
        let input = Shape::new(&[2, 3, 4, 5]).unwrap();
        moves(kernel, stride, [padding; 2], dilation, false).output_size("pool", &input).unwrap_err().to_string()
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert_eq!(
            text([0, 2], [1, 1], [0, 0], [1, 1]),
            "pool: the kernel is [0, 2] (input [2, 3, 4, 5]); use a kernel of at least 1 along both axes"
        );
        assert!(text([2, 2], [1, 0], [0, 0], [1, 1]).contains("the stride is [1, 0]"));
        assert!(text([2, 2], [1, 1], [0, 0], [0, 1]).contains("the dilation is [0, 1]"));
        assert_eq!(
            text([3, 3], [1, 2], [0, 1], [2, 3]),
            "pool: the kernel is larger than the padded input with kernel [3, 3], stride [1, 2], padding [0, 1], \
             dilation [2, 3] (input [2, 3, 4, 5]); use larger images, a smaller kernel or dilation, or more padding"
        );
        let flat = Shape::new(&[3, 4]).unwrap();
        assert_eq!(
            moves([1; 2], [1; 2], [[0; 2]; 2], [1; 2], false).output_size("pool", &flat).unwrap_err().to_string(),
            "pool: the input has 2 axes, not four (input [3, 4]); give images of shape [N, C, H, W]"
        );
    }

    #[test]
    fn the_greatest_numbers_are_errors_or_right() {
        const MOST: usize = usize::MAX;
        assert!(text([MOST; 2], [MOST; 2], [0; 2], [MOST; 2]).contains("larger than the padded input"));
        assert!(text([1; 2], [1; 2], [MOST; 2], [1; 2]).contains("the padded input overflows with kernel [1, 1]"));
        let input = Shape::new(&[1, 1, 4, 4]).unwrap();
        let size = moves([MOST - 3; 2], [MOST; 2], [[0; 2]; 2], [1; 2], true).output_size("pool", &input);
        assert_eq!(size.unwrap(), [1, 1]);
    }
}
