//! Records of grants and of families of refresh tokens.

use device_grant::family::id::{AttemptId, FamilyId};
use device_grant::family::renewal::{Predecessor, Renewal, Withdrawn};
use device_grant::family::{Ending, Family};
use device_grant::grant::verification::{Digits, Verification};
use device_grant::grant::{Approval, Decision, Denial, Grant, Outcome, Request, State};
use device_grant::limiter::budgets::{used_assertion, used_proof};
use device_grant::place::Origin;
use device_grant::policy::inventory::Identifier;
use device_grant::secret::Digest;
use device_grant::token::confirmation::Confirmation;
use device_grant::web_origin::WebOrigin;

use super::{APPROVAL, FAMILY, HOLD, REQUEST, family_json, pin, with_digests};
use crate::properties::records::{AT, approval, bound, family, grant, hold, request};

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
    let held = with_digests(&format!(r#"{{"is":"pending","hold":{HOLD}}}"#));
    pin(&grant(State::Pending { hold: Some(hold()) }), &grant_json(&held));
    let approved = format!(r#"{{"is":"approved","approval":{APPROVAL}}}"#);
    pin(&grant(State::Approved { approval: approval() }), &grant_json(&approved));
    let verifying = |wrong: &[&str]| {
        let digits = |text: &str| Digits::parse(text).expect("four digits");
        let verification =
            Verification { digits: digits("0042"), wrong: wrong.iter().copied().map(digits).collect() };
        State::Verifying { approval: approval(), verification }
    };
    let shown = format!(r#"{{"is":"verifying","approval":{APPROVAL},"verification":{{"digits":"0042"}}}}"#);
    pin(&grant(verifying(&[])), &grant_json(&shown));
    let tried = shown.replace(r#""0042""#, r#""0042","wrong":["1234","9999"]"#);
    pin(&grant(verifying(&["1234", "9999"])), &grant_json(&tried));
    for (how, name) in [
        (Denial::Denied, "denied"),
        (Denial::Reported, "reported"),
        (Denial::Contested, "contested"),
        (Denial::Elsewhere, "elsewhere"),
        (Denial::Withdrawn, "withdrawn"),
        (Denial::Ended, "ended"),
        (Denial::Mistyped, "mistyped"),
        (Denial::Misidentified, "misidentified"),
    ] {
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
fn a_grant_that_a_person_decided() {
    let denied = State::Denied { how: Denial::Denied };
    for (outcome, name) in [
        (Outcome::Approved, "approved"),
        (Outcome::Denied, "denied"),
        (Outcome::Reported, "reported"),
        (Outcome::Withdrawn, "withdrawn"),
        (Outcome::Mistyped, "mistyped"),
        (Outcome::Misidentified, "misidentified"),
    ] {
        let decision = Some(Decision { hold: hold(), outcome, at: AT, approval_id: None });
        let json = format!(
            r#"{{"is":"denied","how":"denied"}},"decision":{{"hold":{HOLD},"outcome":"{name}","at":1763733780123}}"#
        );
        pin(&Grant { decision, ..grant(denied.clone()) }, &grant_json(&with_digests(&json)));
    }
    let (outcome, approval_id) = (Outcome::Approved, Some(approval().id));
    pin(
        &Decision { hold: hold(), outcome, at: AT, approval_id },
        &with_digests(&format!(
            r#"{{"hold":{HOLD},"outcome":"approved","at":1763733780123,"approval_id":"approval"}}"#
        )),
    );
}

#[test]
fn a_grant_that_a_web_page_started() {
    let page = Some(WebOrigin::parse("https://app.example").expect("an origin"));
    let request = Request { origin: Origin { page, ..request().origin }, ..request() };
    let json =
        REQUEST.replace(r#""at":1763733780123}"#, r#""at":1763733780123,"page":"https://app.example"}"#);
    pin(&request, &json);
    let broken = json.replace("app.example", "app.example/");
    assert!(serde_json::from_str::<Request>(&broken).is_err(), "an origin is parsed when it is read back");
}

#[test]
fn a_grant_that_is_bound_to_a_key_and_a_challenge() {
    let challenge = Some("challenge".to_owned());
    let request = Request { cnf: bound(), code_challenge: challenge, ..request() };
    let grant = Grant { request, without_key: true, ..grant(State::Pending { hold: None }) };
    let json = grant_json(r#"{"is":"pending"},"without_key":true"#);
    let bound = r#""network":"24.abc/32.def","cnf":{"jkt":"thumbprint"},"code_challenge":"challenge""#;
    pin(&grant, &json.replace(r#""network":"24.abc/32.def""#, bound));
}

#[test]
fn a_grant_whose_device_can_ask_for_digits() {
    let request = Request { can_verify: true, ..request() };
    let json =
        REQUEST.replace(r#""network":"24.abc/32.def""#, r#""network":"24.abc/32.def","can_verify":true"#);
    pin(&request, &json);
}

#[test]
fn a_grant_whose_device_says_what_it_is_called() {
    let request = Request { identifier: Identifier::parse("sn-0042-ab17"), ..request() };
    let grant = Grant { request, misidentified: 2, ..grant(State::Pending { hold: None }) };
    let json = grant_json(r#"{"is":"pending"},"misidentified":2"#);
    let identified = r#""network":"24.abc/32.def","identifier":"SN0042AB17""#;
    pin(&grant, &json.replace(r#""network":"24.abc/32.def""#, identified));
}

#[test]
fn a_family() {
    pin(&family(), &with_digests(FAMILY));
    let ended = Family { ended: Some(Ending::RefreshTokenReused), ..family() };
    pin(&ended, &family_json(r#","ended":"refresh_token_reused""#, ""));
    pin(&Ending::DeviceCodeReplayed, r#""device_code_replayed""#);
    pin(&Ending::Withdrawn, r#""withdrawn""#);
    pin(&Ending::EndedByOwner, r#""ended_by_owner""#);
    pin(&Ending::EndedByAdministrator, r#""ended_by_administrator""#);
    pin(&Ending::EndedByProvider, r#""ended_by_provider""#);
    let bound = Family { cnf: bound(), ..family() };
    pin(&bound, &family_json(r#","cnf":{"jkt":"thumbprint"}"#, ""));
}

#[test]
fn a_family_that_was_refreshed() {
    let digest = Digest::of(b"refresh");
    let withdrawn = vec![Withdrawn { attempt: AttemptId::of_jti("lost"), at: AT }];
    let predecessor = |arrived| Some(Predecessor { digest, at: AT, arrived });
    let again = Renewal { predecessor: predecessor(false), withdrawn, full_at: AT };
    let json = r#","renewal":{"predecessor":{"digest":"FAMILY_DIGEST","at":1763733780123},"withdrawn":[{"attempt":"lost","at":1763733780123}],"full_at":1763733780123}"#;
    pin(&Family { renewal: again, ..family() }, &family_json("", json));
    let seen = Renewal { predecessor: predecessor(true), ..Renewal::default() };
    let json = r#","renewal":{"predecessor":{"digest":"FAMILY_DIGEST","at":1763733780123,"arrived":true},"full_at":0}"#;
    pin(&Family { renewal: seen, ..family() }, &family_json("", json));
}

#[test]
fn the_sign_in_parameters_of_a_request() {
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
    pin(&approval, &APPROVAL.replace(r#","how":"#, r#","acr":"urn:a","how":"#));
    let family = Family { resource: request.resource, acr: approval.acr, ..family() };
    pin(&family, &family_json(r#","resource":["https://api.example.com"],"acr":"urn:a""#, ""));
}

#[test]
fn a_family_bound_to_a_certificate_and_the_counters_of_assertions_and_proofs() {
    let cnf = Confirmation { x5t_s256: Some("AA".to_owned()), ..Confirmation::default() };
    pin(&Family { cnf, ..family() }, &family_json(r#","cnf":{"x5t#S256":"AA"}"#, ""));

    assert_eq!((used_assertion("AA").as_str(), used_proof("AA").as_str()), ("assertion/AA", "dpop/AA"));
}
