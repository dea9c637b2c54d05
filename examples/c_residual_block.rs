//! A convolution, batch normalisation and a residual block, as a description; a loop of one's own that looks inside; and
//! fine-tuning with frozen weights. `cargo run --release --example c_residual_block`

use evograd::data::digits_of;
use evograd::models::Spec;
use evograd::nn::{BatchNorm, Conv, GlobalAvgPool, Linear, MaxPool};
use evograd::ops::FusedActivation;
use evograd::train::{Config, Split, Trainer, evaluate};
use evograd::{Fusion, Result};
use std::sync::{Arc, Mutex};

/// Eight filters, a block `relu(x + f(x))`, and the mean of each map.
fn spec() -> Spec {
    let mut spec = Spec::new("small-resnet", [1, 28, 28]);
    let x = spec.add("conv", Conv::same(8, 5), &[spec.image()]);
    let x = spec.add("bn", BatchNorm { relu: true, ..BatchNorm::default() }, &[x]);
    let x = spec.add("pool", MaxPool::square(4, 4), &[x]);
    let f = spec.add("block.conv1", Conv::same(8, 3), &[x]);
    let f = spec.add("block.bn1", BatchNorm { relu: true, ..BatchNorm::default() }, &[f]);
    let f = spec.add("block.conv2", Conv::same(8, 3), &[f]);
    let f = spec.add("block.bn2", BatchNorm::default(), &[f]);
    let x = spec.fuse("block", [x, f], Fusion::Sum, FusedActivation::Relu);
    let x = spec.add("mean", GlobalAvgPool, &[x]);
    spec.add("fc", Linear { features: 10 }, &[x]);
    spec
}

/// Trains on drawn digits, looks inside, and freezes the first convolution for the last epoch.
pub fn main() -> Result<()> {
    let sets = digits_of(0, 400, 100)?;
    let settings =
        ["data.set=digits", "data.validation=0", "training.batch=10", "training.epochs=3", "optimizer.rate=0.1"];
    let config = Config::parse("", &settings.map(String::from))?;
    let split = Split::new(&config, &sets)?;
    println!("{}\n", spec().plan()?); // layers, shapes, weights, multiply-adds
    let norms = Arc::new(Mutex::new(Vec::new()));
    let seen = norms.clone();
    let mut trainer = Trainer::of(&spec(), config, &split.train)?.with_hooks(
        |_, _| {},
        move |layer, dy| {
            let norm = dy.as_slice().iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            if let Ok(mut norms) = seen.lock() {
                norms.push(format!("{layer} {norm:.1e}"));
            }
        },
    );
    let mut losses = Vec::new();
    for epoch in 0..3 {
        if epoch == 2 {
            println!("weights that stay as they are from now on: {}", trainer.network.freeze("conv.*")?);
        }
        for batch in split.train.epoch(epoch, 0)? {
            let batch = batch?;
            // A loss as a closure, here the usual one.
            let report = trainer.step_on(&batch.images, |logits| logits.cross_entropy(&batch.truth, 0.1))?;
            losses.push(report.loss);
        }
        trainer.end_epoch();
        println!("epoch {}: loss {:.3}", epoch + 1, losses[losses.len() - 1]);
    }
    if let Ok(norms) = norms.lock() {
        println!("gradients of the first step: {}", norms[..9.min(norms.len())].join(", "));
    }
    if let Some(answers) = evaluate(&trainer.network, &split.test, "test", |_| true)? {
        println!("test accuracy {:.0} %", 100.0 * answers.score.accuracy);
    }
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "{losses:?}");
    Ok(())
}
