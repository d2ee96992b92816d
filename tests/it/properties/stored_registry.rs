//! What the registry stores of a client that was changed, and what is said to it, to the byte: rows and messages of
//! the version before must stay readable.

use device_grant::client::history::{Expected, History};
use device_grant::client::{Authentication, Client, Retiring, SecretBy, demo};
use device_grant::fault::Fault;
use device_grant::registry;
use device_grant::registry::command::{Command, RegistryRefusal, Reply, Trial};
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

const AT: Timestamp = Timestamp::from_millis(1_763_733_780_123);
const A: &str = "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs";

fn pin<T: Serialize + DeserializeOwned>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).expect("it serializes"), json);
    let read: T = serde_json::from_str(json).expect("it parses");
    assert_eq!(serde_json::to_string(&read).expect("it serializes"), json);
}

#[test]
fn a_client_of_before_there_were_versions_is_at_its_first() {
    let old = serde_json::to_string(&demo::clients().remove(0)).expect("it serializes");

    let client: Client = serde_json::from_str(&old).expect("it parses");

    assert!(!old.contains("history"));
    assert_eq!((client.history.version, client.history.etag().as_str()), (1, "\"0.1\""));
}

#[test]
fn a_client_that_was_changed_and_whose_secret_was_rotated() {
    let digest = Digest::of(b"a");
    let previous = Some(Retiring { digest, until: AT });
    let client = Client {
        authentication: Authentication::Secret { digest, previous, by: SecretBy::Post },
        history: History::beginning(AT).changed(AT),
        ..demo::clients().remove(0)
    };

    let authentication = format!(
        r#"{{"method":"secret","digest":"{A}","previous":{{"digest":"{A}","until":1763733780123}},"by":"post"}}"#
    );
    let history = r#"{"version":2,"created_at":1763733780123,"changed_at":1763733780123}"#;
    pin(
        &client,
        &format!(
            r#"{{"format":1,"client_id":"demo-tv","client_name":"Demo TV","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"scope":"email offline_access openid profile","authentication":{authentication},"id_token_signed_response_alg":"RS256","access_token_signed_response_alg":"ES256","enabled":true,"history":{history}}}"#
        ),
    );
}

#[test]
fn what_an_operator_asks_of_the_registry() {
    let name = || "a".to_owned();
    let trial = Trial { scopes: Scope::parse("fly").expect("a scope") };
    let client = Box::new(demo::clients().remove(0));
    let record = serde_json::to_string(&client).expect("it serializes");
    let secret = Digest::of(b"a");
    let one = Expected::OneOf(vec!["\"0.1\"".to_owned()]);
    for (command, json) in [
        (Command::Clients { after: None, limit: 3 }, r#"{"clients":{"after":null,"limit":3}}"#.to_owned()),
        (
            Command::Create { client: client.clone(), dry_run: Some(trial), by_itself: false },
            format!(r#"{{"create":{{"client":{record},"dry_run":{{"scopes":"fly"}}}}}}"#),
        ),
        (
            Command::Replace { client, expected: Expected::Any, dry_run: None },
            format!(r#"{{"replace":{{"client":{record},"expected":"any","dry_run":null}}}}"#),
        ),
        (
            Command::Delete { client_id: name(), expected: one },
            r#"{"delete":{"client_id":"a","expected":{"one_of":["\"0.1\""]}}}"#.to_owned(),
        ),
        (
            Command::Rotate { client_id: name(), expected: Expected::Any, secret, overlap: 5 },
            format!(r#"{{"rotate":{{"client_id":"a","expected":"any","secret":"{A}","overlap":5}}}}"#),
        ),
        (Command::Scopes, r#""scopes""#.to_owned()),
        (
            Command::Describe { name: name(), description: "Words".to_owned() },
            r#"{"describe":{"name":"a","description":"Words"}}"#.to_owned(),
        ),
        (Command::Forget { name: name() }, r#"{"forget":{"name":"a"}}"#.to_owned()),
    ] {
        pin(&registry::Command::Manage(command), &format!(r#"{{"manage":{json}}}"#));
    }
}

#[test]
fn what_the_registry_answers_an_operator() {
    let unknown = RegistryRefusal::Unknown(vec![Fault::at("scope", "unknown")]);
    for (reply, json) in [
        (Reply::Clients(Vec::new()), r#"{"clients":[]}"#),
        (Reply::Scopes(std::collections::BTreeMap::default()), r#"{"scopes":{}}"#),
        (Reply::Described(true), r#"{"described":true}"#),
        (Reply::Removed, r#""removed""#),
        (Reply::Refused(RegistryRefusal::Stale), r#"{"refused":"stale"}"#),
        (Reply::Refused(RegistryRefusal::InUse(2, "a".to_owned())), r#"{"refused":{"in_use":[2,"a"]}}"#),
        (
            Reply::Refused(RegistryRefusal::TooMuch(Fault::at("claims", "heavy"))),
            r#"{"refused":{"too_much":{"pointer":"/claims","detail":"heavy"}}}"#,
        ),
        (Reply::Refused(unknown), r#"{"refused":{"unknown":[{"pointer":"/scope","detail":"unknown"}]}}"#),
    ] {
        pin(&registry::Reply::Managed(reply), &format!(r#"{{"managed":{json}}}"#));
    }
}
