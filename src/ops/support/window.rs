//! How many places a window has on an image: shared by convolution and pooling. Knows no operation.
//!
//! Along one axis a kernel of `k` elements with dilation `d` spans `d·(k − 1) + 1` elements. On an input of `n`
//! elements with `p` of padding on either side, moved by steps of `s`, it has
//!
//! ```text
//! ⌊(n + 2p − span) / s⌋ + 1     places, all inside the padded input, or
//! ⌈(n + 2p − span) / s⌉ + 1     with `ceil`, where the last place may reach beyond the padding on the right,
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

/// The height and width `[OH, OW]` of the output of a window on images `[N, C, H, W]`; the four pairs are of height
/// and width too.
///
/// # Errors
/// When `input` has not four axes; a kernel, stride or dilation is 0; the kernel does not fit the padded input; or
/// sizes are so great that positions overflow.
pub(in crate::ops) fn output_size(
    op: &'static str,
    input: &Shape,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    ceil: bool,
) -> Result<[usize; 2]> {
    let [.., h, w] = image_sizes(op, input)?;
    for (name, sizes) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
        if sizes.contains(&0) {
            return Err(Error::op(
                op,
                format!("the {name} is {sizes:?}"),
                &[("input", input)],
                format!("use a {name} of at least 1 along both axes"),
            ));
        }
    }
    let window = || format!("kernel {kernel:?}, stride {stride:?}, padding {padding:?}, dilation {dilation:?}");
    let mut output = [0; 2];
    for (axis, size) in [h, w].into_iter().enumerate() {
        if size as u128 + 2 * padding[axis] as u128 > MAX_PADDED {
            let problem = format!("the padded input overflows with {}", window());
            return Err(Error::op(op, problem, &[("input", input)], "use a smaller padding"));
        }
        let places = places(size, kernel[axis], stride[axis], padding[axis], dilation[axis], ceil);
        output[axis] = places.ok_or_else(|| {
            let problem = format!("the kernel is larger than the padded input with {}", window());
            let remedy = "use larger images, a smaller kernel or dilation, or more padding";
            Error::op(op, problem, &[("input", input)], remedy)
        })?;
    }
    Ok(output)
}

/// The places along one axis; `None` where there is none.
fn places(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize, ceil: bool) -> Option<usize> {
    let [n, k, s, p, d] = [size, kernel, stride, padding, dilation].map(|x| x as u128);
    let last_step = if ceil { s - 1 } else { 0 };
    let steps = (n + 2 * p + last_step).checked_sub(d * (k - 1) + 1)? / s;
    let starts_beyond = ceil && steps * s >= n + p;
    let places = if starts_beyond { steps } else { steps + 1 };
    Some(usize::try_from(places).expect("no more places than elements of the padded input, which were checked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn along(size: usize, kernel: usize, stride: usize, padding: usize, ceil: bool) -> Result<usize> {
        let input = Shape::new(&[1, 1, 9, size])?;
        let size = output_size("pool", &input, [1, kernel], [1, stride], [0, padding], [1, 1], ceil)?;
        assert_eq!(size[0], 9);
        Ok(size[1])
    }

    /// Each place tried: a window stands at every multiple of the stride that leaves it inside the padded input; with
    /// `ceil` one more may reach out of it, as long as it starts inside the input or the padding on the left.
    fn counted(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize, ceil: bool) -> usize {
        let span = dilation * (kernel - 1) + 1;
        let padded = size + 2 * padding;
        let inside = (0..padded).step_by(stride).filter(|start| start + span <= padded).count();
        let next = inside * stride;
        let reaches_something_new = next + span < padded + stride && next < size + padding;
        inside + usize::from(ceil && reaches_something_new)
    }

    #[test]
    fn places_are_as_many_as_can_be_counted() {
        for size in 1..9 {
            for (kernel, stride, padding) in
                (1..6).flat_map(|k| (1..5).flat_map(move |s| (0..4).map(move |p| (k, s, p))))
            {
                for (dilation, ceil) in [(1, false), (2, false), (3, false), (1, true)] {
                    // What asks for ceiling mode allows no window inside the padding.
                    if ceil && padding > kernel / 2 {
                        continue;
                    }
                    let expected = counted(size, kernel, stride, padding, dilation, ceil);
                    let found = places(size, kernel, stride, padding, dilation, ceil).unwrap_or(0);
                    assert_eq!(found, expected, "{size} {kernel} {stride} {padding} {dilation} {ceil}");
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
        output_size("pool", &input, kernel, stride, padding, dilation, false).unwrap_err().to_string()
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
            output_size("pool", &flat, [1; 2], [1; 2], [0; 2], [1; 2], false).unwrap_err().to_string(),
            "pool: the input has 2 axes, not four (input [3, 4]); give images of shape [N, C, H, W]"
        );
    }

    #[test]
    fn the_greatest_numbers_are_errors_or_right() {
        const MOST: usize = usize::MAX;
        assert!(text([MOST; 2], [MOST; 2], [0; 2], [MOST; 2]).contains("larger than the padded input"));
        assert!(text([1; 2], [1; 2], [MOST; 2], [1; 2]).contains("the padded input overflows with kernel [1, 1]"));
        let input = Shape::new(&[1, 1, 4, 4]).unwrap();
        let size = output_size("pool", &input, [MOST - 3; 2], [MOST; 2], [0; 2], [1; 2], true);
        assert_eq!(size.unwrap(), [1, 1]);
    }
}
