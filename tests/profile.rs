//! Profiles: every pass of every operation once, within the step, and the same bits with one as without.

use assert_cmd::Command;
use evograd::models::{self, Network, Options, Plan, Spec};
use evograd::profile::{Event, Machine, Pass, Profile, chrome_trace};
use evograd::{Optimizer, Result, Rule, Tape, Tensor, ThreadPool, Var, no_grad, profiled};
use serde_json::Value;

const MACHINE: Machine = Machine { threads: 1, operations: 1e11, read: 1e10, copied: 1e10 };

fn small(name: &str) -> Spec {
    models::spec(name, &Options { width: 0.25, input: [3, 16, 16], ..Options::default() }).unwrap()
}

struct Training {
    network: Network,
    optimizer: Optimizer,
}

impl Training {
    fn new(spec: &Spec) -> Training {
        let network = Network::new(spec, 1).unwrap();
        let rule = Rule::Sgd { momentum: 0.9, nesterov: false };
        let optimizer = Optimizer::new(rule, network.weights(), vec![1e-4; network.weights().len()]).unwrap();
        Training { network, optimizer }
    }

    fn step(&mut self) -> Result<f32> {
        let [c, h, w] = self.network.plan().spec().input;
        let images = Tensor::from_fn([4, c, h, w], |i| (i as f32 * 0.7).sin())?;
        let tape = Tape::new();
        let (logits, leaves) = self.network.train(&tape, &images, 0, 0)?;
        let loss = logits.cross_entropy(&[0, 1, 2, 3], 0.0)?;
        let mut gradients = tape.backward(&loss)?;
        let gradients: Vec<Tensor> = leaves.iter().map(|leaf| gradients.take(leaf).unwrap()).collect();
        drop(leaves);
        self.optimizer.step(self.network.weights_mut(), &gradients, 0.1)?;
        loss.item()
    }
}

fn step(name: &str) -> (Plan, Profile) {
    let mut training = Training::new(&small(name));
    let (loss, profile) = profiled(|| training.step());
    loss.unwrap();
    (training.network.plan().clone(), profile)
}

fn of(profile: &Profile, pass: Pass) -> Vec<&Event> {
    profile.events.iter().filter(|event| event.pass == pass && event.op != "sum of gradients").collect()
}

#[test]
fn every_operation_of_a_step_is_noted_once_forward_and_once_backward() {
    let (plan, profile) = step("resnet20");
    let name = |event: &&Event| (event.op, event.part.clone(), event.output);
    let forward: Vec<_> = of(&profile, Pass::Forward).iter().map(name).collect();
    let mut backward: Vec<_> = of(&profile, Pass::Backward).iter().map(name).collect();
    backward.reverse();
    assert_eq!(forward, backward);
    // Every layer runs one operation but those that their fusions normalise for; the loss stands behind them.
    let fusions = plan.layers().iter().filter(|layer| layer.name.ends_with(".fusion")).count();
    assert_eq!(forward.iter().filter(|(op, ..)| *op == "batch_norm_fuse").count(), fusions);
    assert_eq!((fusions, forward.len()), (9, plan.layers().len() - fusions + 1));
    for layer in plan.layers().iter().filter(|layer| !layer.in_fusion) {
        let last = forward.iter().rev().find(|(_, part, _)| part.as_deref() == Some(&layer.name));
        assert_eq!(last.unwrap().2.sizes()[1..], layer.output.sizes()[1..], "{}", layer.name);
    }
    assert_eq!(forward.last().unwrap().0, "cross_entropy");
    let updates = of(&profile, Pass::Update);
    assert_eq!((updates.len(), updates[0].output.elements() as u64), (1, plan.parameters()));
    // Where a value goes two ways, two gradients meet.
    assert_eq!(profile.events.iter().filter(|event| event.op == "sum of gradients").count(), fusions);
}

#[test]
fn events_follow_each_other_within_the_step() {
    let (_, profile) = step("lenet");
    let ends = |event: &Event| event.start + event.duration;
    assert!(profile.events.windows(2).all(|pair| ends(&pair[0]) <= pair[1].start));
    assert!(ends(profile.events.last().unwrap()) <= profile.duration);
    let sum = profile.events.iter().map(|event| event.duration).sum();
    assert!(profile.duration >= sum && profile.rest() == profile.duration - sum);
}

