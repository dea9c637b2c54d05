//! How well a network answers on pictures it does not learn from.

use crate::data::Loader;
use crate::error::Result;
use crate::mode::no_grad;
use crate::models::Network;
use crate::record::Score;
use crate::tape::Var;

/// The score of a network on all samples of a loader; `progress` is told after each batch how many are done.
///
/// # Errors
/// When a picture cannot be read or does not fit the network, or a logit is not finite.
pub fn evaluate(network: &Network, loader: &Loader, split: &str, mut progress: impl FnMut(usize)) -> Result<Score> {
    let (mut loss, mut right, mut done) = (0.0, 0, 0);
    for batch in loader.epoch(0, 0) {
        let batch = batch?;
        let logits = network.evaluate(&batch.pictures)?;
        right += hits(logits.as_slice(), &batch.truth);
        let mean = no_grad(|| Var::constant(logits).cross_entropy(&batch.truth, 0.0))?.item()?;
        loss += f64::from(mean) * batch.truth.len() as f64;
        done += batch.truth.len();
        progress(done);
    }
    let total = done as f64;
    Ok(Score { split: split.into(), pictures: done, loss: loss / total, accuracy: right as f64 / total })
}

/// How many rows of logits are greatest at their class; the first of equals counts.
pub(super) fn hits(logits: &[f32], classes: &[usize]) -> usize {
    let width = logits.len() / classes.len();
    let right = |(row, class): (&[f32], &usize)| {
        row.iter().enumerate().all(|(i, x)| if i < *class { *x < row[*class] } else { *x <= row[*class] })
    };
    logits.chunks(width).zip(classes).filter(|(row, class)| right((row, class))).count()
}
