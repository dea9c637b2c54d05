//! Finds words that this project made up where its field has one.
//!
//! Words are looked for in whole lines, so in identifiers, comments and texts alike: `side_by_side` and `SideBySide` are three.

/// A phrase in lower case, and what to write instead. A phrase is put here once it is gone from the whole project.
pub const REPLACED: &[(&str, &str)] = &[
    ("asked for its answers", "evaluated"),
    ("bred", "evolved"),
    ("by squares", "by Winograd F(4×4, 3×3)"),
    ("by tiles", "by Winograd F(4, 3) or F(2, 5)"),
    ("conv flat", "pointwise convolution"),
    ("deals", "de-interleaves, distributes"),
    ("dealt", "de-interleaved, distributed"),
    ("flatten from", "flatten"),
    ("gone through", "seen, trained as a whole"),
    ("hears", "is called with"),
    ("hits", "correct predictions"),
    ("keepsake", "saved value"),
    ("kink", "point without a derivative"),
    ("kinks", "nondifferentiable"),
    ("only reader", "single consumer"),
    ("picture", "image"),
    ("pictures", "images"),
    ("piece", "chunk"),
    ("pieces", "chunks"),
    ("piles", "parts"),
    ("right answers", "correct predictions"),
    ("roof", "roofline, peak"),
    ("shelf", "free list"),
    ("shelves", "free lists"),
    ("side by side", "in parallel; of places, next to each other"),
    ("square product", "Winograd F(4×4, 3×3)"),
    ("strips", "channels-last copies"),
    ("taken in", "consumed"),
    ("takes in", "consumes"),
    ("tile product", "Winograd F(4, 3)"),
    ("told", "reported, known, distinguished"),
    ("worse half", "successive halving"),
];

/// The words of a line in lower case, each between spaces: identifiers are taken apart at underscores and capital letters.
fn words(line: &str) -> String {
    let (mut words, mut before) = (String::from(" "), ' ');
    for c in line.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
        before = c;
    }
    words.push(' ');
    words
}

/// The lines of a text with replaced words: `line 3: chunk, not "piece": …`.
pub fn replaced(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Old names of fields in files are still read.
    let is_alias = |line: &str| line.contains("serde(alias");
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !is_alias(line)) {
        let words = words(line);
        for (phrase, instead) in REPLACED {
            if words.contains(&format!(" {phrase} ")) {
                found.push(format!("line {}: {instead}, not \"{phrase}\": {}", number + 1, line.trim()));
            }
        }
    }
    found
}
