//! Finds public functions and structs that no example shows.

/// The names that a module hands on by `pub use`.
pub fn exported(module: &str) -> Vec<String> {
    let uses = module.split(';').filter_map(|statement| Some(statement.split_once("pub use ")?.1));
    let word = |letter: char| !letter.is_alphanumeric() && letter != '_';
    uses.flat_map(|names| names.split(word)).filter(|name| !name.is_empty()).map(str::to_string).collect()
}

/// The lines of all examples in the documentation of a file.
fn examples(text: &str) -> String {
    let (mut within, mut found) = (false, String::new());
    for line in text.lines().map(str::trim_start) {
        let Some(line) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else { continue };
        if line.trim_start().starts_with("```") {
            within = !within;
        } else if within {
            found = found + line + "\n";
        }
    }
    found
}

/// Whether a text has a name that goes on with none of its letters.
fn names(text: &str, name: &str) -> bool {
    let of_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(name).any(|(place, _)| {
        !text[place + name.len()..].starts_with(of_name) && (name.starts_with('.') || !text[..place].ends_with(of_name))
    })
}

/// The type that an `impl` block is for; none where it is one of a trait.
fn implemented(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("impl")?;
    let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest.trim_start() };
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    (!line.contains(" for ")).then_some(&rest[..end])
}

/// The public functions and structs of a file that none of its examples shows: `Type::function`, or the name alone.
pub fn without_example(text: &str, is_public: &dyn Fn(&str) -> bool) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let (shown, mut owner, mut found) = (examples(text), None, Vec::new());
    for line in text.lines() {
        if line.starts_with("impl") {
            owner = implemented(line).filter(|owner| is_public(owner));
        }
        let is_method = line.starts_with("    ");
        let line = line.trim_start().replace("const fn", "fn");
        let Some((kind, rest)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(' ')) else { continue };
        let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
        match (kind, is_method, owner) {
            ("fn", true, Some(owner)) => {
                let path = format!("{owner}::{name}");
                if !names(&shown, &path) && !names(&shown, &format!(".{name}")) {
                    found.push(path);
                }
            }
            ("fn" | "struct", false, _) if is_public(name) && !names(&shown, name) => found.push(name.to_string()),
            _ => {}
        }
    }
    found
}
