//! What can be chosen about a model on the command line, for every command that builds one.

use anyhow::{Result, bail};
use evograd::Fusion;
use evograd::models::{Options, Shortcut};

/// Choices about a model.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ModelArgs {
    /// How two branches are joined: sum, product, max, sum+max, sort or sort-root [default: sum]
    #[arg(long, value_name = "FUSION", help_heading = "Model")]
    fusion: Option<Fusion>,
    /// The ε under the root of sort-root [default: 1e-4]
    #[arg(long, value_name = "E", help_heading = "Model", allow_hyphen_values = true)]
    epsilon: Option<f64>,
    /// How a residual block's input is made to fit its output: conv or pad [default: conv]
    #[arg(long, value_name = "KIND", help_heading = "Model")]
    shortcut: Option<Shortcut>,
    /// What every number of channels is multiplied with [default: 1]
    #[arg(long, value_name = "FACTOR", help_heading = "Model", allow_hyphen_values = true)]
    width: Option<f64>,
    /// The probability of every dropout layer; 0 for none [default: the model's own]
    #[arg(long, value_name = "P", help_heading = "Model", allow_hyphen_values = true)]
    dropout: Option<f64>,
}

impl ModelArgs {
    /// The given options with these choices in them.
    ///
    /// # Errors
    /// When `--epsilon` is given to a fusion that has none. Ranges are the model's to check.
    pub fn apply(&self, options: Options) -> Result<Options> {
        Ok(Options {
            fusion: self.fusion(options.fusion)?,
            shortcut: self.shortcut.unwrap_or(options.shortcut),
            width: self.width.unwrap_or(options.width),
            dropout: self.dropout.or(options.dropout),
            ..options
        })
    }

    /// These choices as settings of a run, `model.key=value`. Whether they go together is the configuration's to check.
    pub fn settings(&self) -> Vec<String> {
        let epsilon = match (self.fusion, self.epsilon) {
            (_, Some(epsilon)) => Some(epsilon),
            (Some(Fusion::SortRoot { epsilon }), _) if epsilon != Fusion::DEFAULT_EPSILON => Some(epsilon),
            _ => None,
        };
        let given = [
            ("fusion", self.fusion.map(|fusion| fusion.name().to_string())),
            ("epsilon", epsilon.map(|epsilon| format!("{epsilon:?}"))),
            ("shortcut", self.shortcut.map(|shortcut| shortcut.to_string())),
            ("width", self.width.map(|width| format!("{width:?}"))),
            ("dropout", self.dropout.map(|p| format!("{p:?}"))),
        ];
        given.into_iter().filter_map(|(key, value)| Some(format!("model.{key}={}", value?))).collect()
    }

    /// Whether a fusion was asked for.
    pub fn asks_for_fusion(&self) -> bool {
        self.fusion.is_some()
    }

    fn fusion(&self, usual: Fusion) -> Result<Fusion> {
        match (self.fusion.unwrap_or(usual), self.epsilon) {
            (fusion, None) => Ok(fusion),
            (Fusion::SortRoot { .. }, Some(epsilon)) => Ok(Fusion::SortRoot { epsilon }),
            (fusion, Some(epsilon)) => {
                bail!("--epsilon {epsilon}: the fusion {fusion} has no ε; use --fusion sort-root with it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_replace_what_is_usual_and_epsilon_belongs_to_one_fusion() {
        let none = ModelArgs::default();
        assert_eq!(none.apply(Options::default()).unwrap(), Options::default());
        let rooted = ModelArgs { fusion: Some("sort-root".parse().unwrap()), epsilon: Some(0.01), ..none.clone() };
        let options = rooted.apply(Options::default()).unwrap();
        assert_eq!(options.fusion, Fusion::SortRoot { epsilon: 0.01 });
        let wrong = ModelArgs { epsilon: Some(0.01), ..none };
        assert_eq!(
            wrong.apply(Options::default()).unwrap_err().to_string(),
            "--epsilon 0.01: the fusion sum has no ε; use --fusion sort-root with it"
        );
    }
}
