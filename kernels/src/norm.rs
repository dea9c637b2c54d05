//! Normalisation of a slice whose statistics are known.

use crate::relu::rectified;

lanewise! {
    trait NormKernels;

    /// `y = (x − mean)·scale + shift`
    ///
    /// The mean is subtracted first, not folded into the shift: near a large mean the difference is exact, while
    /// `x·scale + (shift − mean·scale)` would be the small difference of two large numbers.
    pub fn normalise(x; mean, scale, shift) -> (y) |s| { [s.mul_add(s.sub(x, mean), scale, shift)] }

    /// `y = R((x − mean)·scale + shift)`, the normalisation and the ReLU that follows in one pass.
    pub fn normalise_relu(x; mean, scale, shift) -> (y) |s| {
        [s.max(s.zero(), s.mul_add(s.sub(x, mean), scale, shift))]
    }

    /// `dx = g·steep + (x − mean)·slope + rest`, where `g` is `dy` where [`normalise_relu`] gave something above 0 or NaN,
    /// and else 0. What it gave is computed again: that costs less than reading it back.
    pub fn normalise_relu_backward(x, dy; mean, scale, shift, steep, slope, rest) -> (dx) |s| {
        let deviation = s.sub(x, mean);
        let gradient = rectified(s, s.mul_add(deviation, scale, shift), dy);
        [s.mul_add(gradient, steep, s.mul_add(deviation, slope, rest))]
    }

    /// `dx = dy·scale + (x − mean)·slope + shift`
    pub fn normalise_backward(x, dy; mean, scale, slope, shift) -> (dx) |s| {
        [s.mul_add(dy, scale, s.mul_add(s.sub(x, mean), slope, shift))]
    }

    /// As [`normalise_backward`], written over `dy`.
    pub fn normalise_backward_over(x; mean, scale, slope, shift) => (dy) |s| {
        [s.mul_add(dy, scale, s.mul_add(s.sub(x, mean), slope, shift))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::every_isa;

    #[test]
    fn both_directions_agree_with_the_formula_for_every_length() {
        for isa in every_isa() {
            for len in 0..=67 {
                let x: Vec<f32> = (0..len).map(|i| i as f32 * 0.5 - 7.0).collect();
                let dy: Vec<f32> = x.iter().rev().copied().collect();
                let (mut y, mut dx) = (vec![0.0; len], vec![0.0; len]);
                normalise(isa, &x, 2.0, 0.25, -1.0, &mut y);
                let (mut rectified, mut through) = (vec![0.0; len], vec![0.0; len]);
                normalise_backward(isa, &x, &dy, 2.0, 0.25, 0.5, -1.0, &mut dx);
                let mut over = dy.clone();
                normalise_backward_over(isa, &x, 2.0, 0.25, 0.5, -1.0, &mut over);
                assert_eq!(over, dx);
                normalise_relu(isa, &x, 2.0, 0.25, -1.0, &mut rectified);
                normalise_relu_backward(isa, &x, &dy, 2.0, 0.25, -1.0, 0.75, 0.5, -3.0, &mut through);
                for i in 0..len {
                    assert_eq!(y[i], (x[i] - 2.0) * 0.25 - 1.0);
                    assert_eq!(dx[i], dy[i] * 0.25 + (x[i] - 2.0) * 0.5 - 1.0);
                    assert_eq!(rectified[i], y[i].max(0.0));
                    let gradient = if y[i] > 0.0 { dy[i] } else { 0.0 };
                    assert_eq!(through[i], gradient * 0.75 + (x[i] - 2.0) * 0.5 - 3.0);
                }
            }
        }
    }
}
