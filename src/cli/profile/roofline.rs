//! What was measured, below the machine's roofline.

use super::measured::Measured;
use evograd::profile::{Kind, LayerTime, Pass, Spent};
use evograd::report::{Roofline, RooflinePoint};

const NOTE: &str = "\
A multiply-add is two operations. Bytes are the least that must be moved; above the slope they came from a cache.
What has no multiply-adds counts as one operation for each number of its largest tensor; its distance from the slope does not \
depend on that.";

/// A point for each kind of operation and pass, or for the products of each layer.
pub fn roofline(measured: &Measured, layers: bool) -> String {
    let (step, machine) = (measured.median(), &measured.machine);
    let milliseconds = step.duration.as_secs_f64() * 1e3;
    let title = format!("{}: a step of {milliseconds:.1} ms", measured.title());
    let whole = step.duration.as_secs_f64().max(1e-9);
    let points = match layers {
        true => step.layers(machine).iter().flat_map(|layer| products(layer, whole)).collect(),
        false => step.kinds(machine).iter().map(|kind| of_kind(kind, whole)).collect(),
    };
    let (operations, bandwidth) = (machine.operations, machine.bandwidth());
    Roofline { title: &title, operations, bandwidth, note: NOTE, points }.to_svg()
}

fn of_kind(Kind { op, pass, spent }: &Kind, whole: f64) -> RooflinePoint {
    point(format!("{op} {}", pass.name()), *pass, spent, whole)
}

/// The passes of a layer that have multiply-adds.
fn products(layer: &LayerTime, whole: f64) -> Vec<RooflinePoint> {
    let passes = [(Pass::Forward, &layer.forward), (Pass::Backward, &layer.backward)];
    let with_products = passes.into_iter().filter(|(_, spent)| spent.macs > 0);
    with_products.map(|(pass, spent)| point(layer.name.clone(), pass, spent, whole)).collect()
}

fn point(name: String, pass: Pass, spent: &Spent, whole: f64) -> RooflinePoint {
    let operations = if spent.macs > 0 { 2.0 * spent.macs as f64 } else { spent.numbers as f64 };
    let seconds = spent.duration.as_secs_f64();
    RooflinePoint {
        name,
        group: pass.name().into(),
        intensity: operations / spent.bytes as f64,
        rate: operations / seconds,
        share: seconds / whole,
    }
}
