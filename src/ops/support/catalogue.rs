//! What a row of the catalogue is, and how random cases are drawn for it. Knows no operation.

use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::shape::{IntoShape, MAX_RANK, Shape};
use crate::tape::Var;
use crate::tensor::Tensor;

/// One operation, as the gradient checks see it. Operations from outside the crate may have rows too: [`case!`](crate::case)
/// makes what they draw, and [`verify`](crate::gradcheck::verify()) holds it against finite differences.
///
/// ```
/// use evograd::ops::{Draw, Row, row};
/// let relu: &Row = row("relu").expect("there is a ReLU");
/// let case = (relu.draw)(&mut Draw::seeded(3));
/// assert_eq!((relu.formula, case.inputs.len()), ("y = max(x, 0)", 1));
/// ```
pub struct Row {
    /// The operation's name: its file's, its method's, and that of its error messages.
    pub name: &'static str,
    /// What it computes, on one line.
    pub formula: &'static str,
    /// Which inputs are not drawn because the operation has no derivative there; empty where it has one everywhere.
    pub nondifferentiable: &'static str,
    /// How far an `f32` result may be from the `f64` one, in units of `f32::EPSILON` times the largest magnitude among
    /// the values compared.
    pub f32_bound: f64,
    /// Draws a case.
    pub draw: fn(&mut Draw) -> Case,
    /// Where threads share the work.
    pub large: Large,
}

/// Inputs so large that the work of an operation on them is cut into several chunks; drawn cases are done in one.
///
/// ```
/// use evograd::ops::{Large, row};
/// use evograd::{Tensor, Var};
/// let Large { shapes, run } = row("add").expect("there is a sum").large;
/// let inputs = shapes.iter().map(|shape| Tensor::full(*shape, 0.5).map(Var::constant)).collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(run(&inputs)?.value().as_slice()[0], 1.0);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Large {
    /// The shapes of the inputs, whose values are above 0 and at most 1.
    pub shapes: &'static [&'static [usize]],
    /// Runs the operation on them.
    pub run: fn(&[Var]) -> Result<Var>,
}

/// The shape of images, an odd number of them with an odd number of rows, of more elements than fit into several chunks.
pub(in crate::ops) const IMAGES: &[usize] = &[13, 6, 37, 35];
/// The shape of a parameter for each channel of [`IMAGES`].
pub(in crate::ops) const CHANNELS: &[usize] = &[6];

/// What a [`Case`] runs: the operation on as many variables as there are inputs.
pub type Run<E> = Box<dyn Fn(&[Var<E>]) -> Result<Var<E>> + Send + Sync>;

/// An operation with its parameters chosen, and inputs to run it on.
///
/// ```
/// use evograd::Var;
/// use evograd::ops::{Case, Draw, row};
/// let Case { inputs, double, .. } = (row("neg").expect("there is a sign").draw)(&mut Draw::seeded(3));
/// let y = double(&inputs.iter().cloned().map(Var::constant).collect::<Vec<_>>())?;
/// assert_eq!(y.value().as_slice()[0], -inputs[0].as_slice()[0]);
/// # Ok::<(), evograd::Error>(())
/// ```
pub struct Case {
    /// Shapes and parameters, for people.
    pub description: String,
    /// The inputs; every value is exact in `f32` too.
    pub inputs: Vec<Tensor<f64>>,
    /// The operation on `f32`.
    pub single: Run<f32>,
    /// The same on `f64`.
    pub double: Run<f64>,
}

/// Makes a [`Case`](crate::ops::Case) of its inputs, a text of its parameters, and one expression that serves both element
/// types. What the expression captures is copied, so it must be `Copy`.
///
/// ```
/// use evograd::{case, gradcheck::verify, ops::Draw};
/// let mut draw = Draw::seeded(3);
/// let (exponent, shape) = (draw.pick(&[0.5, 2.0]), draw.shape(1, 2));
/// let case = case!([draw.positive(shape)], format!("exponent={exponent}"), |v| v[0].pow(exponent));
/// assert_eq!(case.description, format!("{shape} exponent={exponent}"));
/// verify(&case.double, &case.inputs)?;
/// # Ok::<(), evograd::Error>(())
/// ```
#[macro_export]
macro_rules! case {
    ($inputs:expr, $parameters:expr, |$v:ident| $body:expr) => {{
        let inputs: Vec<$crate::Tensor<f64>> = $inputs.into();
        let shapes: Vec<String> = inputs.iter().map(|input| input.shape().to_string()).collect();
        let parameters: String = $parameters.into();
        let separator = if parameters.is_empty() { "" } else { " " };
        $crate::ops::Case {
            description: format!("{}{separator}{parameters}", shapes.join(" ")),
            inputs,
            single: Box::new(move |$v: &[$crate::Var<f32>]| $body),
            double: Box::new(move |$v: &[$crate::Var<f64>]| $body),
        }
    }};
}
pub(crate) use case;

