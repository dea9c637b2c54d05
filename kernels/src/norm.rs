//! Normalisation of a slice whose statistics are known.

use crate::relu::rectified;

/// What a channel is normalised with: `y = (x − mean)·scale + shift`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation<E> {
    /// The mean, which is subtracted first, not folded into the shift: near a large mean the difference is exact, while
    /// `x·scale + (shift − mean·scale)` would be the small difference of two large numbers.
    pub mean: E,
    /// `γ / √(variance + ε)`
    pub scale: E,
    /// `β`
    pub shift: E,
}

/// What the gradient of a normalisation over the batch is made with: `dx = g·gradient + (x − mean)·deviation + constant`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradientCoefficients<E> {
    /// Of the output's gradient `g`.
    pub gradient: E,
    /// Of the deviation from the mean.
    pub deviation: E,
    /// What is the same for all values of a channel.
    pub constant: E,
}

lanewise! {
    trait NormKernels;

    /// `y = (x − mean)·scale + shift`
    pub fn normalise(x;; line: Normalisation { mean, scale, shift }) -> (y) |s| {
        [s.mul_add(s.sub(x, mean), scale, shift)]
    }

    /// `y = R((x − mean)·scale + shift)`, the normalisation and the ReLU that follows in one pass.
    pub fn normalise_relu(x;; line: Normalisation { mean, scale, shift }) -> (y) |s| {
        [s.max(s.zero(), s.mul_add(s.sub(x, mean), scale, shift))]
    }

    /// `dx = g·gradient + (x − mean)·deviation + constant`, where `g` is `dy` where [`normalise_relu`] gave something above 0 or
    /// NaN, and else 0. What it gave is computed again: that costs less than reading it back.
    pub fn normalise_relu_backward(
        x, dy;;
        line: Normalisation { mean, scale, shift }, coefficients: GradientCoefficients { gradient, deviation, constant }
    ) -> (dx) |s| {
        let from_mean = s.sub(x, mean);
        let g = rectified(s, s.mul_add(from_mean, scale, shift), dy);
        [s.mul_add(g, gradient, s.mul_add(from_mean, deviation, constant))]
    }

    /// `dx = dy·gradient + (x − mean)·deviation + constant`
    pub fn normalise_backward(
        x, dy; mean; coefficients: GradientCoefficients { gradient, deviation, constant }
    ) -> (dx) |s| {
        [s.mul_add(dy, gradient, s.mul_add(s.sub(x, mean), deviation, constant))]
    }

    /// As [`normalise_backward`], written over `dy`.
    pub fn normalise_backward_over(
        x; mean; coefficients: GradientCoefficients { gradient, deviation, constant }
    ) => (dy) |s| {
        [s.mul_add(dy, gradient, s.mul_add(s.sub(x, mean), deviation, constant))]
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
                let line = Normalisation { mean: 2.0, scale: 0.25, shift: -1.0 };
                normalise(isa, &x, line, &mut y);
                let (mut rectified, mut through) = (vec![0.0; len], vec![0.0; len]);
                let coefficients = GradientCoefficients { gradient: 0.25, deviation: 0.5, constant: -1.0 };
                normalise_backward(isa, &x, &dy, 2.0, coefficients, &mut dx);
                let mut over = dy.clone();
                normalise_backward_over(isa, &x, 2.0, coefficients, &mut over);
                assert_eq!(over, dx);
                normalise_relu(isa, &x, line, &mut rectified);
                let coefficients = GradientCoefficients { gradient: 0.75, deviation: 0.5, constant: -3.0 };
                normalise_relu_backward(isa, &x, &dy, line, coefficients, &mut through);
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
