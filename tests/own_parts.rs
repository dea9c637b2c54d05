//! Parts from outside the crate, a layer, an operation, a loss, an optimiser, a course of the rate and data, work wherever the
//! crate's own do.

use evograd::models::{Network, Spec, forward};
use evograd::nn::{Flatten, Init, Layer, Linear, OwnLayer, Parameter, Pass, Phase, Role, only};
use evograd::ops::{ReducedAxes, map_chunks, zip_chunks};
use evograd::profile::profiled;
use evograd::train::{Config, Split, Trainer};
use evograd::{
    DropoutKey, Element, Op, OwnRule, Result, RuleStep, RunningStats, Shape, Tape, Tensor, Var, apply, gradcheck,
    no_grad,
};
use std::path::Path;

/// `y = sin x`; its gradient is `slope` times the right one.
#[derive(Debug)]
struct Sine {
    slope: f64,
}

impl<E: Element> Op<E, 1> for Sine {
    const NAME: &'static str = "sine";
    type Saved = Tensor<E>;

    fn output_shape(&self, [x]: [&Shape; 1]) -> Result<Shape> {
        Ok(*x)
    }
    fn forward(&self, [x]: [&Tensor<E>; 1]) -> (Tensor<E>, Tensor<E>) {
        (map_chunks(x, |x, y| x.iter().zip(y).for_each(|(x, y)| *y = x.sin())), x.clone())
    }
    fn backward(&self, x: Tensor<E>, dy: Tensor<E>, _: [bool; 1]) -> [Option<Tensor<E>>; 1] {
        let slope = E::from_f64(self.slope);
        let dx = |x: &[E], dy: &[E], dx: &mut [E]| {
            x.iter().zip(dy).zip(dx).for_each(|((x, dy), dx)| *dx = slope * *dy * x.cos());
        };
        [Some(zip_chunks(&x, &dy, dx))]
    }
}

/// `y = sin(scale·(x − m)) + bias` for each channel of `[N, C]`, where `m` is a mean that follows those of the batches.
#[derive(Clone, Debug, PartialEq)]
struct Wave {
    slope: f64,
}

impl Layer for Wave {
    fn kind(&self) -> String {
        "wave".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        only("wave", inputs).map(|x| **x)
    }
    fn parameters(&self, inputs: &[&Shape]) -> Vec<Parameter> {
        let shape = Shape::new(&inputs[0].sizes()[1..]).unwrap();
        let scale = Parameter { name: "scale", shape, init: Init::Constant(0.7), role: Role::Scale };
        vec![scale.clone(), Parameter { name: "bias", init: Init::Constant(0.0), role: Role::Bias, ..scale }]
    }
    fn statistics(&self, inputs: &[&Shape]) -> Option<usize> {
        Some(inputs[0].sizes()[1])
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        let (x, [scale, bias]) = (only("wave", inputs)?, [&pass.weights[0], &pass.weights[1]]);
        let mean = match pass.phase {
            Phase::Evaluate { running } => running[0].mean.clone(),
            Phase::Train { running, .. } => {
                let batch = no_grad(|| x.mean(&[0], ReducedAxes::Dropped))?;
                let tenth = E::from_f64(0.1);
                let before = running[0].mean.clone();
                running[0].mean = zip_chunks(&before, batch.value(), |mean, batch, next| {
                    mean.iter().zip(batch).zip(next).for_each(|((m, b), next)| *next = *m + tenth * (*b - *m));
                });
                before
            }
        };
        let angle = x.sub(&Var::constant(mean))?.mul(scale)?;
        apply(Sine { slope: self.slope }, [&angle])?.add(bias)
    }
}

/// Steps along the gradient over the root of a mean of its squares (Hinton's RMSprop).
#[derive(Debug)]
struct RootMeanSquare;

