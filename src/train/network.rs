//! The network that settings ask for. Knows the models by their names and options; knows no family.

use super::config::Config;
use super::refuse::refuse;
use crate::error::Result;
use crate::models::genetic_cnn::Backbone;
use crate::models::{self, Options, Spec};

impl Config {
    /// The network that the settings ask for, for images `[C, H, W]` and the number of classes of a set.
    ///
    /// ```
    /// use evograd::train::Config;
    /// let config = Config::parse("", &["model.name=lenet".into(), "model.fusion=sort".into()])?;
    /// let error = config.spec([3, 32, 32], 10).unwrap_err().to_string();
    /// assert!(error.starts_with("configuration: no branches meet in lenet, so it has no use for sort; "));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// ```
    /// use evograd::train::Config;
    /// let config = Config::parse("", &["model.name=linear".into()])?;
    /// assert_eq!(config.spec([3, 32, 32], 10)?.plan()?.parameters(), 10 * (3 * 32 * 32 + 1));
    /// # Ok::<(), evograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the model is unknown or does not take such images, a choice is out of its range, or the model has no use for one.
    pub fn spec(&self, input: [usize; 3], classes: usize) -> Result<Spec> {
        let options = self.options(input, classes)?;
        let spec = models::fitting(input, self.data.size.map(|_| "data.size"), |input| {
            models::spec(&self.model.name, &Options { input, ..options.clone() })
        })?;
        for choice in choices(&options) {
            // A choice is of use where another one makes another network.
            if choice.instead != options && models::spec(&self.model.name, &choice.instead)? == spec {
                let (name, Choice { key, lacks, given, .. }) = (&self.model.name, choice);
                let problem = format!("{lacks} {name}, so it has no use for {given}");
                return Err(refuse(problem, &format!("leave {key} out, or choose another model")));
            }
        }
        Ok(spec)
    }
}

/// A choice that a model may have no use for.
struct Choice {
    key: &'static str,
    /// What a model lacks that has no use for it.
    lacks: &'static str,
    given: String,
    /// The same options without it.
    instead: Options,
}

fn choices(options: &Options) -> [Choice; 5] {
    let usual = Options::default();
    // So far from the one that was given that even few channels are others.
    let other_width = if options.width < 8.0 { 64.0 } else { 1.0 };
    [
        Choice {
            key: "model.fusion",
            lacks: "no branches meet in",
            given: options.fusion.to_string(),
            instead: Options { fusion: usual.fusion, ..options.clone() },
        },
        Choice {
            key: "model.shortcut",
            lacks: "no block is made smaller or deeper by a shortcut in",
            given: options.shortcut.to_string(),
            instead: Options { shortcut: usual.shortcut, ..options.clone() },
        },
        Choice {
            key: "model.dropout",
            lacks: "there is no dropout in",
            given: options.dropout.map_or_else(String::new, |p| p.to_string()),
            // Whose probability is the model's own or 0 has asked for nothing that it lacks.
            instead: Options { dropout: options.dropout.map(|_| 0.0), ..options.clone() },
        },
        Choice {
            key: "model.width",
            lacks: "there are no channels to multiply in",
            given: format!("a width of {}", options.width),
            instead: Options {
                width: if options.width == usual.width { usual.width } else { other_width },
                ..options.clone()
            },
        },
        Choice {
            key: "model.backbone",
            lacks: "there are no stages of nodes in",
            given: "a backbone".into(),
            instead: Options { backbone: options.backbone.clone().map(another), ..options.clone() },
        },
    ]
}

fn another(backbone: Backbone) -> Backbone {
    let features = if backbone.features == 1 { 2 } else { backbone.features - 1 };
    Backbone { features, ..backbone }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::CATALOGUE;
    use crate::nn::{AnyLayer, Dropout, Fuse, Subsample};

    fn spec(name: &str, setting: &str) -> Result<Spec> {
        let settings = [format!("model.name={name}"), setting.to_string()];
        Config::parse("", &settings).unwrap().spec(models::model(name).unwrap().input, 10)
    }

    /// The layers of a network say what it has a use for.
    #[test]
    fn a_choice_is_refused_where_no_layer_follows_it() {
        type Follows = fn(&AnyLayer) -> bool;
        let table: [(&str, &str, Follows); 4] = [
            ("model.fusion=sort", "no branches meet in", |layer| matches!(layer, AnyLayer::Fuse(Fuse { .. }))),
            ("model.fusion=sort-root(0.5)", "no branches meet in", |layer| matches!(layer, AnyLayer::Fuse(_))),
            ("model.shortcut=pad", "no block is made", |layer| matches!(layer, AnyLayer::Subsample(Subsample { .. }))),
            ("model.dropout=0.3", "there is no dropout in", |layer| matches!(layer, AnyLayer::Dropout(Dropout { .. }))),
        ];
        let mut refused = 0;
        for model in CATALOGUE {
            for (setting, lacks, follows) in table {
                let every = Options { shortcut: models::Shortcut::Pad, dropout: Some(0.3), ..model.options() };
                let has = models::spec(model.name, &every).unwrap().nodes.iter().any(|node| follows(&node.layer));
                match spec(model.name, setting) {
                    Ok(_) => assert!(has, "{} {setting}", model.name),
                    Err(error) => {
                        refused += 1;
                        let text = error.to_string();
                        assert!(!has && text.contains(lacks) && text.contains(model.name), "{setting}: {text}");
                    }
                }
            }
        }
        assert!(refused > 20, "{refused}");
    }

    #[test]
    fn what_is_usual_and_what_leaves_out_is_never_refused() {
        for setting in ["model.fusion=sum", "model.shortcut=conv", "model.dropout=0", "model.width=1"] {
            spec("linear", setting).unwrap();
        }
        let text = spec("linear", "model.width=0.5").unwrap_err().to_string();
        assert!(
            text.contains("there are no channels to multiply in linear, so it has no use for a width of 0.5"),
            "{text}"
        );
        // Rounded, it changes nothing in this network, and would in another.
        spec("lenet", "model.width=1.001").unwrap();
        // The same as LeNet's own.
        spec("lenet", "model.dropout=0.5").unwrap();
        assert_eq!(
            spec("resnet20", "model.dropout=0.5").unwrap_err().to_string(),
            "configuration: there is no dropout in resnet20, so it has no use for 0.5; leave model.dropout out, or choose \
             another model"
        );
    }
}
