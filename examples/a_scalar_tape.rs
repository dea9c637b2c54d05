//! The smallest program that learns: one weight, one number, gradients by the chain rule. `cargo run --example a_scalar_tape`

use evograd::{Result, Tape, Tensor, Var};

/// Learns the `w` of `y = w·x` for which `(y − 6)²` is least, at `x = 3`: it is 2.
pub fn main() -> Result<()> {
    let (x, target) = (Var::constant(Tensor::scalar(3.0_f64)), Var::constant(Tensor::scalar(6.0)));
    let mut w = 0.0;
    for step in 0..20 {
        let tape = Tape::new();
        let weight = tape.leaf(Tensor::scalar(w));
        let error = (&weight * &x - &target)?;
        let loss = (&error * &error)?;
        if step == 0 {
            println!("{tape}\n"); // what was recorded: each line knows how to go back
        }
        // By hand: d(w·x − 6)²/dw = 2·(w·x − 6)·x.
        let by_hand = 2.0 * (w * 3.0 - 6.0) * 3.0;
        let gradient = tape.backward(&loss)?.get(&weight).map_or(Ok(0.0), Tensor::item)?;
        println!("step {step:2}: w {w:.4}, loss {:8.4}, gradient {gradient:9.4}, by hand {by_hand:9.4}", loss.item()?);
        assert!((gradient - by_hand).abs() < 1e-12);
        w -= 0.04 * gradient;
    }
    assert!((w - 2.0).abs() < 1e-6, "{w}");
    Ok(())
}