impl OwnRule for RootMeanSquare {
    fn name(&self) -> &'static str {
        "rms"
    }
    fn memory(&self) -> &'static [&'static str] {
        &["square"]
    }
    fn step(&self, weight: &mut Tensor, memory: &mut [Tensor], gradient: &Tensor, at: RuleStep) -> Result<()> {
        let squares = memory[0].as_mut_slice().iter_mut();
        for ((w, square), dw) in weight.as_mut_slice().iter_mut().zip(squares).zip(gradient.as_slice()) {
            let slope = dw + at.weight_decay as f32 * *w;
            *square = 0.9 * *square + 0.1 * slope * slope;
            *w -= at.rate as f32 * slope / (square.sqrt() + 1e-8);
        }
        Ok(())
    }
}

/// Five numbers in, two out.
fn spec(slope: f64) -> Spec {
    let mut spec = Spec::new("regression", [5, 1, 1]);
    let x = spec.add("flat", Flatten, &[spec.image()]);
    let x = spec.add("hidden", Linear { features: 16 }, &[x]);
    let x = spec.add("wave", OwnLayer::new(Wave { slope }), &[x]);
    spec.add("out", Linear { features: 2 }, &[x]);
    spec
}

fn wave(i: usize) -> f32 {
    (i as f32 * 1.7).sin() * 1.5
}

/// Features `[N, 5, 1, 1]` and what is to be told of them, `[N, 2]`.
fn data() -> (Tensor, Tensor) {
    let x = Tensor::from_fn([64, 5, 1, 1], wave).unwrap();
    let target = |i: usize| {
        let x = &x.as_slice()[i / 2 * 5..][..5];
        if i.is_multiple_of(2) { x[0] - x[1] } else { x[2].sin() + 0.5 * x[3] }
    };
    let y = Tensor::from_fn([64, 2], target).unwrap();
    (x, y)
}

/// The mean of `√(1 + error²) − 1`, which is quadratic near 0 and linear far out.
fn loss<E: Element>(output: &Var<E>, target: &Tensor<E>) -> Result<Var<E>> {
    let error = output.sub(&Var::constant(target.clone()))?;
    let one = Var::constant(Tensor::scalar(E::ONE));
    error.mul(&error)?.add(&one)?.sqrt()?.sub(&one)?.mean_all()
}

fn trainer() -> Trainer {
    let config = Config::parse("", &["training.epochs=4".into(), "optimizer.weight_decay=0".into()]).unwrap();
    let rate = |step, steps| 0.02 * (1.0 - 0.9 * step as f64 / steps as f64);
    Trainer::with_steps(&spec(1.0), config, 75).unwrap().with_rule(RootMeanSquare).unwrap().with_rate(rate)
}

/// The losses of the steps to an epoch.
fn train(trainer: &mut Trainer, epoch: u32) -> Vec<f64> {
    let (x, y) = data();
    let mut losses = Vec::new();
    while trainer.position.epoch < epoch {
        for _ in 0..75 {
            losses.push(trainer.step_on(&x, |output| loss(output, &y)).unwrap().loss);
        }
        trainer.end_epoch();
    }
    losses
}

fn bits(tensors: Vec<(String, &Tensor)>) -> Vec<(String, Vec<u32>)> {
    tensors.into_iter().map(|(name, x)| (name, x.as_slice().iter().map(|x| x.to_bits()).collect())).collect()
}

#[test]
fn a_network_of_own_parts_trains_and_goes_on_from_a_checkpoint_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("own.parts/last");
    let mut undisturbed = trainer();
    let losses = train(&mut undisturbed, 4);
    assert!(losses[299] < 0.1 * losses[0], "from {} to {}", losses[0], losses[299]);
    let mut first = trainer();
    train(&mut first, 2);
    first.save(&place).unwrap();
    let mut second = trainer();
    second.load(&place).unwrap();
    assert_eq!(bits(second.network.state()), bits(first.network.state()));
    assert_eq!(train(&mut second, 4), losses[150..]);
    assert_eq!(bits(second.network.state()), bits(undisturbed.network.state()));
    second.save(&place).unwrap();
    let saved = evograd::models::weights::from_safetensors(&place.join("optimizer.safetensors")).unwrap();
    assert!(saved.contains_key("square.wave.scale"), "{:?}", saved.keys());
    let mut loaded = Network::new(&spec(1.0), 9).unwrap();
    loaded.load(&place.join("model.safetensors")).unwrap();
    assert_eq!(bits(loaded.state()), bits(undisturbed.network.state()));
    assert!(loaded.state().iter().any(|(name, x)| name == "wave.running_mean" && x.as_slice()[0] != 0.0));
}

