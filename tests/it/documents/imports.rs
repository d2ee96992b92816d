//! The imports in `src/`: the files of rings 1 and 2 form no circle, and neither do the folders of ring 1.
//!
//! An import is a `use` declaration, or a path that is written out, before the tests at the end of the file. It counts as an
//! import of the longest module in its path. `mod` declarations do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// A module path: `["grant", "shard"]`.
type Module = Vec<String>;
/// The modules that each module imports.
type Imports<T> = BTreeMap<T, BTreeSet<T>>;

#[test]
fn no_file_of_rings_1_and_2_imports_itself_through_others() {
    let circles = circles(&imports(&sources()));

    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn no_folder_of_ring_1_imports_itself_through_others() {
    let mut folders: Imports<Module> = Imports::new();
    for (from, to) in imports(&sources()) {
        let folder = from.first().cloned().expect("`sources` leaves the root out");
        let others = to.iter().filter_map(|module| module.first()).filter(|other| **other != folder);
        let others = others.map(|other| vec![other.clone()]).collect::<BTreeSet<_>>();
        folders.entry(vec![folder]).or_default().extend(others);
    }
    let ring_2 = vec!["endpoint".to_owned()];
    assert!(folders.remove(&ring_2).is_some_and(|imports| imports.len() > 10), "ring 2 must import ring 1");
    assert!(folders.values().all(|imports| !imports.contains(&ring_2)), "ring 1 must not import ring 2");
    let circles = circles(&folders);

    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn a_circle_is_found_however_the_import_is_written() {
    for back in
        ["use crate::a::A;", "use super::{a::A, c};", "fn f() { super::a::g() }", "use crate::{a::*, b::c};"]
    {
        let files = [("a", "use crate::b::{self, B};"), ("b", back), ("c", "// crate::a")];
        let files = files.map(|(name, text)| (vec![name.to_owned()], text.to_owned()));

        assert_eq!(circles(&imports(&files.into())), ["a -> b -> a"], "{back}");
    }
    let child = [("a", "mod b; use b::B;"), ("a::b", "use super::A;")];
    let child = child.map(|(name, text)| (name.split("::").map(str::to_owned).collect(), text.to_owned()));
    assert_eq!(circles(&imports(&child.into())), ["a -> a::b -> a"]);
}

/// See decision 72.
#[test]
fn what_is_compiled_for_each_type_comes_from_one_place() {
    for (call, places) in [
        ("serde_json::from_", &["token::mapping::written"][..]),
        (".sort", &["order"]),
        ("BTreeMap::from(", &[]),
        ("BTreeSet::from(", &[]),
        ("Map::from_iter(", &[]),
        ("join_all", &[]),
    ] {
        let all = all_sources();
        let users = all.iter().filter(|(_, text)| code(text).contains(call));
        let users: Vec<String> = users.map(|(module, _)| module.join("::")).collect();

        assert_eq!(users, places, "{call}: use `crate::json`, `crate::order` and `crate::endpoint::at_once`");
    }
}

/// See decision 72.
#[test]
fn no_type_is_read_from_copies_of_its_members() {
    let all = all_sources();
    let copied: Vec<String> = all.values().flat_map(|text| copied(&code(text))).collect();

    assert!(copied.is_empty(), "write out how these are read, as `src/provenance.rs` does: {copied:?}");
}

#[test]
fn a_type_that_would_be_read_from_copies_is_found() {
    let read = "#[derive(Debug, Deserialize)]\n";
    for how in ["    #[serde(flatten)]\n", "#[serde(untagged)]\n", "#[serde(tag = \"is\")]\n"] {
        assert_eq!(copied(&format!("{read}{how}pub struct A<'a> {{\n}}\n")), ["A"], "{how}");
        let converted = format!("{read}#[serde(try_from = \"B\")]\n{how}struct A {{\n}}\n");
        assert!(copied(&converted).is_empty(), "{how}");
        assert!(copied(&format!("#[derive(Serialize)]\n{how}struct A {{\n}}\n{read}struct B;\n")).is_empty());
    }
}

/// Returns the names of the types for which serde derives a reader that copies members before it reads them.
fn copied(code: &str) -> Vec<String> {
    let items = code.split("#[derive(").skip(1);
    let items = items.map(|rest| rest.split_inclusive("\n}\n").next().unwrap_or_default());
    let is_derived =
        |item: &&str| item.split(')').next().is_some_and(|derived| derived.contains("Deserialize"));
    let is_buffered =
        |item: &&str| ["(flatten", "(untagged", "tag = \""].iter().any(|how| item.contains(how));
    let copied = items.filter(is_derived).filter(is_buffered).filter(|item| !item.contains("from = \""));
    copied.map(|item| name(item).to_owned()).collect()
}

/// Returns the name of the type that an item declares.
fn name(item: &str) -> &str {
    let mut words = item.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.find(|word| ["struct", "enum"].contains(word));
    words.next().unwrap_or_default()
}

/// Returns the text of each module of rings 1 and 2, without files of tests.
fn sources() -> BTreeMap<Module, String> {
    let mut sources = all_sources();
    sources.retain(|module, _| !module.is_empty() && module.first().is_none_or(|ring| ring != "cloudflare"));
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    sources
}

/// Returns the text of each module, without files of tests.
fn all_sources() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    collect(&root, &Module::new(), &mut sources);
    sources
}

fn collect(directory: &Path, module: &Module, sources: &mut BTreeMap<Module, String>) {
    for entry in read_dir(directory).expect("the directory is there") {
        let path = entry.expect("it is readable").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let inner = [module.clone(), vec![name.clone()]].concat();
        if path.is_dir() {
            collect(&path, &inner, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests" {
            let text = read_to_string(&path).expect("it is readable");
            let is_folder = name == "mod" || name == "lib";
            sources.insert(if is_folder { module.clone() } else { inner }, text);
        }
    }
}

fn imports(sources: &BTreeMap<Module, String>) -> Imports<Module> {
    let of = |(module, text): (&Module, &String)| {
        let paths = paths(&code(text));
        let targets = paths.iter().filter_map(|path| target(path, module, sources));
        (module.clone(), targets.filter(|target| target != module).collect())
    };
    sources.iter().map(of).collect()
}

/// Removes the tests, which are at the end of a file, and the comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_the_tests_at_the_end_of_a_file_hide_imports() {
    let text = "#[cfg(test)]\nmod tests;\nuse crate::time::Timestamp;\n\n#[cfg(test)]\nmod tests {\n    use crate::secret;\n}\n";

    assert_eq!(paths(&code(text)), [["crate", "time", "Timestamp"].map(str::to_owned).to_vec()]);
}

/// Returns every path in a source. A `use` of a group counts as one path for each member.
fn paths(code: &str) -> Vec<Module> {
    let mut paths = Vec::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        match statement.split_once("use ") {
            Some((before, tree)) if is_start_of_use(before) && is_tree(tree) => {
                rest.push_str(before);
                spread(tree.trim_end_matches(';'), &Module::new(), &mut paths);
            }
            Some(_) | None => rest.push_str(statement),
        }
    }
    let is_name = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let written = rest.split(|character| !is_name(character)).filter(|word| word.contains("::"));
    paths.extend(written.map(|word| word.split("::").map(str::to_owned).collect::<Module>()));
    paths
}

