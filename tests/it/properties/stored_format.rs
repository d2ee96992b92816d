//! Every stored record, to the letter.
//!
//! A test here that fails means that the rows of a running deployment could not be read any more. Then the format number
//! goes up, and the old format stays readable; see `docs/storage.md`.

use device_grant::audit::{Event, Shipment, What};
use device_grant::client::rules::{CodeRules, TokenRules};
use device_grant::client::{Authentication, Retiring, SecretBy, demo};
use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::renewal::{Predecessor, Renewal, Withdrawn};
use device_grant::family::{Current, Ending, Family};
use device_grant::format::Format;
use device_grant::grant::routing::RowKey;
use device_grant::grant::{Approval, Denial, Grant, Hold, Request, State};
use device_grant::identity::account::AccountKey;
use device_grant::identity::session::{Browser, Session, SignedIn};
use device_grant::limiter::budgets::{used_assertion, used_proof};
use device_grant::limiter::command::{Admit, Expose, Rule, Take};
use device_grant::place::{Origin, Place};
use device_grant::registry::key_schedule::NEVER;
use device_grant::registry::snapshot::Snapshot;
use device_grant::scope::Scope;
use device_grant::secret::Digest;
use device_grant::sharding::shard_of;
use device_grant::time::Timestamp;
use device_grant::token::confirmation::Confirmation;
use device_grant::token::signing_key::{Algorithm, Material, PublicKey, StoredKey};
use device_grant::{identity, limiter};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(super) const AT: Timestamp = Timestamp::from_millis(1_763_733_780_123);
const KEY: RowKey = RowKey([7; 16]);

#[test]
fn accounts_and_counters_stay_in_their_objects() {
    assert_eq!((shard_of("local:alice").as_str(), shard_of("exposure").as_str()), ("15", "20"));
}

/// The value is written as `json`, and `json` is read as the value.
#[track_caller]
fn pin<T: Serialize + DeserializeOwned>(value: &T, json: &str) {
    assert_eq!(serde_json::to_string(value).expect("it serializes"), json);
    let read: T = serde_json::from_str(json).expect("it parses");
    assert_eq!(serde_json::to_string(&read).expect("it serializes"), json);
}

pub(super) fn request() -> Request {
    Request {
        client_id: "demo-tv".to_owned(),
        scope: Scope::parse("openid email").expect("a scope"),
        nonce: Some("n".to_owned()),
        origin: Origin {
            place: Place { country: Some("FR".to_owned()), asn: Some(64500), ..Place::default() },
            device: "Apple TV".to_owned(),
            at: AT,
        },
        gauge: "live/demo-tv/abc".to_owned(),
        ..Request::default()
    }
}

pub(super) fn bound() -> Confirmation {
    Confirmation { jkt: Some("thumbprint".to_owned()), ..Confirmation::default() }
}

pub(super) fn approval() -> Approval {
    Approval {
        account: AccountKey::local("alice"),
        scope: Scope::parse("openid").expect("a scope"),
        auth_time: AT,
        amr: vec!["pwd".to_owned()],
        acr: None,
        at: AT,
    }
}

pub(super) fn hold() -> Hold {
    Hold {
        account: AccountKey::local("alice"),
        session: Digest::of(b"session"),
        browser: Digest::of(b"browser"),
        nonce: "nonce".to_owned(),
    }
}

pub(super) fn grant(state: State) -> Grant {
    Grant {
        format: Format,
        secret: Digest::of(b"secret"),
        request: request(),
        expires_at: AT,
        grace: 60,
        interval: 5,
        state,
        without_key: false,
    }
}

pub(super) fn family() -> Family {
    Family {
        format: Format,
        client_id: "demo-tv".to_owned(),
        account: AccountKey::local("alice"),
        scope: Scope::parse("openid").expect("a scope"),
        auth_time: AT,
        amr: vec!["pwd".to_owned()],
        ends_at: AT,
        refresh: Some(Current {
            digest: Digest::of(b"refresh"),
            attempt: AttemptId::of_jti("attempt"),
            good_until: AT,
        }),
        ended: None,
        resource: Vec::new(),
        cnf: Confirmation::default(),
        acr: None,
        refreshable_until: AT,
        renewal: Renewal::default(),
    }
}

