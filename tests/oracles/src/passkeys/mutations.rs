//! Altered ceremonies: both servers refuse them, or the difference is in [`EXPLAINED`].

use std::collections::BTreeSet;

use device_grant::secret::{decode, encode};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::authenticator::Authenticator;
use super::browser::{Browser, HOST, ORIGIN, OWNER};
use super::second::{Second, registered, signed_in};

/// A change, our verdict and that of `webauthn-rs-core`, and why they differ.
type Explained = (&'static str, &'static str, &'static str, &'static str);

const EXPLAINED: &[Explained] = &[
    ("lie: a frame (get)", "CrossOrigin", "accepted", FRAME),
    ("lie: a page above (create)", "CrossOrigin", "accepted", FRAME),
    ("lie: a page above (get)", "CrossOrigin", "accepted", FRAME),
    ("lie: a padded challenge (create)", "Challenge", "accepted", DECODED),
    ("lie: a padded challenge (get)", "Challenge", "accepted", DECODED),
    ("lie: a path (create)", "Origin", "accepted", URL),
    ("lie: a path (get)", "Origin", "accepted", URL),
    ("lie: a slash (create)", "Origin", "accepted", URL),
    ("lie: a slash (get)", "Origin", "accepted", URL),
    ("lie: the default port (create)", "Origin", "accepted", URL),
    ("lie: the default port (get)", "Origin", "accepted", URL),
    ("lie: upper case (create)", "Origin", "accepted", URL),
    ("lie: upper case (get)", "Origin", "accepted", URL),
    ("lie: crossOrigin is null (create)", "Malformed", "accepted", NULL),
    ("lie: crossOrigin is null (get)", "Malformed", "accepted", NULL),
    ("json: an array (get)", "Malformed", "accepted", LENIENT),
    ("json: another id (create)", "Malformed", "accepted", IDENTIFIER),
    ("json: another id (get)", "Malformed", "accepted", IDENTIFIER),
    ("json: another rawId (create)", "Malformed", "accepted", IDENTIFIER),
    ("json: both identifiers (create)", "Malformed", "accepted", IDENTIFIER),
    ("json: another type (create)", "Malformed", "accepted", LENIENT),
    ("json: another type (get)", "Malformed", "accepted", LENIENT),
    ("json: bytes as numbers (create)", "Malformed", "accepted", LENIENT),
    ("json: bytes as numbers (get)", "Malformed", "accepted", LENIENT),
    ("json: the other alphabet (create)", "Malformed", "accepted", LENIENT),
    ("json: the other alphabet (get)", "Malformed", "accepted", LENIENT),
    ("json: another user handle (get)", "UserHandle", "accepted", OWNER_UNKNOWN),
    ("json: no user handle (get)", "UserHandle", "accepted", OWNER_UNKNOWN),
    ("bytes: attestationObject (create)", "Malformed", "accepted", IDENTIFIER),
    ("bytes: attestationObject (create)", "accepted", "OpenSSLError", OFF_CURVE),
    ("bytes: clientDataJSON (create)", "Origin", "accepted", URL),
    ("bytes: userHandle (get)", "UserHandle", "accepted", OWNER_UNKNOWN),
];

const FRAME: &str = "It looks at crossOrigin only at registration, and never at topOrigin. Our pages are never in a frame, \
                     so WebAuthn §7.2 steps 13 and 14 let us refuse both.";
const DECODED: &str =
    "It compares decoded challenges and takes padding. WebAuthn §5.8.1 has one spelling, and so have we.";
const URL: &str = "It compares origins as URLs. WebAuthn §7.1 step 9 compares the text of the origin, which browsers write \
                   in one way.";
const IDENTIFIER: &str = "It takes the identifier from the authenticator data, and does not compare it with the two of the \
                          JSON. We refuse responses whose parts contradict each other, and CBOR that is not canonical.";
const LENIENT: &str =
    "It takes several spellings of base64 and JSON. WebAuthn §5.1.8 has one, which browsers write.";