/// The plan counts multiply-adds by layers and for one image, the operations by themselves.
#[test]
fn multiply_adds_are_those_of_the_plan() {
    for model in ["resnet20", "lenet-star", "bignet", "densenet-40-12"] {
        let (plan, profile) = step(model);
        let sum = |pass| of(&profile, pass).iter().map(|event| event.macs).sum::<u64>();
        assert_eq!(sum(Pass::Forward), 4 * plan.macs(), "{model}");
        // Nobody asks for the gradient of the images.
        let spec = plan.spec();
        let first = spec.nodes.iter().zip(plan.layers()).filter(|(node, _)| node.inputs == [spec.image()]);
        let first: u64 = first.map(|(_, layer)| layer.macs).sum();
        assert_eq!(sum(Pass::Backward), 4 * (2 * plan.macs() - first), "{model}");
    }
}

/// Matrix products count what a loop over them would.
#[test]
fn a_product_of_transposed_stacks_counts_every_multiply_add() {
    let tape = Tape::new();
    let [a, b] = [[3, 5, 2], [3, 7, 5]].map(|shape| tape.leaf(Tensor::<f32>::zeros(shape).unwrap()));
    let transpose = evograd::ops::Transpose { a: true, b: true };
    let (_, profile) = profiled(|| tape.backward(&a.matmul_with(&b, transpose)?.sum_all()?).map(drop));
    let macs: Vec<u64> = profile.events.iter().filter(|event| event.op == "matmul").map(|event| event.macs).collect();
    assert_eq!(macs, [3 * 2 * 7 * 5, 2 * 3 * 2 * 7 * 5]);
}

#[test]
fn bytes_are_those_of_inputs_outputs_and_what_is_kept_each_once() {
    let tape = Tape::new();
    let leaf = |elements: usize| tape.leaf(Tensor::<f32>::zeros([elements]).unwrap());
    let (x, y, bias) = (leaf(100), leaf(100), leaf(1));
    type Work<'a> = &'a dyn Fn() -> Result<Var>;
    let table: [(&str, Work, [u64; 2]); 7] = [
        ("relu keeps its output", &|| x.relu(), [200, 300]),
        ("log keeps its input", &|| x.log(), [200, 300]),
        ("the product keeps both", &|| x.mul(&y), [300, 500]),
        ("a square reads one input", &|| x.mul(&x), [200, 400]),
        ("a sum hands its gradient on", &|| x.add(&y), [300, 0]),
        ("but not to what was repeated", &|| x.add(&bias), [201, 101]),
        ("a reshape touches nothing", &|| x.reshape([10, 10]), [0, 0]),
    ];
    for (what, work, wanted) in table {
        let (_, profile) = profiled(|| {
            let y = work()?;
            let dy = Tensor::full(y.value().shape(), 1.0)?;
            tape.backward_from(&[(&y, dy)]).map(drop)
        });
        let bytes: Vec<u64> =
            profile.events.iter().filter(|event| event.op != "sum of gradients").map(|event| event.bytes / 4).collect();
        assert_eq!(bytes, wanted, "{what}");
    }
}

#[test]
fn constants_are_noted_forward_alone_and_nothing_outside() {
    let x = Var::constant(Tensor::scalar(2.0_f64));
    let (_, profile) = profiled(|| no_grad(|| x.exp()?.log()));
    x.exp().unwrap();
    assert_eq!(profile.events.iter().map(|event| event.op).collect::<Vec<_>>(), ["exp", "log"]);
}

#[test]
fn training_has_the_same_bits_with_and_without_a_profile() {
    let run = |threads, with: bool| {
        ThreadPool::new(threads).unwrap().install(|| {
            let mut training = Training::new(&small("resnet20"));
            for _ in 0..2 {
                if with {
                    profiled(|| training.step()).0.unwrap()
                } else {
                    training.step().unwrap()
                };
            }
            training.network.to_safetensors().unwrap()
        })
    };
    let plain = run(1, false);
    assert!(run(1, true) == plain && run(2, true) == plain);
}