const REQUEST: &str = r#"{"client_id":"demo-tv","scope":"email openid","nonce":"n","origin":{"place":{"country":"FR","asn":64500},"device":"Apple TV","at":1763733780123},"gauge":"live/demo-tv/abc"}"#;
const APPROVAL: &str = r#"{"account":"local:alice","scope":"openid","auth_time":1763733780123,"amr":["pwd"],"at":1763733780123}"#;
const CLAIM: &str =
    r#"{"account":"local:alice","session":"CLAIM_SESSION","browser":"CLAIM_BROWSER","nonce":"nonce"}"#;
const FAMILY: &str = r#"{"format":1,"client_id":"demo-tv","account":"local:alice","scope":"openid","auth_time":1763733780123,"amr":["pwd"],"ends_at":1763733780123,"refresh":{"digest":"FAMILY_DIGEST","attempt":"attempt","good_until":1763733780123},"refreshable_until":1763733780123}"#;

/// Puts the digests of this file's secrets where their names stand.
fn with_digests(json: &str) -> String {
    let digest = |secret: &[u8]| device_grant::secret::encode(Digest::of(secret).bytes());
    json.replace("CLAIM_SESSION", &digest(b"session"))
        .replace("CLAIM_BROWSER", &digest(b"browser"))
        .replace("FAMILY_DIGEST", &digest(b"refresh"))
        .replace("GRANT_SECRET", &digest(b"secret"))
}

fn grant_json(state: &str) -> String {
    with_digests(&format!(
        r#"{{"format":1,"secret":"GRANT_SECRET","request":{REQUEST},"expires_at":1763733780123,"grace":60,"interval":5,"state":{state}}}"#
    ))
}