#[test]
fn an_own_layer_is_frozen_summarised_profiled_and_looked_into() {
    let (x, y) = data();
    let mut trainer = trainer();
    let (report, profile) = profiled(|| trainer.step_on(&x, |output| loss(output, &y)));
    report.unwrap();
    let of_wave =
        |op| profile.events.iter().filter(|event| event.op == op && event.part.as_deref() == Some("wave")).count();
    assert_eq!((of_wave("sine"), of_wave("mul")), (2, 2));
    assert!(profile.events.iter().any(|event| event.op == "rms"));
    let network = &trainer.network;
    assert_eq!(network.frozen().unwrap().evaluate(&x).unwrap(), network.evaluate(&x).unwrap());
    let maps = network.activations(&x, &["out", "wave"]).unwrap();
    assert_eq!((&maps[0], maps[1].shape().sizes()), (&network.evaluate(&x).unwrap(), &[64, 16][..]));
    let table = network.plan().to_string();
    let line = table.lines().find(|line| line.starts_with("wave")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["wave", "wave", "16", "32", "64"]);
    let text = network.activations(&x, &["none"]).unwrap_err().to_string();
    assert_eq!(text, "activations: regression has no layer called \"none\"; name one of flat, hidden, wave, out");
}

#[test]
fn gradients_of_own_layers_are_checked_and_a_wrong_one_is_named() {
    for (slope, right) in [(1.0, true), (1.01, false)] {
        let network = Network::<f64>::new(&spec(slope), 3).unwrap();
        let names: Vec<String> =
            network.state().into_iter().map(|(name, _)| name).filter(|name| !name.contains("running")).collect();
        let (x, y) = data();
        let (x, y) = (x.cast::<f64>(), y.cast::<f64>());
        let function = |weights: &[Var<f64>]| {
            let mut running = [RunningStats::new(16)?];
            let phase = Phase::Train { running: &mut running, key: DropoutKey { seed: 0, step: 0, layer: 0 } };
            loss(&forward(network.plan(), weights, Var::constant(x.clone()), phase)?, &y)
        };
        let report = gradcheck(function, network.weights()).unwrap();
        assert_eq!(report.passed(), right, "{report}");
        assert_eq!(report.wrong.is_some(), !right, "{report}");
        if let Some(place) = report.wrong {
            // What stands before the wave gets its wrong slope, and what stands behind it does not.
            assert!(["hidden.weight", "hidden.bias", "wave.scale"].contains(&names[place.input].as_str()));
        }
    }
}

/// The crate's own step is one on a loss of one's own.
#[test]
fn a_step_on_labels_is_a_step_on_their_loss() {
    let sets = evograd::data::shapes_of(0, 40, 20).unwrap();
    let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
    let config = Config::parse("", &set.map(String::from)).unwrap();
    let split = Split::new(&config, &sets).unwrap();
    let [mut one, mut other] = [(); 2].map(|()| Trainer::new(config.clone(), &sets, &split.train).unwrap());
    for batch in split.train.epoch(0, 0).unwrap() {
        let batch = batch.unwrap();
        let labelled = one.step(&batch).unwrap();
        let own = other.step_on(&batch.images, |logits| logits.cross_entropy(&batch.labels, 0.0)).unwrap();
        assert_eq!((labelled.loss, labelled.gradient_norm, own.correct), (own.loss, own.gradient_norm, 0));
    }
    assert_eq!(bits(one.network.state()), bits(other.network.state()));
}

