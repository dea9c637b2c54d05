//! The house rules that a machine can check: who may know whom, where `unsafe` may stand, and how large things grow.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/examples.rs"]
mod examples;
#[path = "architecture/words.rs"]
mod words;

use circles::{circles, imports};
use examples::{exported, without_example};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use words::{REPLACED, replaced};

/// Which module may use which, as drawn in ARCHITECTURE.md. Modules that are not there yet are free to come.
const EDGES: &[(&str, &[&str])] = &[
    ("shape", &[]),
    ("numerals", &[]),
    ("rng", &[]),
    ("error", &["shape"]),
    ("files", &["error"]),
    ("reserve", &["error"]),
    ("mode", &[]),
    ("setting", &[]),
    ("buffer", &["mode"]),
    ("tensor", &["shape", "error", "buffer", "rng"]),
    ("par", &["error", "mode"]),
    ("profile", &["shape", "error", "mode", "par", "reserve"]),
    ("tape", &["shape", "tensor", "error", "mode", "par", "profile"]),
    ("ops", &["tape", "tensor", "shape", "error", "rng", "par", "buffer", "setting"]),
    ("gradcheck", &["shape", "tape", "tensor", "error", "mode", "rng"]),
    ("optim", &["tensor", "shape", "error", "par", "profile", "setting"]),
    ("nn", &["ops", "tape", "tensor", "shape", "error", "rng"]),
    ("models", &["nn", "ops", "tape", "tensor", "shape", "error", "files", "rng", "mode", "reserve", "numerals"]),
    ("data", &["tensor", "error", "files", "rng", "par", "reserve"]),
    ("schedule", &[]),
    ("record", &["error", "files"]),
    (
        "train",
        &[
            "nn", "models", "data", "optim", "schedule", "record", "ops", "tape", "tensor", "error", "files", "mode",
            "setting", "reserve",
        ],
    ),
    ("report", &["record", "numerals"]),
    ("guide", &[]),
    ("genetic", &["rng", "error", "files", "reserve"]),
    ("search", &["genetic", "models", "train", "data", "record", "rng", "par", "ops", "error", "files"]),
    ("cli", &["gradcheck", "ops", "data", "models", "train", "record", "report", "genetic", "search", "profile"]),
];

/// The modules that may use the kernels' crate: for its element types, instruction sets or kernels.
const KERNEL_USERS: &[&str] =
    &["buffer", "error", "lib", "models", "nn", "ops", "optim", "par", "profile", "setting", "tape", "tensor", "train"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The first folder or file name below `src`, without its ending.
fn module(file: &Path) -> String {
    let relative = file.strip_prefix(root().join("src")).unwrap();
    relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_string()
}

/// The code of a file: without its tests and without comments.
fn code(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_string).collect()
}

/// The modules of this crate that a file names in `use crate::…`, `use crate::{…, …}` or a path `crate::…`; the binary
/// says `evograd::…`.
fn used(file: &Path) -> BTreeSet<String> {
    let text = code(file).join(" ").replace("$crate::", "crate::");
    let text = if module(file) == "cli" { text.replace("evograd::", "crate::") } else { text };
    let name =
        |part: &str| -> String { part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            Some(list) => names.extend(items(list).iter().map(|item| name(item))),
            // A function at the top of the crate is a re-export.
            None if part[name(part).len()..].starts_with('(') => {}
            None => drop(names.insert(name(part))),
        }
    }
    names
}

/// The items of a list up to its closing brace; lists within stay whole.
fn items(list: &str) -> Vec<String> {
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => items.last_mut().unwrap().push(c),
        }
        depth += i32::from(c == '{') - i32::from(c == '}');
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

