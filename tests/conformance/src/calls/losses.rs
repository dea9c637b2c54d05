//! Losses.

use super::{Call, Found};
use evograd::Element;
use evograd::ops::CrossEntropy;

pub fn call<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    let classes = || call.get::<Vec<usize>>("classes");
    Ok(Some(vec![match name {
        "binary_cross_entropy_with_logits" => x.binary_cross_entropy_with_logits(call.at(1)?, call.reduction()?)?,
        "cross_entropy" => x.cross_entropy(&classes()?, call.number("smoothing")?)?,
        "cross_entropy_with" => {
            let weights: Option<Vec<f64>> = call.get("weights")?;
            let options = CrossEntropy {
                weights: weights.as_deref(),
                ignore: call.get("ignore")?,
                smoothing: call.number("smoothing")?,
                reduction: call.reduction()?,
            };
            x.cross_entropy_with(&classes()?, options)?
        }
        "huber_loss" => x.huber_loss(call.at(1)?, call.number("delta")?, call.reduction()?)?,
        "l1_loss" => x.l1_loss(call.at(1)?, call.reduction()?)?,
        "mse_loss" => x.mse_loss(call.at(1)?, call.reduction()?)?,
        "smooth_l1_loss" => x.smooth_l1_loss(call.at(1)?, call.number("beta")?, call.reduction()?)?,
        "soft_cross_entropy" => x.soft_cross_entropy(call.at(1)?)?,
        _ => return Ok(None),
    }]))
}
