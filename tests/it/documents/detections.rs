//! The table and the queries in docs/detections.md are those of the code and of the schema of events.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::Path;

use device_grant::counts::detection::{Counts, Detection};
use device_grant::counts::habits::LEARNED;
use serde_json::Value;

fn document(name: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).expect("it is readable")
}

/// Returns the threshold as the table writes it.
fn threshold(detection: Detection) -> String {
    let terms = detection.terms();
    let what = match (terms.counts, terms.threshold) {
        (Counts::Events, 1) => "event",
        (Counts::Events, _) => "events",
        (Counts::People, _) => "people",
    };
    let seconds = terms.window.as_secs();
    let window = match (seconds % 86_400, seconds) {
        (_, 86_400) => "24 hours".to_owned(),
        (0, _) => format!("{} days", seconds / 86_400),
        (_, 3_600) => "1 hour".to_owned(),
        _ => format!("{} minutes", seconds / 60),
    };
    format!("{} {what} in {window}", terms.threshold)
}

#[test]
fn the_table_has_the_thresholds_of_the_code() {
    let text = document("detections.md");
    let rows = text.lines().filter(|line| line.starts_with("| [`"));
    let rows: Vec<(String, String)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let name = cells.nth(1).and_then(|cell| cell.split('`').nth(1)).expect("a name");
            (name.to_owned(), cells.nth(1).expect("a threshold").to_owned())
        })
        .collect();

    let expected = Detection::ALL.map(|detection| (detection.name().to_owned(), threshold(detection)));
    assert_eq!(rows, expected);
    assert!(LEARNED == 10 && text.contains("who has approved ten times"));
}

/// Returns what each block of code in a language has.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    text.split(&begin).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn each_detection_has_a_query_in_each_language_that_names_members_of_the_schema() {
    let text = document("detections.md");
    let schema: Value = serde_json::from_str(&document("event.schema.json")).expect("JSON");
    for (language, prefix) in [("kql", "event."), ("eql", "device_grant."), ("yaml", "event.")] {
        let blocks = blocks(&text, language);
        assert_eq!(blocks.len(), Detection::ALL.len(), "{language}");
        for block in blocks {
            let paths: Vec<&str> = block.split(prefix).skip(1).map(path).collect();
            assert!(!paths.is_empty(), "{block}");
            for path in paths {
                assert!(is_member(&schema, path), "{path} is no member of an event:\n{block}");
            }
        }
    }
    assert!(!is_member(&schema, "started.address") && !is_member(&schema, "device_code"));
}

#[test]
fn each_query_of_a_campaign_asks_whose_network_hosts_servers() {
    let text = document("detections.md");
    for (language, prefix) in [("kql", "event."), ("eql", "device_grant."), ("yaml", "event.")] {
        for block in blocks(&text, language) {
            let of = |path: &str| block.matches(&format!("{prefix}comparison.verdict.{path}")).count();
            assert_eq!(of("why"), of("whose"), "a person may sit in such a network:\n{block}");
        }
    }
}

#[test]
fn the_table_says_which_queries_only_read_the_alert() {
    let text = document("detections.md");
    let read = |language: &str| -> Vec<bool> {
        blocks(&text, language).iter().map(|block| block.contains("alert_opened")).collect()
    };
    let (kql, eql, sigma) = (read("kql"), read("eql"), read("yaml"));
    let expected: Vec<&str> = kql
        .iter()
        .zip(eql.iter().zip(&sigma))
        .map(|reads| match reads {
            (false, (false, false)) => "events",
            (true, (true, true)) => "the alert",
            (false, (true, true)) => "events in KQL, else the alert",
            other => panic!("{other:?}"),
        })
        .collect();

    let rows = text.lines().filter(|line| line.starts_with("| [`"));
    let said: Vec<&str> = rows.filter_map(|row| row.split('|').map(str::trim).nth(5)).collect();
    assert_eq!(said, expected);
}

#[test]
fn each_sigma_rule_has_what_readers_of_sigma_demand() {
    let text = document("detections.md");
    let rules: Vec<&str> = blocks(&text, "yaml").into_iter().flat_map(|block| block.split("---\n")).collect();
    let mut titles = BTreeSet::new();
    for rule in &rules {
        let value = |member: &str| rule.lines().find_map(|line| line.strip_prefix(&format!("{member}:")));
        let title = value("title").unwrap_or_else(|| panic!("no title:\n{rule}"));
        assert!(titles.insert(title.trim()), "each title is its own: {title}");
        assert!(value("name").is_some(), "{rule}");
        if value("correlation").is_some() {
            for member in ["type", "rules", "group-by", "timespan", "condition"] {
                assert!(rule.contains(&format!("\n  {member}: ")), "no {member}:\n{rule}");
            }
        } else {
            assert!(value("logsource").is_some() && value("detection").is_some(), "{rule}");
            assert!(rule.contains("\n  condition: "), "{rule}");
        }
    }
    assert_eq!(rules.len(), Detection::ALL.len() + 5, "five correlations count events of a rule");
}

/// Returns the path that a text begins with.
fn path(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_' && letter != '.');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// Returns whether some kind of event can have this member.
fn is_member(schema: &Value, path: &str) -> bool {
    let kinds = schema["anyOf"].as_array().expect("kinds");
    kinds.iter().any(|kind| {
        let found = path.split('.').try_fold(resolved(schema, kind), |object, name| {
            object["properties"].get(name).map(|member| resolved(schema, member))
        });
        found.is_some()
    })
}

fn resolved<'a>(schema: &'a Value, object: &'a Value) -> &'a Value {
    let target = object["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.map_or(object, |target| schema.pointer(target).expect("a definition"))
}

#[test]
fn the_schema_and_the_admin_api_name_all_detections() {
    let schema: Value = serde_json::from_str(&document("event.schema.json")).expect("JSON");
    let api: Value =
        serde_json::from_str(include_str!("../../../src/endpoint/admin/openapi.json")).expect("JSON");
    let names = serde_json::json!(Detection::ALL.map(Detection::name));

    assert_eq!(schema["$defs"]["alert_event"]["properties"]["detection"]["enum"], names);
    assert_eq!(api["components"]["schemas"]["Alert"]["properties"]["detection"]["enum"], names);
}
