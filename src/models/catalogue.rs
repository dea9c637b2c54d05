//! The models that can be asked for by name. Knows every family by its one function; knows no layer.

use super::genetic_cnn::{self, Code, PRESETS};
use super::{Options, Spec, alexnet, bignet, densenet, lenet, linear, resnet, resnet_imagenet, vgg, wide};
use crate::error::{Error, Result};

/// A model that can be asked for by name.
pub struct Model {
    /// Its name. Where it holds numbers after dashes, as `wrn-28-10` does, other numbers make other models.
    pub name: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// The images `[C, H, W]` it is usually shown.
    pub input: [usize; 3],
    /// The classes it usually tells apart.
    pub classes: usize,
    build: Build,
}

/// How a model is made of its name.
#[derive(Clone, Copy)]
enum Build {
    /// The name stands for one network.
    Whole(fn(&str, &Options) -> Spec),
    /// Two numbers in the name are the caller's choice.
    Numbered(fn(&str, [usize; 2], &Options) -> Result<Spec>),
    /// The name is a code of Genetic CNN, or the name of one.
    Coded,
}

use Build::{Coded, Numbered, Whole};

/// A model for small images, such as CIFAR's.
const fn small(name: &'static str, summary: &'static str, build: Build) -> Model {
    Model { name, summary, input: [3, 32, 32], classes: 10, build }
}

/// A model for large images, such as ImageNet's.
const fn large(name: &'static str, summary: &'static str, build: Build) -> Model {
    Model { name, summary, input: [3, 224, 224], classes: 1000, build }
}

/// Every model, and of those with numbers in their names the usual ones.
pub const CATALOGUE: &[Model] = &[
    small("linear", "one linear layer on the pixels: what everything else must beat", Whole(linear::linear)),
    small("lenet", "3 convolutions 5×5, 2 linear layers; of its own shape on 1×28×28 images", Whole(lenet::lenet)),
    small("lenet-star", "lenet with two branches for each convolution", Whole(lenet::star)),
    small("bignet", "8 convolutions 3×3, 3 linear layers", Whole(bignet::bignet)),
    small("bignet-star", "bignet with two branches for each convolution", Whole(bignet::star)),
    small("resnet20", "residual, 20 layers", Whole(|name, o| resnet::resnet(name, 3, o))),
    small("resnet32", "residual, 32 layers", Whole(|name, o| resnet::resnet(name, 5, o))),
    small("resnet56", "residual, 56 layers", Whole(|name, o| resnet::resnet(name, 9, o))),
    small("resnet110", "residual, 110 layers", Whole(|name, o| resnet::resnet(name, 18, o))),
    small("wrn-16-4", "wide residual, 16 layers, 4 times as wide", Numbered(wide::wide)),
    small("wrn-28-2", "wide residual, 28 layers, twice as wide", Numbered(wide::wide)),
    small("wrn-28-10", "wide residual, 28 layers, 10 times as wide", Numbered(wide::wide)),
    small("densenet-40-12", "densely connected, 40 layers, growth 12", Numbered(densenet::plain)),
    small(
        "densenet-bc-100-12",
        "the same with bottlenecks and compression, 100 layers",
        Numbered(densenet::compressed),
    ),
    small("genet1", "the first network that Genetic CNN found; codes such as 1-01|0-01-100 make others", Coded),
    large("alexnet", "5 convolutions, 3 linear layers, in one column", Whole(alexnet::alexnet)),
    large("alexnet-star", "alexnet with two branches for each convolution", Whole(alexnet::star)),
    large("vgg16", "13 convolutions 3×3, 3 linear layers", Whole(|name, o| vgg::vgg(name, vgg::D, false, o))),
    large("vgg19", "16 convolutions 3×3, 3 linear layers", Whole(|name, o| vgg::vgg(name, vgg::E, false, o))),
    large("vgg16-bn", "vgg16 with batch normalisation", Whole(|name, o| vgg::vgg(name, vgg::D, true, o))),
    large("vgg19-bn", "vgg19 with batch normalisation", Whole(|name, o| vgg::vgg(name, vgg::E, true, o))),
    large("resnet18", "residual, 18 layers", Whole(|name, o| resnet_imagenet::basic(name, [2, 2, 2, 2], o))),
    large("resnet34", "residual, 34 layers", Whole(|name, o| resnet_imagenet::basic(name, [3, 4, 6, 3], o))),
    large(
        "resnet50",
        "residual, 50 layers, bottlenecks",
        Whole(|name, o| resnet_imagenet::deep(name, [3, 4, 6, 3], o)),
    ),
];

