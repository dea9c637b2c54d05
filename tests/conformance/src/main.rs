//! The operations as a process: requests on standard input, answers on standard output, so that a program in another language can
//! call them. A request is a line of JSON and the elements of its tensors behind it; so is an answer.
//!
//! | request | elements | answer | elements |
//! | --- | --- | --- | --- |
//! | `{"begin": "f32"}`: forgets everything | | `{"operations": ["abs", …]}`, the catalogue | |
//! | `{"leaf": [2, 3]}` or `{"constant": [2, 3]}` | the tensor | `{"variables": [[0, [2, 3]]]}` | |
//! | `{"call": "relu", "arguments": [0], "options": {}}` | | the same, or `{"refused": "…"}` | |
//! | `{"value": 1}` | | `{"shapes": [[2, 3]]}` | the tensor |
//! | `{"backward": [1], "shapes": [[2, 3]], "leaves": [0]}` | a gradient for each variable | `{"shapes": [[2, 3]]}` | the leaves' gradients |
//!
//! Variables are numbered from 0; a gradient that there is none of has the shape `null`. An element is a little-endian `f64`,
//! whatever is calculated in. A request that cannot be understood ends the process with exit code 1.

mod calls;
mod request;
mod session;

use request::{Failure, read_line, write_line};
use serde_json::json;
use std::io::{self, BufReader, BufWriter};
use std::process::ExitCode;

/// Sessions, each in the element type that it begins with, until the input ends.
fn serve() -> Result<(), Failure> {
    let (mut input, mut output) = (BufReader::new(io::stdin().lock()), BufWriter::new(io::stdout().lock()));
    let operations: Vec<&str> = evograd::ops::CATALOGUE.iter().map(|row| row.name).collect();
    let mut request = read_line(&mut input)?;
    while let Some(begin) = request {
        write_line::<f64>(&mut output, &json!({"operations": operations}), &[])?;
        request = match begin["begin"].as_str() {
            Some("f32") => session::run::<f32>(&mut input, &mut output)?,
            Some("f64") => session::run::<f64>(&mut input, &mut output)?,
            _ => return Err(Failure::Request(format!("{begin}: begin with f32 or f64"))),
        };
    }
    Ok(())
}

fn main() -> ExitCode {
    let Err(failure) = serve() else { return ExitCode::SUCCESS };
    eprintln!("evograd-conformance: {failure}");
    ExitCode::FAILURE
}
