//! What a trained network takes a single image for. Knows a run's folder and image files; needs no data set.

use super::config::Config;
use super::folder::RunFolder;
use crate::data::{self, FOLDER_SIDE, ImageFile, Normalise};
use crate::error::{Error, Result};
use crate::mode::checked;
use crate::models::{Frozen, Network};
use crate::record::BeginRow;
use crate::tensor::Tensor;
use std::path::Path;

/// A trained network with all that it takes to ask it for an image: its sizes, what pixels are normalised by, and the names of
/// the classes.
#[derive(Debug)]
pub struct Predictor {
    network: Network,
    frozen: Frozen,
    normalise: Normalise,
    classes: Vec<String>,
}

impl Predictor {
    /// Of a network on square images `[C, H, H]` of 1 or 3 planes, with the statistics of its training set and a name for each of its classes.
    ///
    /// ```
    /// use evograd::data::{ImageFile, Normalise};
    /// use evograd::models::{self, Network, Options};
    /// use evograd::train::Predictor;
    /// let spec = models::spec("lenet", &Options { input: [1, 28, 28], classes: 2, ..Options::default() })?;
    /// let names = ["cat", "dog"].map(String::from).to_vec();
    /// let predictor = Predictor::new(Network::new(&spec, 0)?, Normalise::usual(1), names)?;
    /// let image = ImageFile { planes: vec![200; 3 * 28 * 28], odd: Vec::new() };
    /// let probabilities = predictor.predict(&image)?;
    /// assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    /// let [first, second] = predictor.best(&probabilities, 2)[..] else { panic!() };
    /// assert!(first.1 >= second.1 && predictor.classes().contains(&first.0.to_string()));
    /// assert_eq!(predictor.side(), 28); // ImageFile::read(path, 28) reads such an image
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the images are not square or neither grey nor coloured, names or statistics are not one for each class or plane, or
    /// the system has not the memory.
    pub fn new(network: Network, normalise: Normalise, classes: Vec<String>) -> Result<Predictor> {
        let [planes, height, width] = network.plan().spec().input;
        let outputs = network.plan().output().elements();
        let refuse = |problem: String, remedy: &str| Err(Error::op("predict", problem, &[], remedy));
        if ![1, 3].contains(&planes) || height != width {
            let problem = format!("the network takes images of {planes}×{height}×{width}");
            return refuse(problem, "use one for square images of one plane or three");
        }
        if classes.len() != outputs {
            let problem = format!("{} names of classes for a network that distinguishes {outputs}", classes.len());
            return refuse(problem, "give one for each");
        }
        if normalise.mean().len() != planes {
            let problem = format!("statistics of {} planes for images of {planes}", normalise.mean().len());
            return refuse(problem, "give those of the training set");
        }
        let frozen = network.frozen()?;
        Ok(Predictor { network, frozen, normalise, classes })
    }

    /// The network of the checkpoint `last` or `best` of a run. Its data are not looked for.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("run");
    /// use evograd::data::ImageFile;
    /// use evograd::train::{Config, Predictor, Run, RunFolder, RunInfo};
    /// let sets = evograd::data::shapes_of(0, 40, 20)?;
    /// let set = ["model.name=linear", "data.samples=32", "data.validation=8", "training.batch=8", "training.epochs=1"];
    /// let config = Config::parse("", &set.map(String::from))?;
    /// Run::start(&path, config, &sets, RunInfo::new(0), &mut ())?.train(&mut |_| true)?;
    /// let predictor = Predictor::of_run(&RunFolder::read(&path)?, "last")?;
    /// let image = ImageFile { planes: vec![100; 3 * 32 * 32], odd: Vec::new() };
    /// assert_eq!(predictor.predict(&image)?.len(), 10);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no such checkpoint, it is damaged, settings were changed, or an earlier version of the program wrote the run
    /// and did not record classes and statistics.
    pub fn of_run(folder: &RunFolder, checkpoint: &str) -> Result<Predictor> {
        let config = Config::read(&folder.settings(), &[])?;
        let (_, began) = folder.expect_same_settings(&config.to_toml())?;
        let (classes, normalise) = recorded(folder.path(), &began)?;
        let shape = data::info(&config.data.set)?.shape;
        let side = config.data.size.unwrap_or(FOLDER_SIDE);
        let mut network = Network::new(&config.spec(shape.unwrap_or([3, side, side]), classes.len())?, 0)?;
        folder.load_weights(checkpoint, &mut network, &began)?;
        Self::new(network, normalise, classes)
    }

