//! Every stored record, letter for letter.
//!
//! If a test here fails, the rows of a running deployment could no longer be read. The format number must
//! then go up, and the old format stays readable: see `docs/storage.md`.

mod accounts;
mod counters_and_events;
mod grants;
mod registry;

use device_grant::secret::Digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Checks that the value is written as `json`, and that `json` is read as the value.
#[track_caller]
fn pin<T: Serialize + DeserializeOwned>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).expect("it serializes"), json);
    let read: T = serde_json::from_str(json).expect("it parses");
    assert_eq!(serde_json::to_string(&read).expect("it serializes"), json);
}

const REQUEST: &str = r#"{"client_id":"demo-tv","scope":"email openid","nonce":"n","origin":{"place":{"country":"FR","asn":64500},"device":"Apple TV","at":1763733780123},"network":"24.abc/32.def"}"#;
const APPROVAL: &str = r#"{"id":"approval","account":"local:alice","sub":"acct-a","scope":"openid","auth_time":1763733780123,"amr":["pwd"],"how":"password","recorded":{"nearness":"near","network":"24.abc/32.def"},"at":1763733780123,"kind":"Unknown device"}"#;
const HOLD: &str = r#"{"account":"local:alice","sub":"acct-a","session":"HOLD_SESSION","browser":"HOLD_BROWSER","nonce":"nonce"}"#;
const FAMILY: &str = r#"{"format":1,"client_id":"demo-tv","account":"local:alice","sub":"acct-a","provenance":{"approval_id":"approval","started":{"at":1763733780123,"country":"FR","asn":64500,"kind":"Apple TV"},"approved":{"at":1763733780123,"kind":"Unknown device"}},"scope":"openid","auth_time":1763733780123,"amr":["pwd"],"recorded":{"nearness":"near","network":"24.abc/32.def"},"ends_at":1763733780123,"refresh":{"digest":"FAMILY_DIGEST","attempt":"attempt","good_until":1763733780123},"refreshable_until":1763733780123}"#;

/// Replaces the placeholders in the texts above by the digests of the secrets in [`records`](super::records).
fn with_digests(json: &str) -> String {
    let digest = |secret: &[u8]| device_grant::secret::encode(Digest::of(secret).bytes());
    json.replace("HOLD_SESSION", &digest(b"session"))
        .replace("HOLD_BROWSER", &digest(b"browser"))
        .replace("FAMILY_DIGEST", &digest(b"refresh"))
        .replace("GRANT_SECRET", &digest(b"secret"))
}

/// Returns the record of [`family`](crate::properties::records::family) with more members in its middle and
/// at its end.
fn family_json(middle: &str, end: &str) -> String {
    let (head, tail) =
        FAMILY.split_at(FAMILY.find(r#","refreshable_until""#).expect("the record has this member"));
    with_digests(&format!("{head}{middle}{}{end}}}", tail.trim_end_matches('}')))
}
