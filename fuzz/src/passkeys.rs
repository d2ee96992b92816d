//! What browsers and authenticators send in the ceremonies of passkeys. Signatures are not verified here.

use device_grant::passkey::assertion::Assertion;
use device_grant::passkey::cbor::Value;
use device_grant::passkey::registration::Registration;
use device_grant::passkey::{Ceremony, Challenge, RelyingParty, der};
use device_grant::secret;
use serde_json::json;

use crate::support::authenticator;
use crate::text;

const ORIGIN: &str = "https://login.example";

/// The input is an attestation object: a passkey that is registered names itself as the browser did.
pub fn attestations(input: &[u8]) {
    // The first byte is the length of the identifier.
    let Some((length, object)) = input.split_first() else { return };
    let id = secret::encode(&vec![*length; usize::from(*length)]);
    let response = json!({ "clientDataJSON": client_data("webauthn.create"), "attestationObject": secret::encode(object) });
    let Ok(registration) = Registration::parse(&credential(&id, &response)) else { return };
    let Ok(registered) = registration.check(ceremony(&challenge())) else { return };
    assert_eq!(registered.id.to_string(), id);
    assert!(registered.proof.is_none_or(|proof| registered.key.fits(&proof.signature)));
}

/// The input is authenticator data: the shortest that is accepted has 37 bytes, and is for our RP ID.
pub fn authenticator_data(input: &[u8]) {
    let response = json!({
        "clientDataJSON": client_data("webauthn.get"), "authenticatorData": secret::encode(input), "signature": "",
    });
    let assertion = Assertion::parse(&credential("AAAA", &response)).expect("it is well-formed");
    if let Ok(used) = assertion.check(ceremony(&challenge())) {
        assert_eq!(input[33..37], used.counter.to_be_bytes());
        assert_eq!(input[..32], *secret::Digest::of(b"login.example").bytes());
        assert_eq!(input[32] & 0x45, 0x05, "present, verified, without a key");
    }
}

/// The input is client data: it is accepted only with our challenge and our origin.
pub fn client_data_json(input: &[u8]) {
    let data = [&secret::Digest::of(b"login.example").bytes()[..], &[5, 0, 0, 0, 0]].concat();
    let response = json!({
        "clientDataJSON": secret::encode(input), "authenticatorData": secret::encode(&data), "signature": "",
    });
    let assertion = Assertion::parse(&credential("AAAA", &response)).expect("it is well-formed");
    if assertion.check(ceremony(&challenge())).is_ok() {
        let read: serde_json::Value = serde_json::from_slice(input).expect("it was read");
        assert_eq!((&read["challenge"], &read["origin"]), (&json!(challenge()), &json!(ORIGIN)));
        assert!(!matches!(read.get("crossOrigin"), Some(json) if *json != json!(false)));
    }
}

/// The input is the browser's JSON, which is read as one operation or as the other.
pub fn passkeys(input: &[u8]) {
    let text = text(input);
    assert!(Registration::parse(text).is_err() || Assertion::parse(text).is_err());
}

/// A value that is read can be nested in four arrays or maps at most, and is shorter than its input.
pub fn cbor(input: &[u8]) {
    let Some((value, rest)) = Value::first(input) else { return };
    assert!(rest.len() < input.len() && levels(&value) <= 4);
    assert_eq!(Value::read(&input[..input.len() - rest.len()]), Some(value));
}

/// A signature that is read has no other spelling.
pub fn der_signatures(input: &[u8]) {
    if let Some(raw) = der::raw(input) {
        assert_eq!(authenticator::der(&raw), input);
    }
}

fn levels(value: &Value<'_>) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(levels).max().unwrap_or(0),
        Value::Map(entries) => {
            1 + entries.iter().map(|(key, value)| levels(key).max(levels(value))).max().unwrap_or(0)
        }
        _ => 0,
    }
}

fn challenge() -> Challenge {
    Challenge::from("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

fn ceremony(challenge: &Challenge) -> Ceremony<'_> {
    let relying_party = RelyingParty::new("login.example", ORIGIN).expect("a domain");
    Ceremony { relying_party, challenge }
}

fn client_data(operation: &str) -> String {
    let data = json!({ "type": operation, "challenge": challenge(), "origin": ORIGIN });
    secret::encode(data.to_string().as_bytes())
}

fn credential(id: &str, response: &serde_json::Value) -> String {
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}
