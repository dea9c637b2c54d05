//! Normalisation of a slice whose statistics are known.

lanewise! {
    trait NormKernels;

    /// `y = (x − mean)·scale + shift`
    ///
    /// The mean is subtracted first, not folded into the shift: near a large mean the difference is exact, while
    /// `x·scale + (shift − mean·scale)` would be the small difference of two large numbers.
    pub fn normalise(x; mean, scale, shift) -> (y) |s| { [s.mul_add(s.sub(x, mean), scale, shift)] }

    /// `dx = dy·scale + (x − mean)·slope + shift`
    pub fn normalise_backward(x, dy; mean, scale, slope, shift) -> (dx) |s| {
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
                normalise_backward(isa, &x, &dy, 2.0, 0.25, 0.5, -1.0, &mut dx);
                for i in 0..len {
                    assert_eq!(y[i], (x[i] - 2.0) * 0.25 - 1.0);
                    assert_eq!(dx[i], dy[i] * 0.25 + (x[i] - 2.0) * 0.5 - 1.0);
                }
            }
        }
    }
}
