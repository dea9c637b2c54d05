//! What PyTorch computes, written down in `data/golden`, against what we compute: operations with their gradients,
//! and five steps of training a small network. `data/golden/make.py` says how the values came about.

#[path = "golden/operations.rs"]
mod operations;

use evograd::ops::FusedActivation;
use evograd::ops::{AvgPool2d, Conv2d, Divisor, LocalResponseNorm, MaxPool2d};
use evograd::{BatchNorm, Element, Isa, Result, RunningStats, SgdStep, Tape, Tensor, Var, sgd_step};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

/// How far an `f64` result may be from PyTorch's, relative to the largest magnitude of the tensor.
const F64_BOUND: f64 = 1e-12;

/// One case of a file.
struct Case(Value);

/// What we computed, by the name that PyTorch's value has in the case.
type Ours<E> = Vec<(String, Tensor<E>)>;

impl Case {
    /// All cases of `data/golden/<file>.json`.
    fn all(file: &str) -> Vec<Case> {
        let path = format!("{}/data/golden/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let cases: Vec<Value> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
        cases.into_iter().map(Case).collect()
    }

    /// What stands under a name such as `stride` or `first/x`.
    fn find(&self, name: &str) -> Option<&Value> {
        self.0.pointer(&format!("/{name}"))
    }

    /// An option.
    fn get<T: DeserializeOwned>(&self, name: &str) -> T {
        let value = self.find(name).unwrap_or_else(|| panic!("there is no {name}"));
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// A tensor; a plain number is one of shape `[]`.
    fn tensor<E: Element>(&self, name: &str) -> Tensor<E> {
        match self.find(name).unwrap_or_else(|| panic!("there is no {name}")) {
            Value::Number(number) => Tensor::scalar(E::from_f64(number.as_f64().unwrap())),
            _ => {
                let shape: Vec<usize> = self.get(&format!("{name}/shape"));
                let data: Vec<f64> = self.get(&format!("{name}/data"));
                Tensor::from_vec(shape.as_slice(), data).unwrap().cast()
            }
        }
    }

    /// Runs `f` on the inputs of these names, as far as the case has them: the output and, from the gradient `dy`, the
    /// gradient of each input. All names have `path` before them.
    fn differentiate<E: Element>(
        &self,
        path: &str,
        names: &[&str],
        f: impl FnOnce(&[Var<E>]) -> Result<Var<E>>,
    ) -> Result<Ours<E>> {
        let tape = Tape::new();
        let names = names.iter().filter(|name| self.find(&format!("{path}{name}")).is_some());
        let inputs: Vec<(&str, Var<E>)> =
            names.map(|name| (*name, tape.leaf(self.tensor(&format!("{path}{name}"))))).collect();
        let leaves: Vec<Var<E>> = inputs.iter().map(|(_, leaf)| leaf.clone()).collect();
        let y = f(&leaves)?;
        let mut gradients = tape.backward_from(&[(&y, self.tensor(&format!("{path}dy")))])?;
        let mut ours = vec![(format!("{path}y"), y.value().clone())];
        for (name, leaf) in inputs {
            ours.push((format!("{path}d{name}"), gradients.take(&leaf).expect("every input has a gradient")));
        }
        Ok(ours)
    }

    /// The greatest error of our values, relative to the largest magnitude of their tensor. Panics above `bound`.
    fn compare<E: Element>(&self, ours: Result<Ours<E>>, bound: f64, place: &str) -> f64 {
        let mut worst = 0.0_f64;
        for (name, ours) in ours.unwrap_or_else(|error| panic!("{place}: {error}")) {
            let expected = self.tensor::<f64>(&name);
            assert_eq!(ours.shape(), expected.shape(), "{place}: the shape of {name}");
            let magnitude = expected.as_slice().iter().fold(1e-3, |most: f64, x| most.max(x.abs()));
            for (i, (x, y)) in ours.as_slice().iter().zip(expected.as_slice()).enumerate() {
                let error = (x.to_f64() - y).abs() / magnitude;
                assert!(
                    error <= bound,
                    "{place}: {name}, element {i}: {x:?}, not {y}: error {error:.1e} > {bound:.1e}"
                );
                worst = worst.max(error);
            }
        }
        worst
    }
}

/// Compares all cases of a file in `f64` and, on every instruction set, in `f32`, where results may be off by `bound`
/// times `f32::EPSILON`. Prints the greatest errors.
fn check(file: &str, double: fn(&Case) -> Result<Ours<f64>>, single: fn(&Case) -> Result<Ours<f32>>, bound: f64) {
    let epsilon = f64::from(f32::EPSILON);
    let mut worst = [0.0_f64; 2];
    for (number, case) in Case::all(file).iter().enumerate() {
        for isa in Isa::available() {
            let place = |element| format!("{file} {number}, {element}, {isa:?}");
            let errors = isa.scope(|| {
                let double = case.compare(double(case), F64_BOUND, &place("f64"));
                [double, case.compare(single(case), bound * epsilon, &place("f32")) / epsilon]
            });
            worst.iter_mut().zip(errors).for_each(|(worst, error)| *worst = worst.max(error));
        }
    }
    println!("{file}: f64 within {:.1e}, f32 within {:.1} epsilon", worst[0], worst[1]);
}

#[test]
fn conv2d() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = Conv2d {
            stride: case.get("stride"),
            padding: case.get("padding"),
            dilation: case.get("dilation"),
            groups: case.get("groups"),
            ..Conv2d::default()
        };
        case.differentiate("", &["x", "w", "b"], |v| v[0].conv2d(&v[1], v.get(2), options))
    }
    // Direct sums of products of these inputs have few bits and are exact in f32 too; Winograd's points have thirds.
    check("conv2d", ours, ours, 6.0);
}

