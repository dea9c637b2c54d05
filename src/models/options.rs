//! What can be chosen about a model, whatever its family.

use crate::error::{Error, Result};
use crate::ops::Fusion;
use std::fmt;
use std::str::FromStr;

/// Choices that every family understands as far as they concern it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The picture's sizes `[C, H, W]`.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// How two branches are joined, wherever they meet.
    pub fusion: Fusion,
    /// How a residual block's input is made as small and as deep as its output.
    pub shortcut: Shortcut,
    /// What every number of channels is multiplied with.
    pub width: f64,
    /// The probability of dropout, where the family's definition leaves it open; `None` for the family's own.
    pub dropout: Option<f64>,
}

/// How a residual block's input is made as small and as deep as its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortcut {
    /// A 1×1 convolution with batch normalisation: "option B".
    Conv,
    /// Every second pixel, and channels of zeros, without weights: "option A".
    Pad,
}

impl Default for Options {
    /// Pictures of CIFAR-10, branches added, nothing scaled.
    fn default() -> Self {
        Options {
            input: [3, 32, 32],
            classes: 10,
            fusion: Fusion::Sum,
            shortcut: Shortcut::Conv,
            width: 1.0,
            dropout: None,
        }
    }
}

impl Options {
    /// A number of channels times the width, rounded, at least 1.
    pub(super) fn channels(&self, channels: usize) -> usize {
        ((channels as f64 * self.width).round() as usize).max(1)
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shortcut::Conv => "conv",
            Shortcut::Pad => "pad",
        })
    }
}

impl FromStr for Shortcut {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "conv" => Ok(Shortcut::Conv),
            "pad" => Ok(Shortcut::Pad),
            _ => Err(Error::op("shortcut", format!("there is no shortcut called {name:?}"), &[], "use conv or pad")),
        }
    }
}