/// Returns whether a `use` after this text starts a declaration: its line has only a visibility before it.
fn is_start_of_use(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with("pub") || line.ends_with(['{', ';'])
}

/// Returns whether this is the rest of a `use` declaration, and not of a sentence.
fn is_tree(tree: &str) -> bool {
    let allowed = |character: char| character.is_alphanumeric() || "_:{}*,; \n".contains(character);
    tree.ends_with(';') && tree.chars().all(allowed)
}

fn spread(tree: &str, prefix: &Module, paths: &mut Vec<Module>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let head = head.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        let prefix = [prefix.clone(), head.collect()].concat();
        let group = group.strip_suffix('}').expect("a group is closed");
        for branch in branches(group) {
            spread(branch, &prefix, paths);
        }
    } else if !tree.is_empty() {
        let name = tree.split(" as ").next().unwrap_or_default();
        let names = name.split("::").map(str::trim).filter(|name| !["self", "*"].contains(name));
        paths.push([prefix.clone(), names.map(str::to_owned).collect()].concat());
    }
}

/// Splits a group at its own commas.
fn branches(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(group.get(start..at).expect("a character begins here"));
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(group.get(start..).expect("a character begins here"));
    branches
}

/// Returns the module that a path in `module` leads to; `None` if it is not in `sources`.
fn target(path: &Module, module: &Module, sources: &BTreeMap<Module, String>) -> Option<Module> {
    let supers = path.iter().take_while(|name| *name == "super").count();
    let (first, rest) = path.split_first()?;
    let absolute = match first.as_str() {
        "crate" => rest.to_vec(),
        "self" => [module.clone(), rest.to_vec()].concat(),
        "super" => {
            let up = module.get(..module.len().checked_sub(supers)?)?;
            [up, path.get(supers..)?].concat()
        }
        child if sources.contains_key(&[module.clone(), vec![child.to_owned()]].concat()) => {
            [module.clone(), path.clone()].concat()
        }
        _ => return None,
    };
    let prefixes = (1..=absolute.len()).rev().filter_map(|length| absolute.get(..length));
    prefixes.map(<[String]>::to_vec).find(|prefix| sources.contains_key(prefix))
}

/// Returns the circles, each once, as in `a -> b -> a`.
fn circles(imports: &Imports<Module>) -> Vec<String> {
    let (mut done, mut found) = (BTreeSet::new(), Vec::new());
    for module in imports.keys() {
        follow(module, imports, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn follow<'a>(
    module: &'a Module,
    imports: &'a Imports<Module>,
    path: &mut Vec<&'a Module>,
    done: &mut BTreeSet<&'a Module>,
    found: &mut Vec<String>,
) {
    if let Some(start) = path.iter().position(|passed| *passed == module) {
        let circle = path.iter().skip(start).chain([&module]).map(|module| module.join("::"));
        return found.push(circle.collect::<Vec<_>>().join(" -> "));
    }
    if done.contains(module) {
        return;
    }
    path.push(module);
    for next in imports.get(module).into_iter().flatten() {
        follow(next, imports, path, done, found);
    }
    path.pop();
    done.insert(module);
}
