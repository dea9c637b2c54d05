//! The steps that are measured: real training steps on images of noise.

use crate::cli::terminal::Bar;
use anyhow::{Context, Result};
use evograd::data::{Augment, Batch, Images, Loader, Loading, Normalise};
use evograd::models::Plan;
use evograd::profile::{Profile, profiled};
use evograd::train::{Config, Trainer};
use evograd::{Error, Purpose, Stream};
use std::sync::Arc;
use std::time::Duration;

/// Steps before those that count: the first one asks the system for memory that the others find.
const WARM_UP: u32 = 3;
/// The time between two lines of progress; a shorter measurement prints none.
const BETWEEN_LINES: Duration = Duration::from_secs(2);

/// The settings of a training of as many steps, each an epoch of one batch. Noise teaches nothing, so the learning rate is
/// one at which nothing diverges.
pub fn settings(model: &str, batch: u32, steps: u32) -> Vec<String> {
    vec![
        format!("model.name={model}"),
        format!("training.batch={batch}"),
        format!("training.epochs={}", steps + WARM_UP),
        "optimizer.rate=1e-6".into(),
    ]
}

/// Takes the steps.
pub fn measure(plan: &Plan, config: Config, steps: u32) -> Result<Vec<Profile>> {
    let loader = noise(plan, config.training.batch)?;
    let batch = loader.epoch(0, 0)?.next().context("an epoch has at least one batch")??;
    let mut trainer = Trainer::of(plan.spec(), config, &loader)?;
    let mut bar = Bar::new((WARM_UP + steps).into());
    let profiles = (1..=WARM_UP + steps).map(|number| {
        let profile = step(&mut trainer, &batch)?;
        let text = || format!("step {number}/{} · {:.1} ms", WARM_UP + steps, profile.duration.as_secs_f64() * 1e3);
        bar.show(number.into(), BETWEEN_LINES, text);
        Ok(profile)
    });
    let profiles: Result<Vec<Profile>> = profiles.collect();
    bar.finish();
    Ok(profiles?.split_off(WARM_UP as usize))
}

fn step(trainer: &mut Trainer, batch: &Batch) -> Result<Profile> {
    let (report, profile) = profiled(|| trainer.step(batch));
    report?;
    trainer.end_epoch();
    Ok(profile)
}

/// One batch of noise that fits the network.
fn noise(plan: &Plan, batch: usize) -> Result<Loader> {
    let shape = plan.spec().input;
    let size: usize = shape.iter().product();
    let mut bytes = Vec::new();
    if size.checked_mul(batch).is_none_or(|all| bytes.try_reserve_exact(all).is_err()) {
        let problem = format!("the system has no memory for {batch} images of {shape:?}");
        return Err(Error::op("profile", problem, &[], "use a smaller --batch").into());
    }
    let mut stream = Stream::new(0, Purpose::Noise, 0, 0);
    bytes.extend((0..size * batch).map(|_| stream.word() as u8));
    let classes = plan.output().elements().min(batch).min(usize::from(u16::MAX));
    let names: Vec<String> = (0..classes).map(|class| class.to_string()).collect();
    let labels = (0..batch).map(|image| (image % classes) as u16).collect();
    let set = Arc::new(Images::new(shape, &names, bytes, labels)?);
    let samples: Vec<usize> = (0..batch).collect();
    let normalise = Normalise::of(&*set, &samples)?;
    let loading = Loading { batch, seed: 0, training: true, augment: Augment::default(), disturb: 0.0, threads: 1 };
    Ok(Loader::new(set, &samples, normalise, loading)?)
}