#[test]
fn batch_norm() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = BatchNorm { epsilon: case.get("epsilon"), momentum: case.get("momentum") };
        let names = ["x", "gamma", "beta"];
        let mut running = RunningStats::new(case.tensor::<E>("running/mean").shape().elements())?;
        let mut ours =
            case.differentiate("first/", &names, |v| v[0].batch_norm(&v[1], &v[2], &mut running, options))?;
        ours.extend(case.differentiate("second/", &names, |v| v[0].batch_norm(&v[1], &v[2], &mut running, options))?);
        let eval = |v: &[Var<E>]| v[0].batch_norm_eval(&v[1], &v[2], &running, options.epsilon);
        ours.extend(case.differentiate("evaluation/", &names, eval)?);
        ours.push(("running/mean".into(), running.mean.clone()));
        ours.push(("running/variance".into(), running.variance.clone()));
        Ok(ours)
    }
    check("batch_norm", ours, ours, 4.0);
}

#[test]
fn max_pool2d() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = MaxPool2d {
            stride: case.get("stride"),
            padding: case.get("padding"),
            ceil: case.get("ceil"),
            ..MaxPool2d::new(case.get("kernel"))
        };
        case.differentiate("", &["x"], |v| v[0].max_pool2d(options))
    }
    check("max_pool2d", ours, ours, 0.0);
}

#[test]
fn avg_pool2d() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let counted = case.get("count_padding");
        let options = AvgPool2d {
            stride: case.get("stride"),
            padding: case.get("padding"),
            ceil: case.get("ceil"),
            divisor: if counted { Divisor::Padded } else { Divisor::Inside },
            ..AvgPool2d::new(case.get("kernel"))
        };
        case.differentiate("", &["x"], |v| v[0].avg_pool2d(options))
    }
    check("avg_pool2d", ours, ours, 2.0);
}

#[test]
fn cross_entropy() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        case.differentiate("", &["logits", "targets"], |v| match v {
            [logits, targets] => logits.soft_cross_entropy(targets),
            _ => v[0].cross_entropy(&case.get::<Vec<usize>>("classes"), case.get("smoothing")),
        })
    }
    check("cross_entropy", ours, ours, 8.0);
}

#[test]
fn local_response_norm() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let options = LocalResponseNorm {
            size: case.get("size"),
            alpha: case.get("alpha"),
            beta: case.get("beta"),
            k: case.get("k"),
        };
        case.differentiate("", &["x"], |v| v[0].local_response_norm(options))
    }
    check("local_response_norm", ours, ours, 4.0);
}

#[test]
fn log_softmax() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        case.differentiate("", &["x"], |v| v[0].log_softmax())
    }
    check("log_softmax", ours, ours, 4.0);
}

/// The network that `make.py` describes, by the names it gives to parameters.
struct SortResnet<E: Element> {
    parameters: BTreeMap<String, Tensor<E>>,
    velocities: BTreeMap<String, Tensor<E>>,
    statistics: BTreeMap<String, RunningStats<E>>,
}

