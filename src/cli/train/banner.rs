//! What is said of a run before it goes on: the network, the images, and what they are evaluated on.

use evograd::models::Plan;
use evograd::report::{counted, grouped, rounded};
use evograd::train::{Run, ScheduleKind, Split};
use std::path::Path;

/// What is about to be trained, and from where on.
pub fn banner(run: &Run, path: &Path) -> Vec<String> {
    let (trainer, config) = (run.trainer(), run.trainer().config());
    let (position, epochs) = (&trainer.position, config.training.epochs);
    let [images, steps] = [run.split().train.samples(), run.split().train.batches()].map(|count| count as u64);
    let (images, steps) = (counted(images, "image"), counted(steps, "step"));
    let epochs_of = counted(epochs.into(), "epoch");
    let mut lines = vec![
        plan_line(trainer.network.plan()),
        format!("{images} of {}, {epochs_of} of {steps}, in {}", config.data.set, path.display()),
        held_out_line(run.split()),
    ];
    if let Some(initial) = run.initial() {
        lines.push(format!("began with the weights of {initial}"));
    }
    if let Some(damage) = run.damage() {
        lines.push(format!("{damage}. The checkpoint before it is whole, and the run goes on from there"));
    }
    if position.epoch >= epochs {
        lines.push("all epochs are done".into());
        if config.schedule.kind == ScheduleKind::Constant {
            lines.push("a larger training.epochs in its config.toml trains on".into());
        }
    } else if position.step > 0 {
        lines.push(format!("going on after step {} of {}", grouped(position.step), grouped(trainer.steps())));
    }
    lines
}

/// What the network is evaluated on, and when.
fn held_out_line(split: &Split) -> String {
    let test = "the test set once, at the end";
    match &split.validation {
        Some(validation) => format!(
            "evaluated on {} held out of the training set after each epoch, on {test}",
            counted(validation.samples() as u64, "image")
        ),
        None => format!("no images are held out, so it is evaluated only on {test}"),
    }
}

/// The network and what it costs.
pub fn plan_line(plan: &Plan) -> String {
    format!(
        "{}: {} parameters, {} multiply-adds and {} bytes of activations an image",
        plan.spec().name,
        grouped(plan.parameters()),
        rounded(plan.macs()),
        rounded(plan.activation_bytes())
    )
}
