//! What was measured, as tables and as JSON.

use super::measured::Measured;
use crate::cli::image_size::sizes;
use crate::cli::processor;
use crate::cli::table::{Table, fitted};
use anyhow::Result;
use evograd::Isa;
use evograd::profile::{Kind, LayerTime, Machine, Spent};
use evograd::report::counted;
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

/// What `--json` prints. Times are in milliseconds.
#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    input: [usize; 3],
    batch: u32,
    cpu: String,
    isa: &'static str,
    machine: &'a Machine,
    /// Of every measured step.
    steps_ms: Vec<f64>,
    /// Of the median step, which all else is about.
    step_ms: f64,
    rest_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    operations: Option<Vec<KindLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<LayerLine>>,
}

/// A kind of operation as JSON.
#[derive(Serialize)]
struct KindLine {
    op: &'static str,
    pass: &'static str,
    #[serde(flatten)]
    spent: Line,
}

/// A layer as JSON.
#[derive(Serialize)]
struct LayerLine {
    layer: String,
    output: Option<Vec<usize>>,
    forward: Line,
    backward: Line,
}

/// What was spent, as JSON.
#[derive(Serialize)]
struct Line {
    calls: usize,
    ms: f64,
    /// Of the step, from 0 to 1.
    share: f64,
    macs: u64,
    bytes: u64,
    gflops_per_second: Option<f64>,
    gigabytes_per_second: Option<f64>,
    /// The time that the machine's roofline allows over the time taken.
    peak_share: Option<f64>,
}

/// One JSON object.
pub fn json(measured: &Measured, layers: bool, out: &mut impl Write) -> Result<()> {
    let (step, machine) = (measured.median(), &measured.machine);
    let line = |spent: &Spent| line(spent, step.duration);
    let kind = |kind: Kind| KindLine { op: kind.op, pass: kind.pass.name(), spent: line(&kind.spent) };
    let layer = |layer: LayerTime| LayerLine {
        output: layer.output.map(|shape| shape.sizes().to_vec()),
        layer: layer.name,
        forward: line(&layer.forward),
        backward: line(&layer.backward),
    };
    let answer = Answer {
        model: &measured.plan.spec().name,
        input: measured.plan.spec().input,
        batch: measured.batch,
        cpu: processor::name(),
        isa: Isa::chosen()?.name(),
        machine,
        steps_ms: measured.steps.iter().map(|step| ms(step.duration)).collect(),
        step_ms: ms(step.duration),
        rest_ms: ms(step.rest()),
        operations: (!layers).then(|| step.kinds(machine).into_iter().map(kind).collect()),
        layers: layers.then(|| step.layers(machine).into_iter().map(layer).collect()),
    };
    Ok(writeln!(out, "{}", serde_json::to_string(&answer)?)?)
}

fn line(spent: &Spent, step: Duration) -> Line {
    Line {
        calls: spent.calls,
        ms: ms(spent.duration),
        share: share(spent.duration, step),
        macs: spent.macs,
        bytes: spent.bytes,
        gflops_per_second: spent.operations_per_second().map(|rate| rate / 1e9),
        gigabytes_per_second: spent.bytes_per_second().map(|rate| rate / 1e9),
        peak_share: spent.peak_share(),
    }
}

/// A table below what was measured, and the machine below the table.
pub fn tables(measured: &Measured, layers: bool, out: &mut impl Write) -> Result<()> {
    let (step, machine) = (measured.median(), &measured.machine);
    let pace = f64::from(measured.batch) / step.duration.as_secs_f64().max(1e-9);
    let (title, isa) = (measured.title(), Isa::chosen()?.name());
    let said =
        format!("{title}, {isa}: the median of {}, {pace:.0} images/s", counted(measured.steps.len() as u64, "step"));
    writeln!(out, "{}", fitted(said))?;
    let table = if layers { by_layer(measured) } else { by_kind(measured) };
    writeln!(out, "{}", table.for_output())?;
    let [operations, read, copied] =
        [machine.operations, machine.read, machine.copied].map(|rate| format!("{:.1}", rate / 1e9));
    Ok(writeln!(out, "the machine: {operations} GFLOP/s; memory {read} GB/s read, {copied} GB/s copied")?)
}

fn by_kind(measured: &Measured) -> Table {
    let step = measured.median();
    let header = ["operation", "pass", "calls", "ms", "share", "GFLOP/s", "GB/s", "peak"];
    let mut table = Table::new(&header, 2..8);
    for Kind { op, pass, spent } in step.kinds(&measured.machine) {
        let time = [milliseconds(spent.duration), percent(share(spent.duration, step.duration))];
        let [ms, share] = time;
        let [gflops, gbytes, peak] = rates(&spent);
        table.row([op.into(), pass.name().into(), spent.calls.to_string(), ms, share, gflops, gbytes, peak]);
    }
    let empty = String::new;
    for (name, time) in [("rest", step.rest()), ("step", step.duration)] {
        let share = percent(share(time, step.duration));
        table.row([name.into(), empty(), empty(), milliseconds(time), share, empty(), empty(), empty()]);
    }
    table
}

fn by_layer(measured: &Measured) -> Table {
    let (step, layers) = (measured.median(), measured.median().layers(&measured.machine));
    let header = ["layer", "output", "calls", "forward", "backward", "ms", "share", "GFLOP/s", "GB/s", "peak"];
    let mut table = Table::new(&header, 2..10);
    for LayerTime { name, output, forward, backward } in &layers {
        let both = forward.and(backward);
        let [there, back] = [forward, backward].map(|spent| match spent.calls {
            0 => String::new(),
            _ => milliseconds(spent.duration),
        });
        let [time, share] = [milliseconds(both.duration), percent(share(both.duration, step.duration))];
        let [gflops, gbytes, peak] = rates(&both);
        let (name, output, calls) =
            (name.clone(), output.map_or(String::new(), |shape| sizes(shape.sizes())), both.calls.to_string());
        table.row([name, output, calls, there, back, time, share, gflops, gbytes, peak]);
    }
    let empty = String::new;
    let forward = milliseconds(layers.iter().map(|layer| layer.forward.duration).sum());
    let backward = milliseconds(layers.iter().map(|layer| layer.backward.duration).sum());
    let last = [("rest", empty(), empty(), step.rest()), ("step", forward, backward, step.duration)];
    for (name, there, back, time) in last {
        let [time, share] = [milliseconds(time), percent(share(time, step.duration))];
        table.row([name.into(), empty(), empty(), there, back, time, share, empty(), empty(), empty()]);
    }
    table
}

/// GFLOP/s, GB/s and the share of the roofline; empty where there is none.
fn rates(spent: &Spent) -> [String; 3] {
    let rate = |rate: Option<f64>| rate.map_or(String::new(), |rate| format!("{:.1}", rate / 1e9));
    [
        rate(spent.operations_per_second()),
        rate(spent.bytes_per_second()),
        spent.peak_share().map_or(String::new(), percent),
    ]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", ms(time))
}

fn share(part: Duration, whole: Duration) -> f64 {
    part.as_secs_f64() / whole.as_secs_f64().max(1e-9)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
