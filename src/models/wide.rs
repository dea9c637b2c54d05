//! Wide residual networks, `wrn-DEPTH-K`, such as WRN-28-10.
//!
//! A 3×3 convolution to 16 channels; three groups of `n` blocks with `16·k`, `32·k` and `64·k` channels, of which the
//! second and third begin with stride 2; batch normalisation, ReLU, the mean of each channel, and a linear layer. The depth
//! is `6n + 4`. Blocks normalise first: batch normalisation, ReLU, convolution, twice, fused with the block's input.
//! Where a block changes the number of channels, the shortcut begins behind its first ReLU, as the authors have it.
//! Nothing follows the fusion, so SORT meets inputs of either sign on both sides there.
//!
//! **Source** Zagoruyko and Komodakis, *Wide residual networks*, BMVC 2016, blocks B(3,3). Dropout between the two
//! convolutions where it is asked for; the paper uses 0.3, or none. Names are those of the PyTorch version in wide use.
//! SORT's paper has a "WRN" of 28 layers and does not say how wide.

use super::options::{Options, Shortcut};
use super::spec::{Spec, Value};
use crate::error::{Error, Result};
use crate::nn::{Conv, GlobalAvgPool, Linear, Subsample};
use crate::ops::FusedActivation;

/// The greatest depth and width that a name may ask for.
const GREATEST: [usize; 2] = [1000, 100];

/// `wrn-DEPTH-K`.
pub(super) fn wide(name: &str, [depth, k]: [usize; 2], options: &Options) -> Result<Spec> {
    let blocks = blocks(depth, k)?;
    let mut spec = Spec::new(name, options.input);
    let x = spec.image();
    let mut channels = options.channels(16);
    let mut x = spec.add("conv1", Conv::same(channels, 3), &[x]);
    for group in 0..3 {
        let filters = options.channels((16 * k) << group);
        for block in 0..blocks {
            let stride = if group > 0 && block == 0 { 2 } else { 1 };
            let path = format!("block{}.layer.{block}", group + 1);
            x = add_block(&mut spec, &path, x, [channels, filters], stride, options);
            channels = filters;
        }
    }
    let x = spec.bn_relu("bn1", x);
    let x = spec.add("avgpool", GlobalAvgPool, &[x]);
    spec.add("fc", Linear { features: options.classes }, &[x]);
    Ok(spec)
}

/// Blocks in each group.
fn blocks(depth: usize, k: usize) -> Result<usize> {
    let [deepest, widest] = GREATEST;
    if depth < 10 || depth > deepest || !(depth - 4).is_multiple_of(6) {
        let remedy = format!("use 10, 16, 22, 28, 34, 40 or a greater one up to {deepest}");
        return Err(Error::op("wrn", format!("the depth {depth} is not 6n + 4"), &[], remedy));
    }
    if !(1..=widest).contains(&k) {
        return Err(Error::op("wrn", format!("it cannot be {k} times as wide"), &[], format!("use 1 to {widest}")));
    }
    Ok((depth - 4) / 6)
}

fn add_block(spec: &mut Spec, path: &str, x: Value, channels: [usize; 2], stride: usize, options: &Options) -> Value {
    let [given, filters] = channels;
    let name = |part: &str| format!("{path}.{part}");
    let active = spec.bn_relu(&name("bn1"), x);
    let f = spec.conv_bn_relu(name("conv1"), name("bn2"), Conv::same(filters, 3).stride(stride), active);
    let f = spec.dropout(&name("dropout"), options.dropout_or(0.0), f);
    let f = spec.add(name("conv2"), Conv::same(filters, 3), &[f]);
    let x = match options.shortcut {
        _ if stride == 1 && given == filters => x,
        Shortcut::Conv => spec.add(name("convShortcut"), Conv::same(filters, 1).stride(stride), &[active]),
        Shortcut::Pad => spec.add(name("shortcut"), Subsample { stride, channels: filters }, &[active]),
    };
    spec.fuse(path, [x, f], options.fusion, FusedActivation::None)
}
