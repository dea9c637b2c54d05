//! What is made of measured times, and the memory of this process.

/// The three values that cut a sorted list into quarters; the middle one is the median.
pub fn quarters(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[values.len() * quarter / 4])
}

/// The most memory that this process has had, in MiB, as Linux counts it.
pub fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.split_whitespace().next()?.parse().ok().map(|kib: f64| kib / 1024.0)
}
