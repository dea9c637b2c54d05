//! Times as criterion measures them, rates as people speak of them: GFLOP/s for counted operations, GB/s for bytes.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};
use std::time::{Duration, Instant};

/// Wall time, with rates in GFLOP/s (`Throughput::Elements`) and GB/s (`Throughput::Bytes`).
pub struct Rate;

/// What benches run with.
pub fn criterion() -> Criterion<Rate> {
    Criterion::default().with_measurement(Rate)
}

impl Measurement for Rate {
    type Intermediate = Instant;
    type Value = Duration;

    fn start(&self) -> Instant {
        WallTime.start()
    }
    fn end(&self, start: Instant) -> Duration {
        WallTime.end(start)
    }
    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        WallTime.add(a, b)
    }
    fn zero(&self) -> Duration {
        WallTime.zero()
    }
    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        &Rate
    }
}

impl ValueFormatter for Rate {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    /// Values come as nanoseconds, so an amount divided by one is in thousands of millions a second.
    fn scale_throughputs(&self, _: f64, throughput: &Throughput, values: &mut [f64]) -> &'static str {
        let (amount, unit) = match throughput {
            Throughput::Elements(operations) => (*operations, "GFLOP/s"),
            Throughput::Bytes(bytes) => (*bytes, "GB/s"),
            other => panic!("benches count operations or bytes, not {other:?}"),
        };
        values.iter_mut().for_each(|value| *value = amount as f64 / *value);
        unit
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