impl<E: Element> SortResnet<E> {
    fn new(case: &Case) -> Result<Self> {
        let names: BTreeMap<String, Value> = case.get("initial");
        let parameters = names.keys().map(|name| (name.clone(), case.tensor(&format!("initial/{name}")))).collect();
        let channels = [4, 4, 4, 6, 6, 6];
        let norm = |(i, channels): (usize, &usize)| Ok((format!("norm{}", i + 1), RunningStats::new(*channels)?));
        let statistics = channels.iter().enumerate().map(norm).collect::<Result<_>>()?;
        Ok(SortResnet { parameters, velocities: BTreeMap::new(), statistics })
    }

    fn conv_norm(&mut self, leaves: &BTreeMap<String, Var<E>>, i: usize, stride: usize, x: &Var<E>) -> Result<Var<E>> {
        let w = &leaves[&format!("conv{i}.w")];
        let padding = w.value().shape().sizes()[2] / 2;
        let y = x.conv2d(w, None, Conv2d { stride: [stride; 2], padding: [padding; 2], ..Conv2d::default() })?;
        let [gamma, beta] = ["gamma", "beta"].map(|name| &leaves[&format!("norm{i}.{name}")]);
        let statistics = self.statistics.get_mut(&format!("norm{i}")).expect("there are as many norms as convolutions");
        y.batch_norm(gamma, beta, statistics, BatchNorm { epsilon: 1e-5, momentum: 0.1 })
    }

    fn logits(&mut self, leaves: &BTreeMap<String, Var<E>>, images: &Var<E>) -> Result<Var<E>> {
        let mut conv_norm = |i, stride, x: &Var<E>| self.conv_norm(leaves, i, stride, x);
        let x = conv_norm(1, 1, images)?.relu()?;
        let f = conv_norm(2, 1, &x)?.relu()?;
        let x = x.sort_root_fusion(&conv_norm(3, 1, &f)?, 1e-4, FusedActivation::Relu)?;
        let f = conv_norm(4, 2, &x)?.relu()?;
        let f = conv_norm(5, 1, &f)?;
        let x = conv_norm(6, 2, &x)?.sort_root_fusion(&f, 1e-4, FusedActivation::Relu)?;
        x.global_avg_pool()?.linear(&leaves["linear.w"], Some(&leaves["linear.b"]))
    }
}

/// Losses, logits and all gradients of the first step; all parameters and statistics after the fifth.
///
/// Where a branch is near zero, the slope of SORT's root is up to 2000 times as steep as the branch is wrong. Rounding
/// errors of half an epsilon after each convolution, drawn at random in PyTorch, put the results off by 70 to 820
/// epsilon; the bound is the upper end.
#[test]
fn sort_resnet() {
    fn ours<E: Element>(case: &Case) -> Result<Ours<E>> {
        let sgd = SgdStep {
            rate: case.get("lr"),
            momentum: case.get("momentum"),
            weight_decay: case.get("weight_decay"),
            nesterov: false,
        };
        let mut net = SortResnet::<E>::new(case)?;
        let mut ours = Vec::new();
        for step in 0..5 {
            let tape = Tape::new();
            let leaves = net.parameters.iter().map(|(name, value)| (name.clone(), tape.leaf(value.clone()))).collect();
            let logits = net.logits(&leaves, &Var::constant(case.tensor("images")))?;
            let loss = logits.cross_entropy(&case.get::<Vec<usize>>("classes"), 0.0)?;
            ours.push((format!("losses/{step}"), loss.value().clone()));
            let mut gradients = tape.backward(&loss)?;
            if step == 0 {
                ours.push(("logits".into(), logits.value().clone()));
            }
            for (name, leaf) in &leaves {
                let gradient = gradients.take(leaf).expect("the loss depends on every parameter");
                let velocity = net.velocities.entry(name.clone()).or_insert(Tensor::zeros(gradient.shape())?);
                sgd_step(net.parameters.get_mut(name).unwrap(), velocity, &gradient, sgd)?;
                if step == 0 {
                    ours.push((format!("gradients/{name}"), gradient));
                }
            }
        }
        ours.extend(net.parameters.into_iter().map(|(name, value)| (format!("parameters/{name}"), value)));
        for (name, RunningStats { mean, variance }) in net.statistics {
            ours.extend([(format!("statistics/{name}.mean"), mean), (format!("statistics/{name}.variance"), variance)]);
        }
        Ok(ours)
    }
    check("sort_resnet", ours, ours, 800.0);
}
