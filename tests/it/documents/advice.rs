//! The screens and calls in the table of docs/governance.md that answers the advice of security guides exist.

use std::fs::read_to_string;
use std::path::Path;

use serde_json::Value;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

fn file(name: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("it is readable")
}

/// Returns what stands between backticks in a column of the table, which has the columns `Call` and `Screen`.
fn spans(column: &str) -> Vec<String> {
    let text = file("docs/governance.md");
    let mut rows = text.lines().skip_while(|line| !line.starts_with("| Advice |"));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let heads = cells(rows.next().expect("the table"));
    let at = heads.iter().position(|head| head == column).expect("the column");
    let rows: Vec<&str> = rows.skip(1).take_while(|row| row.starts_with('|')).collect();
    assert!(rows.len() >= 9, "one row for each piece of advice");
    let of_row = |row: &&str| {
        let cell = cells(row).get(at).cloned().expect("a cell");
        let spans: Vec<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert!(!spans.is_empty(), "no {column}: {row}");
        spans
    };
    rows.iter().flat_map(of_row).collect()
}

#[test]
fn each_screen_of_the_table_of_advice_is_a_page_of_the_console() {
    let source = file("src/endpoint/console/route.rs");
    let pages: Vec<String> = source
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(Place::")?.split('"').nth(1))
        .map(|page| format!("/admin{page}"))
        .collect();
    assert!(pages.len() > 20, "{pages:?}");

    for screen in spans("Screen") {
        assert!(pages.contains(&screen), "{screen} is no page");
    }
}

#[test]
fn each_call_of_the_table_of_advice_is_an_operation_of_the_admin_api() {
    let api: Value = serde_json::from_str(&file("src/endpoint/admin/openapi.json")).expect("JSON");
    let makefile = file("Makefile");
    for span in spans("Call") {
        if let Some(target) = span.strip_prefix("make ") {
            let target = target.split(' ').next().unwrap_or_default();
            let is_target = |line: &str| line.starts_with(&format!("{target}:"));
            assert!(makefile.lines().any(is_target), "{span}: no such target");
        }
        let Some((method, address)) = span.split_once(' ').filter(|(method, _)| METHODS.contains(method))
        else {
            assert!(!span.starts_with('/'), "{span} has no method");
            continue;
        };
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let operation = &api["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{span} is no operation");
        for parameter in
            query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty())
        {
            let known = operation["parameters"].as_array().expect("parameters");
            assert!(known.iter().any(|one| name(&api, one) == parameter), "{span} has no {parameter}");
        }
    }
}

/// Returns the name of a parameter that may be a reference.
fn name<'a>(api: &'a Value, parameter: &'a Value) -> &'a str {
    let target = parameter["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    let parameter = target.map_or(Some(parameter), |target| api.pointer(target));
    parameter.and_then(|parameter| parameter["name"].as_str()).unwrap_or_default()
}
