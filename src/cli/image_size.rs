//! The sizes of a network's images: read, shown, and tried on the network.

use anyhow::{Context, Result, bail};
use evograd::models::Spec;
use evograd::train::Config;

/// `3×32×32`.
pub fn sizes(sizes: &[usize]) -> String {
    sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// The network of some settings on images of its default size, or on those that `--input` gave, which is named where they do not fit.
pub fn spec_of(config: &Config, default: [usize; 3], given: Option<[usize; 3]>, classes: usize) -> Result<Spec> {
    let spec = config.spec(default, classes)?;
    match given {
        None => Ok(spec),
        Some(given) => {
            config.spec(given, classes).with_context(|| format!("--input {}", given.map(|n| n.to_string()).join("x")))
        }
    }
}

/// Reads `3x32x32`.
pub fn read_sizes(text: &str) -> Result<[usize; 3]> {
    let sizes: Option<Vec<usize>> = text.split(['x', '×']).map(|size| size.parse().ok()).collect();
    match sizes.and_then(|sizes| <[usize; 3]>::try_from(sizes).ok()) {
        Some(sizes) if !sizes.contains(&0) => Ok(sizes),
        _ => bail!("three sizes above 0 are expected, channels first, such as 3x32x32"),
    }
}