/// A layer that breaks one of its promises.
#[derive(Clone, Debug, PartialEq)]
struct Liar(&'static str);

impl Layer for Liar {
    fn kind(&self) -> String {
        "liar".into()
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape> {
        Ok(if self.0 == "batch" { Shape::SCALAR } else { *inputs[0] })
    }
    fn parameters(&self, _: &[&Shape]) -> Vec<Parameter> {
        let one = Parameter { name: "w", shape: Shape::SCALAR, init: Init::Constant(1.0), role: Role::Weight };
        vec![one; if self.0 == "names" { 2 } else { 1 }]
    }
    fn statistics(&self, _: &[&Shape]) -> Option<usize> {
        ["statistics", "channels"].iter().position(|lie| *lie == self.0).map(|place| 2 * place)
    }
    fn run<E: Element>(&self, inputs: &[Var<E>], pass: Pass<'_, E>) -> Result<Var<E>> {
        match pass.phase {
            Phase::Train { running, .. } if self.0 == "channels" => {
                running[0].variance = Tensor::zeros([5])?;
                Ok(inputs[0].clone())
            }
            _ => inputs[0].flatten(1),
        }
    }
}

#[test]
fn own_layers_that_break_their_promises_are_named() {
    let table = [
        (
            "batch",
            "liar: plan: the output for a batch of one image does not begin with a size of 1 (output []); put the batch",
        ),
        ("names", "liar: plan: two tensors are called liar.w; give each weight of a layer a name of its own"),
        ("statistics", "liar: plan: it keeps running statistics of 0 channels; answer None where a layer keeps none"),
        (
            "shape",
            "liar: own layer: the output of liar has another shape than promised (output [1, 8], promised [1, 2, 2, 2]); \
             make run and output_shape of the layer agree",
        ),
        (
            "channels",
            "liar: own layer: liar gave its running variance another shape (now [5], before [2]); keep one number for each \
             channel of Layer::statistics",
        ),
    ];
    for (lie, expected) in table {
        let mut spec = Spec::new("own", [2, 2, 2]);
        spec.add("liar", OwnLayer::new(Liar(lie)), &[spec.image()]);
        let run = Network::<f32>::new(&spec, 0)
            .and_then(|mut network| network.train(&Tape::new(), &Tensor::zeros([1, 2, 2, 2])?, 0, 0).map(drop));
        let text = run.unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn own_layers_are_equal_where_their_types_and_values_are() {
    let [one, same, other] = [1.0, 1.0, 2.0].map(|slope| OwnLayer::new(Wave { slope }));
    assert!(one == same && one != other && one != OwnLayer::new(Liar("batch")));
    assert!(spec(1.0) == spec(1.0) && spec(1.0) != spec(2.0));
}

/// A rule that spoils what it is given, and then refuses at a weight of this many elements.
#[derive(Debug)]
struct Fails {
    at: usize,
    how: &'static str,
}

impl OwnRule for Fails {
    fn name(&self) -> &'static str {
        "fails"
    }
    fn memory(&self) -> &'static [&'static str] {
        &["a", "b"]
    }
    fn step(&self, weight: &mut Tensor, memory: &mut [Tensor], _: &Tensor, _: RuleStep) -> Result<()> {
        memory[1].as_mut_slice().fill(1.0);
        weight.as_mut_slice().fill(7.0);
        match self.how {
            _ if weight.shape().elements() != self.at => {}
            "another shape" => *weight = Tensor::scalar(0.0),
            "it is asked to" => return Err(evograd::Error::op("fails", self.how, &[], "ask for something else")),
            "made NaN of" => memory[0].as_mut_slice()[0] = f32::NAN,
            _ => weight.as_mut_slice()[self.at - 1] = f32::INFINITY,
        }
        Ok(())
    }
}

/// Every weight, also those before the one at which the rule fails, is as before.
#[test]
fn an_own_rule_that_fails_changes_nothing() {
    let (x, y) = data();
    let table = [2, 16, 80, 32].into_iter().zip(["it is asked to", "another shape", "made NaN of", "made inf of"]);
    for (at, how) in table {
        let mut trainer = trainer().with_rule(Fails { at, how }).unwrap();
        let all = |trainer: &Trainer| {
            let memory: Vec<Tensor> = trainer.optimizer.state().flatten().map(|(_, x)| x.clone()).collect();
            (bits(trainer.network.state()), memory, trainer.optimizer.steps(), trainer.position.clone())
        };
        let before = all(&trainer);
        let text = trainer.step_on(&x, |output| loss(output, &y)).unwrap_err().to_string();
        assert!(text.contains("fails: ") && text.contains(how), "{text}");
        assert_eq!(text.contains("step 1"), how.starts_with("made"), "{text}");
        assert_eq!(all(&trainer), before, "{text}");
    }
}

#[test]
fn what_no_step_can_be_taken_on_is_said_and_changes_nothing() {
    let (x, y) = data();
    let text = |trainer: &mut Trainer, images: &Tensor, loss: &dyn Fn(&Var) -> Result<Var>| {
        let before = bits(trainer.network.state());
        let text = trainer.step_on(images, loss).unwrap_err().to_string();
        assert_eq!(bits(trainer.network.state()), before, "{text}");
        text
    };
    let own = |output: &Var| loss(output, &y);
    let several = text(&mut trainer(), &x, &|output| Ok(output.clone()));
    assert!(
        several.starts_with("backward: the loss has several elements (loss [64, 2]); sum or average it"),
        "{several}"
    );
    let constant = text(&mut trainer(), &x, &|output| output.detach().mean_all());
    assert!(constant.starts_with("backward: the output depends on no leaf"), "{constant}");
    let diverged = text(&mut trainer(), &x, &|output| output.scale(-1.0)?.mul(output)?.log()?.mean_all());
    assert!(diverged.contains("step 1") && diverged.contains("log"), "{diverged}");
    let other = text(&mut trainer(), &Tensor::zeros([64, 5]).unwrap(), &own);
    assert!(other.contains("regression takes images of shape [5, 1, 1]"), "{other}");
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        let refused = text(&mut trainer().with_rate(move |_, _| rate), &x, &own);
        assert!(refused.starts_with("train: the learning rate of step 0 of 300, counted from 0, is "), "{refused}");
    }
    let mut short =
        Trainer::with_steps(&spec(1.0), Config::parse("", &["training.epochs=1".into()]).unwrap(), 2).unwrap();
    (0..2).for_each(|_| assert!(short.step_on(&x, own).is_ok()));
    let behind = (0..9).find_map(|_| short.step_on(&x, own).err()).unwrap().to_string();
    assert!(behind.contains("the run is over: raise training.epochs or the steps of an epoch"), "{behind}");
    let none = Trainer::with_steps(&spec(1.0), Config::default(), 0).err().unwrap().to_string();
    assert_eq!(none, "trainer: an epoch has 0 steps; give the number of batches that are trained on in an epoch");
}

/// A checkpoint takes the place of nothing but a checkpoint, and is loaded by nobody but the same trainer.
#[test]
fn what_is_no_checkpoint_is_neither_replaced_nor_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let refused = |outcome: Result<()>| outcome.unwrap_err().to_string();
    let mut own = trainer();
    for place in ["a", "b.old", "c.new"] {
        std::fs::create_dir(at(place)).unwrap();
        std::fs::write(at(place).join("precious"), "kept").unwrap();
        let text = refused(own.save(&at(&place[..1])));
        assert!(
            text.contains("it holds precious, and so is no checkpoint; name a place where nothing else is"),
            "{text}"
        );
        assert_eq!(std::fs::read_to_string(at(place).join("precious")).unwrap(), "kept");
    }
    std::fs::write(at("file"), "kept").unwrap();
    assert!(refused(own.save(&at("file"))).contains("it is no folder, and so no checkpoint"));
    assert!(refused(own.save(Path::new("/"))).contains("a checkpoint is a folder with a name"));
    assert!(
        refused(own.load(&at("none"))).contains("there is no checkpoint; name a folder that Trainer::save has written")
    );
    own.save(&at("run.1")).unwrap();
    own.save(&at("run.2")).unwrap();
    own.load(&at("run.1")).unwrap();
    let config = Config::parse("", &["training.epochs=5".into(), "optimizer.weight_decay=0".into()]).unwrap();
    let mut other = Trainer::with_steps(&spec(1.0), config, 75).unwrap().with_rule(RootMeanSquare).unwrap();
    assert!(refused(other.load(&at("run.1"))).contains("of other settings or data"));
    let mut sgd = Trainer::with_steps(&spec(1.0), trainer().config().clone(), 75).unwrap();
    assert!(refused(sgd.load(&at("run.1"))).contains("it is the checkpoint of another run"));
    // Neither does it go on with other steps in an epoch, or another layer in the place of one with the same weights.
    for (other, steps) in [(spec(1.0), 80), (spec(0.5), 75)] {
        let other = Trainer::with_steps(&other, trainer().config().clone(), steps).unwrap();
        let mut other = other.with_rule(RootMeanSquare).unwrap();
        assert!(refused(other.load(&at("run.1"))).contains("it is the checkpoint of another run"));
    }
    let (x, y) = data();
    (0..76).for_each(|_| assert!(own.step_on(&x, |output| loss(output, &y)).is_ok()));
    let expected = format!(
        "trainer: after 0 epochs and 76 steps more it stands at step 76, and no run of {} steps comes to such a place; \
         call end_epoch once, after the last step of each epoch",
        own.steps()
    );
    assert_eq!(refused(own.save(&at("run.1"))), expected);
}

