//! How well a network answers on images it does not learn from.

use crate::data::Loader;
use crate::error::{Error, Result};
use crate::mode::{checked, no_grad};
use crate::models::Network;
use crate::record::Score;
use crate::reserve;
use crate::tape::Var;

/// The answers of a network to labelled images.
///
/// ```
/// use evograd::record::Score;
/// use evograd::train::Evaluation;
/// let score = Score { split: "test".into(), images: 4, loss: 0.5, accuracy: 0.75 };
/// let evaluation = Evaluation { score, confusion: vec![vec![2, 0], vec![1, 1]] };
/// assert_eq!(evaluation.confusion[1][0], 1); // one image of class 1 was taken for class 0
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// How good they are.
    pub score: Score,
    /// How often images of class `i` were answered with class `j`, at `[i][j]`.
    pub confusion: Vec<Vec<usize>>,
}

/// Asks a network, frozen for it ([`Network::frozen`]), for all samples of a loader. `on_batch` gets after each batch how many are done, and answers whether to go
/// on; where it does not, there is no evaluation.
///
/// ```
/// use evograd::train::{Config, Split, Trainer, evaluate};
/// let sets = evograd::data::shapes_of(0, 40, 20)?;
/// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
/// let config = Config::parse("", &set.map(String::from))?;
/// let split = Split::new(&config, &sets)?;
/// let trainer = Trainer::new(config, &sets, &split.train)?;
/// let found = evaluate(&trainer.network, &split.test, "test", |_| true)?.expect("nobody has stopped it");
/// assert_eq!(found.confusion.iter().flatten().sum::<usize>(), found.score.images);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When the set has not as many classes as the network, an image cannot be read or does not fit the network, a label is no
/// class, or a logit is not finite: then the error names the layer and
/// the operation that first made such a value.
pub fn evaluate(
    network: &Network,
    loader: &Loader,
    split: &str,
    mut on_batch: impl FnMut(usize) -> bool,
) -> Result<Option<Evaluation>> {
    let classes = network.plan().output().elements();
    if loader.classes().len() != classes {
        let problem = format!("the network tells {classes} classes apart, the set has {}", loader.classes().len());
        return Err(Error::op("evaluate", problem, &[], "use the classes that the network was trained on"));
    }
    let line = |_| reserve::filled(classes, 0);
    let confusion: std::result::Result<Vec<_>, _> = (0..classes).map(line).collect();
    let mut confusion = confusion.map_err(|refused| refused.during("evaluate"))?;
    let (frozen, mut loss, mut done) = (network.frozen()?, 0.0, 0);
    for batch in loader.epoch(0, 0)? {
        let batch = batch?;
        let mut logits = frozen.evaluate(&batch.images)?;
        if logits.as_slice().iter().any(|logit| !logit.is_finite()) {
            // The network as it was trained knows which layer it was; or it holds what folded filters do not.
            logits = checked(|| network.evaluate(&batch.images))?;
        }
        answers(logits.as_slice(), classes)
            .zip(&batch.truth)
            .for_each(|(answer, class)| confusion[*class][answer] += 1);
        // Logits may be finite and their loss not: that is an error, which names the loss.
        let mean = no_grad(|| checked(|| Var::constant(logits).cross_entropy(&batch.truth, 0.0)))?.item()?;
        loss += f64::from(mean) * batch.truth.len() as f64;
        done += batch.truth.len();
        if !on_batch(done) {
            return Ok(None);
        }
    }
    let correct: usize = (0..classes).map(|class| confusion[class][class]).sum();
    let (loss, accuracy) = (loss / done as f64, correct as f64 / done as f64);
    Ok(Some(Evaluation { score: Score { split: split.into(), images: done, loss, accuracy }, confusion }))
}

/// The class of the greatest logit in each row; the first of equals.
fn answers(logits: &[f32], classes: usize) -> impl Iterator<Item = usize> + '_ {
    let better = |row: &[f32], best: usize, class: usize| if row[class] > row[best] { class } else { best };
    logits.chunks(classes).map(move |row| (1..classes).fold(0, |best, class| better(row, best, class)))
}

/// How many rows of logits are greatest at their class; the first of equals counts.
pub(super) fn correct_predictions(logits: &[f32], truth: &[usize]) -> usize {
    answers(logits, logits.len() / truth.len()).zip(truth).filter(|(answer, class)| answer == *class).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Augment, Dataset, Loading, Normalise, Sets};
    use crate::train::{Config, Split};
    use std::sync::Arc;

    /// Sets of one's own: `classes`, and the labels of four images `[1, 4, 4]`.
    fn set(classes: usize, labels: [usize; 4], shape: [usize; 3]) -> Arc<dyn Dataset> {
        struct Own([usize; 4], Vec<String>, [usize; 3]);
        impl Dataset for Own {
            fn len(&self) -> usize {
                4
            }
            fn shape(&self) -> [usize; 3] {
                self.2
            }
            fn classes(&self) -> &[String] {
                &self.1
            }
            fn label(&self, index: usize) -> usize {
                self.0[index]
            }
            fn read(&self, index: usize, image: &mut [u8]) -> Result<()> {
                image.fill(index as u8);
                Ok(())
            }
        }
        Arc::new(Own(labels, (0..classes).map(|class| format!("c{class}")).collect(), shape))
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

        /// A test set of another kind than the training set is refused where a run begins, and labels that are no class are an
        /// error of an evaluation; what fits is evaluated.
        #[test]
        fn a_test_set_has_to_fit(classes in 1..5_usize, labels in [0..5_usize, 0..5, 0..5, 0..5], side in 3..6_usize) {
            let config = Config::parse("", &["model.name=linear".into(), "data.crop=0".into(), "data.validation=0".into(), "training.batch=2".into()]).unwrap();
            let train = set(3, [0, 1, 2, 0], [1, 4, 4]);
            let test = set(classes, labels, [1, side, 4]);
            let fits = classes == 3 && side == 4 && labels.iter().all(|label| *label < 3);
            let sets = Sets { train, test: test.clone() };
            let split = Split::new(&config, &sets).and_then(|_| sets.check_test_labels());
            proptest::prop_assert_eq!(split.is_ok(), fits, "{:?}", split.err());
            let network = Network::new(&config.spec([1, 4, 4], 3).unwrap(), 0).unwrap();
            let loading = Loading { batch: 3, seed: 0, training: false, augment: Augment::default(), disturb: 0.0, threads: 1 };
            let loader = Loader::new(test, &[0, 1, 2, 3], Normalise::usual(1), loading).unwrap();
            let evaluation = evaluate(&network, &loader, "test", |_| true);
            proptest::prop_assert_eq!(evaluation.is_ok(), fits, "{:?}", evaluation);
        }
    }

    #[test]
    fn of_equal_logits_the_first_is_the_answer() {
        let logits = [0.0, 2.0, 2.0, 5.0, 5.0, 1.0];
        assert_eq!(answers(&logits, 3).collect::<Vec<_>>(), [1, 0]);
        assert_eq!(
            [
                correct_predictions(&logits, &[1, 0]),
                correct_predictions(&logits, &[2, 0]),
                correct_predictions(&logits, &[2, 1])
            ],
            [2, 1, 0]
        );
    }
}
