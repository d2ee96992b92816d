//! What the documents say exists, exists: files, functions, tests, settings, and a test for every statement.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// Statements of the specifications: a letter, and how many there are.
const STATEMENTS: [(char, u8); 10] =
    [('D', 15), ('U', 10), ('T', 13), ('S', 14), ('J', 4), ('V', 4), ('I', 4), ('M', 4), ('P', 6), ('R', 1)];
/// Where a path may begin, beside the document itself.
const ROOTS: [&str; 2] = ["", "src"];
/// What begins so is a path, whatever its end.
const DIRECTORIES: [&str; 8] =
    ["src/", "tests/", "docs/", "scripts/", "templates/", "examples/", "bench/", ".github/"];
const ENDINGS: [&str; 4] = [".rs", ".mjs", ".html", ".md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in a directory with that ending, in order.
fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let entries = read_dir(root().join(directory)).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending))).collect();
    paths.sort();
    paths
}

fn documents() -> Vec<PathBuf> {
    let own = [files("", ".md"), files("docs", ".md"), files("docs/decisions", ".md")].concat();
    own.into_iter().chain([root().join("examples/api/README.md")]).collect()
}

/// The lines that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// What stands between backticks, a pair each; a pair may span lines.
fn code_spans(text: &str) -> Vec<String> {
    let prose = prose(text).collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// A span that names a file or a directory, perhaps with something in it.
fn reference(span: &str) -> Option<(&str, Option<&str>)> {
    let word = span.split_whitespace().next()?;
    let (path, item) = word.split_once("::").map_or((word, None), |(path, item)| (path, Some(item)));
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    let is_path = DIRECTORIES.iter().any(|directory| path.starts_with(directory))
        || (ENDINGS.iter().any(|ending| path.ends_with(ending)) && path.contains('/'));
    (plain && is_path).then_some((path, item))
}

fn found(document: &Path, path: &str) -> Option<PathBuf> {
    let beside = document.parent().expect("a document is in a directory").join(path);
    let places = ROOTS.iter().map(|place| root().join(place).join(path));
    places.chain([beside]).find(|place| place.exists())
}

fn defines(source: &str, item: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "type"].iter().any(|kind| {
        let defined = format!("{kind} {item}");
        source.match_indices(&defined).any(|(at, _)| {
            let next = source.get(at + defined.len()..).and_then(|rest| rest.chars().next());
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        })
    })
}

/// How GitHub names a heading in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|kept| kept.is_alphanumeric() || matches!(kept, ' ' | '-' | '_'));
    kept.map(|kept| if kept == ' ' { '-' } else { kept }).collect()
}

fn has_anchor(document: &Path, wanted: &str) -> bool {
    prose(&read(document)).any(|line| line.starts_with('#') && anchor(line) == wanted)
}

/// The targets of the links of a document that are not on the web.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text).collect::<Vec<_>>().join("\n");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// The cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// The last cells of all tables of a document whose last column is headed `Test`, each with its first.
fn tests_of(text: &str) -> Vec<(&str, &str)> {
    let mut of_tests = false;
    let mut rows = Vec::new();
    for line in prose(text) {
        let Some(cells) = cells(line) else {
            of_tests = false;
            continue;
        };
        let (Some(first), Some(last)) = (cells.first(), cells.last()) else { continue };
        if *last == "Test" {
            of_tests = true;
        } else if of_tests && !last.starts_with("---") {
            rows.push((*first, *last));
        }
    }
    rows
}

/// A function's name, whole or shortened: a path, a file or anything else is none.
fn is_name(span: &str) -> bool {
    span.contains('_') && !span.contains(|other: char| "/.:{\" ".contains(other))
}