const OWNER_UNKNOWN: &str = "It leaves the user handle to its caller. Nobody says who they are before, so WebAuthn §7.2 step 6 \
                             makes us compare it.";
const OFF_CURVE: &str = "It checks that a new key is a point of the curve. We leave that to WebCrypto, which refuses the key \
                         at its first use, so such a passkey never signs anybody in.";
const NULL: &str = "It takes null for absent. WebAuthn §5.8.1 has a boolean.";

/// What two servers make of one change, if they differ.
fn difference(
    what: &str,
    ours: Result<(), String>,
    theirs: Result<(), String>,
) -> Option<(String, String, String)> {
    let word = |verdict: Result<(), String>| verdict.map_or_else(|why| why, |()| "accepted".to_owned());
    (ours.is_ok() != theirs.is_ok()).then(|| (what.to_owned(), word(ours), word(theirs)))
}

fn assert_explained(found: BTreeSet<(String, String, String)>, kind: &str) {
    let expected = EXPLAINED.iter().filter(|(what, ..)| what.starts_with(kind));
    let expected: BTreeSet<_> = expected
        .map(|(what, ours, theirs, _)| ((*what).to_owned(), (*ours).to_owned(), (*theirs).to_owned()))
        .collect();
    let unexplained: Vec<_> = found.difference(&expected).collect();
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(
        unexplained.is_empty() && gone.is_empty(),
        "unexplained: {unexplained:#?}\nno longer so: {gone:#?}"
    );
}

/// Changes that an authenticator makes before it signs.
const LIES: &[(&str, fn(&mut Authenticator))] = &[
    ("lie: none", |_| ()),
    ("lie: another RP ID", |a| "example.com".clone_into(&mut a.rp_id)),
    ("lie: another scheme", |a| "http://login.example.com".clone_into(&mut a.origin)),
    ("lie: another port", |a| "https://login.example.com:444".clone_into(&mut a.origin)),
    ("lie: the default port", |a| "https://login.example.com:443".clone_into(&mut a.origin)),
    ("lie: a slash", |a| "https://login.example.com/".clone_into(&mut a.origin)),
    ("lie: a path", |a| "https://login.example.com/a".clone_into(&mut a.origin)),
    ("lie: upper case", |a| "https://LOGIN.example.com".clone_into(&mut a.origin)),
    ("lie: a subdomain", |a| "https://a.login.example.com".clone_into(&mut a.origin)),
    ("lie: the parent domain", |a| "https://example.com".clone_into(&mut a.origin)),
    ("lie: nobody there", |a| a.flags &= !0x01),
    ("lie: nobody verified", |a| a.flags &= !0x04),
    ("lie: backed up, not eligible", |a| a.flags &= !0x08),
    ("lie: device-bound", |a| a.flags &= !0x18),
    ("lie: reserved bits", |a| a.flags |= 0x22),
    ("lie: no extensions", |a| a.flags |= 0x80),
    ("lie: a frame", |a| a.client_data = json!({ "crossOrigin": true })),
    ("lie: a page above", |a| a.client_data = json!({ "topOrigin": "https://a.example" })),
    ("lie: crossOrigin is null", |a| a.client_data = json!({ "crossOrigin": null })),
    ("lie: another operation", |a| a.client_data = json!({ "type": "payment.get" })),
    ("lie: another challenge", |a| a.client_data = json!({ "challenge": encode(&[8; 32]) })),
    ("lie: a padded challenge", |a| {
        let challenge = a.client_data["challenge"].take();
        a.client_data = json!({ "challenge": format!("{}=", challenge.as_str().unwrap_or_default()) });
    }),
    ("lie: token binding", |a| a.client_data = json!({ "tokenBinding": { "status": "supported" } })),
    ("lie: unknown members", |a| a.client_data = json!({ "later": [1, { "a": null }] })),
];

