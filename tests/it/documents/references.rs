//! What the documents name exists: files, functions, tests and settings. And every statement has a test.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The letters of the statements, and the number of statements of each.
const STATEMENTS: [(char, u8); 10] =
    [('D', 15), ('U', 10), ('T', 13), ('S', 14), ('J', 4), ('V', 4), ('I', 4), ('M', 4), ('P', 6), ('R', 1)];
/// Where paths in documents can start, apart from the directory of the document.
const ROOTS: [&str; 2] = ["", "src"];
/// What starts with one of these is a path, whatever its ending.
const DIRECTORIES: [&str; 8] =
    ["src/", "tests/", "docs/", "scripts/", "templates/", "examples/", "bench/", ".github/"];
const ENDINGS: [&str; 4] = [".rs", ".mjs", ".html", ".md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the files in a directory with an ending, in order.
fn files(directory: &str, ending: &str) -> Vec<PathBuf> {
    let entries = read_dir(root().join(directory)).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("the entry is readable").path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.to_str().is_some_and(|path| path.ends_with(ending))).collect();
    paths.sort();
    paths
}

fn documents() -> Vec<PathBuf> {
    let own = [files("", ".md"), files("docs", ".md"), files("docs/decisions", ".md")].concat();
    own.into_iter().chain([root().join("examples/api/README.md")]).collect()
}

/// Returns the lines that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// Returns what stands between pairs of backticks. A pair can span lines.
fn code_spans(text: &str) -> Vec<String> {
    let prose = prose(text).collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns path and item if a span names a file or directory, or an item in it.
fn reference(span: &str) -> Option<(&str, Option<&str>)> {
    let word = span.split_whitespace().next()?;
    let (path, item) = word.split_once("::").map_or((word, None), |(path, item)| (path, Some(item)));
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
    let is_path = DIRECTORIES.iter().any(|directory| path.starts_with(directory))
        || (ENDINGS.iter().any(|ending| path.ends_with(ending)) && path.contains('/'));
    (plain && is_path).then_some((path, item))
}

/// Returns the file or directory that a path in a document means, if it exists.
fn found(document: &Path, path: &str) -> Option<PathBuf> {
    let beside = document.parent().expect("a document is in a directory").join(path);
    let places = ROOTS.iter().map(|place| root().join(place).join(path));
    places.chain([beside]).find(|place| place.exists())
}

/// Returns whether a source defines an item of this name.
fn defines(source: &str, item: &str) -> bool {
    ["fn", "struct", "enum", "trait", "const", "type"].iter().any(|kind| {
        let defined = format!("{kind} {item}");
        source.match_indices(&defined).any(|(at, _)| {
            let next = source.get(at + defined.len()..).and_then(|rest| rest.chars().next());
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        })
    })
}

/// Returns the name that GitHub gives a heading in an address.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|kept| kept.is_alphanumeric() || matches!(kept, ' ' | '-' | '_'));
    kept.map(|kept| if kept == ' ' { '-' } else { kept }).collect()
}

fn has_anchor(document: &Path, wanted: &str) -> bool {
    prose(&read(document)).any(|line| line.starts_with('#') && anchor(line) == wanted)
}

/// Returns the targets of a document's links, except those on the web.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text).collect::<Vec<_>>().join("\n");
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

/// Returns the cells of a row of a table.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// Returns first and last cell of every row in the tables whose last column is headed `Test`.
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

/// Returns whether a span is the name of a function, and not a path or anything else.
fn is_name(span: &str) -> bool {
    span.contains('_') && !span.contains(|other: char| "/.:{\" ".contains(other))
}

fn is_setting(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Fails with everything that `wrong` finds in any document.
fn must_find_nothing(wrong: impl Fn(&Path, &str) -> Vec<String>) {
    let found: Vec<String> = documents()
        .iter()
        .flat_map(|document| {
            let name = document.strip_prefix(root()).expect("documents are in this package").display();
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
fn every_named_file_and_function_exists() {
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
fn every_named_test_exists() {
    let natively: String = sources_under(&root().join("tests/it")).iter().map(|path| read(path)).collect();
    must_find_nothing(|_, text| {
        let mut missing = Vec::new();
        for (_, tests) in tests_of(text) {
            missing.extend(
                code_spans(tests).into_iter().filter(|span| is_name(span) && !defines(&natively, span)),
            );
            // A JavaScript test is named by a string, which follows the path of its file.
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

/// Returns the IDs at the start of a test's name, as in `d8_d9_the_answer_…`.
fn ids(name: &str) -> impl Iterator<Item = (char, u8)> {
    name.split('_').map_while(|word| {
        let letter = word.chars().next().filter(char::is_ascii_lowercase)?;
        Some((letter.to_ascii_uppercase(), word.get(1..)?.parse().ok()?))
    })
}

#[test]
fn every_id_in_a_test_name_is_of_a_known_statement() {
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
                assert!(there, "{}: {name} names {letter}{number}, which is no statement", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "only {seen} IDs were found");
}

fn sources_under(directory: &Path) -> Vec<PathBuf> {
    let entries = read_dir(directory).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("the entry is readable").path());
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
            let without_id = |tests: &&str| !code_spans(tests).iter().any(|span| names_id(span, &id));
            without.extend(its_rows.into_iter().filter(without_id).map(|tests| format!("{id}: {tests}")));
        }
    }
    assert!(without.is_empty(), "no test has the ID in its name:\n{}", without.join("\n"));
}

/// Returns whether a span names a test with this ID in its name, or a file with such a test.
fn names_id(span: &str, id: &str) -> bool {
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
fn every_setting_has_a_row_and_every_row_has_a_setting() {
    let read_by_the_server: BTreeSet<String> =
        files("src/settings", ".rs").iter().flat_map(|path| settings_in(&read(path))).collect();

    let text = read(&root().join("docs/settings.md"));
    let first_cells =
        prose(&text).filter_map(cells).filter_map(|cells| cells.first().map(|cell| code_spans(cell)));
    let described: BTreeSet<String> = first_cells.flatten().filter(|cell| is_setting(cell)).collect();

    assert_eq!(described, read_by_the_server);
}

/// Returns the strings in capitals in a source, except in its tests.
fn settings_in(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    source.split('"').filter(|text| text.len() > 3 && is_setting(text)).map(str::to_owned).collect()
}

#[test]
fn every_decision_has_its_own_number_in_its_name_and_heading() {
    let mut numbers = BTreeSet::new();
    for decision in files("docs/decisions", ".md") {
        let name = decision.file_name().and_then(|name| name.to_str()).expect("a name");
        let number = name.split('-').next().and_then(|number| number.parse::<u16>().ok()).expect("a number");
        assert!(numbers.insert(number), "two decisions are number {number}");
        assert!(
            read(&decision).starts_with(&format!("# {number}. ")),
            "the heading of {name} has another number"
        );
    }
}