fn is_setting(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// What is wrong with each document, all of it at once.
fn must_find_nothing(wrong: impl Fn(&Path, &str) -> Vec<String>) {
    let found: Vec<String> = documents()
        .iter()
        .flat_map(|document| {
            let name = document.strip_prefix(root()).expect("it is of this package").display();
            let found = wrong(document, &read(document)).into_iter();
            found.map(|wrong| format!("{name}: {wrong}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_link_leads_somewhere() {
    must_find_nothing(|document, text| {
        let leads = |link: &String| {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = document.parent().expect("a directory").join(path);
            let target = if path.is_empty() { document.to_owned() } else { target };
            target.exists() && (heading.is_empty() || has_anchor(&target, heading))
        };
        links(text).into_iter().filter(|link| !leads(link)).collect()
    });
}

#[test]
fn every_file_and_function_that_is_named_is_there() {
    must_find_nothing(|document, text| {
        let is_there = |span: &String| {
            let Some((path, item)) = reference(span) else { return true };
            let file = found(document, path);
            file.is_some_and(|file| item.is_none_or(|item| defines(&read(&file), item)))
        };
        code_spans(text).into_iter().filter(|span| !is_there(span)).collect()
    });
}

#[test]
fn every_test_that_is_named_is_there() {
    let natively: String = sources_under(&root().join("tests/it")).iter().map(|path| read(path)).collect();
    must_find_nothing(|_, text| {
        let mut missing = Vec::new();
        for (_, tests) in tests_of(text) {
            missing.extend(
                code_spans(tests).into_iter().filter(|span| is_name(span) && !defines(&natively, span)),
            );
            // In JavaScript a test is named by a text, which follows the file.
            for (before, name) in tests.split('"').zip(tests.split('"').skip(1)).step_by(2) {
                let file = code_spans(before).pop().and_then(|path| read_to_string(root().join(path)).ok());
                if !file.is_some_and(|file| file.contains(&format!("'{name}'"))) {
                    missing.push(name.to_owned());
                }
            }
        }
        missing
    });
}

/// The IDs that a test's name begins with, as in `d8_d9_the_answer_…`.
fn ids(name: &str) -> impl Iterator<Item = (char, u8)> {
    name.split('_').map_while(|word| {
        let letter = word.chars().next().filter(char::is_ascii_lowercase)?;
        Some((letter.to_ascii_uppercase(), word.get(1..)?.parse().ok()?))
    })
}

#[test]
fn every_test_that_is_named_by_a_statement_is_named_by_one_there_is() {
    let sources = [sources_under(&root().join("tests/it")), sources_under(&root().join("src"))].concat();
    let mut seen = 0;
    for path in sources {
        let source = read(&path);
        let names = source.lines().filter_map(|line| line.trim_start().strip_prefix("fn "));
        for name in names.filter_map(|rest| rest.split(['(', '<']).next()) {
            for (letter, number) in ids(name).filter(|_| name.contains('_')) {
                let there = STATEMENTS
                    .iter()
                    .any(|(known, count)| *known == letter && (1..=*count).contains(&number));
                assert!(there, "{}: {name} is of {letter}{number}, which is no statement", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} were found");
}

fn sources_under(directory: &Path) -> Vec<PathBuf> {
    let entries = read_dir(directory).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let sources = |path: PathBuf| if path.is_dir() { sources_under(&path) } else { vec![path] };
    paths.flat_map(sources).filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

#[test]
fn every_statement_has_its_test() {
    let pages = ["docs/rfc8628.md", "docs/conformance.md"].map(|path| read(&root().join(path)));
    let rows = pages.iter().flat_map(|text| tests_of(text)).collect::<Vec<_>>();
    let mut without = Vec::new();
    for (letter, count) in STATEMENTS {
        for id in (1..=count).map(|number| format!("{letter}{number}")) {
            let its_rows: Vec<&str> =
                rows.iter().filter(|(first, _)| *first == id).map(|(_, tests)| *tests).collect();
            assert!(!its_rows.is_empty(), "{id} is in no table");
            let bears_none = |tests: &&str| !code_spans(tests).iter().any(|span| bears(span, &id));
            without.extend(its_rows.into_iter().filter(bears_none).map(|tests| format!("{id}: {tests}")));
        }
    }
    assert!(without.is_empty(), "no test that bears the ID:\n{}", without.join("\n"));
}

/// Whether what a document names as a test bears the ID of a statement: the test itself, or one in that file.
fn bears(span: &str, id: &str) -> bool {
    let id = id.to_lowercase();
    match reference(span) {
        Some((_, Some(item))) => is_word_of(item, &id),
        Some((path, None)) => {
            let file = read(&root().join(path));
            file.split(|other: char| !other.is_ascii_alphanumeric() && other != '_')
                .any(|name| name.contains('_') && is_word_of(name, &id))
        }
        None => is_word_of(span, &id),
    }
}

fn is_word_of(name: &str, word: &str) -> bool {
    name.split('_').any(|other| other == word)
}

#[test]
fn every_setting_is_described_and_every_description_is_of_a_setting() {
    let read_by_the_server: BTreeSet<String> =
        files("src/settings", ".rs").iter().flat_map(|path| settings_in(&read(path))).collect();

    let text = read(&root().join("docs/settings.md"));
    let first_cells =
        prose(&text).filter_map(cells).filter_map(|cells| cells.first().map(|cell| code_spans(cell)));
    let described: BTreeSet<String> = first_cells.flatten().filter(|cell| is_setting(cell)).collect();

    assert_eq!(described, read_by_the_server);
}

/// The texts in capitals in a source, its tests aside.
fn settings_in(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    source.split('"').filter(|text| text.len() > 3 && is_setting(text)).map(str::to_owned).collect()
}

#[test]
fn every_decision_has_a_number_of_its_own_in_its_name_and_heading() {
    let mut numbers = BTreeSet::new();
    for decision in files("docs/decisions", ".md") {
        let name = decision.file_name().and_then(|name| name.to_str()).expect("a name");
        let number = name.split('-').next().and_then(|number| number.parse::<u16>().ok()).expect("a number");
        assert!(numbers.insert(number), "two decisions are number {number}");
        assert!(read(&decision).starts_with(&format!("# {number}. ")), "{name} says another number");
    }
}
