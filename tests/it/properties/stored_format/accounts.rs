//! Records of accounts and sessions, and what the cookie seals.

use device_grant::format::Format;
use device_grant::identity;
use device_grant::identity::account::{Account, Authority, Standing};
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::credential_id::CredentialId;
use device_grant::identity::device::{Device, DeviceId, State};
use device_grant::identity::group::Group;
use device_grant::identity::history::{History, Verdict};
use device_grant::identity::latest_kill::LatestKill;
use device_grant::identity::passkey::Passkey;
use device_grant::identity::pointer::{Pointer, Target};
use device_grant::identity::recheck::Upkeep;
use device_grant::identity::session::{Browser, Session, SignedIn};
use device_grant::identity::sign_in::How;
use device_grant::place::Origin;
use device_grant::provenance::Provenance;
use device_grant::row_key::RowKey;
use device_grant::sharding::{AccountShard, limiter_of};
use device_grant::sub::Sub;

use super::pin;
use crate::properties::records::{self, AT, device};

#[test]
fn accounts_and_counters_stay_in_their_objects() {
    let names = (AccountShard::of("local:alice").to_string(), limiter_of("exposure"));
    assert_eq!((names.0.as_str(), names.1.as_str()), ("15", "20"));
}

#[test]
fn an_account_and_a_session() {
    let bob = identity::demo::accounts().remove(1);
    let password = bob.password.clone().expect("a password");
    let json = format!(
        r#"{{"format":1,"key":"local:bob","version":1,"sub":"acct-b42c9e07","username":"bob","name":"Bob Builder","email":"bob@example.com","email_verified":true,"groups":[],"password":"{password}","standing":{{"is":"active"}},"created_at":0}}"#
    );
    pin(&bob, &json);
    let (account, amr) = (AccountKey::local("bob"), vec!["pwd".to_owned()]);
    let (acr, how, origin) = (None, How::Password, Origin::default());
    let session = Session {
        format: Format,
        account,
        auth_time: AT,
        amr,
        acr,
        how,
        managed: false,
        origin,
        ends_at: AT,
    };
    let json = r#"{"format":1,"account":"local:bob","auth_time":1763733780123,"amr":["pwd"],"how":"password","origin":{"place":{},"device":"Unknown device","at":0},"ends_at":1763733780123}"#;
    pin(&session, json);
    let acr = Some("urn:a".to_owned());
    pin(&Session { acr, ..session.clone() }, &json.replace(r#","how""#, r#","acr":"urn:a","how""#));
    let managed = json.replace(r#","origin""#, r#","managed":true,"origin""#);
    pin(&Session { managed: true, ..session }, &managed);
}

#[test]
fn the_ways_to_sign_in() {
    pin(&How::Access, r#""access""#);
    pin(
        &How::Passkey { credential: CredentialId::new(&[7]).expect("an identifier") },
        r#"{"passkey":{"credential":"Bw"}}"#,
    );
    let provider = || "corp".to_owned();
    pin(
        &How::Upstream { provider: provider(), sid: None, strong: false },
        r#"{"upstream":{"provider":"corp"}}"#,
    );
    let sid = Some("s".to_owned());
    let how = How::Upstream { provider: provider(), sid, strong: true };
    pin(&how, r#"{"upstream":{"provider":"corp","sid":"s","strong":true}}"#);
}

#[test]
fn an_account_of_a_provider_with_all_its_members() {
    let passkey = Passkey {
        id: CredentialId::new(&[7]).expect("an identifier"),
        public_key: serde_json::from_str(r#"{"kty":"EC"}"#).expect("an object"),
        alg: "ES256".to_owned(),
        counter: 3,
        backup_eligible: true,
        backed_up: true,
        aaguid: "00000000-0000-0000-0000-000000000000".to_owned(),
        name: "Key".to_owned(),
        created_at: AT,
        last_used_at: Some(AT),
    };
    let account = Account {
        format: Format,
        key: AccountKey::oidc("corp", "7").expect("a key"),
        version: 2,
        sub: Sub::from("s"),
        username: "bob".to_owned(),
        name: "Bob".to_owned(),
        email: None,
        email_verified: false,
        groups: vec![Group::parse("corp:staff").expect("a group")],
        password: None,
        standing: Standing::Blocked { at: AT, by: Authority::Provider("corp".to_owned()), why: None },
        passkeys: vec![passkey],
        created_at: AT,
        last_sign_in: Some(AT),
        scim_name: Some("bob@corp".to_owned()),
    };
    pin(
        &account,
        r#"{"format":1,"key":"oidc:corp:7","version":2,"sub":"s","username":"bob","name":"Bob","email_verified":false,"groups":["corp:staff"],"standing":{"is":"blocked","at":1763733780123,"by":{"provider":"corp"}},"passkeys":[{"id":"Bw","public_key":{"kty":"EC"},"alg":"ES256","counter":3,"backup_eligible":true,"backed_up":true,"aaguid":"00000000-0000-0000-0000-000000000000","name":"Key","created_at":1763733780123,"last_used_at":1763733780123}],"created_at":1763733780123,"last_sign_in":1763733780123,"scim_name":"bob@corp"}"#,
    );
    let by = Authority::Administrator;
    pin(
        &Standing::Blocked { at: AT, by: by.clone(), why: Some("left".to_owned()) },
        r#"{"is":"blocked","at":1763733780123,"by":"administrator","why":"left"}"#,
    );
    pin(&Standing::Deleted { at: AT, by }, r#"{"is":"deleted","at":1763733780123,"by":"administrator"}"#);
}

#[test]
fn what_leads_to_an_account() {
    for (pointer, text) in [
        (Pointer::sub(&Sub::from("s")), "sub:s"),
        (Pointer::credential(&CredentialId::new(&[7]).expect("an identifier")), "credential:Bw"),
        (Pointer::name("corp", "Bob@Example.com"), "name:corp:bob@example.com"),
        (Pointer::session("corp", "s"), "session:corp:s"),
    ] {
        assert_eq!(pointer.as_str(), text);
    }
    let account = AccountKey::local("bob");
    pin(&Target { account: account.clone(), ends_at: None }, r#"{"account":"local:bob"}"#);
    pin(&Target { account, ends_at: Some(AT) }, r#"{"account":"local:bob","ends_at":1763733780123}"#);
}

#[test]
fn the_latest_kill_switch() {
    pin(
        &LatestKill { format: Format, revision: 7, at: AT },
        r#"{"format":1,"revision":7,"at":1763733780123}"#,
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
fn a_device() {
    let json = r#"{"format":1,"account":"local:alice","client_id":"demo-tv","client_name":"Demo TV","scope":"openid","provenance":{"approval_id":"approval","started":{"at":1763733780123,"country":"FR","asn":64500,"kind":"Apple TV"},"approved":{"at":1763733780123,"kind":"Unknown device"}},"network":"24.abc/32.def","first_used_at":1763733780123,"last_used_at":1763733780123,"ends_at":1763733780123,"state":"pending"}"#;
    pin(&device(), json);
    let provenance = Provenance { code: Some(RowKey([7; 16])), ..device().provenance };
    let of_code = json.replace(r#","started""#, r#","code":"BwcHBwcHBwcHBwcHBwcHBw","started""#);
    pin(&Device { provenance, ..device() }, &of_code);
    let label = Some("Den".to_owned());
    let named = Device { label, state: State::Confirmed, ..device() };
    let json = json.replace(r#","scope""#, r#","label":"Den","scope""#).replace("pending", "confirmed");
    pin(&named, &json);
    pin(&State::Ended, r#""ended""#);
}

#[test]
fn what_the_leaver_check_knows() {
    let upkeep = Upkeep {
        format: Format,
        account: AccountKey::oidc("okta", "1").expect("a key"),
        token: "c2VhbGVk".to_owned(),
        serial: 1,
        answered_at: AT,
        leased_until: None,
        quiet_until: None,
        in_doubt: false,
        left_at: None,
        ends_at: AT,
    };
    pin(
        &upkeep,
        r#"{"format":1,"account":"oidc:okta:1","token":"c2VhbGVk","serial":1,"answered_at":1763733780123,"ends_at":1763733780123}"#,
    );
    let both =
        Upkeep { leased_until: Some(AT), quiet_until: Some(AT), in_doubt: true, left_at: Some(AT), ..upkeep };
    pin(
        &both,
        r#"{"format":1,"account":"oidc:okta:1","token":"c2VhbGVk","serial":1,"answered_at":1763733780123,"leased_until":1763733780123,"quiet_until":1763733780123,"in_doubt":true,"left_at":1763733780123,"ends_at":1763733780123}"#,
    );
}

#[test]
fn a_history() {
    let started = r#"{"at":1763733780123,"country":"FR","asn":64500,"kind":"Apple TV"}"#;
    let decision = format!(
        r#"{{"id":"page","verdict":"approved","client_name":"Demo TV","at":1763733780123,"started":{started}}}"#
    );
    pin(&records::decision(), &decision);
    pin(&[Verdict::Refused, Verdict::Reported], r#"["refused","reported"]"#);
    let mut history = History::default();
    history.admit(&DeviceId::from("sid".to_owned()), &device());
    let first = format!(
        r#""client_id":"demo-tv","client_name":"Demo TV","device":"sid","approved_at":1763733780123,"started":{started}"#
    );
    pin(&history, &format!(r#"{{"format":1,"clients":[{{{first}}}]}}"#));
    assert!(history.note(records::decision()) && history.confirm("demo-tv") && history.visit(&device()));
    pin(
        &history,
        &format!(
            r#"{{"format":1,"decisions":[{decision}],"clients":[{{{first},"known":true}}],"countries":["FR"]}}"#
        ),
    );
}
