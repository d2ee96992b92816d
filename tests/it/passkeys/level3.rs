//! The test vectors of the specification (WebAuthn Level 3 §16).
//!
//! Many of them come from authenticators that verified nobody, or with attestations that we do not ask for. Each vector
//! names what we object to first; apart from that, every passkey must be read and every signature on P-256 must verify.

use device_grant::passkey::assertion::Assertion;
use device_grant::passkey::registration::Registration;
use device_grant::passkey::{Ceremony, Challenge, Flaw, RelyingParty};
use serde_json::{Value, json};

use super::ceremonies::verifies;

const ORIGIN: &str = "https://example.org";

struct Vector {
    name: &'static str,
    registration: Result<(), Flaw>,
    authentication: Result<(), Flaw>,
}

const fn vector(
    name: &'static str,
    registration: Result<(), Flaw>,
    authentication: Result<(), Flaw>,
) -> Vector {
    Vector { name, registration, authentication }
}

const VECTORS: [Vector; 15] = [
    vector("none-es256", Err(Flaw::NotVerified), Err(Flaw::NotVerified)),
    vector("packed-self-es256", Ok(()), Err(Flaw::NotVerified)),
    vector("none-es256-crossOrigin", Err(Flaw::CrossOrigin), Err(Flaw::CrossOrigin)),
    vector("none-es256-topOrigin", Err(Flaw::CrossOrigin), Err(Flaw::CrossOrigin)),
    vector("none-es256-long-credential-id", Err(Flaw::NotVerified), Ok(())),
    vector("packed-es256", Err(Flaw::Attestation), Ok(())),
    vector("packed-es384", Err(Flaw::NotVerified), Ok(())),
    vector("packed-es512", Err(Flaw::Key), Err(Flaw::NotVerified)),
    vector("packed-rs256", Err(Flaw::Attestation), Err(Flaw::NotVerified)),
    vector("packed-eddsa", Err(Flaw::NotVerified), Err(Flaw::NotVerified)),
    vector("packed-ed448", Err(Flaw::NotVerified), Ok(())),
    vector("tpm-es256", Err(Flaw::Attestation), Ok(())),
    vector("android-key-es256", Err(Flaw::Attestation), Err(Flaw::NotVerified)),
    vector("apple-es256", Err(Flaw::NotVerified), Err(Flaw::NotVerified)),
    vector("fido-u2f-es256", Err(Flaw::NotVerified), Err(Flaw::NotVerified)),
];

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("level3.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

fn ceremony(challenge: &Challenge) -> Ceremony<'_> {
    Ceremony { relying_party: RelyingParty::new("example.org", ORIGIN).unwrap(), challenge }
}

fn challenge(part: &Value) -> Challenge {
    Challenge::from(part["challenge"].as_str().unwrap())
}

/// Returns the `toJSON()` of one half of a vector.
fn response(vector: &Value, half: &str) -> String {
    let id = &vector["credential"];
    json!({ "id": id, "rawId": id, "type": "public-key", "response": vector[half] }).to_string()
}

#[test]
fn every_vector_is_accepted_or_refused_for_the_reason_that_it_was_made_for() {
    let vectors = vectors();
    assert_eq!(vectors.len(), VECTORS.len());
    for (vector, expected) in vectors.iter().zip(VECTORS) {
        let name = expected.name;
        assert_eq!(vector["name"], name);
        let first = challenge(&vector["registration"]);
        let registration = Registration::parse(&response(vector, "registration")).unwrap();
        let registered = registration.check(ceremony(&first));
        assert_eq!(registered.as_ref().map(|_| ()).map_err(|flaw| *flaw), expected.registration, "{name}");

        let second = challenge(&vector["authentication"]);
        let assertion = Assertion::parse(&response(vector, "authentication")).unwrap();
        assert_eq!(assertion.check(ceremony(&second)).map(|_| ()), expected.authentication, "{name}");
        assert_eq!(assertion.check(ceremony(&first)), Err(Flaw::Challenge), "{name}");
    }
}

#[test]
fn the_self_attestation_and_the_signatures_of_the_vectors_verify() {
    let vectors = vectors();
    let own = &vectors[1];
    let first = challenge(&own["registration"]);
    let registered =
        Registration::parse(&response(own, "registration")).unwrap().check(ceremony(&first)).unwrap();
    assert_eq!(registered.aaguid.to_string(), "df850e09-db6a-fbdf-ab51-697791506cfc");
    assert_eq!(json!(registered.id), own["credential"]);
    assert!(verifies(&registered.key, registered.proof.as_ref().unwrap()));

    let assertion = with_handle(&response(own, "authentication"));
    let mut signed = Assertion::parse(&assertion).unwrap().signed(&registered.key, b"alice").unwrap();
    assert!(verifies(&registered.key, &signed));
    signed.input[33] ^= 1;
    assert!(!verifies(&registered.key, &signed), "another counter");
}

/// Adds a user handle, which no vector has.
fn with_handle(response: &str) -> String {
    let mut response: Value = serde_json::from_str(response).unwrap();
    response["response"]["userHandle"] = json!(device_grant::secret::encode(b"alice"));
    response.to_string()
}
