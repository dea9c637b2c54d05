//! What can be chosen about a model on the command line, for every command that builds one.

use super::values::{setting, written};
use evograd::Fusion;
use evograd::models::Shortcut;

/// Choices about a model.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ModelArgs {
    /// Fusion of two branches: sum, product, max, sum+max, sort or sort-root [default: sum]
    #[arg(long, value_name = "FUSION", help_heading = "Model", value_parser = written::<Fusion>)]
    fusion: Option<Fusion>,
    /// The ε under the root of sort-root [default: 1e-4]
    #[arg(long, value_name = "E", help_heading = "Model", allow_hyphen_values = true, value_parser = setting::<f64>("model.epsilon"))]
    epsilon: Option<f64>,
    /// Shortcut of a residual block whose shape changes: conv or pad [default: conv]
    #[arg(long, value_name = "KIND", help_heading = "Model", value_parser = written::<Shortcut>)]
    shortcut: Option<Shortcut>,
    /// Width multiplier: scales every number of channels [default: 1]
    #[arg(long, value_name = "FACTOR", help_heading = "Model", allow_hyphen_values = true, value_parser = setting::<f64>("model.width"))]
    width: Option<f64>,
    /// Dropout probability of all dropout layers; 0 for none [default: the model's own]
    #[arg(long, value_name = "P", help_heading = "Model", allow_hyphen_values = true, value_parser = setting::<f64>("model.dropout"))]
    dropout: Option<f64>,
}

impl ModelArgs {
    /// These choices as settings, `model.key=value`. Whether they go together, and whether the model has a use for them, is
    /// the configuration's to check.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_set() {
        assert!(ModelArgs::default().settings().is_empty());
        let fusion = |name: &str| ModelArgs { fusion: Some(name.parse().unwrap()), ..ModelArgs::default() };
        assert_eq!(fusion("sort-root").settings(), ["model.fusion=sort-root"]);
        assert_eq!(fusion("sort-root(0.1)").settings(), ["model.fusion=sort-root", "model.epsilon=0.1"]);
        let (shortcut, width) = (Some(Shortcut::Pad), Some(0.5));
        let all = ModelArgs { epsilon: Some(0.01), shortcut, width, dropout: Some(0.0), ..fusion("sort-root") };
        let wanted = ["fusion=sort-root", "epsilon=0.01", "shortcut=pad", "width=0.5", "dropout=0.0"];
        assert_eq!(all.settings(), wanted.map(|setting| format!("model.{setting}")));
    }
}
