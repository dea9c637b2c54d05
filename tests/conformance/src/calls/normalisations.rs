//! Normalisations. Those with running statistics take them as the last arguments, the mean and the variance, and training gives
//! what they become behind its output.

use super::{Call, Found};
use crate::request::Failure;
use evograd::ops::LocalResponseNorm;
use evograd::{BatchNorm, Element, RunningStats, Var};

pub fn call<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "batch_norm" => return trained(call).map(Some),
        "batch_norm_eval" => {
            let running = running(call, 3)?;
            x.batch_norm_eval(call.at(1)?, call.at(2)?, &running, call.number("epsilon")?)?
        }
        "group_norm" => x.group_norm(call.get("groups")?, call.at(1)?, call.at(2)?, call.number("epsilon")?)?,
        "instance_norm" => x.instance_norm(call.at(1)?, call.at(2)?, call.number("epsilon")?)?,
        "layer_norm" => x.layer_norm(call.at(1)?, call.at(2)?, call.number("epsilon")?)?,
        "local_response_norm" => x.local_response_norm(LocalResponseNorm {
            size: call.get("size")?,
            alpha: call.number("alpha")?,
            beta: call.number("beta")?,
            k: call.number("k")?,
        })?,
        "rms_norm" => x.rms_norm(call.at(1)?, call.number("epsilon")?)?,
        _ => return Ok(None),
    }]))
}

/// Batch normalisation by the statistics of the batch.
fn trained<E: Element>(call: &Call<E>) -> Result<Vec<Var<E>>, Failure> {
    let options = BatchNorm { epsilon: call.number("epsilon")?, momentum: call.number("momentum")? };
    let mut running = running(call, 3)?;
    let y = call.x()?.batch_norm(call.at(1)?, call.at(2)?, &mut running, options)?;
    Ok(vec![y, Var::constant(running.mean), Var::constant(running.variance)])
}

/// Running statistics: the mean at this place of the arguments, and the variance behind it.
fn running<E: Element>(call: &Call<E>, place: usize) -> Result<RunningStats<E>, Failure> {
    let [mean, variance] = [call.at(place)?, call.at(place + 1)?].map(|x| x.value().clone());
    Ok(RunningStats { mean, variance })
}
