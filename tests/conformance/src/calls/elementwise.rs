//! Operations that work element by element, and products.

use super::{Call, Found};
use crate::request::Failure;
use evograd::ops::{AttentionMask, DropoutKey, Gelu, Softplus, Transpose};
use evograd::{Element, Var};

/// Operations on one tensor.
pub fn one<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "abs" => x.abs()?,
        "clamp" => x.clamp(call.number("low")?, call.number("high")?)?,
        "cos" => x.cos()?,
        "dropout" => x.dropout(call.number("p")?, DropoutKey { seed: 0, step: 0, layer: 0 })?,
        "elu" => x.elu(call.number("alpha")?)?,
        "exp" => x.exp()?,
        "expm1" => x.expm1()?,
        "gelu" => x.gelu(if call.get("tanh")? { Gelu::Tanh } else { Gelu::Exact })?,
        "leaky_relu" => x.leaky_relu(call.number("slope")?)?,
        "log" => x.log()?,
        "log1p" => x.log1p()?,
        "log_softmax" => x.log_softmax()?,
        "neg" => x.neg()?,
        "pow" => x.pow(call.number("exponent")?)?,
        "relu" => x.relu()?,
        "scale" => x.scale(call.number("factor")?)?,
        "sigmoid" => x.sigmoid()?,
        "silu" => x.silu()?,
        "sin" => x.sin()?,
        "softmax" => x.softmax()?,
        "softplus" => x.softplus(Softplus { beta: call.number("beta")?, threshold: call.number("threshold")? })?,
        "sqrt" => x.sqrt()?,
        "tanh" => x.tanh()?,
        _ => return Ok(None),
    }]))
}

/// Operations on several tensors.
pub fn several<E: Element>(name: &str, call: &Call<E>) -> Found<E> {
    let x = call.x()?;
    Ok(Some(vec![match name {
        "add" => x.add(call.at(1)?)?,
        "div" => x.div(call.at(1)?)?,
        "einsum" => x.einsum(&call.get::<String>("equation")?, call.at(1)?)?,
        "linear" => x.linear(call.at(1)?, call.arguments.get(2))?,
        "matmul" => x.matmul_with(call.at(1)?, Transpose { a: call.get("a")?, b: call.get("b")? })?,
        "maximum" => x.maximum(call.at(1)?)?,
        "mul" => x.mul(call.at(1)?)?,
        "scaled_dot_product_attention" => {
            x.scaled_dot_product_attention(call.at(1)?, call.at(2)?, mask(call, call.at(3))?)?
        }
        "sub" => x.sub(call.at(1)?)?,
        "where_" => x.where_(call.at(1)?.value(), call.at(2)?)?,
        _ => return Ok(None),
    }]))
}

/// The option `mask`, of which two kinds have a tensor.
fn mask<'a, E: Element>(call: &Call<E>, tensor: Result<&'a Var<E>, Failure>) -> Result<AttentionMask<'a, E>, Failure> {
    match call.get::<String>("mask")?.as_str() {
        "none" => Ok(AttentionMask::None),
        "causal" => Ok(AttentionMask::Causal),
        "visible" => Ok(AttentionMask::Visible(tensor?.value())),
        "added" => Ok(AttentionMask::Added(tensor?.value())),
        other => Err(Failure::Request(format!("mask {other}: there are none, causal, visible and added"))),
    }
}
