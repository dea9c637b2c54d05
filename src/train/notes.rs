//! What each setting means, in a line, for people who read a configuration.

/// Every key that is not plain from its name, with what it counts.
const NOTES: [(&str, &str); 31] = [
    ("model.epsilon", "ε in sort-root's √(R(x)·R(f) + ε)"),
    ("model.shortcut", "conv or pad, in residual networks"),
    ("model.width", "width multiplier: scales every number of channels"),
    ("data.size", "rows and columns that images of folders are scaled to"),
    ("data.samples", "training images used; 0 for all"),
    ("data.validation", "training images held out for validation; 0 for none"),
    ("data.flip", "random horizontal flips"),
    ("data.split_seed", "seed of the split into training and validation"),
    ("data.crop", "zero padding for random crops, in pixels; 0 for none"),
    ("data.cutout", "side of the masked square, in pixels; 0 for none"),
    ("data.threads", "threads that make batches"),
    ("training.batch", "images in a step"),
    ("training.seed", "of weights, data order, augmentation and dropout"),
    ("training.label_smoothing", "share of each target spread over all classes"),
    ("training.disturb_label", "probability that a label is replaced at random, per epoch"),
    ("training.clip", "maximum norm of the gradient; 0 for no clipping"),
    ("training.log_every", "steps between rows of metrics"),
    ("training.checkpoint_seconds", "between checkpoints within an epoch"),
    ("training.freeze", "weights that stay as they are, by patterns of names"),
    ("training.init_from", "file or run whose weights it begins with, where they fit"),
    ("optimizer.rule", "sgd, adam or adamw"),
    ("optimizer.momentum", "of sgd"),
    ("optimizer.betas", "β₁ and β₂ of adam and adamw"),
    ("optimizer.epsilon", "ε in the denominator of adam and adamw"),
    ("optimizer.rate", "peak learning rate"),
    ("optimizer.decay_all", "weight decay of biases and normalisation too"),
    ("schedule.kind", "constant, step, cosine or one-cycle"),
    ("schedule.warmup", "epochs of linear warm-up"),
    ("schedule.peak", "position of one-cycle's peak, as a share of the run"),
    ("schedule.milestones", "where step decays, as shares of the run"),
    ("schedule.factor", "decay factor of step"),
];

/// The columns of a terminal: a note that does not fit behind its key stands above it.
const COLUMNS: usize = 80;

/// The text of a configuration with a comment at each key that has a note, `section.key`; one of `more` comes before one of
/// these.
pub(crate) fn annotated(toml: &str, more: &[(&str, &str)]) -> String {
    let (mut section, mut text) = ("", String::new());
    for line in toml.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let name = line.split_once(" = ").map(|(key, _)| format!("{section}.{key}"));
        let note = name.and_then(|name| more.iter().chain(&NOTES).find(|(known, _)| *known == name));
        text += &match note.map(|(_, note)| (format!("{line:<28} # {note}"), note)) {
            None => line.to_string(),
            Some((beside, _)) if beside.chars().count() <= COLUMNS => beside,
            Some((_, note)) => format!("# {note}\n{line}"),
        };
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Config;

    #[test]
    fn notes_belong_to_keys_and_change_nothing() {
        let more = ["training.freeze=['conv1.*']", "training.init_from=a"];
        let set = ["data.validation=7", "data.size=64", more[0], more[1]].map(String::from);
        let config = Config::parse("", &set).unwrap();
        let text = annotated(&toml::to_string(&config).unwrap(), &[]);
        for (name, note) in NOTES {
            let (section, key) = name.split_once('.').unwrap();
            let part = text.split(&format!("[{section}]\n")).nth(1).unwrap().split("\n[").next().unwrap();
            let lines: Vec<&str> = part.lines().collect();
            let place = lines.iter().position(|line| line.starts_with(&format!("{key} = "))).unwrap();
            let above = place > 0 && lines[place - 1] == format!("# {note}");
            assert!(lines[place].ends_with(&format!(" # {note}")) || above, "{name}: {lines:?}");
        }
        assert_eq!(Config::parse(&text, &[]).unwrap(), config);
    }
}
