//! What a ceremony must be, one lie at a time.

use device_grant::passkey::assertion::{Assertion, Used};
use device_grant::passkey::record;
use device_grant::passkey::registration::{Registered, Registration};
use device_grant::passkey::signed::Signed;
use device_grant::passkey::{Backup, Ceremony, Challenge, Flaw, RelyingParty};
use device_grant::secret::{decode, encode};
use device_grant::time::Timestamp;
use device_grant::token::signing_key::{Material, PublicKey};
use jwt_compact::alg::Es256;
use jwt_compact::{Algorithm as _, AlgorithmSignature as _};
use serde_json::{Value, json};

use crate::support::authenticator::Authenticator;

pub(super) const ORIGIN: &str = "http://localhost:8787";
pub(super) const HOST: &str = "localhost";

pub(super) fn authenticator() -> Authenticator {
    Authenticator { user_handle: Some(b"alice".to_vec()), ..Authenticator::new(7, HOST, ORIGIN) }
}

pub(super) fn challenge() -> Challenge {
    Challenge::from(encode(&[9; 32]).as_str())
}

pub(super) fn ceremony(challenge: &Challenge) -> Ceremony<'_> {
    Ceremony { relying_party: RelyingParty::new(HOST, ORIGIN).unwrap(), challenge }
}

pub(super) fn registered(json: &str) -> Result<Registered, Flaw> {
    Registration::parse(json)?.check(ceremony(&challenge()))
}

pub(super) fn used(json: &str) -> Result<Used, Flaw> {
    Assertion::parse(json)?.check(ceremony(&challenge()))
}

/// Verifies a signature on P-256, as WebCrypto does for the server.
pub(super) fn verifies(key: &PublicKey, signed: &Signed) -> bool {
    let Material::Ec { x, y, .. } = &key.material else { panic!("not on P-256") };
    let point = [vec![4], decode(x).unwrap(), decode(y).unwrap()].concat();
    let key = <Es256 as jwt_compact::Algorithm>::VerifyingKey::from_sec1_bytes(&point).unwrap();
    let signature = <Es256 as jwt_compact::Algorithm>::Signature::try_from_slice(&signed.signature);
    signature.is_ok_and(|signature| Es256.verify_signature(&signature, &key, &signed.input))
}

#[test]
fn a_passkey_is_registered_and_signs_in() {
    let authenticator = authenticator();

    let registered = registered(&authenticator.create(&challenge())).unwrap();
    let json = authenticator.get(&challenge());
    let assertion = Assertion::parse(&json).unwrap();

    assert_eq!(registered.proof, None);
    assert_eq!(registered.backup, Backup::BackedUp);
    assert_eq!(assertion.id(), &registered.id);
    assert_eq!(used(&json), Ok(Used { counter: 0, backup: Backup::BackedUp }));
    let signed = assertion.signed(&registered.key, b"alice").unwrap();
    assert!(verifies(&registered.key, &signed));
    let other = Authenticator { seed: 8, ..authenticator };
    let other = super::ceremonies::registered(&other.create(&challenge())).unwrap();
    assert!(!verifies(&other.key, &signed), "the key of another passkey");
}

#[test]
fn an_authenticator_may_attest_itself_with_the_new_key() {
    let authenticator = Authenticator { attests_itself: true, ..authenticator() };

    let registered = registered(&authenticator.create(&challenge())).unwrap();

    assert!(verifies(&registered.key, &registered.proof.unwrap()));
}

#[test]
fn an_attestation_that_is_neither_none_nor_made_with_the_new_key_is_refused() {
    let authenticator = Authenticator { attests_itself: true, ..authenticator() };
    let created: Value = serde_json::from_str(&authenticator.create(&challenge())).unwrap();
    let object = decode(created["response"]["attestationObject"].as_str().unwrap()).unwrap();
    let with = |from: &[u8], to: &[u8]| {
        let at = object.windows(from.len()).position(|part| part == from).unwrap();
        let changed = [&object[..at], to, &object[at + from.len()..]].concat();
        let mut created = created.clone();
        created["response"]["attestationObject"] = json!(encode(&changed));
        registered(&created.to_string()).map(|_| ())
    };

    assert_eq!(with(b"\x66packed", b"\x66packed"), Ok(()));
    assert_eq!(
        with(b"\x63alg\x26", b"\x63alg\x27"),
        Err(Flaw::Attestation),
        "another algorithm than the key's"
    );
    assert_eq!(with(b"\x66packed", b"\x68fido-u2f"), Err(Flaw::Attestation), "another format");
    assert_eq!(with(b"\x66packed", b"\x64none"), Err(Flaw::Malformed), "none with a statement");
}

#[test]
fn a_record_says_whether_a_new_passkey_can_be_and_is_backed_up() {
    for (flags, eligible, backed_up) in
        [(0b0000_0101, false, false), (0b0000_1101, true, false), (0b0001_1101, true, true)]
    {
        let authenticator = Authenticator { flags, ..authenticator() };
        let passkey =
            record::new(&registered(&authenticator.create(&challenge())).unwrap(), Timestamp::default());
        assert_eq!((passkey.backup_eligible, passkey.backed_up), (eligible, backed_up), "{flags:08b}");
    }
}