#[test]
fn signed_lies_are_judged_alike() {
    let mut found = BTreeSet::new();
    let (second, honest) = (Second::new(), authenticator());
    let (challenge, state) = second.begin();
    let made = honest.create(&challenge);
    let known = registered(&made, &challenge).unwrap();
    let credential = second.register(&made, &state).unwrap();
    for (what, tell) in LIES {
        for attests_itself in [false, true] {
            let (challenge, state) = second.begin();
            let mut liar = Authenticator { attests_itself, ..authenticator() };
            liar.client_data = json!({ "challenge": challenge });
            tell(&mut liar);
            let response = liar.create(&challenge);
            let ours = registered(&response, &challenge).map(|_| ()).map_err(|flaw| format!("{flaw:?}"));
            let theirs = second.register(&response, &state).map(|_| ());
            found.extend(difference(&format!("{what} (create)"), ours, theirs));
        }
        let (challenge, state) = second.begin_sign_in(&credential);
        let mut liar = honest.clone();
        liar.client_data = json!({ "challenge": challenge });
        tell(&mut liar);
        let response = liar.get(&challenge);
        let ours = signed_in(&response, &challenge, &known).map_err(|flaw| format!("{flaw:?}"));
        found.extend(difference(&format!("{what} (get)"), ours, second.sign_in(&response, &state)));
    }
    assert_explained(found, "lie:");
}

#[test]
fn counters_are_judged_alike() {
    let second = Second::new();
    for (stored, presented) in
        [(0, 0), (0, 1), (1, 1), (1, 2), (2, 1), (1, 0), (7, 4_000_000_000), (4_000_000_000, 7)]
    {
        let (challenge, state) = second.begin();
        let mut authenticator = Authenticator { counter: stored, ..authenticator() };
        let made = authenticator.create(&challenge);
        let known = registered(&made, &challenge).unwrap();
        let credential = second.register(&made, &state).unwrap();
        let (challenge, state) = second.begin_sign_in(&credential);
        authenticator.counter = presented;
        let response = authenticator.get(&challenge);
        let ours = signed_in(&response, &challenge, &known).is_ok();
        assert_eq!(ours, second.sign_in(&response, &state).is_ok(), "{stored} {presented}");
        assert_eq!(ours, presented > stored || presented == 0 && stored == 0);
    }
}

/// Changes of the browser's JSON that no authenticator signs.
const REWRITTEN: &[(&str, fn(&mut Value))] = &[
    ("json: another type", |json| json["type"] = json!("password")),
    ("json: another id", |json| json["id"] = json!("AAAA")),
    ("json: another rawId", |json| json["rawId"] = json!("AAAA")),
    ("json: both identifiers", |json| (json["id"], json["rawId"]) = (json!("AAAA"), json!("AAAA"))),
    ("json: no identifier", |json| drop(json.as_object_mut().unwrap().remove("id"))),
    ("json: padding", |json| {
        let text = json["response"]["clientDataJSON"].as_str().unwrap();
        json["response"]["clientDataJSON"] = json!(format!("{text}=="));
    }),
    ("json: the other alphabet", |json| {
        for part in json["response"].as_object_mut().unwrap().values_mut() {
            if let Some(text) = part.as_str() {
                *part = json!(text.replace('-', "+").replace('_', "/"));
            }
        }
    }),
    ("json: bytes as numbers", |json| {
        let bytes = decode(json["response"]["clientDataJSON"].as_str().unwrap()).unwrap();
        json["response"]["clientDataJSON"] = json!(bytes);
    }),
    ("json: unknown members", |json| json["later"] = json!([1])),
    ("json: no user handle", |json| json["response"]["userHandle"] = Value::Null),
    ("json: another user handle", |json| json["response"]["userHandle"] = json!(encode(b"acct-b42c9e07"))),
    ("json: an array", |json| *json = json!([json["id"], json["rawId"], json["response"], {}, "public-key"])),
];