/// Draws the sizes, choices and values of cases.
///
/// Sizes and choices come from a list of words first, so that a property test can shrink the list, and with it the
/// case: a word of 0 is always the smallest choice. Values come from a seeded stream. The methods that take a shape
/// panic where it is none, as a row of the catalogue draws its own. A property that draws is shown at
/// [`verify`](crate::gradcheck::verify()).
///
/// ```
/// use evograd::ops::Draw;
/// let mut draw = Draw::seeded(1);
/// assert!((2..=5).contains(&draw.size(2, 5)) && (0.0..1.0).contains(&draw.number(0.0, 1.0)));
/// assert!([3, 4].contains(&draw.pick(&[3, 4])) && draw.shape(2, 2).rank() == 2);
/// let (a, b) = draw.broadcasting();
/// let [a, b] = [a, b].map(|shape| evograd::Var::constant(draw.values(shape)));
/// assert!(a.add(&b).is_ok());
/// assert!(draw.coarse([9]).as_slice().iter().all(|x| (x * 64.0).fract() == 0.0));
/// let distinct = draw.distinct([2]);
/// assert!((distinct.as_slice()[0] - distinct.as_slice()[1]).abs() >= 1.0 / 16.0);
/// assert!(draw.positive([100]).as_slice().iter().all(|x| *x > 0.0));
/// assert!(draw.nonzero([100]).as_slice().iter().all(|x| *x != 0.0));
/// // Words of 0 are the smallest choices, which is what a test shrinks to.
/// let mut smallest = Draw::replaying(vec![0; 9], 1);
/// assert_eq!((smallest.size(2, 5), smallest.flag()), (2, false));
/// ```
pub struct Draw {
    words: std::vec::IntoIter<u32>,
    stream: Stream,
}

impl Draw {
    /// Draws everything from a seed.
    pub fn seeded(seed: u64) -> Self {
        Self::replaying(Vec::new(), seed)
    }

    /// Draws sizes and choices from `words` as long as they last, all else from a seed.
    pub fn replaying(words: Vec<u32>, seed: u64) -> Self {
        Draw { words: words.into_iter(), stream: Stream::new(seed, Purpose::Gradcheck, 0, 0) }
    }

    fn word(&mut self) -> u32 {
        self.words.next().unwrap_or_else(|| self.stream.word())
    }

    /// A size from `low` to `high`, both included.
    pub fn size(&mut self, low: usize, high: usize) -> usize {
        low + self.word() as usize % (high - low + 1)
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.size(0, 1) == 1
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.size(0, choices.len() - 1)].clone()
    }

    /// A number from `low` to `high`, exact in `f32`.
    pub fn number(&mut self, low: f64, high: f64) -> f64 {
        f64::from((low + (high - low) * self.stream.uniform()) as f32)
    }

    /// A shape of `low` to `high` axes with one to five elements each.
    pub fn shape(&mut self, low: usize, high: usize) -> Shape {
        let rank = self.size(low, high);
        let mut sizes = [1; MAX_RANK];
        sizes[..rank].iter_mut().for_each(|size| *size = self.size(1, 5));
        drawn(&sizes[..rank])
    }

    /// Two shapes that broadcast with each other.
    pub fn broadcasting(&mut self) -> (Shape, Shape) {
        let full = self.shape(1, 4);
        let mut part = || {
            let skipped = self.size(0, full.rank());
            let kept = full.sizes()[skipped..].to_vec();
            let sizes: Vec<usize> = kept.into_iter().map(|size| if self.size(0, 2) == 2 { 1 } else { size }).collect();
            drawn(sizes.as_slice())
        };
        (part(), part())
    }

    /// Values from −2 to 2.
    pub fn values(&mut self, shape: impl IntoShape) -> Tensor<f64> {
        self.fill(drawn(shape), |draw| draw.number(-2.0, 2.0))
    }

    /// Multiples of 1/64 from −2 to 2: sums of many of them, and of some hundred products of two, are exact in `f32`,
    /// so that a result does not lose its digits where they cancel.
    pub fn coarse(&mut self, shape: impl IntoShape) -> Tensor<f64> {
        self.fill(drawn(shape), |draw| (draw.number(-2.0, 2.0) * 64.0).round() / 64.0)
    }

    /// Values from 0.2 to 2 with either sign: not near zero.
    pub fn nonzero(&mut self, shape: impl IntoShape) -> Tensor<f64> {
        self.fill(drawn(shape), |draw| draw.number(0.2, 2.0) * if draw.stream.word() % 2 == 0 { 1.0 } else { -1.0 })
    }

    /// Values from 0.2 to 2.
    pub fn positive(&mut self, shape: impl IntoShape) -> Tensor<f64> {
        self.fill(drawn(shape), |draw| draw.number(0.2, 2.0))
    }

    /// Values of which no two are closer than 1/16, in random order: for operations that pick one of several.
    pub fn distinct(&mut self, shape: impl IntoShape) -> Tensor<f64> {
        let shape = drawn(shape);
        let count = shape.elements();
        let mut order: Vec<usize> = (0..count).collect();
        (1..count).for_each(|i| order.swap(i, self.stream.below(i + 1)));
        let mut order = order.into_iter();
        self.fill(shape, |_| (order.next().map_or(0.0, |place| place as f64) - count as f64 / 2.0) / 16.0 + 1.0 / 32.0)
    }

    fn fill(&mut self, shape: Shape, mut value: impl FnMut(&mut Self) -> f64) -> Tensor<f64> {
        Tensor::build(shape, |out| out.iter_mut().for_each(|x| *x = value(self)))
    }
}

/// A shape whose sizes were drawn, so that they are small and above zero.
fn drawn(shape: impl IntoShape) -> Shape {
    shape.into_shape().expect("drawn sizes are small and above zero")
}
