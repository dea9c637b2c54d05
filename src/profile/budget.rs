//! Events added up: by kind of operation, and by layer.

use super::{Event, Machine, Pass, Profile};
use crate::shape::Shape;
use std::time::Duration;

/// What some passes of operations cost together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// How many there were.
    pub calls: usize,
    /// How long they took.
    pub duration: Duration,
    /// Their multiply-adds.
    pub macs: u64,
    /// The least bytes that they had to move.
    pub bytes: u64,
    /// The numbers in the largest input or output of each.
    pub numbers: u64,
    /// The least time that the machine could take for them, each by itself.
    pub least: Duration,
}

/// What one kind of operation cost in one pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The operation.
    pub op: &'static str,
    /// Which way it ran.
    pub pass: Pass,
    /// What it cost.
    pub spent: Spent,
}

/// What a layer cost.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// Its name; the operation's, where it ran in no layer.
    pub name: String,
    /// The shape of the output of its last operation; `None` for what ran backward alone.
    pub output: Option<Shape>,
    /// What its operations cost forward.
    pub forward: Spent,
    /// What its operations cost backward, or as updates.
    pub backward: Spent,
}

impl Spent {
    /// Adds an event.
    fn add(&mut self, event: &Event, machine: &Machine) {
        self.calls += 1;
        self.duration += event.duration;
        self.macs = self.macs.saturating_add(event.macs);
        self.bytes = self.bytes.saturating_add(event.bytes);
        let largest = event.inputs.iter().map(Shape::elements).fold(event.output.elements(), usize::max);
        self.numbers += largest as u64;
        self.least = self.least.saturating_add(machine.least_time(event.macs.saturating_mul(2), event.bytes));
    }

    /// Both together.
    pub fn and(&self, other: &Spent) -> Spent {
        Spent {
            calls: self.calls + other.calls,
            duration: self.duration + other.duration,
            macs: self.macs.saturating_add(other.macs),
            bytes: self.bytes.saturating_add(other.bytes),
            numbers: self.numbers + other.numbers,
            least: self.least.saturating_add(other.least),
        }
    }

    /// Operations a second, two for each multiply-add; `None` where there were no multiply-adds.
    pub fn operations_per_second(&self) -> Option<f64> {
        (self.macs > 0).then(|| 2.0 * self.macs as f64 / self.seconds())
    }

    /// The least bytes over the time taken; `None` where nothing had to be moved.
    pub fn bytes_per_second(&self) -> Option<f64> {
        (self.bytes > 0).then(|| self.bytes as f64 / self.seconds())
    }

    /// The share of the roofline that was reached; `None` where there was nothing to do.
    pub fn peak_share(&self) -> Option<f64> {
        (self.macs > 0 || self.bytes > 0).then(|| self.least.as_secs_f64() / self.seconds())
    }

    /// The time taken; where the clock saw none, a nanosecond.
    fn seconds(&self) -> f64 {
        self.duration.max(Duration::from_nanos(1)).as_secs_f64()
    }
}

impl Profile {
    /// What each kind of operation cost in each pass, the longest first.
    pub fn kinds(&self, machine: &Machine) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Vec::new();
        for event in &self.events {
            let known = kinds.iter().position(|kind| (kind.op, kind.pass) == (event.op, event.pass));
            let place = known.unwrap_or_else(|| {
                kinds.push(Kind { op: event.op, pass: event.pass, spent: Spent::default() });
                kinds.len() - 1
            });
            kinds[place].spent.add(event, machine);
        }
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.spent.duration));
        kinds
    }

    /// What each layer cost, in the order in which they first ran.
    pub fn layers(&self, machine: &Machine) -> Vec<LayerTime> {
        let mut layers: Vec<LayerTime> = Vec::new();
        for event in &self.events {
            let name = event.part.as_deref().unwrap_or(event.op);
            let known = layers.iter().position(|layer| layer.name == name);
            let place = known.unwrap_or_else(|| {
                let (forward, backward) = (Spent::default(), Spent::default());
                layers.push(LayerTime { name: name.into(), output: None, forward, backward });
                layers.len() - 1
            });
            let layer = &mut layers[place];
            match event.pass {
                Pass::Forward => {
                    layer.output = Some(event.output);
                    layer.forward.add(event, machine);
                }
                Pass::Backward | Pass::Update => layer.backward.add(event, machine),
            }
        }
        layers
    }

    /// The time that was spent in no operation.
    pub fn rest(&self) -> Duration {
        self.duration.saturating_sub(self.events.iter().map(|event| event.duration).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { threads: 1, operations: 2e9, read: 1e9, copied: 5e8 };

    fn event(op: &'static str, pass: Pass, part: Option<&str>, [macs, bytes, nanos]: [u64; 3]) -> Event {
        let output = Shape::new(&[2, 3]).unwrap();
        let (start, duration) = (Duration::ZERO, Duration::from_nanos(nanos));
        Event { op, pass, part: part.map(str::to_string), inputs: vec![output], output, macs, bytes, start, duration }
    }

    fn profile() -> Profile {
        let events = vec![
            event("conv2d", Pass::Forward, Some("a"), [100, 10, 200]),
            event("relu", Pass::Forward, Some("a"), [0, 48, 60]),
            event("conv2d", Pass::Forward, Some("b"), [100, 300, 400]),
            event("sgd", Pass::Update, None, [0, 0, 5]),
            event("conv2d", Pass::Backward, Some("b"), [200, 10, 1000]),
        ];
        Profile { duration: Duration::from_nanos(2000), events }
    }

    #[test]
    fn kinds_are_added_up_and_the_longest_comes_first() {
        let kinds = profile().kinds(&MACHINE);
        let names: Vec<_> = kinds.iter().map(|kind| (kind.op, kind.pass.name(), kind.spent.calls)).collect();
        let wanted =
            [("conv2d", "backward", 1), ("conv2d", "forward", 2), ("relu", "forward", 1), ("sgd", "update", 1)];
        assert_eq!(names, wanted);
        let spent = kinds[1].spent;
        assert_eq!((spent.macs, spent.bytes, spent.numbers), (200, 310, 12));
        assert!((spent.operations_per_second().unwrap() - 400.0 / 600e-9).abs() < 1.0);
        assert!((spent.bytes_per_second().unwrap() - 310.0 / 600e-9).abs() < 1.0);
        // The first is bound by arithmetic, 100 ns; the second by memory, 300 ns.
        assert!((spent.peak_share().unwrap() - 400.0 / 600.0).abs() < 1e-9);
        assert_eq!(kinds[2].spent.operations_per_second(), None);
        assert_eq!((kinds[3].spent.bytes_per_second(), kinds[3].spent.peak_share()), (None, None));
        assert_eq!(profile().rest().as_nanos(), 335);
    }

    #[test]
    fn layers_come_in_the_order_in_which_they_ran() {
        let layers = profile().layers(&MACHINE);
        let calls: Vec<_> = layers.iter().map(|l| (l.name.as_str(), l.forward.calls, l.backward.calls)).collect();
        assert_eq!(calls, [("a", 2, 0), ("b", 1, 1), ("sgd", 0, 1)]);
        assert_eq!((layers[0].output.map(|shape| shape.elements()), layers[2].output), (Some(6), None));
        assert_eq!(layers[1].forward.and(&layers[1].backward).macs, 300);
    }
}
