//! An operation of one's own, whose gradient is proved and which then learns. `cargo run --example e_own_operation`

use evograd::ops::{map_chunks, zip_chunks};
use evograd::{Element, Op, Result, Shape, Tape, Tensor, Var, apply, gradcheck};

/// `y = x / (1 + |x|)`; its derivative is `1 / (1 + |x|)²`.
#[derive(Debug)]
struct Softsign;

impl<E: Element> Op<E, 1> for Softsign {
    const NAME: &'static str = "softsign";
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        let softsign = |x: &[E], y: &mut [E]| x.iter().zip(y).for_each(|(x, y)| *y = *x / (E::ONE + x.abs()));
        (map_chunks(x, softsign), x.clone())
    }
    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let dx = |x: &[E], dy: &[E], dx: &mut [E]| {
            x.iter().zip(dy).zip(dx).for_each(|((x, dy), dx)| {
                let below = E::ONE + x.abs();
                *dx = *dy / (below * below);
            });
        };
        [Some(zip_chunks(&x, &dy, dx))]
    }
}

/// Proves the gradient, and then follows it.
pub fn main() -> Result<()> {
    let report = gradcheck(|v| apply(Softsign, [&v[0]]), &[Tensor::from_vec([4], vec![0.5, -2.0, 3.0, -0.1])?])?;
    println!("{report}");
    assert!(report.passed(), "{report}");
    // Which x has softsign(x) = 0.8? It is 4.
    let (mut x, target) = (1.0_f32, Var::constant(Tensor::scalar(0.8_f32)));
    for _ in 0..400 {
        let tape = Tape::new();
        let leaf = tape.leaf(Tensor::scalar(x));
        let error = (apply(Softsign, [&leaf])? - &target)?;
        let gradients = tape.backward(&(&error * &error)?)?;
        x -= 60.0 * gradients.get(&leaf).map_or(Ok(0.0), Tensor::item)?;
    }
    println!("softsign({x:.3}) = 0.8");
    assert!((x - 4.0).abs() < 0.01, "{x}");
    Ok(())
}
