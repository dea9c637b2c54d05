//! From the name of an operation to its call, in one table for each kind.

mod elementwise;
mod losses;
mod normalisations;
mod places;
mod windows;

use crate::request::{Failure, get};
use evograd::ops::{ReducedAxes, Reduction};
use evograd::{Element, Var};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an operation is called with: variables, and options by their names.
pub struct Call<'a, E: Element> {
    pub arguments: &'a [Var<E>],
    pub options: &'a Value,
}

/// What an operation gives, or `None` where a table does not have its name.
type Found<E> = Result<Option<Vec<Var<E>>>, Failure>;

/// Calls the operation of this name.
pub fn call<E: Element>(name: &str, call: &Call<E>) -> Result<Vec<Var<E>>, Failure> {
    let tables = [
        elementwise::one::<E>,
        elementwise::several,
        places::chosen,
        places::reduced,
        windows::call,
        normalisations::call,
        losses::call,
    ];
    for table in tables {
        if let Some(results) = table(name, call)? {
            return Ok(results);
        }
    }
    Err(Failure::Request(format!("{name}: there is no such operation in tests/conformance/src/calls; add it")))
}

impl<'a, E: Element> Call<'a, E> {
    /// An argument by its place.
    fn at(&self, place: usize) -> Result<&'a Var<E>, Failure> {
        let count = self.arguments.len();
        self.arguments.get(place).ok_or_else(|| Failure::Request(format!("argument {place} of {count} is missing")))
    }

    /// The first argument.
    fn x(&self) -> Result<&'a Var<E>, Failure> {
        self.at(0)
    }

    /// An option.
    fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        get(self.options, name)
    }

    /// An option that is a number; one that is not finite, which JSON has no numbers for, is given by its name.
    fn number(&self, name: &str) -> Result<f64, Failure> {
        match self.options[name].as_str() {
            Some(word) => word.parse().map_err(|_| Failure::Request(format!("{name}: {word} is no number"))),
            None => self.get(name),
        }
    }

    /// The option `kept`: whether axes that are reduced stay as axes of size 1.
    fn reduced_axes(&self) -> Result<ReducedAxes, Failure> {
        Ok(if self.get("kept")? { ReducedAxes::Kept } else { ReducedAxes::Dropped })
    }

    /// The option `reduction`.
    fn reduction(&self) -> Result<Reduction, Failure> {
        match self.get::<String>("reduction")?.as_str() {
            "mean" => Ok(Reduction::Mean),
            "sum" => Ok(Reduction::Sum),
            "none" => Ok(Reduction::None),
            other => Err(Failure::Request(format!("reduction {other}: there are mean, sum and none"))),
        }
    }
}
