//! Operations that choose, move, add up or compare elements by their places.

use super::{Call, Found};
use evograd::{Element, Result, Tensor, Var};

/// Operations that choose and move.
pub fn chosen<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "concat" => Var::concat(&call.arguments.iter().collect::<Vec<_>>(), call.get("axis")?)?,
        "embedding" => x.embedding(&call.get::<Vec<usize>>("index")?)?,
        "gather" => x.gather(call.get("axis")?, &call.get::<Vec<usize>>("index")?)?,
        "pad" => x.pad_with(&call.get::<Vec<(usize, usize)>>("margins")?, call.number("value")?)?,
        "reshape" => x.reshape(call.get::<Vec<usize>>("shape")?.as_slice())?,
        "slice" => x.slice(call.get("axis")?, call.get("start")?..call.get("end")?)?,
        "split" => return Ok(Some(x.split(call.get("axis")?, call.get("size")?)?)),
        "stack" => Var::stack(&call.arguments.iter().collect::<Vec<_>>(), call.get("axis")?)?,
        "transpose" => x.transpose(&call.get::<Vec<usize>>("axes")?)?,
        _ => return Ok(None),
    }]))
}

/// Operations along axes.
pub fn reduced<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    let axes = || call.get::<Vec<usize>>("axes");
    Ok(Some(vec![match name {
        "amax" => x.amax(&axes()?, call.reduced_axes()?)?,
        "amin" => x.amin(&axes()?, call.reduced_axes()?)?,
        "argmax" => indices(x.argmax(call.get("axis")?)?)?,
        "argmin" => indices(x.argmin(call.get("axis")?)?)?,
        "cumsum" => x.cumsum(call.get("axis")?)?,
        "max" => x.max(call.get("axis")?, call.reduced_axes()?)?,
        "mean" => x.mean(&axes()?, call.reduced_axes()?)?,
        "min" => x.min(call.get("axis")?, call.reduced_axes()?)?,
        "sum" => x.sum(&axes()?, call.reduced_axes()?)?,
        _ => return Ok(None),
    }]))
}

/// Indices as a tensor of one axis.
fn indices<E: Element>(indices: Vec<usize>) -> Result<Var<E>> {
    let values: Vec<E> = indices.iter().map(|index| E::from_f64(*index as f64)).collect();
    Ok(Var::constant(Tensor::from_vec([indices.len()], values)?))
}
