//! A network that only answers. Knows its plan and how convolutions and normalisations fold; knows no tape.
//!
//! Once trained, a batch normalisation is a line `y = x·scale + shift` for each channel, with `scale = γ/√(v + ε)` and
//! `shift = β − μ·scale`. Where a convolution with filters `w` and bias `b` gives its `x`, and nobody else takes that in, the two
//! are one convolution with filters `w·scale` and bias `b·scale + shift`. So the normalisation costs nothing any more; a ReLU
//! behind it is done where a thread has just written the pixels; and all filters are packed once.
//!
//! The folded filters are rounded anew, so answers differ from those of [`Network::evaluate`] by
//! rounding.

use super::network::{Network, execute, expect_images, run};
use super::plan::Plan;
use crate::error::Result;
use crate::mode::no_grad;
use crate::nn::{AnyLayer, BatchNorm, Conv, Phase};
use crate::ops::FusedActivation;
use crate::ops::{PreparedConv2d, RunningStats};
use crate::tape::Var;
use crate::tensor::Tensor;
use evograd_kernels::Element;

/// A network with folded normalisations and packed filters, for answers alone.
///
/// ```
/// use evograd::models::{self, Network, Options};
/// use evograd::Tensor;
/// let spec = models::spec("resnet20", &Options { width: 0.25, ..Options::default() })?;
/// let network = Network::<f32>::new(&spec, 0)?;
/// let images = Tensor::from_fn([2, 3, 32, 32], |i| (i % 7) as f32)?;
/// let [slow, fast] = [network.evaluate(&images)?, network.frozen()?.evaluate(&images)?];
/// assert!(slow.as_slice().iter().zip(fast.as_slice()).all(|(slow, fast)| (slow - fast).abs() < 1e-3));
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Debug)]
pub struct Frozen<E: Element = f32> {
    plan: Plan,
    steps: Vec<Step<E>>,
    weights: Vec<Tensor<E>>,
    running: Vec<RunningStats<E>>,
}

/// What a node does.
#[derive(Debug)]
enum Step<E: Element> {
    /// It runs as it is.
    Layer,
    /// It convolves, and does the work of those behind it that are folded into it.
    Convolution(Box<PreparedConv2d<E>>),
    /// The convolution before it has done its work.
    Folded,
}

impl<E: Element> Network<E> {
    /// The network for answers alone, which it gives faster: see [`Frozen`]. To keep weights as they are while
    /// others are trained, use [`Network::freeze`].
    ///
    /// # Errors
    /// When the system has not the memory, or the instruction set that was asked for is not there.
    pub fn frozen(&self) -> Result<Frozen<E>> {
        Frozen::new(self.plan(), self.weights(), self.running())
    }
}

impl<E: Element> Frozen<E> {
    fn new(plan: &Plan, weights: &[Tensor<E>], running: &[RunningStats<E>]) -> Result<Self> {
        let (weights, running) = (weights.to_vec(), running.to_vec());
        let steps = plan.layers().iter().map(|_| Step::Layer).collect();
        let mut frozen = Frozen { plan: plan.clone(), steps, weights, running };
        for (i, node) in plan.spec().nodes.iter().enumerate() {
            if let AnyLayer::Conv(conv) = &node.layer {
                frozen.fold(i, conv).map_err(|error| error.at(&node.name))?;
            }
        }
        Ok(frozen)
    }

