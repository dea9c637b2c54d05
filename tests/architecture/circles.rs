//! Finds the files of a crate that use each other in a circle.
//!
//! A file uses another where it names an item of it: in `use …`, or in a path such as `rows::split`. A re-export is followed
//! to the file that defines the item and ties only who names it, so a `mod.rs` may gather what its folder offers. That a
//! file declares a module does not count, nor does a module that is imported as a whole: only what is then named in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's names from the root of the crate, or the segments of a path.
type Names = Vec<String>;

struct Import {
    name: String,
    path: Names,
    public: bool,
}

#[derive(Default)]
struct Module {
    file: String,
    imports: Vec<Import>,
    /// Every path in the code but for the imports; single names too.
    paths: BTreeSet<Names>,
    /// The macros that it defines, and those of others that it calls by their names alone.
    macros: BTreeSet<String>,
    calls: BTreeSet<String>,
}

/// What a path leads to.
enum Target {
    /// A module itself, of which nothing is named.
    Module,
    /// Something that stands in the file of this module.
    Item(Names),
}

/// For each file, named from a root folder on, the files that it uses.
pub type Imports = BTreeMap<String, BTreeSet<String>>;

/// What the files below `root`, the `src` of a crate, use of each other.
pub fn imports(root: &Path) -> Imports {
    let mut modules = BTreeMap::new();
    read(root, root, &mut modules);
    modules.iter().map(|(name, module)| (module.file.clone(), used(&modules, name, module))).collect()
}

/// The circles, each as what its files use of each other.
pub fn circles(imports: &Imports) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|file| (file, reach(imports, file))).collect();
    let mut circles: BTreeMap<&BTreeSet<&String>, Vec<String>> = BTreeMap::new();
    for (file, uses) in imports {
        for other in uses.iter().filter(|other| reached[other].contains(file)) {
            circles.entry(&reached[file]).or_default().push(format!("{file} uses {other}"));
        }
    }
    circles.into_values().collect()
}

/// All files that one leads to, over any number of others.
fn reach<'a>(imports: &'a Imports, from: &'a String) -> BTreeSet<&'a String> {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(file) = open.pop() {
        open.extend(imports[file].iter().filter(|other| reached.insert(*other)));
    }
    reached
}

fn used(modules: &BTreeMap<Names, Module>, name: &Names, module: &Module) -> BTreeSet<String> {
    let named = |import: &Import| module.paths.iter().any(|path| path[0] == import.name);
    let imports = module.imports.iter().filter(|import| !import.public || named(import)).map(|import| &import.path);
    let targets = imports.chain(&module.paths).filter_map(|path| match target(modules, name, path) {
        Target::Item(other) => modules.get(&other),
        Target::Module => None,
    });
    // A macro is also known by its place in the text.
    let macros = modules.values().filter(|other| !other.macros.is_disjoint(&module.calls));
    targets.chain(macros).map(|other| other.file.clone()).filter(|file| *file != module.file).collect()
}

/// Where a path leads that stands in the module `at`, or the part of one that follows this module's name.
fn target(modules: &BTreeMap<Names, Module>, at: &Names, path: &[String]) -> Target {
    let Some((first, rest)) = path.split_first() else { return Target::Module };
    match first.as_str() {
        // The command line is a crate of its own, which knows the library by name.
        "crate" | "evograd" => return target(modules, &Names::new(), rest),
        "self" => return target(modules, at, rest),
        "super" => return target(modules, &at[..at.len() - 1].to_vec(), rest),
        _ => {}
    }
    let child: Names = at.iter().chain([first]).cloned().collect();
    let is_child = modules.contains_key(&child);
    // A function may have the name of the module that it comes from.
    if is_child && !rest.is_empty() {
        return target(modules, &child, rest);
    }
    let import = modules.get(at).and_then(|module| module.imports.iter().find(|import| import.name == *first));
    match import {
        // Another crate's.
        Some(import) if import.path[0] == *first && !is_child => Target::Item(at.clone()),
        Some(import) => target(modules, at, &[&import.path, rest].concat()),
        None if is_child => Target::Module,
        None => Target::Item(at.clone()),
    }
}

