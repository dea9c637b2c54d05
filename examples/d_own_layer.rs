//! A layer of one's own, with weights, from operations that exist: its gradient is proved in a network, and then it learns.
//! `cargo run --example d_own_layer`

use evograd::models::{Spec, forward};
use evograd::nn::{Flatten, Init, Layer, OwnLayer, Parameter, Pass, Phase, Role, only};
use evograd::train::{Config, Trainer};
use evograd::{Element, Result, Shape, Tensor, Var, gradcheck};

/// `y = max(0, x) − slope·max(0, −x)` on `[N, C]`, with a slope for each channel (He et al. 2015, PReLU).
#[derive(Clone, Debug, PartialEq)]
struct ParametricRelu;

impl Layer for ParametricRelu {
    fn kind(&self) -> String {
        "parametric relu".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        only("parametric relu", inputs).map(|x| **x)
    }
    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let channels = Shape::new(&inputs[0].sizes()[1..]);
        let slope = |shape| Parameter { name: "slope", shape, init: Init::Constant(0.0), role: Role::Scale };
        channels.map(slope).into_iter().collect()
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let x = only("parametric relu", inputs)?;
        x.relu()?.sub(&x.scale(-1.0)?.relu()?.mul(&pass.weights[0])?)
    }
}

/// Three numbers in, each through the layer.
fn spec() -> Spec {
    let mut spec = Spec::new("slopes", [3, 1, 1]);
    let x = spec.add("flat", Flatten, &[spec.image()]);
    spec.add("act", OwnLayer::new(ParametricRelu), &[x]);
    spec
}

/// Proves the gradient of the network, and then finds the slopes that made the targets.
pub fn main() -> Result<()> {
    let plan = spec().plan()?;
    println!("{plan}\n");
    let (x, slopes) = (vec![0.5, -2.0, 3.0, -0.7, 1.5, -1.0], vec![0.3, -0.2, 0.1]);
    let inputs = [Tensor::from_vec([2, 3, 1, 1], x)?, Tensor::from_vec([3], slopes)?];
    let network = |v: &[Var<f64>]| forward(&plan, &v[1..], v[0].clone(), Phase::Evaluate { running: &[] });
    let report = gradcheck(network, &inputs)?;
    println!("{report}");
    assert!(report.passed(), "{report}");
    let wanted = [0.1_f32, -0.5, 0.8];
    let x = Tensor::from_fn([64, 3, 1, 1], |i| (i as f32 * 0.7).sin())?;
    let y = |i: usize| x.as_slice()[i].max(0.0) + wanted[i % 3] * x.as_slice()[i].min(0.0);
    let y = Var::constant(Tensor::from_fn([64, 3], y)?);
    let set = ["training.epochs=1", "optimizer.rate=0.5", "optimizer.weight_decay=0"].map(String::from);
    let mut trainer = Trainer::with_steps(&spec(), Config::parse("", &set)?, 100)?;
    for _ in 0..trainer.steps() {
        trainer.step_on(&x, |output| {
            let error = output.sub(&y)?;
            error.mul(&error)?.mean_all()
        })?;
    }
    let found = trainer.network.weights()[0].as_slice();
    println!("slopes {found:.3?}, wanted {wanted:?}");
    assert!(found.iter().zip(&wanted).all(|(found, wanted)| (found - wanted).abs() < 0.01), "{found:?}");
    Ok(())
}
