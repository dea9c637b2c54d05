//! Lines of JSON with the elements of tensors behind them, and what may be wrong with a request.

use evograd::{Element, Tensor};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead, Read, Write};

/// Why a request has no answer.
pub enum Failure {
    /// The library refuses the call; the session goes on.
    Refused(evograd::Error),
    /// The request makes no sense, and nothing behind it would.
    Request(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(error) => error.fmt(f),
            Failure::Request(message) => message.fmt(f),
        }
    }
}

impl From<evograd::Error> for Failure {
    fn from(error: evograd::Error) -> Self {
        Failure::Refused(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Request(error.to_string())
    }
}

/// What stands under a name, as this type.
pub fn get<T: DeserializeOwned>(request: &Value, name: &str) -> Result<T, Failure> {
    serde_json::from_value(request[name].clone())
        .map_err(|error| Failure::Request(format!("{name} of {request}: {error}")))
}

/// The next request; `None` where the input ends.
pub fn read_line(input: &mut impl BufRead) -> Result<Option<Value>, Failure> {
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&line).map(Some).map_err(|error| Failure::Request(format!("{line}: {error}")))
}

/// A tensor of this shape, whose elements come next.
pub fn read_tensor<E: Element>(input: &mut impl Read, shape: &[usize]) -> Result<Tensor<E>, Failure> {
    let mut bytes = vec![0; shape.iter().product::<usize>() * size_of::<f64>()];
    input.read_exact(&mut bytes)?;
    let (elements, _) = bytes.as_chunks();
    let elements: Vec<E> = elements.iter().map(|bytes| E::from_f64(f64::from_le_bytes(*bytes))).collect();
    Ok(Tensor::from_vec(shape, elements)?)
}

/// An answer, with the elements of these tensors.
pub fn write_line<E: Element>(output: &mut impl Write, answer: &Value, tensors: &[&Tensor<E>]) -> Result<(), Failure> {
    writeln!(output, "{answer}")?;
    for element in tensors.iter().flat_map(|tensor| tensor.as_slice()) {
        output.write_all(&element.to_f64().to_le_bytes())?;
    }
    Ok(output.flush()?)
}
