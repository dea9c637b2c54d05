//! What each setting means, in a line, for people who read a configuration.

/// Every key that is not plain from its name, with what it counts.
const NOTES: [(&str, &str); 22] = [
    ("epsilon", "under the root of sort-root; of adam and adamw, added to the root"),
    ("shortcut", "conv or pad, in residual networks"),
    ("width", "every number of channels is multiplied with it"),
    ("samples", "training pictures used; 0 for all"),
    ("validation", "training pictures held out to choose by; 0 for none"),
    ("crop", "black pixels around a picture, of which a piece is cut at random; 0 for none"),
    ("cutout", "side of a square that is blotted out, in pixels; 0 for none"),
    ("threads", "threads that make batches"),
    ("batch", "pictures in a step"),
    ("label_smoothing", "share of each target that is spread over all classes"),
    ("disturb_label", "probability that a label is drawn anew, in each epoch"),
    ("clip", "greatest norm of a gradient; 0 for no limit"),
    ("log_every", "steps from one row of metrics to the next"),
    ("checkpoint_seconds", "there is one after each epoch in any case"),
    ("rule", "sgd, adam or adamw"),
    ("rate", "the highest learning rate"),
    ("decay_all", "whether biases and scales of normalisations decay too"),
    ("kind", "constant, step, cosine or one-cycle"),
    ("warmup", "epochs in which the rate rises from near 0"),
    ("peak", "where one-cycle is highest, as a share of the run"),
    ("milestones", "where step lowers the rate, as shares of the run"),
    ("factor", "what step multiplies the rate with"),
];

/// The text of a configuration with a comment behind each key that has a note, one of `more` before one of these.
pub(crate) fn annotated(toml: &str, more: &[(&str, &str)]) -> String {
    let note = |line: &str| {
        let key = line.split_once(" = ")?.0;
        more.iter().chain(&NOTES).find(|(known, _)| *known == key).map(|(_, note)| format!("{line:<28} # {note}"))
    };
    toml.lines().map(|line| note(line).unwrap_or_else(|| line.to_string()) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Config;

    #[test]
    fn notes_belong_to_keys_and_change_nothing() {
        let plain = toml::to_string(&Config::default()).unwrap();
        let text = annotated(&plain, &[]);
        for (key, note) in NOTES {
            assert!(text.lines().any(|line| line.starts_with(&format!("{key} = ")) && line.ends_with(note)), "{key}");
        }
        assert_eq!(Config::parse(&text, &[]).unwrap(), Config::default());
    }
}