/// Events of a trace: name, category, begin and end in nanoseconds.
fn complete_events(trace: &Value) -> Vec<(String, String, [u64; 2])> {
    let all = trace["traceEvents"].as_array().unwrap();
    let complete = all.iter().filter(|event| event["ph"] == "X");
    let read = complete.map(|event| {
        let nanos = |key: &str| (event[key].as_f64().unwrap() * 1e3).round() as u64;
        assert!(event["pid"].is_u64() && event["tid"].is_u64() && event["args"].is_object(), "{event}");
        let text = |key: &str| event[key].as_str().unwrap().to_string();
        (text("name"), text("cat"), [nanos("ts"), nanos("ts") + nanos("dur")])
    });
    read.collect()
}

#[test]
fn a_trace_nests_operations_in_layers_and_layers_in_steps() {
    let mut training = Training::new(&small("resnet20"));
    let steps = [(); 2].map(|()| profiled(|| training.step()).1);
    let trace: Value = serde_json::from_str(&chrome_trace("two steps", &steps)).unwrap();
    let events = complete_events(&trace);
    let of = |category: &str| events.iter().filter(|event| event.1 == category).collect::<Vec<_>>();
    let operations = of("forward").len() + of("backward").len() + of("update").len();
    assert_eq!((of("step").len(), operations), (2, 2 * steps[0].events.len()));
    let layers = training.network.plan().layers().iter().filter(|layer| !layer.in_fusion).count();
    assert_eq!(of("layer").len(), 2 * 2 * layers);
    for (name, category, [begin, end]) in &events {
        let within = |other: &&(String, String, [u64; 2])| other.2[0] <= *begin && *end <= other.2[1];
        assert_eq!(of("step").into_iter().filter(within).count(), 1, "{name}");
        let beside = |other: &&(String, String, [u64; 2])| other.2[0] < *end && *begin < other.2[1];
        assert!(category != "layer" || of("layer").into_iter().filter(beside).count() == 1, "{name}");
    }
    let conv = trace["traceEvents"].as_array().unwrap().iter().find(|event| event["name"] == "conv2d forward").unwrap();
    let args = &conv["args"];
    assert_eq!((args["layer"].as_str(), args["output"].to_string().as_str()), (Some("conv1"), "[4,4,16,16]"));
    assert_eq!(args["inputs"].to_string(), "[[4,3,16,16],[4,3,3,3]]");
    assert_eq!(args["multiply-adds"], 4 * 4 * 256 * 27);
    assert!(args["GFLOP/s"].as_f64().unwrap() > 0.0 && args["GB/s"].as_f64().unwrap() > 0.0);
}

#[test]
fn kinds_and_layers_share_out_the_same_time() {
    let (_, profile) = step("resnet20");
    let kinds: std::time::Duration = profile.kinds(&MACHINE).iter().map(|kind| kind.spent.duration).sum();
    let layers = profile.layers(&MACHINE);
    let both = layers.iter().map(|layer| layer.forward.and(&layer.backward).duration).sum();
    assert_eq!((kinds, kinds), (both, profile.duration - profile.rest()));
    assert_eq!((layers[0].name.as_str(), layers[0].backward.calls), ("conv1", 1));
}

/// Exit code, standard output, standard error.
fn evograd(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("evograd").unwrap().env_remove("EVOGRAD_ISA").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

const SMALL: [&str; 10] =
    ["profile", "resnet20", "--width", "0.25", "--batch", "4", "--steps", "3", "--input", "3x16x16"];

#[test]
fn the_command_prints_a_row_for_each_kind_and_its_parts_make_the_step() {
    let (code, out, err) = evograd(&[&SMALL[..], &["--threads", "1", "--fusion", "sort"]].concat());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("resnet20, 4 images 3×16×16, 1 thread, "), "{out}");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(lines[2][..4] == ["operation", "pass", "calls", "ms"], "{out}");
    let of = |op: &str, pass: &str| lines.iter().find(|line| line.len() > 3 && line[..2] == [op, pass]).unwrap();
    assert_eq!(["forward", "backward"].map(|pass| of("conv2d", pass)[2]), ["21", "21"], "{out}");
    assert_eq!([of("sort_fusion", "backward")[2], of("sgd", "update")[2]], ["9", "1"], "{out}");
    let time = |line: &[&str], place: usize| line[place].parse::<f64>().unwrap();
    let parts: f64 = lines
        .iter()
        .filter(|l| l.len() > 4 && ["forward", "backward", "update"].contains(&l[1]))
        .map(|l| time(l, 3))
        .sum();
    let row = |name: &str| lines.iter().find(|line| line.first() == Some(&name) && line.len() > 2).unwrap();
    assert!((parts + time(row("rest"), 1) - time(row("step"), 1)).abs() < 0.2, "{out}");
    assert!(out.lines().last().unwrap().starts_with("the machine: "), "{out}");
}

