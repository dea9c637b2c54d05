//! The ways to fuse two branches of a block, by name: a choice between operations, no operation itself.
//!
//! The formulas, with their gradients, are in the table of [`Fusion`]; each is derived in the file of its operation.

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tape::Var;
use evograd_kernels::Element;
use std::fmt;
use std::str::FromStr;

/// A way to make one tensor of two branches of the same shape; [`Var::fuse`] does it.
///
/// With `R(z) = max(z, 0)`, `r = √(R(a)·R(b) + ε)` and `dy` the gradient of `y`:
///
/// | name | `y` | `da` | `db` |
/// |---|---|---|---|
/// | `sum` | `a + b` | `dy` | `dy` |
/// | `product` | `a·b` | `dy·b` | `dy·a` |
/// | `max` | `max(a, b)` | `dy·[a ≥ b]` | `dy·[b > a]` |
/// | `sum+max` | `a + b + max(a, b)` | `dy·(1 + [a ≥ b])` | `dy·(1 + [b > a])` |
/// | `sort` | `a + b + R(a)·R(b)` | `dy·(1 + R(b)·[a > 0])` | `dy·(1 + R(a)·[b > 0])` |
/// | `sort-root` | `a + b + r` | `dy·(1 + R(b)·[a > 0] / 2r)` | `dy·(1 + R(a)·[b > 0] / 2r)` |
///
/// The product alone is expected **not** to train, which is a result and no fault: near zero both of its slopes
/// vanish, and stacked blocks raise what they are given to ever higher powers. The linear terms carry the gradient;
/// SORT (ICCV 2017) adds a second-order term beside them: without a root in two-branch blocks, and with one in
/// residual blocks, where it keeps a long stack of them from growing without bound.
///
/// The names are those of [`Display`](fmt::Display) and [`FromStr`]. `sort-root` is read as the one with
/// [`DEFAULT_EPSILON`](Fusion::DEFAULT_EPSILON); the name does not show another `ε`.
///
/// ```
/// use evograd::Fusion;
/// let fusion: Fusion = "sum+max".parse()?;
/// assert_eq!((fusion, fusion.to_string()), (Fusion::SumMax, "sum+max".into()));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fusion {
    /// `a + b`
    Sum,
    /// `a·b`; alone, it is expected not to train.
    Product,
    /// `max(a, b)`
    Max,
    /// `a + b + max(a, b)`
    SumMax,
    /// `a + b + R(a)·R(b)`, for two-branch blocks.
    Sort,
    /// `a + b + √(R(a)·R(b) + ε)`, for residual blocks.
    SortRoot {
        /// What keeps the root's slope finite; above 0.
        epsilon: f64,
    },
}

impl Fusion {
    /// The `ε` that SORT's paper is quoted with; its author's code has 0.01.
    pub const DEFAULT_EPSILON: f64 = 1e-4;

    /// All fusions, with the default `ε`.
    pub const ALL: [Fusion; 6] = [
        Fusion::Sum,
        Fusion::Product,
        Fusion::Max,
        Fusion::SumMax,
        Fusion::Sort,
        Fusion::SortRoot { epsilon: Fusion::DEFAULT_EPSILON },
    ];

    /// The name, without the `ε` of the rooted SORT; [`Display`](fmt::Display) gives that too where it is not the default.
    ///
    /// ```
    /// use evograd::Fusion;
    /// assert_eq!(Fusion::SumMax.name(), "sum+max");
    /// assert_eq!(Fusion::SortRoot { epsilon: 0.01 }.name(), "sort-root");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Fusion::Sum => "sum",
            Fusion::Product => "product",
            Fusion::Max => "max",
            Fusion::SumMax => "sum+max",
            Fusion::Sort => "sort",
            Fusion::SortRoot { .. } => "sort-root",
        }
    }
}

impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fusion::SortRoot { epsilon } if *epsilon != Fusion::DEFAULT_EPSILON => {
                f.pad(&format!("sort-root({epsilon})"))
            }
            other => f.pad(other.name()),
        }
    }
}

impl FromStr for Fusion {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let own_epsilon = || name.strip_prefix("sort-root(")?.strip_suffix(')')?.parse().ok().filter(|e| *e > 0.0);
        let known = Fusion::ALL.into_iter().find(|fusion| fusion.name() == name);
        known.or_else(|| own_epsilon().map(|epsilon| Fusion::SortRoot { epsilon })).ok_or_else(|| {
            let names = Fusion::ALL.map(Fusion::name).join(", ");
            let problem = format!("there is no fusion called {name:?}");
            Error::op("fusion", problem, &[], format!("use one of {names}, or sort-root(0.01) for an ε of your own"))
        })
    }
}

/// What an operation does with its result in the same pass over memory.
///
/// ```
/// use evograd::{Tensor, Var, ops::FusedActivation};
/// let [a, b] = [1.0, -3.0].map(|x| Var::constant(Tensor::scalar(x)));
/// assert_eq!(a.sort_fusion(&b, FusedActivation::None)?.item()?, -2.0);
/// assert_eq!(a.sort_fusion(&b, FusedActivation::Relu)?.item()?, 0.0);
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FusedActivation {
    /// Nothing.
    None,
    /// It is rectified.
    Relu,
}

impl FusedActivation {
    /// A ReLU where a condition holds, and else nothing.
    ///
    /// ```
    /// use evograd::ops::FusedActivation;
    /// assert_eq!(FusedActivation::relu_if(false), FusedActivation::None);
    /// ```
    pub fn relu_if(condition: bool) -> FusedActivation {
        if condition { FusedActivation::Relu } else { FusedActivation::None }
    }