#[test]
fn a_digest_is_base64url() {
    pin(&Digest::of(b"secret"), r#""K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols""#);
}

#[test]
fn a_grant_in_each_of_its_states() {
    pin(&grant(State::Pending { hold: None }), &grant_json(r#"{"is":"pending"}"#));
    let held = with_digests(&format!(r#"{{"is":"pending","hold":{CLAIM}}}"#));
    pin(&grant(State::Pending { hold: Some(hold()) }), &grant_json(&held));
    let approved = format!(r#"{{"is":"approved","approval":{APPROVAL}}}"#);
    pin(&grant(State::Approved { approval: approval() }), &grant_json(&approved));
    for (how, name) in
        [(Denial::Denied, "denied"), (Denial::Reported, "reported"), (Denial::Contested, "contested")]
    {
        pin(&grant(State::Denied { how }), &grant_json(&format!(r#"{{"is":"denied","how":"{name}"}}"#)));
    }
    let redeemed = |replayed| State::Redeemed {
        attempt: AttemptId::of_jti("attempt"),
        at: AT,
        family: FamilyId::from_bytes([7; 16]),
        replayed,
        approval: None,
    };
    let json =
        r#"{"is":"redeemed","attempt":"attempt","at":1763733780123,"family":"BwcHBwcHBwcHBwcHBwcHBw"}"#;
    pin(&grant(redeemed(false)), &grant_json(json));
    let kept = State::Redeemed {
        attempt: AttemptId::of_jti("attempt"),
        at: AT,
        family: FamilyId::from_bytes([7; 16]),
        replayed: false,
        approval: Some(approval()),
    };
    pin(&grant(kept), &grant_json(&json.replace('}', &format!(r#","approval":{APPROVAL}}}"#))));
    pin(&grant(redeemed(true)), &grant_json(&json.replace('}', r#","replayed":true}"#)));
}

#[test]
fn a_grant_that_is_bound_to_a_key_and_a_challenge() {
    let challenge = Some("challenge".to_owned());
    let request = Request { cnf: bound(), code_challenge: challenge, ..request() };
    let grant = Grant { request, without_key: true, ..grant(State::Pending { hold: None }) };
    let json = grant_json(r#"{"is":"pending"},"without_key":true"#);
    let bound = r#""gauge":"live/demo-tv/abc","cnf":{"jkt":"thumbprint"},"code_challenge":"challenge""#;
    pin(&grant, &json.replace(r#""gauge":"live/demo-tv/abc""#, bound));
}

/// The record of [`family`] with more members in its middle and at its end.
fn family_json(middle: &str, end: &str) -> String {
    let (head, tail) = FAMILY.split_at(FAMILY.find(r#","refreshable_until""#).expect("it has one"));
    with_digests(&format!("{head}{middle}{}{end}}}", tail.trim_end_matches('}')))
}

#[test]
fn a_family() {
    pin(&family(), &with_digests(FAMILY));
    let ended = Family { ended: Some(Ending::RefreshTokenReused), ..family() };
    pin(&ended, &family_json(r#","ended":"refresh_token_reused""#, ""));
    pin(&Ending::DeviceCodeReplayed, r#""device_code_replayed""#);
    let bound = Family { cnf: bound(), ..family() };
    pin(&bound, &family_json(r#","cnf":{"jkt":"thumbprint"}"#, ""));
}

#[test]
fn a_family_that_was_refreshed() {
    let digest = Digest::of(b"refresh");
    let withdrawn = vec![Withdrawn { attempt: AttemptId::of_jti("lost"), at: AT }];
    let predecessor = |arrived| Some(Predecessor { digest, at: AT, arrived });
    let again = Renewal { predecessor: predecessor(false), withdrawn };
    let json = r#","renewal":{"predecessor":{"digest":"FAMILY_DIGEST","at":1763733780123},"withdrawn":[{"attempt":"lost","at":1763733780123}]}"#;
    pin(&Family { renewal: again, ..family() }, &family_json("", json));
    let seen = Renewal { predecessor: predecessor(true), ..Renewal::default() };
    let json = r#","renewal":{"predecessor":{"digest":"FAMILY_DIGEST","at":1763733780123,"arrived":true}}"#;
    pin(&Family { renewal: seen, ..family() }, &family_json("", json));
}

#[test]
fn an_account_and_a_session() {
    let bob = identity::demo::accounts().pop().expect("bob");
    let password = bob.password.clone();
    pin(
        &bob,
        &format!(
            r#"{{"format":1,"key":"local:bob","sub":"acct-b42c9e07","username":"bob","name":"Bob Builder","email":"bob@example.com","email_verified":true,"groups":[],"password":"{password}","blocked":false}}"#
        ),
    );
    let (account, amr) = (AccountKey::local("bob"), vec!["pwd".to_owned()]);
    let session = Session { format: Format, account, auth_time: AT, amr, ends_at: AT };
    pin(
        &session,
        r#"{"format":1,"account":"local:bob","auth_time":1763733780123,"amr":["pwd"],"ends_at":1763733780123}"#,
    );
}

#[test]
fn what_the_cookie_seals() {
    let signed_in = SignedIn {
        session: "s".to_owned(),
        account: AccountKey::local("bob"),
        name: "Bob".to_owned(),
        ends_at: AT,
    };
    let browser =
        Browser { id: "b".to_owned(), signed_in: Some(signed_in), known: Some(AccountKey::local("bob")) };
    pin(
        &browser,
        r#"{"id":"b","signed_in":{"session":"s","account":"local:bob","name":"Bob","ends_at":1763733780123},"known":"local:bob"}"#,
    );
    pin(&Browser { id: "b".to_owned(), signed_in: None, known: None }, r#"{"id":"b"}"#);
}

#[test]
fn a_client_and_a_signing_key() {
    let tv = demo::clients().remove(0);
    pin(
        &tv,
        r#"{"format":1,"client_id":"demo-tv","client_name":"Demo TV","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"scope":"email offline_access openid profile","authentication":{"method":"none"},"id_token_signed_response_alg":"RS256","access_token_signed_response_alg":"ES256","enabled":true}"#,
    );
    let material = Material::Ec { crv: "P-256".to_owned(), x: "eA".to_owned(), y: "eQ".to_owned() };
    let public = PublicKey::new(Algorithm::Es256, material);
    let kid = public.kid.clone();
    let key = StoredKey {
        format: Format,
        public,
        wrapped: "d3JhcHBlZA".to_owned(),
        created_at: AT,
        signs_from: AT,
        retired_at: None,
        imported: false,
    };
    pin(
        &key,
        &format!(
            r#"{{"format":1,"public":{{"kid":"{kid}","alg":"ES256","use":"sig","kty":"EC","crv":"P-256","x":"eA","y":"eQ"}},"wrapped":"d3JhcHBlZA","created_at":1763733780123,"signs_from":1763733780123}}"#
        ),
    );
    let retired = StoredKey {
        wrapped: String::new(),
        signs_from: AT,
        retired_at: Some(AT),
        imported: true,
        ..key.clone()
    };
    pin(
        &retired,
        &format!(
            r#"{{"format":1,"public":{{"kid":"{kid}","alg":"ES256","use":"sig","kty":"EC","crv":"P-256","x":"eA","y":"eQ"}},"wrapped":"","created_at":1763733780123,"signs_from":1763733780123,"retired_at":1763733780123,"imported":true}}"#
        ),
    );
    let standby = StoredKey { signs_from: NEVER, ..key };
    pin(
        &standby,
        &format!(
            r#"{{"format":1,"public":{{"kid":"{kid}","alg":"ES256","use":"sig","kty":"EC","crv":"P-256","x":"eA","y":"eQ"}},"wrapped":"d3JhcHBlZA","created_at":1763733780123,"signs_from":253402300799000}}"#
        ),
    );
}

#[test]
fn what_a_device_may_say_of_the_sign_in_it_wants() {
    let list = |text: &str| vec![text.to_owned()];
    let request = Request {
        resource: list("https://api.example.com"),
        acr_values: list("urn:a"),
        max_age: Some(0),
        login_hint: Some("bob".to_owned()),
        ui_locales: list("fr"),
        ..request()
    };
    let more = r#","resource":["https://api.example.com"],"acr_values":["urn:a"],"max_age":0,"login_hint":"bob","ui_locales":["fr"]}"#;
    pin(&request, &format!("{}{more}", REQUEST.trim_end_matches('}')));
    let approval = Approval { acr: Some("urn:a".to_owned()), ..approval() };
    pin(&approval, &APPROVAL.replace(r#","at":"#, r#","acr":"urn:a","at":"#));
    let family = Family { resource: request.resource, acr: approval.acr, ..family() };
    pin(&family, &family_json(r#","resource":["https://api.example.com"],"acr":"urn:a""#, ""));
}

#[test]
fn the_terms_of_a_client_and_the_claim_mapping_of_a_scope() {
    let codes = r#"{"code_lifetime":120,"polling_interval":10,"user_code_type":"digits","verification_uri_complete":false}"#;
    pin(&serde_json::from_str::<CodeRules>(codes).expect("they parse"), codes);
    let tokens = r#"{"access_token_format":"opaque","audience":["https://api.example.com"],"access_token_lifetime":60,"id_token_lifetime":60,"userinfo_signed_response_alg":"ES256","claims":[{"into":["id_token"],"when":{"scope":"email"},"claim":"roles","from":"account.groups","only":["a"],"prefix":"b"},{"claim":"tier","value":"gold"},{"claim":"email","as":"mail"},{"drop":"name"}]}"#;
    pin(&serde_json::from_str::<TokenRules>(tokens).expect("they parse"), tokens);
    let snapshot =
        r#"{"format":1,"clients":[],"scopes":{},"scope_claims":{"email":[{"drop":"email"}]},"keys":[]}"#;
    pin(&serde_json::from_str::<Snapshot>(snapshot).expect("it parses"), snapshot);
}

#[test]
fn a_counter() {
    let mut row = limiter::Row::default();
    let (key, live) = ("k".to_owned(), std::collections::BTreeMap::from([("weur/0".to_owned(), 3)]));
    let rule = Rule::Window { limit: 5, window: 300 };
    row.apply(&Take { key: key.clone(), rule }.into(), AT);
    row.apply(&Admit { key: key.clone(), id: "a".to_owned(), until: AT, cap: 20 }.into(), AT);
    row.apply(&Expose { key, live, wrong: 0, window: 300, allowed: 5 }.into(), AT);
    pin(
        &row,
        r#"{"format":1,"attempts":[1763733780123],"codes":{"a":1763733780123},"shards":{"weur/0":[3,1763733780123]},"ends_at":1763734080123}"#,
    );
}

#[test]
fn an_event_and_its_shipment() {
    let event = Event {
        format: Format,
        what: What::DeviceCodeReplayed,
        at: AT,
        subject: KEY.to_string(),
        client_id: "demo-tv".to_owned(),
        account: Some(AccountKey::local("alice")),
    };
    let json = r#"{"format":1,"what":"device_code_replayed","at":1763733780123,"subject":"BwcHBwcHBwcHBwcHBwcHBw","client_id":"demo-tv","account":"local:alice"}"#;
    pin(&event, json);
    pin(&What::DeviceCodeWithoutKey, r#""device_code_without_key""#);
    let event = serde_json::json!({ "at": 1 });
    pin(&Shipment { id: "weur/3/17".to_owned(), event }, r#"{"id":"weur/3/17","event":{"at":1}}"#);
}

#[test]
fn the_published_snapshot() {
    let scopes = std::collections::BTreeMap::from([("openid".to_owned(), "Words".to_owned())]);
    let snapshot = Snapshot {
        format: Format,
        clients: Vec::new(),
        scopes,
        scope_claims: std::collections::BTreeMap::new(),
        keys: Vec::new(),
    };
    pin(&snapshot, r#"{"format":1,"clients":[],"scopes":{"openid":"Words"},"keys":[]}"#);
}

#[test]
fn how_a_client_proves_itself() {
    let previous = Some(Retiring { digest: Digest::of(b"secret"), until: AT });
    let by = SecretBy::Post;
    let secret = |previous| Authentication::Secret { digest: Digest::of(b"secret"), previous, by };
    for (authentication, json) in [
        (secret(None), r#"{"method":"secret","digest":"GRANT_SECRET","by":"post"}"#),
        (
            secret(previous),
            r#"{"method":"secret","digest":"GRANT_SECRET","previous":{"digest":"GRANT_SECRET","until":1763733780123},"by":"post"}"#,
        ),
        (Authentication::PrivateKeyJwt, r#"{"method":"private_key_jwt"}"#),
        (
            Authentication::TlsClientAuth { subject_dn: "CN=a".to_owned() },
            r#"{"method":"tls_client_auth","subject_dn":"CN=a"}"#,
        ),
        (Authentication::SelfSignedTlsClientAuth, r#"{"method":"self_signed_tls_client_auth"}"#),
    ] {
        pin(&authentication, &with_digests(json));
    }
}

#[test]
fn a_family_that_is_bound_to_a_certificate_and_the_names_of_assertions_and_proofs() {
    let cnf = Confirmation { x5t_s256: Some("AA".to_owned()), ..Confirmation::default() };
    pin(&Family { cnf, ..family() }, &family_json(r#","cnf":{"x5t#S256":"AA"}"#, ""));

    assert_eq!((used_assertion("AA").as_str(), used_proof("AA").as_str()), ("assertion/AA", "dpop/AA"));
}
