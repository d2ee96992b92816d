//! The specification's test vectors whose signatures the native tests cannot verify: RSA and Ed25519.

use device_grant::passkey::assertion::Assertion;
use device_grant::passkey::registration::Registration;
use device_grant::passkey::{Ceremony, Challenge, RelyingParty};
use device_grant::secret::{decode, encode};
use serde_json::{Value, json};

use super::second::verifies;

/// A vector with no attestation, and with its user verified, so that we accept the registration.
fn registration(vector: &Value) -> String {
    let object = decode(vector["registration"]["attestationObject"].as_str().unwrap()).unwrap();
    let hash = decode("v6vDdDKViwYzYNOtZGHJxHNa5_jt1GWSpeDwFFKy5LU").unwrap();
    let start = object.windows(32).rposition(|window| window == hash).unwrap();
    let mut data = object[start..].to_vec();
    data[32] |= 0x04;
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let head = if data.len() < 256 { vec![0x58, length[1]] } else { vec![0x59, length[0], length[1]] };
    let object = [b"\xa3cfmtdnonegattStmt\xa0hauthData".to_vec(), head, data].concat();
    response(
        vector,
        &json!({
            "clientDataJSON": vector["registration"]["clientDataJSON"], "attestationObject": encode(&object),
        }),
    )
}

fn response(vector: &Value, response: &Value) -> String {
    let id = &vector["credential"];
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

#[test]
fn the_signatures_of_the_specification_verify_with_every_algorithm() {
    let file: Value = serde_json::from_str(include_str!("../../../it/passkeys/level3.json")).unwrap();
    for name in ["none-es256", "packed-es256", "packed-rs256", "packed-eddsa", "apple-es256"] {
        let vector =
            file["vectors"].as_array().unwrap().iter().find(|vector| vector["name"] == name).unwrap();
        let challenge = Challenge::from(vector["registration"]["challenge"].as_str().unwrap());
        let relying_party = RelyingParty::new("example.org", "https://example.org").unwrap();
        let registration = Registration::parse(&registration(vector)).unwrap();
        let registered = registration.check(Ceremony { relying_party, challenge: &challenge }).unwrap();
        let mut authentication = vector["authentication"].clone();
        authentication["userHandle"] = json!("AA");
        let assertion = Assertion::parse(&response(vector, &authentication)).unwrap();
        let mut signed = assertion.signed(&registered.key, &[0]).unwrap();
        assert!(verifies(&registered.key, &signed), "{name}");
        signed.input[36] ^= 1;
        assert!(!verifies(&registered.key, &signed), "{name}");
    }
}
