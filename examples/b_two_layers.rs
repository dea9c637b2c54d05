//! Two linear layers learn what one cannot: exclusive or. Every step by hand. `cargo run --example b_two_layers`

use evograd::{Result, SgdStep, Tape, Tensor, Var, sgd_step};

/// Trains until exclusive or is answered right.
pub fn main() -> Result<()> {
    let x = Var::constant(Tensor::from_vec([4, 2], vec![0.0_f32, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])?);
    let classes = [0, 1, 1, 0];
    // Linear layers [out, in] with their biases; values that differ, so that hidden units do.
    let shapes: [&[usize]; 4] = [&[8, 2], &[8], &[2, 8], &[2]];
    let wave = |i: usize| (i as f32 * 1.7 + 0.4).sin();
    let mut weights = shapes.into_iter().map(|shape| Tensor::from_fn(shape, wave)).collect::<Result<Vec<_>>>()?;
    let mut velocities = shapes.into_iter().map(Tensor::zeros).collect::<Result<Vec<_>>>()?;
    let step = SgdStep { momentum: 0.9, ..SgdStep::new(0.1) };
    let (mut loss_now, mut answers) = (f32::INFINITY, Vec::new());
    for round in 0..300 {
        let tape = Tape::new();
        let w: Vec<Var> = weights.iter().map(|weight| tape.leaf(weight.clone())).collect();
        let hidden = x.linear(&w[0], Some(&w[1]))?.tanh()?;
        let logits = hidden.linear(&w[2], Some(&w[3]))?;
        let loss = logits.cross_entropy(&classes, 0.0)?;
        let mut gradients = tape.backward(&loss)?;
        for ((leaf, weight), velocity) in w.into_iter().zip(&mut weights).zip(&mut velocities) {
            if let Some(gradient) = gradients.take(&leaf) {
                drop(leaf); // it shares the weight's memory, which is then free to change in place
                sgd_step(weight, velocity, &gradient, step)?;
            }
        }
        loss_now = loss.item()?;
        answers = logits.value().as_slice().chunks(2).map(|row| usize::from(row[1] > row[0])).collect();
        if round % 50 == 0 {
            println!("round {round:3}: loss {loss_now:.4}, answers {answers:?}, right {classes:?}");
        }
    }
    assert!(answers == classes && loss_now < 0.05, "{loss_now} {answers:?}");
    println!("in the end: loss {loss_now:.4}, answers {answers:?}");
    Ok(())
}
