//! Which images a network takes, for what is said of those that are too small or too large for it. Knows no family.

use super::spec::Spec;
use crate::error::{Error, Result};

/// No network asks for a larger side than this.
const LARGEST: usize = 512;

/// The network that `build` describes for images `[C, H, W]`, if it takes them. `setting` is what gave them their size, such as
/// `data.size`.
///
/// # Errors
/// When `build` fails, or a layer cannot work on what it is given. Where that is for the size of the images, the error says so,
/// and the least that the network takes.
pub(crate) fn fitting(
    input: [usize; 3],
    setting: Option<&str>,
    build: impl Fn([usize; 3]) -> Result<Spec>,
) -> Result<Spec> {
    let spec = build(input)?;
    let Err(error) = spec.plan() else { return Ok(spec) };
    let fits = |input| build(input).and_then(|spec| spec.plan()).is_ok();
    Err(misfit(&spec.name, input, setting, fits).unwrap_or(error))
}

/// What to say where a network does not take images for their size; `None` where it takes none of any size.
fn misfit(
    name: &str,
    [c, h, w]: [usize; 3],
    setting: Option<&str>,
    fits: impl Fn([usize; 3]) -> bool,
) -> Option<Error> {
    let least = (1..=LARGEST).find(|side| fits([c, *side, *side]))?;
    let (problem, remedy) = if h.min(w) < least {
        let problem =
            format!("images of {h}×{w} pixels are too small for {name}, which takes {least}×{least} and larger");
        (problem, setting.map_or("use larger images".into(), |key| format!("set {key} to {least} or more")))
    } else if h.max(w) > LARGEST {
        let problem =
            format!("images of {h}×{w} pixels are too large for {name}: no memory has room for what it makes of them");
        (
            problem,
            setting.map_or("use smaller images".into(), |key| format!("set {key} to a smaller number, as {least}")),
        )
    } else {
        return None;
    };
    Some(Error::op("configuration", problem, &[], format!("{remedy}, or choose another model")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{self, CATALOGUE, Options};

    /// Of every model: one pixel less than it says is refused with the same number, and that number is taken.
    #[test]
    fn the_least_size_is_reported_and_is_the_least() {
        for model in CATALOGUE {
            let options = |input| Options { input, ..model.options() };
            let fit = |side: usize, setting| {
                let [c, ..] = model.input;
                fitting([c, side, side], setting, |input| models::spec(model.name, &options(input)))
            };
            let Err(error) = fit(1, Some("data.size")) else { continue };
            let text = error.to_string();
            let least: usize =
                text.split("set data.size to ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert!(text.contains("images of 1×1 pixels are too small for "), "{text}");
            fit(least, None).unwrap();
            let text = fit(least - 1, None).unwrap_err().to_string();
            assert!(text.contains(&format!("which takes {least}×{least} and larger; use larger images")), "{text}");
            let text = fit(1 << 24, Some("--input")).unwrap_err().to_string();
            assert!(text.contains("are too large for") && text.contains("set --input to a smaller number"), "{text}");
        }
    }
}
