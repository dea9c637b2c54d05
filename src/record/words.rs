//! What a reader of JSON or TOML finds wrong, in the words of people who do not program. Knows no file and no row.

use serde_json::Value;

/// What is wrong with a text in JSON that was to hold an object, and that its reader refused with this error.
pub(crate) fn refusal(text: &[u8], error: &serde_json::Error) -> String {
    if text.trim_ascii().is_empty() {
        return "it is empty".into();
    }
    match serde_json::from_slice::<Value>(text) {
        Ok(Value::Object(_)) => in_words(&error.to_string(), "an object in braces"),
        Ok(other) => format!("it holds {}, where an object in braces is expected", kind(&other)),
        Err(error) if error.is_eof() => "its JSON ends too early".into(),
        Err(error) => format!("it is no JSON: {error}"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A message without the names of a program's types: what holds named values is called `object`.
pub(crate) fn in_words(message: &str, object: &str) -> String {
    let mut words = message.to_string();
    for of_type in ["internally tagged enum ", "struct ", "enum "] {
        while let Some(start) = words.find(&format!("expected {of_type}")).map(|at| at + "expected ".len()) {
            let name = start + of_type.len();
            let end =
                words[name..].find(|letter: char| !letter.is_alphanumeric()).map_or(words.len(), |end| name + end);
            words.replace_range(start..end, object);
        }
    }
    const PLAIN: [(&str, &str); 16] = [
        ("invalid type: unit variant, expected string only", "expected a text"),
        ("expected usize", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a list of names and values"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: section"),
        ("wanted string or table", "expected a text"),
        ("wanted exactly 1 element, found 0 elements", "expected a text"),
        ("unknown variant", "unknown value"),
        ("variant identifier", "a text"),
        ("unit variant", "text"),
        ("newtype variant", "text"),
    ];
    PLAIN.iter().fold(words, |words, (from, to)| words.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Metric, SearchRow};

    /// Every kind of JSON in place of a row, and of a value in it.
    #[test]
    fn no_name_of_a_type_is_shown() {
        let rows = ["null", "[]", "3", "\"a\"", "true", "{}", "{", "x", "", " ", "{\"kind\":\"x\"}", "{\"kind\":3}"];
        let values = ["null", "[]", "3.5", "\"a\"", "{}", "true"].map(|value| {
            format!("{{\"kind\":\"epoch\",\"segment\":0,\"step\":1,\"epoch\":1,\"loss\":1,\"accuracy\":1,\"held_out\":{value}}}")
        });
        for text in rows.iter().copied().chain(values.iter().map(String::as_str)) {
            let metric = serde_json::from_str::<Metric>(text).unwrap_err();
            let row = serde_json::from_str::<SearchRow>(text).unwrap_err();
            for said in [metric, row].map(|error| refusal(text.as_bytes(), &error)) {
                let of_program = ["struct", "enum", "variant", "Metric", "SearchRow", "Score", "EOF"];
                assert!(!of_program.iter().any(|word| said.contains(word)), "{text}: {said}");
            }
        }
        let error = serde_json::from_str::<Metric>("null").unwrap_err();
        assert_eq!(refusal(b"null", &error), "it holds null, where an object in braces is expected");
        assert_eq!(refusal(b"", &error), "it is empty");
    }
}