/// The gradient of a value on the way is that of a leaf in its place.
#[test]
fn a_watched_value_keeps_its_gradient() {
    let tape = Tape::new();
    let x = tape.leaf(Tensor::from_vec([3], vec![0.5_f64, -1.0, 2.0]).unwrap());
    let y = x.mul(&x).unwrap();
    let (unwatched, z) = (y.exp().unwrap(), y.scale(3.0).unwrap());
    tape.watch(&y).unwrap();
    let loss = unwatched.add(&z).unwrap().sum_all().unwrap();
    let gradients = tape.backward(&loss).unwrap();
    assert!(gradients.get(&unwatched).is_none() && gradients.get(&z).is_none());
    let other = Tape::new();
    let leaf = other.leaf(y.value().clone());
    let same = leaf.exp().unwrap().add(&leaf.scale(3.0).unwrap()).unwrap().sum_all().unwrap();
    assert_eq!(gradients.get(&y), other.backward(&same).unwrap().get(&leaf));
    let text = tape.watch(&leaf).unwrap_err().to_string();
    assert!(text.starts_with("watch: the value was recorded on another tape; "), "{text}");
    let text = tape.watch(&Var::constant(Tensor::scalar(1.0))).unwrap_err().to_string();
    assert!(text.starts_with("watch: the value depends on no leaf"), "{text}");
}