fn read(root: &Path, folder: &Path, modules: &mut BTreeMap<Names, Module>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).unwrap().with_extension("");
            let mut name: Names = relative.iter().map(|part| part.to_str().unwrap().to_string()).collect();
            name.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
            let file = path.strip_prefix(root).unwrap().display().to_string();
            modules.insert(name, parse(&path, file));
        }
    }
}

fn parse(path: &Path, file: String) -> Module {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut module = Module { file, ..Module::default() };
    let tokens = tokens(code);
    let mut place = 0;
    while place < tokens.len() {
        let start = place;
        place += 1;
        // `use<…>` in a type is something else.
        if tokens[start] == "use" && tokens.get(place) != Some(&"<") {
            place += tokens[place..].iter().position(|token| *token == ";").unwrap();
            let public = start > 0 && ["pub", ")"].contains(&tokens[start - 1]);
            import(&tokens[start + 1..place], &[], public, &mut module.imports);
        } else if tokens[start] == "mod" {
            place += 1;
        } else if is_name(tokens[start]) {
            while tokens.get(place) == Some(&"::") && tokens.get(place + 1).is_some_and(|token| is_name(token)) {
                place += 2;
            }
            let path: Names = tokens[start..place].iter().step_by(2).map(|token| token.to_string()).collect();
            match (tokens.get(place), tokens.get(place + 1)) {
                (Some(&"!"), Some(name)) if path == ["macro_rules"] => drop(module.macros.insert(name.to_string())),
                (Some(&"!"), _) if path.len() == 1 => drop(module.calls.insert(path[0].clone())),
                _ => {}
            }
            module.paths.insert(path);
        }
    }
    module.calls = &module.calls - &module.macros;
    module
}

/// The names that a tree such as `a::{b, c::{self, d as e}}` brings in, `before` being the path up to it.
fn import(tree: &[&str], before: &[String], public: bool, imports: &mut Vec<Import>) {
    let end = tree.iter().position(|token| ["{", "as"].contains(token)).unwrap_or(tree.len());
    let names = tree[..end].iter().filter(|token| is_name(token)).map(|token| token.to_string());
    let mut path: Names = before.iter().cloned().chain(names).collect();
    if tree.get(end) == Some(&"{") {
        for branch in branches(&tree[end + 1..tree.len() - 1]) {
            import(branch, &path, public, imports);
        }
        return;
    }
    path.pop_if(|last| last == "self");
    if let Some(name) = tree.get(end + 1).map(|name| name.to_string()).or(path.last().cloned()) {
        imports.push(Import { name, path, public });
    }
}

/// The parts of a list between its commas; lists within stay whole.
fn branches<'a, 'b>(list: &'b [&'a str]) -> impl Iterator<Item = &'b [&'a str]> {
    let mut depth = 0;
    let parts = list.split(move |token| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        depth == 0 && *token == ","
    });
    parts.filter(|part| !part.is_empty())
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single signs, without comments, texts, characters and lifetimes.
fn tokens(code: &str) -> Vec<&str> {
    let (mut tokens, mut rest) = (Vec::new(), code);
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest, first);
        let (token, after) = rest.split_at(length);
        let is_text = token.ends_with(['"', '#']) && length > 1;
        if !first.is_whitespace() && !token.starts_with("//") && !is_text && first != '\'' {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

fn token_length(rest: &str, first: char) -> usize {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |place| from + place + end.len());
    let hashes = rest[first.len_utf8()..].chars().take_while(|c| *c == '#').count();
    match first {
        'r' if rest[1 + hashes..].starts_with('"') => until(&format!("\"{}", "#".repeat(hashes)), 2 + hashes),
        '/' if rest.starts_with("//") => until("\n", 0),
        ':' if rest.starts_with("::") => 2,
        '"' | '\'' => quoted_length(rest, first),
        c if c.is_alphanumeric() || c == '_' => {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        }
        c => c.len_utf8(),
    }
}

/// The length of a text or a character with its quotes; of a lifetime, that of its quote.
fn quoted_length(rest: &str, quote: char) -> usize {
    let mut signs = rest.char_indices().skip(1);
    let mut count = 0;
    while let Some((place, c)) = signs.next() {
        count += 1;
        match c {
            '\\' => drop(signs.next()),
            _ if c == quote => return place + 1,
            _ if quote == '\'' && count > 1 => return 1,
            _ => {}
        }
    }
    rest.len()
}
