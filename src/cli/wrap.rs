//! Texts in lines that fit a width. Knows no terminal.

/// What a line of progress takes where no terminal says.
const LINE: usize = 80;

/// The first text if a line holds it, or else the second, which says less.
pub fn fuller(whole: String, less: impl FnOnce() -> String) -> String {
    if columns(&whole) <= LINE { whole } else { less() }
}

/// The columns that a text takes. All that is printed here is one column wide.
pub fn columns(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A text whose lines are broken between words where they are wider than `width`; what follows stands under the line's
/// first word. Lines that fit stay as they are, and a word that is too long for any line too.
pub fn wrapped(text: &str, width: usize) -> String {
    let broken = |line: &str| {
        if columns(line) <= width {
            return line.to_string();
        }
        let indent = line.len() - line.trim_start_matches([' ', '#']).len();
        let (before, rest) = line.split_at(indent);
        let lines = broken_lines(rest, width.saturating_sub(columns(before)).max(1));
        lines.map(|line| format!("{before}{line}")).collect::<Vec<_>>().join("\n")
    };
    text.split('\n').map(broken).collect::<Vec<_>>().join("\n")
}

/// A text in lines that are broken between words.
pub fn broken_lines(text: &str, width: usize) -> impl Iterator<Item = String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.into_iter()
}

/// The beginning of a text that fits; what is cut off leaves an ellipsis.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_string();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_keep_their_indentation() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
        assert_eq!(wrapped("# one two\nx  y", 6), "# one\n# two\nx  y");
        assert_eq!(wrapped("incomprehensible if so", 4), "incomprehensible\nif\nso");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!([cut("3×3×3", 5), cut("3×3×3", 4), cut("ab", 0)], ["3×3×3", "3×3…", "…"]);
    }
}