/// What an operation keeps are its inputs, its output, and tensors that it made; afterwards it is released.
#[test]
fn a_tape_tells_what_it_keeps() {
    let tape = Tape::new();
    let (x, w) = (tape.leaf(Tensor::<f32>::zeros([2, 1, 4, 4]).unwrap()), tape.leaf(Tensor::zeros([2, 16]).unwrap()));
    let y = x.max_pool2d(evograd::ops::MaxPool2d::new([1, 1])).unwrap();
    let loss = evograd::named("fc \"1\"", || y.flatten(1)?.linear(&w, None)?.sum_all()).unwrap();
    let kept = |tape: &Tape| -> Vec<String> {
        let text = tape.to_string();
        text.lines()
            .skip(1)
            .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>().join("|"))
            .collect()
    };
    let before = kept(&tape);
    assert_eq!(before[..2], ["0|leaf|[2, 1, 4, 4]", "1|leaf|[2, 16]"]);
    assert!(before[2].starts_with("2|max_pool2d|[2, 1, 4, 4]|0|") && !before[2].ends_with("|0"), "{before:?}");
    assert_eq!(before[3], "3|reshape|[2, 16]|2|0|fc \"1\"");
    assert_eq!(before[4], "4|linear|[2, 2]|3 1|256|fc \"1\"");
    let dot = tape.to_dot();
    assert!(
        dot.contains("n3 -> n4;")
            && dot.contains("n1 -> n4;")
            && dot.contains(r#"[label="linear\n[2, 2]\nfc \"1\""];"#),
        "{dot}"
    );
    tape.backward(&loss).unwrap();
    assert_eq!(kept(&tape)[4], "4|linear|[2, 2]|3 1|released|fc \"1\"");
}
