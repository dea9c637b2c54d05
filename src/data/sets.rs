//! A training set with its test set, and what does not fit between the two. Knows no format.

use super::dataset::{Dataset, FileNote};
use super::parallel;
use crate::error::{Error, Result, escaped};
use std::sync::Arc;

/// A training set and a test set of the same classes.
#[derive(Clone)]
pub struct Sets {
    /// What is trained on.
    pub train: Arc<dyn Dataset>,
    /// What is tested on, and nothing else.
    pub test: Arc<dyn Dataset>,
}

impl Sets {
    /// Refuses a test set that is none of the training set's kind, and training labels that are no class. The labels of the
    /// test set are not looked at, as a search must not: [`Sets::check_test_labels`] does that.
    ///
    /// ```
    /// use evograd::data::{Images, Sets};
    /// use std::sync::Arc;
    /// let set = |classes: &[&str]| Arc::new(Images::new([1, 1, 1], classes, vec![7], vec![0]).unwrap());
    /// let error = Sets { train: set(&["cat", "dog"]), test: set(&["dog", "cat"]) }.check().unwrap_err().to_string();
    /// assert!(error.contains("class 0 of the test set is dog, that of the training set cat"));
    /// ```
    ///
    /// # Errors
    /// When one of them is empty, their images differ in shape or their classes in number, names or order, or a label of the
    /// training set is not below the number of classes.
    pub fn check(&self) -> Result<()> {
        let [train, test] = [&*self.train, &*self.test];
        let refuse = |problem: String, remedy: &str| Err(Error::op("data", problem, &[], remedy));
        for (name, set) in [("training", train), ("test", test)] {
            parallel::image_bytes(set)?;
            if set.is_empty() || set.classes().is_empty() {
                let problem = format!("the {name} set has {} images of {} classes", set.len(), set.classes().len());
                return refuse(problem, "give it at least one of each");
            }
        }
        if train.shape() != test.shape() {
            let problem =
                format!("images of the test set are {:?}, those of the training set {:?}", test.shape(), train.shape());
            return refuse(problem, "use one shape [C, H, W]");
        }
        if train.classes().len() != test.classes().len() {
            let problem = format!(
                "the test set has {} classes, the training set {}",
                test.classes().len(),
                train.classes().len()
            );
            return refuse(problem, "use the same classes in both");
        }
        if let Some(class) = (0..train.classes().len()).find(|&class| train.classes()[class] != test.classes()[class]) {
            let [train, test] = [train, test].map(|set| &set.classes()[class]);
            let problem = format!("class {class} of the test set is {test}, that of the training set {train}");
            return refuse(problem, "use the same classes in the same order in both");
        }
        check_labels("training", train)
    }

    /// Refuses a test set with a label that is no class, before a run has been trained for it in vain.
    ///
    /// # Errors
    /// When there is one.
    pub fn check_test_labels(&self) -> Result<()> {
        check_labels("test", &*self.test)
    }

    /// What a user should know of how the sets were opened: the files that are no part of them, by their reasons.
    pub fn notes(&self) -> Vec<String> {
        let notes = by_reason(self.train.left_out().iter().chain(self.test.left_out()), "files");
        notes.into_iter().map(|note| format!("left out {note}")).collect()
    }

    /// What is odd about the images that were read so far: how many there are of each kind, and the first of them.
    pub fn odd(&self) -> Vec<String> {
        by_reason(self.train.odd().iter().chain(&self.test.odd()), "images")
    }
}

/// How many files there are for each reason, and the first of them.
fn by_reason<'a>(all: impl Iterator<Item = &'a FileNote>, noun: &str) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&FileNote>)> = Vec::new();
    for note in all {
        match reasons.iter_mut().find(|(reason, _)| *reason == note.reason) {
            Some((_, notes)) => notes.push(note),
            None => reasons.push((&note.reason, vec![note])),
        }
    }
    let summary = |(reason, notes): (&str, Vec<&FileNote>)| {
        let first = escaped(notes[0].path.display().to_string());
        match notes.len() {
            1 => format!("{first}: {reason}"),
            count => format!("{count} {noun}, {first} the first of them: {reason}"),
        }
    };
    reasons.into_iter().map(summary).collect()
}

fn check_labels(name: &str, set: &dyn Dataset) -> Result<()> {
    let classes = set.classes().len();
    match (0..set.len()).find(|&index| set.label(index) >= classes) {
        None => Ok(()),
        Some(index) => {
            let problem = format!(
                "image {index} of the {name} set is of class {}, and there are {classes} classes",
                set.label(index)
            );
            Err(Error::op("data", problem, &[], "number the classes from 0"))
        }
    }
}
