//! Files of the operations that came later; where a file has several, its cases name theirs.

use super::{Case, Ours, check};
use evograd::ops::{AttentionMask, Conv1d, ConvTranspose2d, CrossEntropy, Gelu, ReducedAxes, Reduction, Softplus};
use evograd::{Element, Result, Var};

/// The operation that the case names, with its gradients.
fn named<E: Element>(
    case: &Case,
    inputs: &[&str],
    call: impl FnOnce(&str, &[Var<E>]) -> Result<Var<E>>,
) -> Result<Ours<E>> {
    let operation: String = case.get("operation");
    case.differentiate("", inputs, |v| call(&operation, v))
}

fn reduction(case: &Case) -> Reduction {
    match case.get::<String>("reduction").as_str() {
        "mean" => Reduction::Mean,
        "sum" => Reduction::Sum,
        "none" => Reduction::None,
        other => panic!("there is no reduction called {other}"),
    }
}

#[test]
fn activations() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        named(case, &["x"], |operation, v| {
            let x = &v[0];
            match operation {
                "cos" => x.cos(),
                "elu" => x.elu(case.get("alpha")),
                "exp" => x.exp(),
                "expm1" => x.expm1(),
                "gelu" => x.gelu(if case.get("tanh") { Gelu::Tanh } else { Gelu::Exact }),
                "leaky_relu" => x.leaky_relu(case.get("slope")),
                "sigmoid" => x.sigmoid(),
                "silu" => x.silu(),
                "sin" => x.sin(),
                "softmax" => x.softmax(),
                "softplus" => x.softplus(Softplus { beta: case.get("beta"), threshold: case.get("threshold") }),
                "tanh" => x.tanh(),
                other => panic!("there is no activation called {other}"),
            }
        })
    }
    check("activations", ours, ours, 2.0);
}

#[test]
fn losses() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        named(case, &["x", "t"], |operation, v| {
            let (x, t) = (&v[0], &v[1]);
            match operation {
                "binary_cross_entropy_with_logits" => x.binary_cross_entropy_with_logits(t, reduction(case)),
                "huber_loss" => x.huber_loss(t, case.get("delta"), reduction(case)),
                "l1_loss" => x.l1_loss(t, reduction(case)),
                "mse_loss" => x.mse_loss(t, reduction(case)),
                "smooth_l1_loss" => x.smooth_l1_loss(t, case.get("beta"), reduction(case)),
                other => panic!("there is no loss called {other}"),
            }
        })
    }
    check("losses", ours, ours, 1.0);
}

#[test]
fn cross_entropy_with() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let weights: Option<Vec<f64>> = case.get("weights");
        let options = CrossEntropy {
            weights: weights.as_deref(),
            ignore: case.get("ignore"),
            smoothing: case.get("smoothing"),
            reduction: reduction(case),
        };
        case.differentiate("", &["x"], |v| v[0].cross_entropy_with(&case.get::<Vec<usize>>("classes"), options))
    }
    check("cross_entropy_with", ours, ours, 1.0);
}

#[test]
fn norms() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        named(case, &["x", "gamma", "beta"], |operation, v| {
            let (x, gamma, epsilon) = (&v[0], &v[1], case.get("epsilon"));
            match operation {
                "group_norm" => x.group_norm(case.get("groups"), gamma, &v[2], epsilon),
                "instance_norm" => x.instance_norm(gamma, &v[2], epsilon),
                "layer_norm" => x.layer_norm(gamma, &v[2], epsilon),
                "rms_norm" => x.rms_norm(gamma, epsilon),
                other => panic!("there is no normalisation called {other}"),
            }
        })
    }
    check("norms", ours, ours, 2.0);
}

#[test]
fn conv1d() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = Conv1d {
            stride: case.get("stride"),
            padding: case.get("padding"),
            dilation: case.get("dilation"),
            groups: case.get("groups"),
        };
        case.differentiate("", &["x", "w", "b"], |v| v[0].conv1d(&v[1], v.get(2), options))
    }
    check("conv1d", ours, ours, 0.0);
}

#[test]
fn conv_transpose2d() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = ConvTranspose2d {
            stride: case.get("stride"),
            padding: case.get("padding"),
            dilation: case.get("dilation"),
            output_padding: case.get("output_padding"),
            groups: case.get("groups"),
        };
        case.differentiate("", &["x", "w", "b"], |v| v[0].conv_transpose2d(&v[1], v.get(2), options))
    }
    check("conv_transpose2d", ours, ours, 4.0);
}

#[test]
fn attention() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let numbers = case.find("m").map(|_| case.tensor::<E>("m"));
        let mask = match (case.get::<String>("mask").as_str(), &numbers) {
            ("none", None) => AttentionMask::None,
            ("causal", None) => AttentionMask::Causal,
            ("visible", Some(seen)) => AttentionMask::Visible(seen),
            ("added", Some(added)) => AttentionMask::Added(added),
            (other, _) => panic!("there is no mask called {other}"),
        };
        case.differentiate("", &["q", "k", "v"], |v| v[0].scaled_dot_product_attention(&v[1], &v[2], mask))
    }
    check("attention", ours, ours, 4.0);
}

#[test]
fn resampling() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        named(case, &["x"], |operation, v| {
            let size: [usize; 2] = case.get("size");
            match operation {
                "adaptive_avg_pool2d" => v[0].adaptive_avg_pool2d(size),
                "upsample_bilinear2d" => v[0].upsample_bilinear2d(size),
                "upsample_nearest2d" => v[0].upsample_nearest2d(size),
                other => panic!("there is no operation called {other}"),
            }
        })
    }
    check("resampling", ours, ours, 1.0);
}

#[test]
fn places() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        named(case, &["x"], |operation, v| {
            let (x, axis, dropped) = (&v[0], || case.get("axis"), ReducedAxes::Dropped);
            match operation {
                "amax" => x.amax(&case.get::<Vec<usize>>("axes"), dropped),
                "amin" => x.amin(&case.get::<Vec<usize>>("axes"), dropped),
                "cumsum" => x.cumsum(axis()),
                "embedding" => x.embedding(&case.get::<Vec<usize>>("index")),
                "gather" => x.gather(axis(), &case.get::<Vec<usize>>("index")),
                "max" => x.max(axis(), dropped),
                "min" => x.min(axis(), dropped),
                other => panic!("there is no operation called {other}"),
            }
        })
    }
    // Nothing is rounded but the thirds that three equal elements get.
    check("places", ours, ours, 0.5);
}