    /// Whether it is a ReLU.
    pub(crate) fn is_relu(self) -> bool {
        self == FusedActivation::Relu
    }
}

/// The shape of two branches, which must be one.
pub(crate) fn common_shape(op: &'static str, a: &Shape, b: &Shape) -> Result<Shape> {
    if a == b {
        return Ok(*a);
    }
    let problem = "the branches have different shapes";
    Err(Error::op(op, problem, &[("a", a), ("b", b)], "give both branches the same shape"))
}

impl<E: Element> Var<E> {
    /// Fuses two branches of one shape, and rectifies the result where `activation` says so. The fusions of SORT do it all in
    /// one pass over memory.
    ///
    /// ```
    /// use evograd::{Fusion, Tensor, Var, ops::FusedActivation};
    /// let a = Var::constant(Tensor::scalar(2.0_f32));
    /// let b = Var::constant(Tensor::scalar(3.0));
    /// assert_eq!(a.fuse(&b, Fusion::Product, FusedActivation::Relu)?.item()?, 6.0);
    /// assert_eq!(a.fuse(&b, Fusion::Sort, FusedActivation::Relu)?.item()?, 11.0);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the shapes differ, or the `epsilon` of [`Fusion::SortRoot`] is not above 0.
    pub fn fuse(&self, b: &Var<E>, fusion: Fusion, activation: FusedActivation) -> Result<Var<E>> {
        common_shape("fuse", self.value().shape(), b.value().shape())?;
        let y = match fusion {
            Fusion::Sort => return self.sort_fusion(b, activation),
            Fusion::SortRoot { epsilon } => return self.sort_root_fusion(b, epsilon, activation),
            Fusion::Sum => self.add(b)?,
            Fusion::Product => self.mul(b)?,
            Fusion::Max => self.maximum(b)?,
            Fusion::SumMax => self.sum_max(b)?,
        };
        if activation.is_relu() { y.relu() } else { Ok(y) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tape, Tensor, gradcheck};

    #[test]
    fn names_are_read_back_and_a_wrong_one_is_refused_with_all_of_them() {
        for fusion in Fusion::ALL {
            assert_eq!(fusion.to_string().parse::<Fusion>().unwrap(), fusion);
        }
        assert_eq!(
            "sort_root".parse::<Fusion>().unwrap_err().to_string(),
            "fusion: there is no fusion called \"sort_root\"; \
             use one of sum, product, max, sum+max, sort, sort-root, or sort-root(0.01) for an ε of your own"
        );
        let own = Fusion::SortRoot { epsilon: 0.01 };
        assert_eq!((own.to_string().as_str(), "sort-root(0.01)".parse().unwrap()), ("sort-root(0.01)", own));
        assert!("sort-root(-1)".parse::<Fusion>().is_err());
    }

    /// `[y, slope of a, slope of b]` at `a = 2`, `b = 3`, where the trailing ReLU changes nothing.
    #[test]
    fn every_fusion_has_the_value_and_the_slopes_of_its_formula() {
        let table = [
            [5.0, 1.0, 1.0],
            [6.0, 3.0, 2.0],
            [3.0, 0.0, 1.0],
            [8.0, 1.0, 2.0],
            [11.0, 4.0, 3.0],
            [7.44951, 1.61237, 1.40824],
        ];
        for ((fusion, expected), relu) in Fusion::ALL.into_iter().zip(table).flat_map(|row| [(row, false), (row, true)])
        {
            let tape = Tape::new();
            let [a, b] = [2.0, 3.0].map(|x| tape.leaf(Tensor::scalar(x)));
            let y = a.fuse(&b, fusion, FusedActivation::relu_if(relu)).unwrap();
            let gradients = tape.backward(&y).unwrap();
            let found = [y.value(), gradients.get(&a).unwrap(), gradients.get(&b).unwrap()].map(|x| x.item().unwrap());
            for (found, expected) in found.into_iter().zip(expected) {
                let found: f64 = found;
                assert!((found - expected).abs() < 1e-5, "{fusion} relu {relu}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn the_trailing_relu_is_that_of_the_plain_operation() {
        let [a, b] = [[-1.5, 1.0, 0.5, -2.0], [-0.5, -3.0, 2.0, 3.0]].map(|x| Tensor::from_slice([4], &x).unwrap());
        for fusion in Fusion::ALL {
            let [x, z] = [&a, &b].map(|x| Var::<f64>::constant(x.clone()));
            let in_steps = x.fuse(&z, fusion, FusedActivation::None).unwrap().relu().unwrap();
            assert_eq!(x.fuse(&z, fusion, FusedActivation::Relu).unwrap().value(), in_steps.value(), "{fusion}");
            let report =
                gradcheck(|v| v[0].fuse(&v[1], fusion, FusedActivation::Relu), &[a.clone(), b.clone()]).unwrap();
            assert!(report.passed(), "{fusion}: {report}");
        }
    }

    #[test]
    fn branches_that_would_broadcast_are_refused_all_the_same() {
        let [a, b] = [[2, 3], [1, 3]].map(|shape| Var::constant(Tensor::<f32>::zeros(shape).unwrap()));
        for fusion in Fusion::ALL {
            assert_eq!(
                a.fuse(&b, fusion, FusedActivation::Relu).unwrap_err().to_string(),
                "fuse: the branches have different shapes (a [2, 3], b [1, 3]); give both branches the same shape"
            );
        }
    }
}
