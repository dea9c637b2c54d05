//! Hooks of a trainer: what layers give, what gradients reach them, and that nothing that is learned depends on being seen.

use evograd::models::{self, Network, Options};
use evograd::train::{Config, Trainer};
use evograd::{Tensor, Var};
use std::sync::{Arc, Mutex};

type Rows = Arc<Mutex<Vec<(String, Tensor)>>>;

fn trainer() -> Trainer {
    let spec = models::spec("resnet20", &Options { width: 0.25, classes: 3, ..Options::default() }).unwrap();
    Trainer::with_steps(&spec, Config::parse("", &["training.epochs=1".into()]).unwrap(), 10).unwrap()
}

fn images() -> Tensor {
    Tensor::from_fn([4, 3, 32, 32], |i| (i as f32 * 0.37).sin()).unwrap()
}

fn step(trainer: &mut Trainer) {
    trainer.step_on(&images(), |output: &Var| output.cross_entropy(&[0, 1, 2, 0], 0.0)).unwrap();
}

/// The gradient of the mean cross-entropy with respect to logits is `(softmax − one-hot) / N`, by formula.
#[test]
fn outputs_and_gradients_come_by_name_and_are_right() {
    let [outputs, gradients] = [Rows::default(), Rows::default()];
    let push = |rows: &Rows| {
        let rows = rows.clone();
        move |name: &str, tensor: &Tensor| rows.lock().unwrap().push((name.to_string(), tensor.clone()))
    };
    let mut trainer = trainer().with_hooks(push(&outputs), push(&gradients));
    step(&mut trainer);
    let (outputs, gradients) = (outputs.lock().unwrap(), gradients.lock().unwrap());
    let names = |rows: &[(String, Tensor)]| rows.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let reversed: Vec<String> = names(&gradients).into_iter().rev().collect();
    assert_eq!(names(&outputs), reversed);
    assert_eq!((outputs[0].0.as_str(), outputs[outputs.len() - 1].0.as_str()), ("conv1", "fc"));
    let shapes = |rows: &[(String, Tensor)]| rows.iter().map(|(_, tensor)| *tensor.shape()).collect::<Vec<_>>();
    assert_eq!(shapes(&outputs), shapes(&gradients).into_iter().rev().collect::<Vec<_>>());
    let (logits, gradient) = (&outputs[outputs.len() - 1].1, &gradients[0].1);
    for (n, (row, found)) in logits.as_slice().chunks(3).zip(gradient.as_slice().chunks(3)).enumerate() {
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        for class in 0..3 {
            let hot = if [0, 1, 2, 0][n] == class { 1.0 } else { 0.0 };
            let expected = (f64::from(row[class]).exp() / sum - hot) / 4.0;
            assert!((f64::from(found[class]) - expected).abs() < 1e-6, "{n} {class}: {} {expected}", found[class]);
        }
    }
}

#[test]
fn nothing_that_is_learned_depends_on_being_seen() {
    let [mut plain, mut seen] = [trainer(), trainer().with_hooks(|_, _| {}, |_, _| {})];
    for trainer in [&mut plain, &mut seen] {
        (0..2).for_each(|_| step(trainer));
    }
    let state = |network: &Network| network.state().into_iter().map(|(_, tensor)| tensor.clone()).collect::<Vec<_>>();
    assert_eq!(state(&plain.network), state(&seen.network));
}
