//! The policies in the documents: each is sound, and that of `examples/policy.toml` decides as `docs/governance.md` says.

use std::fs::read_to_string;
use std::path::Path;
use std::time::Duration;

use device_grant::audit::change::Actor;
use device_grant::device_kind::DeviceClass;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::network::Network;
use device_grant::policy::Point;
use device_grant::policy::document::Policy;
use device_grant::policy::evaluation::decide;
use device_grant::policy::facts::{Facts, FirstTimes, Groups, Nearness, SideFacts, SignInFacts, Start};
use device_grant::policy::governance::Governance;
use device_grant::policy::place::Country;
use device_grant::policy::window::Span;
use device_grant::policy::written;
use device_grant::policy::written::exception::Reading;
use device_grant::scope::Scope;
use device_grant::time::Timestamp;
use serde_json::{Map, Value, json};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A Friday, at 12:00 UTC.
fn now() -> Timestamp {
    Timestamp::parse("2027-01-15T12:00:00Z").expect("an instant")
}

/// Reads a file as `make apply` does.
fn governance(text: &str) -> Governance {
    let mut file: Map<String, Value> =
        basic_toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let policy = match file.remove("policy") {
        Some(Value::Object(members)) => {
            written::parse(members, now()).unwrap_or_else(|faults| panic!("{faults:?}"))
        }
        Some(_) => panic!("[policy] is a table"),
        None => Policy::without_document(false),
    };
    let exceptions = file.remove("exceptions").unwrap_or_else(|| json!([]));
    assert!(file.is_empty(), "{file:?}");
    let reading = Reading { policy: &policy, before: None, by: Actor::Registration, now: now() };
    let read = |exception: &Value| {
        let members = exception.as_object().expect("a table").clone();
        written::exception::parse(members, &reading).unwrap_or_else(|faults| panic!("{faults:?}"))
    };
    let exceptions = exceptions.as_array().expect("a list").iter().map(read).collect();
    Governance { policy, exceptions, ..Governance::without_document(false) }
}

/// Returns the blocks of a document that are written in TOML.
fn blocks(document: &str) -> Vec<&str> {
    let blocks = document.split("```toml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block ends")).collect()
}

#[test]
fn every_policy_in_the_documents_is_sound() {
    let document = read("docs/governance.md");
    let blocks = blocks(&document);

    assert!(blocks.len() >= 6, "only {} blocks", blocks.len());
    for block in blocks {
        // An example of an exception lifts a rule that stands in another example.
        let standing = if block.contains("lifts = [\"abroad\"]") {
            "[[policy.rules]]\nid = \"abroad\"\ndescription = \"x\"\neffect = \"deny\"\n"
        } else {
            ""
        };
        let begins = if block.contains("[policy]") { "" } else { "[policy]\ndefault = \"enforced\"\n" };
        governance(&format!("{begins}{block}\n{standing}"));
    }
}

/// A login, as a row of the table describes it.
struct Login<'a> {
    account: &'a str,
    group: &'a str,
    client: &'a str,
    scope: &'a str,
    country: &'a str,
}

/// Returns what decides a login: at the start, and at the approval.
fn decided(governance: &Governance, login: &Login<'_>) -> (String, String) {
    let (account, scope) = (AccountKey::local(login.account), Scope::parse(login.scope).expect("a scope"));
    let groups: Vec<Group> = Group::parse(login.group).into_iter().collect();
    let (country, asn) = (Country::of(Some(login.country)), Some(3_320));
    let class = DeviceClass::CommandLine;
    let side = SideFacts { country, region: None, asn, networks: &[], hosting: false, class, managed: false };
    let network = Network::default();
    let start = Facts {
        client: Some(login.client),
        scope: Some(&scope),
        device: Some(side),
        web_page: Some(false),
        can_verify: Some(false),
        is_bound: Some(false),
        start: Some(Start { at: now(), country, asn, network: &network }),
        ..Facts::unknown(
            Point::DeviceAuthorization,
            Span { from: now(), until: now() + Duration::from_secs(600) },
        )
    };
    let approval = Facts {
        point: Point::Approval,
        account: Some(&account),
        groups: Some(Groups::exactly(&groups)),
        sign_in: Some(SignInFacts { age: Duration::ZERO, acr: None, amr: &[], resists_phishing: true }),
        person: Some(side),
        nearness: Some(Nearness::Near),
        same_device: Some(false),
        first: Some(FirstTimes::default()),
        time: Span::at(now()),
        ..start
    };
    let word = |facts: &Facts<'_>| {
        let decision = decide(governance, facts);
        format!("{}: {}", if decision.is_allowed() { "yes" } else { "no" }, decision.ruling.by)
    };
    (word(&start), word(&approval))
}

#[test]
fn the_example_decides_as_the_table_says() {
    let (governance, document) = (governance(&read("examples/policy.toml")), read("docs/governance.md"));
    let (_, table) = document.split_once("| Person | Group | Client | Scope | Country |").expect("the table");
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| "))
        .map(|row| row.trim_end_matches(" |").split(" | ").map(|cell| cell.trim_matches('`')).collect())
        .collect();

    assert!(rows.len() >= 8, "only {} rows", rows.len());
    for row in rows {
        let [account, group, client, scope, country, start, approval] = row[..] else { panic!("{row:?}") };
        let login = Login { account, group, client, scope, country };
        assert_eq!(decided(&governance, &login), (start.to_owned(), approval.to_owned()), "{row:?}");
    }
}