    /// The names of the classes, in the order of the network's outputs.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Rows and columns of the images that the network takes.
    pub fn side(&self) -> usize {
        self.network.plan().spec().input[1]
    }

    /// The network.
    ///
    /// ```
    /// # use evograd::{data::Normalise, models::{self, Network, Options}, train::Predictor};
    /// # let spec = models::spec("lenet", &Options { input: [1, 28, 28], classes: 1, ..Options::default() })?;
    /// # let predictor = Predictor::new(Network::new(&spec, 0)?, Normalise::usual(1), vec!["cat".into()])?;
    /// assert_eq!(predictor.network().plan().spec().name, "lenet");
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// An image as the network takes it, `[1, C, H, W]`, normalised; one of three planes becomes grey where it takes one.
    ///
    /// ```
    /// # use evograd::{data::{ImageFile, Normalise}, models::{self, Network, Options}, train::Predictor};
    /// # let spec = models::spec("lenet", &Options { input: [1, 28, 28], classes: 1, ..Options::default() })?;
    /// # let normalise = Normalise::with(vec![100.0], vec![50.0]);
    /// # let predictor = Predictor::new(Network::new(&spec, 0)?, normalise, vec!["cat".into()])?;
    /// let image = ImageFile { planes: vec![200; 3 * 28 * 28], odd: Vec::new() };
    /// let tensor = predictor.tensor(&image)?; // of statistics with mean 100 and deviation 50
    /// assert_eq!((tensor.shape().sizes(), tensor.as_slice()[0]), (&[1, 1, 28, 28][..], 2.0));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the image has another size.
    pub fn tensor(&self, image: &ImageFile) -> Result<Tensor> {
        let ([channels, ..], side) = (self.network.plan().spec().input, self.side());
        if image.planes.len() != 3 * side * side {
            let problem = format!("an image of {} bytes, expected 3×{side}×{side}", image.planes.len());
            return Err(Error::op("predict", problem, &[], "read it with this side"));
        }
        let grey = (channels == 1).then(|| image.grey());
        let bytes = grey.as_deref().unwrap_or(&image.planes);
        let number = |i: usize| self.normalise.table(i / (side * side))[usize::from(bytes[i])];
        Tensor::from_fn([1, channels, side, side], number)
    }

    /// The probability of each class: the softmax of the network's logits, by its running statistics and without dropout.
    ///
    /// # Errors
    /// As [`Predictor::tensor`]; and when a logit is not finite: then the error names the layer that first made such a value.
    pub fn predict(&self, image: &ImageFile) -> Result<Vec<f64>> {
        let image = self.tensor(image)?;
        let mut logits = self.frozen.evaluate(&image)?;
        if logits.as_slice().iter().any(|logit| !logit.is_finite()) {
            // The network as it was trained knows which layer it was; or it holds what folded filters do not.
            logits = checked(|| self.network.evaluate(&image))?;
        }
        let greatest = logits.as_slice().iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f64> = logits.as_slice().iter().map(|logit| f64::from(logit - greatest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        Ok(weights.into_iter().map(|weight| weight / sum).collect())
    }

    /// The most probable classes, at most `count`, the first of equals first.
    pub fn best(&self, probabilities: &[f64], count: usize) -> Vec<(&str, f64)> {
        let mut all: Vec<(&str, f64)> =
            self.classes.iter().map(String::as_str).zip(probabilities.iter().copied()).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all.truncate(count);
        all
    }
}

/// The classes and the statistics that a run began with.
fn recorded(run: &Path, began: &BeginRow) -> Result<(Vec<String>, Normalise)> {
    let normalise = began.normalise.as_deref().and_then(Normalise::from_json);
    match (began.classes.clone(), normalise) {
        (Some(classes), Some(normalise)) => Ok((classes, normalise)),
        (classes, _) => {
            let lacking = if classes.is_none() { "classes" } else { "statistics of its training images" };
            let problem = format!("it does not say the {lacking}; an earlier version of the program wrote it");
            Err(Error::file(run.join("run.json"), problem, "start a new run with --config and this one's config.toml"))
        }
    }
}