impl Model {
    /// What is usually chosen for it: its usual images and classes, and else [`Options::default`].
    pub fn options(&self) -> Options {
        Options { input: self.input, classes: self.classes, ..Options::default() }
    }
}

/// The model of this name.
///
/// ```
/// use evograd::models::model;
/// assert_eq!(model("resnet50")?.classes, 1000);
/// assert_eq!(model("wrn-40-4")?.input, [3, 32, 32]);
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there is none; the error says which names are near.
pub fn model(name: &str) -> Result<&'static Model> {
    let own = CATALOGUE.iter().find(|model| model.name == name);
    let relative = || CATALOGUE.iter().find(|model| model.numbers(name).is_some() || model.is_coded_as(name));
    own.or_else(relative).ok_or_else(|| unknown(name))
}

/// The network of this name.
///
/// ```
/// use evograd::models::{Options, spec};
/// let plan = spec("resnet20", &Options::default())?.plan()?;
/// assert_eq!((plan.parameters(), plan.macs()), (272_474, 40_813_184));
/// # Ok::<(), evograd::Error>(())
/// ```
///
/// # Errors
/// When there is no model of this name, its numbers make no network, or an option is out of range.
pub fn spec(name: &str, options: &Options) -> Result<Spec> {
    let model = model(name)?;
    options.check().map_err(|error| error.at(name))?;
    match model.build {
        Whole(build) => Ok(build(name, options)),
        Coded => genetic_cnn::network(&name.parse::<Code>()?, options).map_err(|error| error.at(name)),
        Numbered(build) => {
            let numbers = model.numbers(name).expect("a model was found for its numbers");
            build(name, numbers, options).map_err(|error| error.at(name))
        }
    }
}

impl Model {
    /// Whether `name` is a code, or the name of one, and this model stands for all of them.
    fn is_coded_as(&self, name: &str) -> bool {
        let code = name.starts_with(['0', '1']);
        matches!(self.build, Coded) && (code || PRESETS.iter().any(|(preset, _)| *preset == name))
    }

    /// The two numbers in `name`, where it is this model's name but for the numbers.
    fn numbers(&self, name: &str) -> Option<[usize; 2]> {
        let Numbered(_) = self.build else { return None };
        if name.split('-').count() != self.name.split('-').count() {
            return None;
        }
        let mut numbers = Vec::new();
        for (part, own) in name.split('-').zip(self.name.split('-')) {
            match own.parse::<usize>() {
                Ok(_) => numbers.push(part.parse().ok()?),
                Err(_) if part == own => {}
                Err(_) => return None,
            }
        }
        numbers.try_into().ok()
    }
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = CATALOGUE.iter().map(|model| model.name).collect();
    let distance = |other: &str| edits(&name.to_lowercase(), other);
    let nearest = names.iter().map(|other| distance(other)).min().unwrap_or(usize::MAX);
    let near: Vec<&str> = names.iter().copied().filter(|other| distance(other) == nearest).collect();
    let guess = if nearest <= 3 { format!("did you mean {}? ", near.join(" or ")) } else { String::new() };
    let remedy = format!(
        "{guess}there are {}, wrn and densenet with other numbers, and codes such as 1-01|0-01-100",
        names.join(", ")
    );
    Error::op("model", format!("there is no model called {name:?}"), &[], remedy)
}

/// How many letters must be put in, taken out or changed to make one word of the other (Levenshtein's distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let changed = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_words_is_known() {
        for (a, b, distance) in [("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("same", "same", 0)] {
            assert_eq!((edits(a, b), edits(b, a)), (distance, distance), "{a} {b}");
        }
    }

    #[test]
    fn numbers_are_read_from_names_of_the_same_form() {
        let model = |name| CATALOGUE.iter().find(|model| model.name == name).unwrap();
        assert_eq!(model("wrn-28-10").numbers("wrn-16-4"), Some([16, 4]));
        assert_eq!(model("densenet-bc-100-12").numbers("densenet-bc-250-24"), Some([250, 24]));
        for name in ["wrn-28", "wrn-28-10-3", "wrn-28-x", "wrx-28-10", "wrn-28-99999999999999999999"] {
            assert_eq!(model("wrn-28-10").numbers(name), None, "{name}");
        }
        assert_eq!(model("densenet-40-12").numbers("densenet-bc-100-12"), None);
        assert_eq!(model("resnet20").numbers("resnet20"), None);
    }
}
