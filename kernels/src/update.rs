//! One step of an optimiser, in place, in one pass over memory. Every formula is that of PyTorch.

/// The scalars of a step of [`adam`] or [`adam_w`], all of them computed in `f64` by the caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamScalars<E> {
    /// The learning rate.
    pub rate: E,
    /// `1 − β₁`
    pub gain1: E,
    /// `1 − β₂`
    pub gain2: E,
    /// `1/(1 − β₁ᵗ)` in step `t = 1, 2, …`
    pub correction1: E,
    /// `1/(1 − β₂ᵗ)`
    pub correction2: E,
    /// What is added to the root.
    pub epsilon: E,
    /// Weight decay.
    pub decay: E,
}

lanewise! {
    trait UpdateKernels;

    /// Stochastic gradient descent with momentum; the state `v` starts at zero.
    ///
    /// ```text
    /// g = gradient + decay·w
    /// v = momentum·v + g
    /// w = w − rate·v
    /// ```
    /// Source: Sutskever et al., *On the importance of initialization and momentum in deep learning*, ICML 2013, with
    /// the rate outside the velocity.
    pub fn sgd(gradient; rate, momentum, decay) => (w, v) |s| {
        let g = s.mul_add(decay, w, gradient);
        let v = s.mul_add(momentum, v, g);
        [s.sub(w, s.mul(rate, v)), v]
    }

    /// As [`sgd`] with Nesterov's look-ahead.
    ///
    /// ```text
    /// g = gradient + decay·w
    /// v = momentum·v + g
    /// w = w − rate·(g + momentum·v)
    /// ```
    pub fn sgd_nesterov(gradient; rate, momentum, decay) => (w, v) |s| {
        let g = s.mul_add(decay, w, gradient);
        let v = s.mul_add(momentum, v, g);
        [s.sub(w, s.mul(rate, s.mul_add(momentum, v, g))), v]
    }

    /// Adam with weight decay added to the gradient; the states `m` and `v` start at zero.
    ///
    /// ```text
    /// g = gradient + decay·w
    /// m = m + gain1·(g − m)
    /// v = v + gain2·(g² − v)
    /// w = w − rate·correction1·m / (√(correction2·v) + epsilon)
    /// ```
    /// Source: Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015, algorithm 1.
    pub fn adam(
        gradient;; step: AdamScalars { rate, gain1, gain2, correction1, correction2, epsilon, decay }
    ) => (w, m, v) |s| {
        let g = s.mul_add(decay, w, gradient);
        let m = s.mul_add(gain1, s.sub(g, m), m);
        let v = s.mul_add(gain2, s.sub(s.mul(g, g), v), v);
        let root = s.add(s.sqrt(s.mul(correction2, v)), epsilon);
        [s.sub(w, s.div(s.mul(s.mul(rate, correction1), m), root)), m, v]
    }

    /// As [`adam`] with the decay apart from the gradient.
    ///
    /// ```text
    /// m = m + gain1·(gradient − m)
    /// v = v + gain2·(gradient² − v)
    /// w = w − rate·decay·w − rate·correction1·m / (√(correction2·v) + epsilon)
    /// ```
    /// Source: Loshchilov and Hutter, *Decoupled weight decay regularization*, ICLR 2019, algorithm 2.
    pub fn adam_w(
        gradient;; step: AdamScalars { rate, gain1, gain2, correction1, correction2, epsilon, decay }
    ) => (w, m, v) |s| {
        let g = gradient;
        let m = s.mul_add(gain1, s.sub(g, m), m);
        let v = s.mul_add(gain2, s.sub(s.mul(g, g), v), v);
        let root = s.add(s.sqrt(s.mul(correction2, v)), epsilon);
        let w = s.sub(w, s.mul(s.mul(rate, decay), w));
        [s.sub(w, s.div(s.mul(s.mul(rate, correction1), m), root)), m, v]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::Number;
    use crate::testing::every_isa;

    const RATE: f64 = 0.1;
    const DECAY: f64 = 0.01;

    fn gradient(step: usize, i: usize) -> f64 {
        f64::from(((i * 31 + step * 17) % 23) as f32 / 8.0 - 1.25)
    }

    /// Four steps of a kernel on `f32` and on `f64` against a scalar twin, for every length and instruction set. A step gets
    /// its number and the gradient; the states start at zero.
    fn compare<const N: usize>(
        twin: impl Fn(usize, f64, &mut [f64; N]),
        single: impl Fn(Isa, usize, &[f32], &mut [Vec<f32>; N]),
        double: impl Fn(Isa, usize, &[f64], &mut [Vec<f64>; N]),
    ) {
        for isa in every_isa() {
            for len in 0..=67 {
                let start = |i: usize| std::array::from_fn(|n| if n == 0 { i as f64 / 16.0 - 2.0 } else { 0.0 });
                let mut expected: Vec<[f64; N]> = (0..len).map(start).collect();
                let mut short = std::array::from_fn(|n| expected.iter().map(|state| state[n] as f32).collect());
                let mut long = std::array::from_fn(|n| expected.iter().map(|state| state[n]).collect());
                for step in 1..=4 {
                    let gradients: Vec<f64> = (0..len).map(|i| gradient(step, i)).collect();
                    let rounded: Vec<f32> = gradients.iter().map(|g| *g as f32).collect();
                    expected.iter_mut().zip(&gradients).for_each(|(state, g)| twin(step, *g, state));
                    single(isa, step, &rounded, &mut short);
                    double(isa, step, &gradients, &mut long);
                }
                for (i, n) in (0..len).flat_map(|i| (0..N).map(move |n| (i, n))) {
                    let (wanted, found) = (expected[i][n], [f64::from(short[n][i]), long[n][i]]);
                    assert!((found[0] - wanted).abs() < 4e-6 * wanted.abs().max(1.0), "{isa:?} {len}: {found:?}");
                    assert!((found[1] - wanted).abs() < 1e-13 * wanted.abs().max(1.0), "{isa:?} {len}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn sgd_agrees_with_its_scalar_twin() {
        let [rate, momentum, decay] = [RATE, 0.9, DECAY];
        let [r, m, d] = [rate, momentum, decay].map(|x| x as f32);
        let twin = |nesterov: bool| {
            move |_: usize, gradient: f64, [w, v]: &mut [f64; 2]| {
                let g = gradient + decay * *w;
                *v = momentum * *v + g;
                *w -= rate * if nesterov { g + momentum * *v } else { *v };
            }
        };
        compare(
            twin(false),
            |isa, _, g, [w, v]| sgd(isa, g, r, m, d, w, v),
            |isa, _, g, [w, v]| sgd(isa, g, rate, momentum, decay, w, v),
        );
        compare(
            twin(true),
            |isa, _, g, [w, v]| sgd_nesterov(isa, g, r, m, d, w, v),
            |isa, _, g, [w, v]| sgd_nesterov(isa, g, rate, momentum, decay, w, v),
        );
    }

    const BETAS: [f64; 2] = [0.9, 0.999];
    const EPSILON: f64 = 1e-8;

    fn scalars<E: Number>(step: usize) -> AdamScalars<E> {
        let [gain1, gain2] = BETAS.map(|beta| E::from_f64(1.0 - beta));
        let [correction1, correction2] = BETAS.map(|beta| E::from_f64(1.0 / (1.0 - beta.powi(step as i32))));
        let [rate, epsilon, decay] = [RATE, EPSILON, DECAY].map(E::from_f64);
        AdamScalars { rate, gain1, gain2, correction1, correction2, epsilon, decay }
    }

    /// Adam as PyTorch's documentation writes it.
    fn adam_twin(step: usize, g: f64, [w, m, v]: &mut [f64; 3]) {
        *m = BETAS[0] * *m + (1.0 - BETAS[0]) * g;
        *v = BETAS[1] * *v + (1.0 - BETAS[1]) * g * g;
        let [m, v] = [*m / (1.0 - BETAS[0].powi(step as i32)), *v / (1.0 - BETAS[1].powi(step as i32))];
        *w -= RATE * m / (v.sqrt() + EPSILON);
    }

    #[test]
    fn adam_agrees_with_its_scalar_twin() {
        compare(
            |step, g, state| adam_twin(step, g + DECAY * state[0], state),
            |isa, step, g, [w, m, v]| adam(isa, g, scalars(step), w, m, v),
            |isa, step, g, [w, m, v]| adam(isa, g, scalars(step), w, m, v),
        );
        compare(
            |step, g, state| {
                state[0] -= RATE * DECAY * state[0];
                adam_twin(step, g, state);
            },
            |isa, step, g, [w, m, v]| adam_w(isa, g, scalars(step), w, m, v),
            |isa, step, g, [w, m, v]| adam_w(isa, g, scalars(step), w, m, v),
        );
    }
}