/// What an authenticator lies about, how, and what we object to.
type Lie = (&'static str, fn(&mut Authenticator), Flaw);

#[test]
fn each_lie_is_refused_for_its_own_reason() {
    let lies: [Lie; 14] = [
        ("another RP ID", |a| "example.com".clone_into(&mut a.rp_id), Flaw::RelyingParty),
        ("another port", |a| "http://localhost:8788".clone_into(&mut a.origin), Flaw::Origin),
        ("a subdomain", |a| "http://a.localhost:8787".clone_into(&mut a.origin), Flaw::Origin),
        ("a slash", |a| "http://localhost:8787/".clone_into(&mut a.origin), Flaw::Origin),
        ("nobody there", |a| a.flags &= !1, Flaw::NotPresent),
        ("nobody verified", |a| a.flags &= !4, Flaw::NotVerified),
        ("backed up, but not eligible", |a| a.flags &= !8, Flaw::Backup),
        ("a frame", |a| a.client_data = json!({ "crossOrigin": true }), Flaw::CrossOrigin),
        ("a page above", |a| a.client_data = json!({ "topOrigin": "https://a.example" }), Flaw::CrossOrigin),
        ("another operation", |a| a.client_data = json!({ "type": "payment.get" }), Flaw::Type),
        ("another challenge", |a| a.client_data = json!({ "challenge": encode(&[8; 32]) }), Flaw::Challenge),
        ("no challenge", |a| a.client_data = json!({ "challenge": null }), Flaw::Malformed),
        ("text for a boolean", |a| a.client_data = json!({ "crossOrigin": "no" }), Flaw::Malformed),
        ("extensions that are not there", |a| a.flags |= 0x80, Flaw::Malformed),
    ];
    for (lie, tell, flaw) in lies {
        let mut liar = authenticator();
        tell(&mut liar);
        assert_eq!(registered(&liar.create(&challenge())).map(|_| ()), Err(flaw), "{lie}: create");
        assert_eq!(used(&liar.get(&challenge())).map(|_| ()), Err(flaw), "{lie}: get");
    }
}

#[test]
fn a_response_to_the_other_operation_is_refused() {
    let authenticator = authenticator();
    let (created, got) = (authenticator.create(&challenge()), authenticator.get(&challenge()));
    let response = |json: &str| serde_json::from_str::<Value>(json).unwrap()["response"].clone();
    let mut mixed: Value = serde_json::from_str(&created).unwrap();
    mixed["response"]["clientDataJSON"] = response(&got)["clientDataJSON"].clone();
    assert_eq!(registered(&mixed.to_string()).map(|_| ()), Err(Flaw::Type));
    let mut mixed: Value = serde_json::from_str(&got).unwrap();
    mixed["response"]["clientDataJSON"] = response(&created)["clientDataJSON"].clone();
    assert_eq!(used(&mixed.to_string()), Err(Flaw::Type));
    assert_eq!(registered(&got).map(|_| ()), Err(Flaw::Malformed));
    assert_eq!(used(&created), Err(Flaw::Malformed));
}

#[test]
fn the_signature_is_tied_to_the_owner_and_has_one_form() {
    let mut authenticator = authenticator();
    let key = registered(&authenticator.create(&challenge())).unwrap().key;
    let json = authenticator.get(&challenge());
    let signed = |json: &str, owner: &[u8]| Assertion::parse(json).unwrap().signed(&key, owner).map(|_| ());

    assert_eq!(signed(&json, b"alice"), Ok(()));
    assert_eq!(signed(&json, b"bob"), Err(Flaw::UserHandle));
    authenticator.user_handle = None;
    assert_eq!(signed(&authenticator.get(&challenge()), b"alice"), Err(Flaw::UserHandle));
    let mut longer: Value = serde_json::from_str(&json).unwrap();
    let signature = decode(longer["response"]["signature"].as_str().unwrap()).unwrap();
    longer["response"]["signature"] = json!(encode(&[signature, vec![0]].concat()));
    assert_eq!(signed(&longer.to_string(), b"alice"), Err(Flaw::Signature));
}

#[test]
fn the_json_is_exactly_what_a_browser_writes() {
    let authenticator = authenticator();
    let good: Value = serde_json::from_str(&authenticator.get(&challenge())).unwrap();
    let with = |path: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(path).unwrap() = value;
        used(&changed.to_string()).map(|_| ())
    };
    let padded = format!("{}=", good["response"]["clientDataJSON"].as_str().unwrap());

    assert_eq!(with("/clientExtensionResults", json!({ "credProps": { "rk": true } })), Ok(()));
    for (path, value) in [
        ("/type", json!("password")),
        ("/rawId", json!("AAAA")),
        ("/id", json!("")),
        ("/response/clientDataJSON", json!(padded)),
        ("/response/authenticatorData", json!("AA+A")),
        ("/response/signature", json!(null)),
        ("/response/userHandle", json!("A")),
    ] {
        assert_eq!(with(path, value), Err(Flaw::Malformed), "{path}");
    }
    for text in ["", "[]", "null", "{}", "[\"id\",\"id\",\"public-key\",[]]", &format!(" {good}")] {
        assert_eq!(used(text), Err(Flaw::Malformed), "{text}");
        assert_eq!(registered(text).map(|_| ()), Err(Flaw::Malformed), "{text}");
    }
}
