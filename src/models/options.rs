//! What can be chosen about a model, whatever its family.

use super::genetic_cnn::Backbone;
use crate::error::{Error, Result};
use crate::ops::Fusion;
use std::fmt;
use std::str::FromStr;

/// Choices that every family understands as far as they concern it.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The image's sizes `[C, H, W]`.
    pub input: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// How two branches are fused, wherever they meet.
    pub fusion: Fusion,
    /// How a residual block's input is made as small and as deep as its output.
    pub shortcut: Shortcut,
    /// What every number of channels and of hidden features is multiplied with; above 0, at most 64.
    pub width: f64,
    /// The probability of every dropout layer: at least 0, which leaves them out, and below 1; `None` for the family's
    /// own.
    pub dropout: Option<f64>,
    /// What surrounds the nodes of a code of Genetic CNN; `None` for the paper's for CIFAR-10. No other family has use for
    /// it.
    pub backbone: Option<Backbone>,
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
    /// Images of CIFAR-10, branches added, nothing scaled.
    fn default() -> Self {
        Options {
            input: [3, 32, 32],
            classes: 10,
            fusion: Fusion::Sum,
            shortcut: Shortcut::Conv,
            width: 1.0,
            dropout: None,
            backbone: None,
        }
    }
}

impl Options {
    /// The probability of a dropout layer whose own is `p`.
    pub(super) fn dropout_or(&self, p: f64) -> f64 {
        self.dropout.unwrap_or(p)
    }

    /// Whether every choice is in its range.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |problem: String, remedy: &str| Err(Error::op("options", problem, &[], remedy));
        match *self {
            Options { width, .. } if !(width > 0.0 && width <= 64.0) => {
                refuse(format!("the width is {width}"), "use a number above 0, at most 64")
            }
            Options { dropout: Some(p), .. } if !(0.0..1.0).contains(&p) => {
                refuse(format!("the dropout is {p}"), "use a probability of at least 0 and below 1")
            }
            Options { fusion: Fusion::SortRoot { epsilon }, .. } if !(epsilon > 0.0 && epsilon.is_finite()) => {
                refuse(format!("the epsilon of sort-root is {epsilon}"), "use a finite number above 0, such as 1e-4")
            }
            Options { classes: 0, .. } => refuse("there are 0 classes".into(), "use at least 1"),
            _ => Ok(()),
        }
    }

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
