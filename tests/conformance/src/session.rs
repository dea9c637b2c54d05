//! Variables and a tape in one element type, and what requests do to them.

use crate::calls::{Call, call};
use crate::request::{Failure, get, read_line, read_tensor, write_line};
use evograd::{Element, Tape, Tensor, Var};
use serde_json::{Value, json};
use std::io::{BufRead, Write};

/// A line and the tensors behind it, as far as there are any.
type Answer<E> = (Value, Vec<Option<Tensor<E>>>);

struct Session<E: Element> {
    tape: Tape<E>,
    variables: Vec<Var<E>>,
}

/// Answers requests until one begins another session, which is handed back, or the input ends.
pub fn run<E: Element>(input: &mut impl BufRead, output: &mut impl Write) -> Result<Option<Value>, Failure> {
    let mut session = Session::<E> { tape: Tape::new(), variables: Vec::new() };
    while let Some(request) = read_line(input)? {
        if request.get("begin").is_some() {
            return Ok(Some(request));
        }
        match session.answer(&request, input) {
            Ok((answer, tensors)) => {
                let tensors: Vec<&Tensor<E>> = tensors.iter().flatten().collect();
                write_line(output, &answer, &tensors)?;
            }
            Err(Failure::Refused(error)) => write_line::<E>(output, &json!({"refused": error.to_string()}), &[])?,
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}

impl<E: Element> Session<E> {
    fn answer(&mut self, request: &Value, input: &mut impl BufRead) -> Result<Answer<E>, Failure> {
        let kinds = ["leaf", "constant", "call", "value", "backward"];
        match kinds.into_iter().find(|kind| request.get(kind).is_some()) {
            Some("leaf") => {
                let leaf = self.tape.leaf(read_tensor(input, &get::<Vec<usize>>(request, "leaf")?)?);
                Ok((self.keep(vec![leaf]), Vec::new()))
            }
            Some("constant") => {
                let constant = Var::constant(read_tensor(input, &get::<Vec<usize>>(request, "constant")?)?);
                Ok((self.keep(vec![constant]), Vec::new()))
            }
            Some("call") => {
                let arguments = self.named(request, "arguments")?;
                let name: String = get(request, "call")?;
                let results = call(&name, &Call { arguments: &arguments, options: &request["options"] })?;
                Ok((self.keep(results), Vec::new()))
            }
            Some("value") => Ok(shapes(vec![Some(self.variable(get(request, "value")?)?.value().clone())])),
            Some(_) => self.backward(request, input),
            None => Err(Failure::Request(format!("{request}: ask for one of {kinds:?}"))),
        }
    }

    fn backward(&self, request: &Value, input: &mut impl BufRead) -> Result<Answer<E>, Failure> {
        let shapes_of_outputs: Vec<Vec<usize>> = get(request, "shapes")?;
        let outputs = self.named(request, "backward")?;
        let dys = shapes_of_outputs.iter().map(|shape| read_tensor(input, shape)).collect::<Result<Vec<_>, _>>()?;
        let pairs: Vec<(&Var<E>, Tensor<E>)> = outputs.iter().zip(dys).collect();
        let mut gradients = self.tape.backward_from(&pairs)?;
        Ok(shapes(self.named(request, "leaves")?.iter().map(|leaf| gradients.take(leaf)).collect()))
    }

    fn variable(&self, number: usize) -> Result<&Var<E>, Failure> {
        self.variables.get(number).ok_or_else(|| Failure::Request(format!("there is no variable {number}")))
    }

    /// The variables whose numbers stand under this name.
    fn named(&self, request: &Value, name: &str) -> Result<Vec<Var<E>>, Failure> {
        get::<Vec<usize>>(request, name)?.into_iter().map(|number| self.variable(number).cloned()).collect()
    }

    /// Keeps variables for later requests; the answer tells their numbers and shapes.
    fn keep(&mut self, variables: Vec<Var<E>>) -> Value {
        let first = self.variables.len();
        let shapes = variables.iter().map(|variable| variable.value().shape().sizes());
        let answer = json!({"variables": shapes.enumerate().map(|(i, s)| json!([first + i, s])).collect::<Vec<_>>()});
        self.variables.extend(variables);
        answer
    }
}

/// The answer that holds these tensors.
fn shapes<E: Element>(tensors: Vec<Option<Tensor<E>>>) -> Answer<E> {
    let shapes: Vec<Option<&[usize]>> = tensors.iter().map(|t| t.as_ref().map(|t| t.shape().sizes())).collect();
    (json!({ "shapes": shapes }), tensors)
}
