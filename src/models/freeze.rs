//! Which weights of a network stay as they are while it is trained, by patterns of their names. Knows names; knows no optimiser.

use super::network::Network;
use crate::error::{Error, Result};
use evograd_kernels::Element;

impl<E: Element> Network<E> {
    /// Freezes the weights whose names match `pattern`, such as `conv1.*` or `layer?.0.bn*.weight`: `*` is any run of characters,
    /// `?` any single one. Returns how many weights match.
    ///
    /// A frozen weight is a constant of [`Network::train`]: no gradient of it is computed, nor anything that only such gradients
    /// need, and [`Trainer`](crate::train::Trainer) moves it by no decay and no momentum. Running statistics of a batch
    /// normalisation follow the batches all the same, as they do in PyTorch where `requires_grad` is false and the module is in
    /// training mode. [`Network::trainable`] names the others. [`Network::frozen`] is another thing: a network for inference.
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// use evograd::{Tape, Tensor};
    /// let mut network = Network::<f32>::new(&models::spec("lenet", &Options::default())?, 0)?;
    /// assert_eq!(network.freeze("conv?.*")?, 6); // the weights and biases of three convolutions
    /// let (_, leaves) = network.train(&Tape::new(), &Tensor::zeros([2, 3, 32, 32])?, 0, 0)?;
    /// let tracked: Vec<bool> = leaves.iter().map(|leaf| leaf.is_tracked()).collect();
    /// assert_eq!(tracked, [false, false, false, false, false, false, true, true, true, true]);
    /// assert!(network.trainable().eq(["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]));
    /// network.unfreeze();
    /// assert_eq!(network.trainable().count(), 10);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When no weight matches, or none would be left to train; nothing is frozen then.
    pub fn freeze(&mut self, pattern: &str) -> Result<usize> {
        let names: Vec<String> = self.weight_names().collect();
        let matches: Vec<bool> = names.iter().map(|name| is_match(pattern, name)).collect();
        let count = matches.iter().filter(|matches| **matches).count();
        if count == 0 {
            let remedy = what_would_match(pattern, &names);
            return Err(Error::op("freeze", format!("no weight matches {pattern:?}"), &[], remedy));
        }
        if self.freezing().iter().zip(&matches).all(|(before, now)| *before || *now) {
            let problem = format!("with {pattern:?} every weight is frozen, and none is left to train");
            return Err(Error::op("freeze", problem, &[], "leave at least one weight out"));
        }
        self.freezing_mut().iter_mut().zip(matches).for_each(|(frozen, matches)| *frozen |= matches);
        Ok(count)
    }

    /// Lets all weights be trained again.
    pub fn unfreeze(&mut self) {
        self.freezing_mut().fill(false);
    }

    /// The names of the weights that are trained, which are those that [`Network::freeze`] has not frozen, in the order of
    /// [`Network::weights`].
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// let mut network = Network::<f32>::new(&models::spec("linear", &Options::default())?, 0)?;
    /// network.freeze("*.bias")?;
    /// assert!(network.trainable().eq(["fc.weight"]));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    pub fn trainable(&self) -> impl Iterator<Item = String> + '_ {
        self.weight_names().zip(self.freezing()).filter(|(_, frozen)| !**frozen).map(|(name, _)| name)
    }

    /// Whether the weight of this name is trained, and not frozen by [`Network::freeze`].
    ///
    /// ```
    /// use evograd::models::{self, Network, Options};
    /// let mut network = Network::<f32>::new(&models::spec("linear", &Options::default())?, 0)?;
    /// network.freeze("*.bias")?;
    /// assert!(network.is_trainable("fc.weight")? && !network.is_trainable("fc.bias")?);
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When there is no weight of this name.
    pub fn is_trainable(&self, name: &str) -> Result<bool> {
        let found = self.weight_names().position(|own| own == name);
        found.map(|i| !self.freezing()[i]).ok_or_else(|| {
            let names: Vec<String> = self.weight_names().collect();
            let problem = format!("{} has no weight called {name:?}", self.plan().spec().name);
            Error::op("is_trainable", problem, &[], format!("name one such as {}", first_of(&names)))
        })
    }

    /// Trains the weights of these names and freezes all others; `false` where one is of no weight or there is none, and then
    /// nothing changes.
    #[cfg(feature = "training")]
    pub(crate) fn train_only(&mut self, names: &[String]) -> bool {
        let frozen: Vec<bool> = self.weight_names().map(|own| !names.contains(&own)).collect();
        let found = frozen.iter().filter(|frozen| !**frozen).count() == names.len() && !names.is_empty();
        if found {
            self.freezing_mut().copy_from_slice(&frozen);
        }
        found
    }

    /// The names of all weights, in order.
    fn weight_names(&self) -> impl Iterator<Item = String> + '_ {
        self.plan().layers().iter().flat_map(|layer| layer.weight_names())
    }
}

/// The first few of these names.
fn first_of(names: &[String]) -> String {
    const SHOWN: usize = 4;
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// What to write instead of a pattern that matches no name.
fn what_would_match(pattern: &str, names: &[String]) -> String {
    let below = format!("{pattern}.*");
    if names.iter().any(|name| is_match(&below, name)) {
        return format!("match the weights below it by {below}");
    }
    format!("match a name such as {}", first_of(names))
}

/// Whether a name matches a pattern: at a `*` the shortest run is tried first, and a longer one where the rest does not fit.
fn is_match(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{self, Options};

    #[test]
    fn patterns_match_as_a_shells_do() {
        let table = [
            ("conv1.*", "conv1.weight", true),
            ("conv1.*", "conv10.weight", false),
            ("conv?.weight", "conv1.weight", true),
            ("conv?.weight", "conv.weight", false),
            ("*", "", true),
            ("", "a", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXb", false),
            ("*.bias", "fc.1.bias", true),
            ("*ab", "aab", true),
            ("layer1.?.bn*", "layer1.0.bn2.weight", true),
            ("conv1", "conv1.weight", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_matches_nothing_or_everything_is_refused_and_freezes_nothing() {
        let mut network = Network::<f32>::new(&models::spec("linear", &Options::default()).unwrap(), 0).unwrap();
        let text = network.freeze("conv*").unwrap_err().to_string();
        assert_eq!(text, "freeze: no weight matches \"conv*\"; match a name such as fc.weight, fc.bias");
        let text = network.freeze("fc").unwrap_err().to_string();
        assert_eq!(text, "freeze: no weight matches \"fc\"; match the weights below it by fc.*");
        let text = network.freeze("*").unwrap_err().to_string();
        assert!(text.starts_with("freeze: with \"*\" every weight is frozen"), "{text}");
        assert!(network.trainable().eq(["fc.weight", "fc.bias"]));
        assert_eq!(network.freeze("fc.bias"), Ok(1));
        assert!(network.freeze("*.weight").is_err());
        assert!(network.trainable().eq(["fc.weight"]));
        let text = network.is_trainable("fc").unwrap_err().to_string();
        assert_eq!(text, "is_trainable: linear has no weight called \"fc\"; name one such as fc.weight, fc.bias");
    }
}