#[test]
fn no_module_knows_more_than_it_may() {
    for file in rust_files(&root().join("src")) {
        let name = module(&file);
        if ["lib", "main"].contains(&name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(module, _)| *module == name) else {
            panic!("{}: the module {name} has no row in EDGES", file.display());
        };
        for used in used(&file) {
            // Re-exports at the top of the crate begin with a capital letter; only macros use them.
            let inside = used == name || used.starts_with(char::is_uppercase);
            assert!(inside || allowed.contains(&used.as_str()), "{}: {name} must not use {used}", file.display());
        }
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let found = circles(&imports(&root().join("src")));
    assert!(found.is_empty(), "src: move what two of these files share to a third: {found:#?}");
}

#[test]
fn no_kernels_use_each_other_in_a_circle() {
    let found = circles(&imports(&root().join("kernels/src")));
    assert!(found.is_empty(), "kernels/src: move what two of these files share to a third: {found:#?}");
}

/// What every family of convolutions may use of `kernels/src/conv`.
const GROUND_OF_CONV: &[&str] = &["algorithm.rs", "geometry.rs", "planes.rs", "channels_last.rs", "microkernel/"];

#[test]
fn families_of_convolutions_do_not_use_each_other() {
    let mut seen = 0;
    for (file, used) in imports(&root().join("kernels/src")) {
        let Some((family, _)) = file.strip_prefix("conv/").and_then(|file| file.split_once('/')) else { continue };
        for other in used.iter().filter_map(|other| other.strip_prefix("conv/")) {
            let own = other.starts_with(&format!("{family}/"));
            let ground = GROUND_OF_CONV.iter().any(|ground| other.starts_with(ground));
            assert!(
                own || ground,
                "kernels/src/{file}: must not use {other}, but its own folder and {GROUND_OF_CONV:?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} imports of convolutions were found");
}

/// Files of a crate in a folder of its own, by their names.
fn crate_of(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("circles").join(name);
    for (file, code) in files {
        fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        fs::write(root.join(file), code).unwrap();
    }
    root
}

#[test]
fn circles_are_found_however_they_are_closed() {
    let open: &[(&str, &str)] = &[("lib.rs", "mod a;\nmod b;\npub use a::A;\n"), ("a.rs", "pub struct A;\n")];
    let closings = [
        ("use", "use crate::b::B;\npub struct A(B);", "use crate::a::A;\npub struct B(A);"),
        ("path", "pub struct A(super::b::B);", "pub struct B(super::a::A);"),
        ("re-export", "use crate::b::B;\npub struct A;", "use crate::A;\npub struct B(A);"),
        ("module", "use crate::b;\npub struct A(b::B);", "use super::{a::{self, A}};\npub struct B(A);"),
        ("macro", "use crate::b::B;\nmacro_rules! made { () => {}; }\npub struct A;", "pub struct B;\nmade!();"),
        ("name", "use crate::b::{B as Other};\npub struct A;", "pub struct B(crate::a::A);"),
    ];
    for (name, a, b) in closings {
        let root = crate_of(name, &[open, &[("a.rs", a), ("b.rs", b)]].concat());
        assert_eq!(circles(&imports(&root)), [["a.rs uses b.rs", "b.rs uses a.rs"]], "{name}");
    }
}

#[test]
fn what_is_no_circle_is_not_taken_for_one() {
    let parent = "mod one;\nmod two;\npub use one::One;\npub use two::two;\n";
    let one = "use super::two;\n// super::two::Two\npub struct One(&'static str);\n\
               pub fn one() -> &'static str { two(); \"super::two::Two\" }";
    let two = "pub fn two() -> char { '\"' }\npub fn other(_: impl Sized + use<>) {}\n\
               #[cfg(test)]\nmod tests {\n    use super::super::One;\n}\n";
    let files = [("lib.rs", "mod room;\n"), ("room/mod.rs", parent), ("room/one.rs", one), ("room/two.rs", two)];
    let found = circles(&imports(&crate_of("none", &files)));
    assert!(found.is_empty(), "{found:?}");
}

/// Operations, layers and training: what is public is shown by an example, which is compiled and run.
#[test]
fn public_functions_and_structs_have_examples() {
    let mut found = Vec::new();
    for (folder, module) in [("ops", "src/ops.rs"), ("nn", "src/nn/mod.rs"), ("train", "src/train/mod.rs")] {
        let known = exported(&fs::read_to_string(root().join(module)).unwrap());
        assert!(known.len() > 10, "{known:?}");
        let folder = root().join("src").join(folder);
        for file in rust_files(&folder) {
            // Beside operations, which are public modules, modules are private, and what they hand on is public.
            let is_module = folder.ends_with("ops") && file.parent() == Some(&folder);
            let text = fs::read_to_string(&file).unwrap();
            let is_public = |name: &str| {
                let is_own =
                    [format!("\npub struct {name}"), format!("\npub fn {name}")].iter().any(|item| text.contains(item));
                is_module && is_own || name == "Var" || known.iter().any(|known| known == name)
            };
            let name = file.strip_prefix(root()).unwrap().display().to_string();
            let missing = without_example(&text, &is_public);
            found.extend(missing.into_iter().map(|item| format!("{name}: {item}")));
        }
    }
    assert!(found.is_empty(), "no example shows\n{}", found.join("\n"));
}

#[test]
fn what_no_example_shows_is_found() {
    let text = "/// ```\n/// A::new().shown(); let _: B;\n/// ```\npub struct A;\nimpl<E: X<Y>> A<E> {\n    pub fn new() {}\n    \
                pub const fn shown() {}\n    pub fn show() {}\n}\nimpl X for A {\n    pub fn x() {}\n}\npub struct B;\n\
                pub struct C;\nstruct D;\npub fn e() {}\n#[cfg(test)]\npub fn f() {}\n";
    assert_eq!(without_example(text, &|_| true), ["A::show", "C", "e"]);
    assert_eq!(without_example(text, &|name| name == "C"), ["C"]);
    assert_eq!(exported("use a::B;\npub use c::{D, e};\n"), ["c", "D", "e"]);
}

/// Identifiers, comments, help and errors, and what is written for users.
#[test]
fn words_are_those_of_the_field() {
    let mut files: Vec<PathBuf> =
        ["src", "kernels"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect();
    files.extend(["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "RESULTS.md"].map(|name| root().join(name)));
    let mut found = Vec::new();
    for file in files {
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        found.extend(replaced(&fs::read_to_string(&file).unwrap()).into_iter().map(|line| format!("{name}, {line}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn replaced_words_are_found_however_they_are_written() {
    for line in ["fn side_by_side()", "struct SideBySide;", "// lies side by side.", "\"Side by side\"", "SIDE_BY_SIDE"]
    {
        let found = replaced(&format!("\n{line}\n"));
        assert!(found.len() == 1 && found[0].starts_with("line 2: in parallel"), "{line}: {found:?}");
    }
    for line in ["a piecewise function", "white", "let hitsome = 1;", "beside by sides"] {
        assert_eq!(replaced(line), [""; 0], "{line}");
    }
    for (phrase, instead) in REPLACED {
        assert!(replaced(instead).is_empty(), "\"{phrase}\" is to be replaced by a word that is refused itself");
    }
}

#[test]
fn the_kernels_are_used_where_they_may_be() {
    for file in rust_files(&root().join("src")) {
        let named = code(&file).iter().any(|line| line.contains("evograd_kernels"));
        let name = module(&file);
        assert!(!named || KERNEL_USERS.contains(&name.as_str()), "{}: must not use the kernels", file.display());
    }
}

#[test]
fn the_diagram_is_what_is_enforced() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (module, allowed) in EDGES {
        let list = if allowed.is_empty() { "nothing".to_string() } else { allowed.join(", ") };
        let row = format!("| `{module}` | {list} |");
        assert!(text.contains(&row), "ARCHITECTURE.md lacks the row {row}");
    }
}

#[test]
fn rayon_stands_in_par_alone() {
    for file in rust_files(&root().join("src")) {
        let named = code(&file).iter().any(|line| line.contains("rayon"));
        assert!(!named || module(&file) == "par", "{}: only par.rs knows rayon", file.display());
    }
}

#[test]
fn unsafe_stands_in_the_kernels_alone_and_is_rare() {
    let word = ["un", "safe"].concat();
    let blocks = format!("{word} {{");
    for folder in ["src", "tests", "benches"] {
        for file in rust_files(&root().join(folder)) {
            let found = code(&file).iter().any(|line| line.contains(&format!("{word} ")));
            assert!(!found, "{}: {word} belongs in kernels/", file.display());
        }
    }
    let count: usize = rust_files(&root().join("kernels"))
        .iter()
        .map(|file| code(file).iter().filter(|line| line.contains(&blocks)).count())
        .sum();
    assert!((1..=12).contains(&count), "{count} {word} blocks in kernels/, at most twelve are allowed");
}

/// These macros panic where nothing can be written, and that would end a run because its log is full or its terminal gone.
#[test]
fn standard_error_is_written_in_one_place_and_no_macro_prints() {
    for file in rust_files(&root().join("src")) {
        let path = file.strip_prefix(root()).unwrap().display().to_string();
        for line in code(&file) {
            let prints =
                ["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!("].iter().find(|name| line.contains(**name));
            assert!(prints.is_none(), "{path}: say it by `note` of src/cli/terminal.rs, not by {}", line.trim());
            assert!(!line.contains("io::stderr()") || path == "src/cli/terminal.rs", "{path}: {}", line.trim());
        }
    }
}

/// A build without the feature cannot download, so a message that says to asks first.
#[test]
fn downloads_are_recommended_only_by_builds_that_can() {
    for file in rust_files(&root().join("src")) {
        let lines = code(&file);
        for place in (0..lines.len()).filter(|place| lines[*place].contains("evograd data fetch")) {
            let near = lines[place.saturating_sub(2)..=place].join("\n");
            assert!(near.contains("cfg!(feature = \"download\")"), "{}: {}", file.display(), lines[place]);
        }
    }
}

/// The lengths of the functions in some code: from the line that opens one to the brace of the same indentation.
fn function_lengths(lines: &[String]) -> Vec<(String, usize)> {
    let mut lengths = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indentation = line.len() - line.trim_start().len();
        let named = line.split_whitespace().take(3).any(|word| word == "fn");
        if !named || line.ends_with(';') {
            continue;
        }
        let end = format!("{}}}", " ".repeat(indentation));
        let length = lines[start..].iter().position(|line| *line == end);
        lengths.extend(length.map(|length| (line.trim().to_string(), length + 1)));
    }
    lengths
}

#[test]
fn files_and_functions_stay_short() {
    let mut lengths = Vec::new();
    for folder in ["src", "kernels/src"] {
        for file in rust_files(&root().join(folder)) {
            let lines = code(&file);
            assert!(lines.len() <= 400, "{}: {} lines of code", file.display(), lines.len());
            for (name, length) in function_lengths(&lines) {
                assert!(length <= 60, "{}: {name} has {length} lines", file.display());
                lengths.push(length);
            }
        }
    }
    lengths.sort_unstable();
    let (median, ninth) = (lengths[lengths.len() / 2], lengths[lengths.len() * 9 / 10]);
    assert!(lengths.len() > 300, "only {} functions were found", lengths.len());
    assert!(median <= 10 && ninth <= 30, "functions: median {median} lines, nine in ten up to {ninth}");
    let tape = fs::read_to_string(root().join("src/tape.rs")).unwrap().lines().count();
    assert!(tape <= 250, "tape.rs has {tape} lines");
}
