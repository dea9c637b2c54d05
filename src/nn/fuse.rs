//! Where branches meet: fused to one of their shape, or put one behind the other.

use super::BatchNorm;
use super::layer::{Layer, Parameter, Pass, Phase};
use crate::error::{Error, Result};
use crate::ops::FusedActivation;
use crate::ops::{self, Fusion, common_shape, concat_shape};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;

/// Two or more branches of one shape fused from left to right, and rectified where `relu` is set.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Fuse};
/// use evograd::Fusion;
/// let layer = Fuse { fusion: Fusion::Sort, relu: true };
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16])?, &Shape::new(&[8, 16])?])?.sizes(), [8, 16]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fuse {
    /// How two of them are fused.
    pub fusion: Fusion,
    /// Whether a ReLU follows; SORT does it in the same pass over memory.
    pub relu: bool,
}

impl Layer for Fuse {
    fn kind(&self) -> String {
        format!("{}{}", self.fusion, if self.relu { " + relu" } else { "" })
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let [first, others @ ..] = inputs else { return Err(too_few("fuse", inputs.len())) };
        if others.is_empty() {
            return Err(too_few("fuse", 1));
        }
        others.iter().try_fold(**first, |shape, other| common_shape("fuse", &shape, other))
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        let Some((last, [first, between @ ..])) = inputs.split_last() else {
            return Err(too_few("fuse", inputs.len()));
        };
        let joined =
            between.iter().try_fold(first.clone(), |sum, input| sum.fuse(input, self.fusion, FusedActivation::None))?;
        joined.fuse(last, self.fusion, FusedActivation::relu_if(self.relu))
    }
}

/// A [`BatchNorm`] and the [`Fuse`] with a ReLU that consumes it as the second of two branches, as one layer: what a residual
/// block ends with. While training it is one operation, which never writes what the normalisation gives.
///
/// ```
/// use evograd::Fusion;
/// use evograd::nn::{BatchNorm, BatchNormFuse, Fuse, Layer};
/// let fuse = Fuse { fusion: Fusion::Sum, relu: true };
/// assert!(BatchNormFuse::of(BatchNorm::default(), fuse).is_some());
/// // Without a ReLU there is no such layer.
/// assert!(BatchNormFuse::of(BatchNorm::default(), Fuse { relu: false, ..fuse }).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNormFuse {
    /// The settings of the normalisation.
    pub options: ops::BatchNorm,
    /// How the branches are fused: [`Fusion::Sum`] or [`Fusion::SortRoot`].
    pub fusion: Fusion,
}

impl BatchNormFuse {
    /// The layer that does what `fuse` does with what `norm` gives, where there is one.
    pub fn of(norm: BatchNorm, fuse: Fuse) -> Option<BatchNormFuse> {
        match (norm, fuse) {
            (
                BatchNorm { options, relu: false },
                Fuse { fusion: fusion @ (Fusion::Sum | Fusion::SortRoot { .. }), relu: true },
            ) => Some(BatchNormFuse { options, fusion }),
            _ => None,
        }
    }

    fn parts(&self) -> (BatchNorm, Fuse) {
        (BatchNorm { options: self.options, relu: false }, Fuse { fusion: self.fusion, relu: true })
    }
}

impl Layer for BatchNormFuse {
    fn kind(&self) -> String {
        let (norm, fuse) = self.parts();
        format!("{} + {}", norm.kind(), fuse.kind())
    }

    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        let [_, x] = two(inputs)?;
        let (norm, fuse) = self.parts();
        norm.output_shape(&[x])?;
        fuse.output_shape(inputs)
    }

    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        self.parts().0.parameters(&inputs[1..])
    }

    fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
        self.parts().0.statistics(&inputs[1..])
    }

    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let ([shortcut, x], [gamma, beta]) = (two(inputs)?, [&pass.weights[0], &pass.weights[1]]);
        match pass.phase {
            Phase::Train { running, .. } => {
                x.batch_norm_fuse(gamma, beta, shortcut, &mut running[0], self.options, self.fusion)
            }
            Phase::Evaluate { running } => {
                let f = x.batch_norm_eval(gamma, beta, &running[0], self.options.epsilon)?;
                shortcut.fuse(&f, self.fusion, FusedActivation::Relu)
            }
        }
    }
}

/// The inputs of a layer that takes two.
fn two<T>(inputs: &[T]) -> Result<&[T; 2]> {
    let wrong = || Error::op("fuse", format!("it has {} inputs", inputs.len()), &[], "give it two branches");
    inputs.try_into().map_err(|_| wrong())
}

/// Branches one behind the other along the channels: `[N, C₁, H, W]`, `[N, C₂, H, W]` → `[N, C₁ + C₂, H, W]`.
///
/// ```
/// use evograd::Shape;
/// use evograd::nn::{Layer, Concat};
/// let layer = Concat;
/// assert_eq!(layer.output_shape(&[&Shape::new(&[8, 16, 4, 4])?, &Shape::new(&[8, 3, 4, 4])?])?.sizes(), [8, 19, 4, 4]);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

impl Layer for Concat {
    fn kind(&self) -> String {
        "concat".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        concat_shape(inputs, 1)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], _: Pass<'_, E>) -> Result<Var<E>> {
        Var::concat(&inputs.iter().collect::<Vec<_>>(), 1)
    }
}

fn too_few(layer: &'static str, inputs: usize) -> Error {
    Error::op(layer, format!("it has {inputs} inputs"), &[], "give it at least two branches")
}
