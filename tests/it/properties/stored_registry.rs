//! The record of a client that was changed, to the letter.

use device_grant::client::history::History;
use device_grant::client::{Authentication, Client, Retiring, SecretBy, demo};
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
