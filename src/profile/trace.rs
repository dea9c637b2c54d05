//! Profiles in the trace event format of Chrome, which `chrome://tracing` and Perfetto draw.

use super::{Event, Profile};
use crate::shape::Shape;
use serde_json::{Value, json};
use std::time::Duration;

/// Profiles one after the other, such as the steps of a training, as JSON: a complete event for each profile, within it
/// one for each run of a layer, and within that one for each pass of an operation, with its shapes, multiply-adds, bytes and
/// rates. Times are in microseconds. All stand in one row, so profile work that runs its operations one after the other.
///
/// ```
/// use evograd::profile::{chrome_trace, profiled};
/// use evograd::{Tensor, Var};
/// let (_, step) = profiled(|| Var::constant(Tensor::scalar(1.0_f32)).exp());
/// let trace: serde_json::Value = serde_json::from_str(&chrome_trace("exp", &[step])).unwrap();
/// assert_eq!(trace["traceEvents"][2]["name"], "exp forward");
/// ```
pub fn chrome_trace(title: &str, steps: &[Profile]) -> String {
    let mut events = vec![json!({"name": "process_name", "ph": "M", "pid": 1, "args": {"name": title}})];
    let mut begin = Duration::ZERO;
    for (number, step) in steps.iter().enumerate() {
        let name = format!("step {}", number + 1);
        events.push(complete(&name, "step", begin, step.duration, json!({"operations": step.events.len()})));
        for run in step.events.chunk_by(|a, b| a.part.is_some() && (&a.part, a.pass) == (&b.part, b.pass)) {
            events.extend(layer(run, begin));
            events.extend(run.iter().map(|event| operation(event, begin)));
        }
        begin += step.duration;
    }
    json!({"traceEvents": events, "displayTimeUnit": "ms"}).to_string()
}

/// What encloses the operations of one run of a layer; nothing where they ran in none.
fn layer(run: &[Event], begin: Duration) -> Option<Value> {
    let (first, last) = (run.first()?, run.last()?);
    let duration = last.start + last.duration - first.start;
    let args = json!({"pass": first.pass.name()});
    Some(complete(first.part.as_deref()?, "layer", begin + first.start, duration, args))
}

fn operation(event: &Event, begin: Duration) -> Value {
    let seconds = event.duration.as_secs_f64().max(1e-9);
    let args = json!({
        "inputs": event.inputs.iter().map(Shape::sizes).collect::<Vec<_>>(),
        "output": event.output.sizes(),
        "layer": event.part,
        "multiply-adds": event.macs,
        "bytes": event.bytes,
        "GFLOP/s": 2.0 * event.macs as f64 / seconds / 1e9,
        "GB/s": event.bytes as f64 / seconds / 1e9,
    });
    let name = format!("{} {}", event.op, event.pass.name());
    complete(&name, event.pass.name(), begin + event.start, event.duration, args)
}

/// A complete event, `"ph": "X"`.
fn complete(name: &str, category: &str, start: Duration, duration: Duration, args: Value) -> Value {
    let [ts, dur] = [start, duration].map(|time| time.as_nanos() as f64 / 1e3);
    json!({"name": name, "cat": category, "ph": "X", "ts": ts, "dur": dur, "pid": 1, "tid": 1, "args": args})
}