    /// Prepares the convolution `node`, and folds into it what nobody but the next consumes.
    fn fold(&mut self, node: usize, conv: &Conv) -> Result<()> {
        let layers = &self.plan.spec().nodes;
        let parameters = &self.weights[self.plan.layers()[node].weights.clone()];
        let (mut kernel, mut bias) = (parameters[0].clone(), parameters.get(1).cloned());
        let (mut last, mut relu, mut folded) = (node, false, Vec::new());
        if let Some(norm) = self.plan.single_consumer(last) {
            // What the normalisation refuses to run with, an ε of 0 or statistics that are not finite, it is left to refuse;
            // and what makes filters that the type does not hold well, it does itself.
            if let AnyLayer::BatchNorm(BatchNorm { options, relu: rectifies }) = &layers[norm].layer
                && E::from_f64(options.epsilon) > E::ZERO
                && let lines = self.lines(norm, options.epsilon)
                && lines.iter().all(|[scale, shift]| {
                    scale.abs() < 1e12 && shift.is_finite() && !(*scale != 0.0 && scale.abs() < 1e-12)
                })
            {
                bias = Some(folded_bias(bias.as_ref(), &lines)?);
                kernel = folded_kernel(&kernel, &lines)?;
                (last, relu) = (norm, *rectifies);
                folded.push(norm);
            }
        }
        if let Some(next) =
            self.plan.single_consumer(last).filter(|next| matches!(layers[*next].layer, AnyLayer::Relu(_)))
        {
            relu = true;
            folded.push(next);
        }
        let image = self.image(node);
        let conv = PreparedConv2d::new(&kernel, bias.as_ref(), conv.options, image, FusedActivation::relu_if(relu))?;
        self.steps[node] = Step::Convolution(Box::new(conv));
        folded.into_iter().for_each(|node| self.steps[node] = Step::Folded);
        Ok(())
    }

    /// The scale and shift of each channel of a normalisation.
    fn lines(&self, norm: usize, epsilon: f64) -> Vec<[f64; 2]> {
        let layer = &self.plan.layers()[norm];
        let [gamma, beta] = [0, 1].map(|i| self.weights[layer.weights.start + i].as_slice());
        let RunningStats { mean, variance } = &self.running[layer.running.start];
        let channels = gamma.iter().zip(beta).zip(mean.as_slice().iter().zip(variance.as_slice()));
        let line = |((gamma, beta), (mean, variance)): ((&E, &E), (&E, &E))| {
            let scale = gamma.to_f64() / (variance.to_f64() + epsilon).sqrt();
            [scale, beta.to_f64() - mean.to_f64() * scale]
        };
        channels.map(line).collect()
    }

    /// The sizes of the images that a node consumes.
    fn image(&self, node: usize) -> [usize; 3] {
        let input = self.plan.spec().nodes[node].inputs[0];
        match input.layer() {
            None => self.plan.spec().input,
            Some(layer) => {
                let [_, c, h, w] = self.plan.layers()[layer].output.axes().expect("a convolution consumes images");
                [c, h, w]
            }
        }
    }

    /// The logits `[N, K]` of images `[N, C, H, W]`.
    ///
    /// # Errors
    /// When the images do not fit; the error names the layer.
    pub fn evaluate(&self, images: &Tensor<E>) -> Result<Tensor<E>> {
        expect_images(&self.plan, images)?;
        let weights: Vec<Var<E>> = self.weights.iter().map(|weight| Var::constant(weight.clone())).collect();
        let step = |node: usize, inputs: &[Var<E>]| match &self.steps[node] {
            Step::Convolution(conv) => Ok(Var::constant(conv.run(inputs[0].value())?)),
            Step::Folded => Ok(inputs[0].clone()),
            Step::Layer => run(&self.plan, node, &weights, inputs, &mut Phase::Evaluate { running: &self.running }),
        };
        no_grad(|| Ok(execute(&self.plan, Var::constant(images.clone()), step)?.value().clone()))
    }
}

fn folded_kernel<E: Element>(kernel: &Tensor<E>, lines: &[[f64; 2]]) -> Result<Tensor<E>> {
    let (values, filter) = (kernel.as_slice(), kernel.shape().elements() / lines.len());
    Tensor::from_fn(kernel.shape(), |i| E::from_f64(values[i].to_f64() * lines[i / filter][0]))
}

fn folded_bias<E: Element>(bias: Option<&Tensor<E>>, lines: &[[f64; 2]]) -> Result<Tensor<E>> {
    Tensor::from_fn([lines.len()], |k| {
        let [scale, shift] = lines[k];
        E::from_f64(bias.map_or(0.0, |bias| bias.as_slice()[k].to_f64()) * scale + shift)
    })
}
