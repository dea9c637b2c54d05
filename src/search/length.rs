//! How long a network is trained: for some epochs, or until it has seen so many images. The rungs S, M and L are names for three
//! numbers of images.
//!
//! The same number of images is worth more from many different ones than from a few that are seen again (Zhou et al.), so
//! as many are drawn as there may be, and seen as often as needed.
//!
//! **Source** Zhou et al., *EcoNAS: Finding proxies for economical neural architecture search*, CVPR 2020.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The rungs, by the images that a network sees.
const RUNGS: [(&str, u32); 3] = [("S", 20_000), ("M", 120_000), ("L", 320_000)];
/// The most images that differ: four fifths of CIFAR-10, the rest is for validation.
const DIFFERENT: u32 = 40_000;
/// Images held out for validation with a rung: chance makes 0.5 % of their accuracy.
pub(super) const VALIDATION: usize = 10_000;

/// The length of a training. As a text: `3` epochs of the samples that the settings have; `S`, `M` or `L`; or `60k` images.
///
/// ```
/// use evograd::search::Length;
/// assert_eq!("3".parse::<Length>()?, Length::Epochs(3));
/// assert_eq!("M".parse::<Length>()?, Length::Images(120_000));
/// assert_eq!("320k".parse::<Length>()?.to_string(), "L");
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many times through all samples.
    Epochs(u32),
    /// So many images, in thousands that are whole.
    Images(u32),
}

impl Length {
    /// Different images, and how often each is seen; of a number of epochs alone the images are not known.
    pub(super) fn samples_and_epochs(self) -> (usize, u32) {
        match self {
            Length::Epochs(epochs) => (0, epochs),
            Length::Images(images) => {
                let epochs = images.div_ceil(DIFFERENT);
                ((images / epochs) as usize, epochs)
            }
        }
    }
}

/// The default learning rate of a training of so many steps, in hundredths, which have no rounding: 3 up to 1,000 steps or where they are not
/// known, 4 from 3,000 on, and straight in the logarithm between them.
pub(super) fn hundredths(steps: Option<f64>) -> f64 {
    3.0 + steps.map_or(0.0, |steps| ((steps / 1000.0).ln() / 3.0_f64.ln()).clamp(0.0, 1.0))
}

/// The steps of a training; `None` where all samples are to be taken, however many they are.
pub(super) fn steps(samples: f64, epochs: f64, batch: f64) -> Option<f64> {
    (samples > 0.0 && batch > 0.0).then(|| (samples / batch).ceil() * epochs)
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Epochs(epochs) => write!(f, "{epochs}"),
            Length::Images(images) => match RUNGS.iter().find(|(_, of)| of == images) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "{}k", images / 1000),
            },
        }
    }
}

impl FromStr for Length {
    type Err = Error;

    fn from_str(text: &str) -> Result<Length> {
        let named = RUNGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, images)| *images);
        let thousands = text.strip_suffix(['k', 'K']).and_then(|text| text.parse::<u32>().ok());
        let images = named.or(thousands.filter(|count| (1..=100_000).contains(count)).map(|count| count * 1000));
        let epochs = text.parse().ok().filter(|epochs| (1..=100_000).contains(epochs));
        images.map(Length::Images).or(epochs.map(Length::Epochs)).ok_or_else(|| {
            let remedy =
                "give S, M or L, images in whole thousands from 1k to 100000k, as 60k, or 1 to 100000 epochs, as 3";
            Error::op("length", format!("{text:?} is no length of a training"), &[], remedy)
        })
    }
}

/// A length, and how often each network is trained so. As a text: `Sx2`, or `24` for once.
///
/// ```
/// use evograd::search::{Length, Repeated};
/// let twice: Repeated = "3x2".parse()?;
/// assert_eq!(twice, Repeated { length: Length::Epochs(3), times: 2 });
/// # Ok::<(), evograd::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Repeated {
    /// The length of each training.
    pub length: Length,
    /// How often each network is trained, each time with another seed.
    pub times: u32,
}

impl fmt::Display for Repeated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.times {
            1 => write!(f, "{}", self.length),
            times => write!(f, "{}x{times}", self.length),
        }
    }
}

impl FromStr for Repeated {
    type Err = Error;

    fn from_str(text: &str) -> Result<Repeated> {
        let (length, times) = text.split_once('x').unwrap_or((text, "1"));
        let length = length.parse()?;
        match times.parse() {
            Ok(times) if (1..=1000).contains(&times) => Ok(Repeated { length, times }),
            _ => {
                let problem = format!("{text:?} trains each network {times:?} times");
                Err(Error::op("length", problem, &[], "write 3x2 for three epochs, two times; 1 to 1000 times"))
            }
        }
    }
}

impl From<Repeated> for String {
    fn from(repeated: Repeated) -> String {
        repeated.to_string()
    }
}

impl TryFrom<String> for Repeated {
    type Error = Error;

    fn try_from(text: String) -> Result<Repeated> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_and_nonsense_is_refused() {
        for (text, length) in [
            ("3", Length::Epochs(3)),
            ("S", Length::Images(20_000)),
            ("L", Length::Images(320_000)),
            ("60k", Length::Images(60_000)),
        ] {
            assert_eq!((text.parse::<Length>().unwrap(), length.to_string().as_str()), (length, text));
            let twice = format!("{text}x2");
            assert_eq!(twice.parse::<Repeated>().unwrap().to_string(), twice);
        }
        for text in ["", "0", "k", "0k", "XL", "-1", "3.5", "4294967295k", "3x0", "x", "3x", "3xtwo", "3x2x2"] {
            assert!(text.parse::<Repeated>().is_err(), "{text}");
        }
    }

    #[test]
    fn images_come_before_epochs() {
        let of = |images| Length::Images(images).samples_and_epochs();
        assert_eq!(
            [20_000, 40_000, 60_000, 120_000, 320_000].map(of),
            [(20_000, 1), (40_000, 1), (30_000, 2), (40_000, 3), (40_000, 8)]
        );
    }
}