#[test]
fn layers_come_in_their_order_with_their_shapes() {
    let (code, out, _) = evograd(&[&SMALL[..], &["--layers"]].concat());
    let rows: Vec<Vec<&str>> = out.lines().skip(4).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((code, &rows[0][..3], rows[1][0]), (0, &["conv1", "4×4×16×16", "2"][..], "bn1"), "{out}");
    assert!(rows.iter().any(|row| row[..] == ["sgd"][..] || row[0] == "sgd"), "{out}");
}

#[test]
fn json_trace_and_chart_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let [trace, svg] =
        ["trace.json", "roofline.svg"].map(|name| folder.path().join(name).to_str().unwrap().to_string());
    let (code, out, err) = evograd(&[&SMALL[..], &["--json", "--trace", &trace, "--svg", &svg]].concat());
    assert_eq!(code, 0, "{err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((answer["model"].as_str(), answer["batch"].as_u64()), (Some("resnet20"), Some(4)));
    assert_eq!(answer["steps_ms"].as_array().unwrap().len(), 3);
    let kinds = answer["operations"].as_array().unwrap();
    let sum: f64 = kinds.iter().map(|kind| kind["ms"].as_f64().unwrap()).sum();
    assert!((sum + answer["rest_ms"].as_f64().unwrap() - answer["step_ms"].as_f64().unwrap()).abs() < 1e-3, "{out}");
    let conv = kinds.iter().find(|kind| kind["op"] == "conv2d").unwrap();
    assert!(conv["gflops_per_second"].as_f64().unwrap() > 0.0 && conv["peak_share"].as_f64().unwrap() > 0.0);
    let trace: Value = serde_json::from_str(&std::fs::read_to_string(&trace).unwrap()).unwrap();
    assert_eq!(complete_events(&trace).iter().filter(|event| event.1 == "step").count(), 3);
    let svg = std::fs::read_to_string(svg).unwrap();
    for name in ["conv2d forward", "batch_norm backward", "sgd update", "memory: ", "arithmetic: "] {
        assert!(svg.contains(&format!(">{name}")), "{name}: {svg}");
    }
    let (_, layers, _) = evograd(&[&SMALL[..], &["--json", "--layers"]].concat());
    let layers: Value = serde_json::from_str(&layers).unwrap();
    assert_eq!((layers["layers"][0]["layer"].as_str(), layers.get("operations")), (Some("conv1"), None));
}

#[test]
fn what_cannot_be_profiled_is_refused() {
    let table: [(&[&str], &str); 5] = [
        (&["resnet21"], "evograd: model: there is no model called \"resnet21\"; did you mean resnet20?"),
        (&["lenet", "--fusion", "sort"], "no branches meet in lenet"),
        (&["--batch", "0"], "use a whole number from 1 to 1000000"),
        (&["--steps", "0"], "use a whole number from 1 to 100000"),
        (
            &["--trace", "/nowhere/at/all.json"],
            "evograd: /nowhere/at/all.json: No such file or directory (os error 2); name a file in a folder that can be \
             written to",
        ),
    ];
    for (arguments, text) in table {
        let (code, out, err) = evograd(&[&["profile"], arguments].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(text), "{arguments:?}: {err}");
    }
}

#[test]
fn help_says_what_the_columns_mean() {
    let (code, out, _) = evograd(&["profile", "--help"]);
    assert!(code == 0 && out.contains("Examples:") && out.contains("GFLOP/s   10⁹ multiplications"), "{out}");
}
