//! Environment variables of this program, and those that are named as if they were.

use super::terminal::warn;

/// All of them.
const KNOWN: [&str; 3] = ["EVOGRAD_ISA", "EVOGRAD_DATA_DIR", "EVOGRAD_MIRROR"];
/// The beginnings of those that tests and benches read.
const OF_TESTS: [&str; 3] = ["EVOGRAD_TORCH_PYTHON", "EVOGRAD_TCMALLOC", "EVOGRAD_FUZZ_"];

/// Warns of variables that nothing reads.
pub fn warn_of_unknown() {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    warn(&unknown(names));
}

fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let is_known = |name: &str| KNOWN.contains(&name) || OF_TESTS.iter().any(|begin| name.starts_with(begin));
    let is_unknown = |name: &String| name.to_uppercase().starts_with("EVOGRAD_") && !is_known(name);
    let known = KNOWN.join(", ");
    let mut unknown: Vec<String> = names.filter(is_unknown).collect();
    unknown.sort();
    unknown.iter().map(|name| format!("nothing reads the variable {name}; there are {known}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_nothing_reads_are_warned_of() {
        let names = ["PATH", "EVOGRAD_ISA", "EVOGRAD_THREADS", "evograd_isa", "EVOGRAD_MIRROR", "MY_EVOGRAD_X"];
        let warnings = unknown(names.into_iter().map(String::from));
        assert_eq!(warnings.len(), 2);
        assert_eq!(
            warnings[0],
            "nothing reads the variable EVOGRAD_THREADS; there are EVOGRAD_ISA, EVOGRAD_DATA_DIR, EVOGRAD_MIRROR"
        );
    }
}
