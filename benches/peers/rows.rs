//! The rows: what each does in a call, and what its value counts.

use crate::conv::{self, Convolution, Pass};
use crate::genetic::all_ones;
use crate::memory::{BothWays, OPERATIONS, Operation, SHAPE};
use crate::peak::multiply_adds;
use crate::training::{Training, images, resnet20};
use evograd::models::{Network, Spec};
use evograd::{Fusion, Isa, Result, threads};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// SORT as the rows have it.
const SORT: Fusion = Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON };

/// One call; the time that counts of it.
pub type Call = Box<dyn FnMut() -> Result<Duration>>;

/// A row by its name.
pub struct Row {
    pub name: String,
    pub unit: Unit,
    /// What a call works on: images, operations or elements; 1 where a call itself is timed.
    pub amount: u64,
    pub prepare: Box<dyn Fn() -> Result<Call>>,
}

/// What a value counts.
#[derive(Clone, Copy)]
pub enum Unit {
    ImagesPerSecond,
    Gflops,
    NanosecondsPerElement,
    Milliseconds,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::ImagesPerSecond => "images/s",
            Unit::Gflops => "GFLOP/s",
            Unit::NanosecondsPerElement => "ns/element",
            Unit::Milliseconds => "ms",
        }
    }

    /// The value of a call with this amount of work that took so many seconds.
    pub fn value(self, amount: u64, seconds: f64) -> f64 {
        let amount = amount as f64;
        match self {
            Unit::ImagesPerSecond => amount / seconds,
            Unit::Gflops => amount / seconds / 1e9,
            Unit::NanosecondsPerElement => seconds * 1e9 / amount,
            Unit::Milliseconds => seconds * 1e3 / amount,
        }
    }
}

/// Every row.
pub fn all() -> Result<Vec<Row>> {
    let mut rows = vec![
        training("W1/sum/128", resnet20(Fusion::Sum)?, 128),
        training("W1/sum/32", resnet20(Fusion::Sum)?, 32),
        training("W1/sort-root/128", resnet20(SORT)?, 128),
        inference("W2/128", Unit::ImagesPerSecond, 128),
        inference("W2/1", Unit::Milliseconds, 1),
        // The operations are counted by the CPU's lanes, which no list should depend on.
        row("W3/peak", Unit::Gflops, 1_000_000_000, || Ok(Box::new(peak))),
    ];
    rows.extend(
        conv::SHAPES.into_iter().flat_map(|shape| Pass::ALL.map(|(name, pass)| convolution(shape, name, pass))),
    );
    rows.extend(OPERATIONS.map(|(name, _, operation)| both_ways(name, operation)));
    rows.push(training("W6/128", all_ones()?, 128));
    Ok(rows)
}

fn row(name: impl Into<String>, unit: Unit, amount: u64, prepare: impl Fn() -> Result<Call> + 'static) -> Row {
    Row { name: name.into(), unit, amount, prepare: Box::new(prepare) }
}

/// The time of some work.
fn timed<R>(work: impl FnOnce() -> Result<R>) -> Result<Duration> {
    let start = Instant::now();
    black_box(work()?);
    Ok(start.elapsed())
}

fn training(name: &str, spec: Spec, batch: usize) -> Row {
    row(name, Unit::ImagesPerSecond, batch as u64, move || {
        let mut training = Training::new(&spec, batch)?;
        Ok(Box::new(move || training.step()))
    })
}

fn inference(name: &str, unit: Unit, batch: usize) -> Row {
    row(name, unit, batch as u64, move || {
        let (network, images) = (Network::new(&resnet20(Fusion::Sum)?, 0)?.frozen()?, images(batch)?);
        Ok(Box::new(move || timed(|| network.evaluate(&images))))
    })
}

/// The time that a thousand million operations take.
fn peak() -> Result<Duration> {
    let start = Instant::now();
    let operations = multiply_adds(Isa::chosen()?, threads());
    Ok(start.elapsed().mul_f64(1e9 / operations as f64))
}

fn convolution(shape: [usize; 5], name: &str, pass: Pass) -> Row {
    let [c, k, size, kernel, _] = shape;
    row(format!("W3/{c}-{k}-{size}-{kernel}/{name}"), Unit::Gflops, conv::operations(shape), move || {
        let convolution = Convolution::new(shape)?;
        Ok(Box::new(move || match pass {
            Pass::Forward => timed(|| convolution.forward()),
            gradient => {
                let recorded = convolution.recorded(gradient)?;
                timed(|| convolution.backward(recorded))
            }
        }))
    })
}

fn both_ways(name: &str, operation: Operation) -> Row {
    let elements = SHAPE.iter().product::<usize>() as u64;
    row(format!("W4/{name}"), Unit::NanosecondsPerElement, elements, move || {
        let work = BothWays::new(operation)?;
        Ok(Box::new(move || timed(|| work.run())))
    })
}