#[test]
fn rewritten_json_is_judged_alike() {
    let mut found = BTreeSet::new();
    let (second, mut browser) = (Second::new(), Browser::new(true));
    let (challenge, state) = second.begin();
    let made = with_symbols(|| browser.create(&challenge));
    let known = registered(&made, &challenge).unwrap();
    let credential = second.register(&made, &state).unwrap();
    for (what, rewrite) in REWRITTEN {
        let response = rewritten(&made, *rewrite);
        let ours = registered(&response, &challenge).map(|_| ()).map_err(|flaw| format!("{flaw:?}"));
        found.extend(difference(
            &format!("{what} (create)"),
            ours,
            second.register(&response, &state).map(|_| ()),
        ));
        let (challenge, state) = second.begin_sign_in(&credential);
        let got = with_symbols(|| browser.get(&challenge));
        let response = rewritten(&got, *rewrite);
        let ours = signed_in(&response, &challenge, &known).map_err(|flaw| format!("{flaw:?}"));
        found.extend(difference(&format!("{what} (get)"), ours, second.sign_in(&response, &state)));
    }
    assert_explained(found, "json:");
}

/// Draws until the signed part of a response has a `-` or a `_`, which the other alphabet of base64 spells differently.
fn with_symbols(mut draw: impl FnMut() -> String) -> String {
    loop {
        let drawn = draw();
        let json: Value = serde_json::from_str(&drawn).unwrap();
        let parts = [&json["response"]["attestationObject"], &json["response"]["signature"]];
        if parts.iter().any(|part| part.as_str().is_some_and(|text| text.contains(['-', '_']))) {
            return drawn;
        }
    }
}

fn rewritten(response: &str, rewrite: fn(&mut Value)) -> String {
    let mut response: Value = serde_json::from_str(response).unwrap();
    rewrite(&mut response);
    response.to_string()
}

#[test]
fn random_changes_of_bytes_are_judged_alike() {
    let mut found = BTreeSet::new();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (second, mut browser) = (Second::new(), Browser::new(false));
    let (challenge, state) = second.begin();
    let made = browser.create(&challenge);
    let known = registered(&made, &challenge).unwrap();
    let credential = second.register(&made, &state).unwrap();
    let (again, sign_in) = second.begin_sign_in(&credential);
    let got = browser.get(&again);
    for part in ["clientDataJSON", "attestationObject"] {
        for _ in 0..ROUNDS {
            let response = changed(&made, part, &mut rng);
            let ours = registered(&response, &challenge).map(|_| ()).map_err(|flaw| format!("{flaw:?}"));
            let theirs = second.register(&response, &state).map(|_| ());
            found.extend(difference(&format!("bytes: {part} (create)"), ours, theirs));
        }
    }
    for part in ["clientDataJSON", "authenticatorData", "signature", "userHandle"] {
        for _ in 0..ROUNDS {
            let response = changed(&got, part, &mut rng);
            let ours = signed_in(&response, &again, &known).map_err(|flaw| format!("{flaw:?}"));
            found.extend(difference(
                &format!("bytes: {part} (get)"),
                ours,
                second.sign_in(&response, &sign_in),
            ));
        }
    }
    assert_explained(found, "bytes:");
}

/// Changes for each part of a response.
const ROUNDS: usize = 1_500;

/// Flips, inserts or removes a few bytes.
fn changed(response: &str, part: &str, rng: &mut ChaCha8Rng) -> String {
    let mut response: Value = serde_json::from_str(response).unwrap();
    let mut bytes = decode(response["response"][part].as_str().unwrap()).unwrap();
    for _ in 0..=rng.next_u32() % 2 {
        let at = usize::try_from(rng.next_u32()).unwrap() % bytes.len();
        let byte = rng.next_u32().to_le_bytes()[0];
        match rng.next_u32() % 4 {
            0 => bytes.insert(at, byte),
            1 if bytes.len() > 1 => drop(bytes.remove(at)),
            2 => bytes[at] ^= 1 << (byte % 8),
            _ => bytes[at] = byte,
        }
    }
    response["response"][part] = json!(encode(&bytes));
    response.to_string()
}

fn authenticator() -> Authenticator {
    Authenticator { user_handle: Some(OWNER.as_bytes().to_vec()), ..Authenticator::new(7, HOST, ORIGIN) }
}
