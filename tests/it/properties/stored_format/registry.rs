//! Records of clients, scopes, signing keys, admin tokens and invitations, and the published snapshot.

use std::collections::BTreeMap;
use std::rc::Rc;

use device_grant::audit::change::Actor;
use device_grant::client::document::entry::Entry;
use device_grant::client::history::History;
use device_grant::client::registered_by::RegisteredBy;
use device_grant::client::{Authentication, Client, Retiring, SecretBy, demo};
use device_grant::format::Format;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::logo::Logo;
use device_grant::policy::access_request::AccessRequest;
use device_grant::policy::governance::Governance;
use device_grant::policy::inventory;
use device_grant::registry::admin_token::{AdminScope, AdminToken};
use device_grant::registry::governance::PolicyVersion;
use device_grant::registry::invitation::{Invitation, Kind};
use device_grant::registry::key_schedule::NEVER;
use device_grant::registry::outline::Outline;
use device_grant::registry::rows::{StoredKey, StoredLogo};
use device_grant::secret::Digest;
use device_grant::token::signing_key::{Algorithm, Material, PublicKey};
use device_grant::upstream::provider::{Offer, Provider, ProviderId};

use super::{pin, with_digests};
use crate::properties::records::AT;

/// SHA-256 of `a`, in base64url.
const A: &str = "ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs";

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
fn the_rules_of_a_client_and_the_claim_mapping_of_a_scope() {
    let codes = r#""code_lifetime":120,"polling_interval":10,"user_code_type":"digits","verification_uri_complete":false,"device_client_authentication":false,"allowed_origins":["https://app.example","null"],"redemption_place":"same_network","shards_per_network":8,"sign_in":{"max_age":60,"acr_values":["phr"],"phishing_resistant":true,"fresh_passkey":true}"#;
    let tokens = r#""access_token_format":"opaque","audience":["https://api.example.com"],"access_token_lifetime":60,"id_token_lifetime":60,"userinfo_signed_response_alg":"ES256","claims":[{"into":["id_token"],"when":{"scope":"email"},"claim":"roles","from":"account.groups","only":["a"],"prefix":"b"},{"claim":"tier","value":"gold"},{"claim":"email","as":"mail"},{"drop":"name"}]"#;
    let client = format!(
        r#"{{"format":1,"client_id":"tv","client_name":"TV","grant_types":[],"scope":"","authentication":{{"method":"none"}},"id_token_signed_response_alg":"RS256","access_token_signed_response_alg":"ES256","enabled":true,{codes},{tokens}}}"#
    );
    pin(&serde_json::from_str::<Client>(&client).expect("it parses"), &client);
    let outline = r#"{"format":1,"taken_at":0,"scopes":{},"scope_claims":{"email":[{"drop":"email"}]},"scope_demands":{"email":{"phishing_resistant":true}},"keys":[],"governance":{"format":1,"revision":0,"version":0,"policy":{"default":"enforced","longest_exception_days":90}}}"#;
    pin(&serde_json::from_str::<Outline>(outline).expect("it parses"), outline);
}

#[test]
fn the_outline_of_the_published_snapshot() {
    let outline = Outline {
        format: Format,
        scopes: BTreeMap::from([("openid".to_owned(), "Words".to_owned())]),
        taken_at: AT,
        scope_claims: BTreeMap::new(),
        scope_demands: BTreeMap::new(),
        providers: Vec::new(),
        documents: Vec::new(),
        keys: Vec::new(),
        governance: Rc::new(Governance::without_document(false)),
    };
    let governance = r#""governance":{"format":1,"revision":0,"version":0,"policy":{"default":"enforced","longest_exception_days":90}}"#;
    pin(
        &outline,
        &format!(
            r#"{{"format":1,"taken_at":1763733780123,"scopes":{{"openid":"Words"}},"keys":[],{governance}}}"#
        ),
    );
    let entry = r#"{"format":1,"entry":"https://tool.example/client","scope":"openid","audience":["https://api.example"],"enabled":false}"#;
    let documents = vec![serde_json::from_str::<Entry>(entry).expect("it parses")];
    pin(&documents, &format!("[{entry}]"));
    let host = r#"{"format":1,"entry":"tool.example:8443","scope":"openid"}"#;
    pin(&serde_json::from_str::<Entry>(host).expect("it parses"), host);
    pin(
        &Outline { documents, ..outline.clone() },
        &format!(
            r#"{{"format":1,"taken_at":1763733780123,"scopes":{{"openid":"Words"}},"documents":[{entry}],"keys":[],{governance}}}"#
        ),
    );
    for device in [
        r#"{"format":1,"identifier":"SN0042AB17","accounts":["local:alice"],"groups":["local:staff"],"note":"Room 4"}"#,
        r#"{"format":1,"identifier":"SN0042AB17"}"#,
    ] {
        pin(&serde_json::from_str::<inventory::Entry>(device).expect("it parses"), device);
    }
    let id = ProviderId::parse("okta").expect("an id");
    let outline = Outline { providers: vec![Offer { id, name: "Okta".to_owned() }], ..outline };
    pin(
        &outline,
        &format!(
            r#"{{"format":1,"taken_at":1763733780123,"scopes":{{"openid":"Words"}},"providers":[{{"id":"okta","name":"Okta"}}],"keys":[],{governance}}}"#
        ),
    );
}

#[test]
fn a_version_of_the_policy_and_the_governance_that_travels() {
    let policy = r#"{"default":"report_only","contact":"a@example.com","help_uri":"https://example.com","access_requests":true,"longest_exception_days":90,"networks":{"office":["192.0.2.0/24","AS64500"]},"break_glass":{"accounts":["local:alice"],"clients":["cli"],"owner":"Alice","expires_at":"2027-02-01T00:00:00Z"},"rules":[{"id":"staff","description":"Staff","state":"enforced","effect":"allow","when":{"clients":["cli"],"groups":["local:staff"]},"require":{"max_age":60},"limit":{"bound":true}},{"id":"no","description":"No","state":"report_only","effect":"deny","unless":{"device":{"countries":["DE"]}},"message":"Ask us."}]}"#;
    let version = format!(
        r#"{{"format":1,"version":3,"policy":{policy},"author":{{"operator":"9f86d081"}},"reason":"Words","at":1763733780123}}"#
    );
    pin(&serde_json::from_str::<PolicyVersion>(&version).expect("it parses"), &version);
    let exception = r#"{"format":1,"id":"bob","when":{"accounts":["local:bob"]},"lifts":["no"],"owner":"Alice","reason":"Words","ticket":"SEC-1","created_by":{"operator":"9f86d081"},"expires_at":"2027-02-01T00:00:00Z","renewals":[{"reason":"More","by":"registration","instead_of":"2027-01-01T00:00:00Z"}],"history":{"version":2,"created_at":1763733780123,"changed_at":1763733780123}}"#;
    let switch = r#"{"format":1,"id":"stop","target":{"client":"cli","country":"NG"},"until":"2027-02-01T00:00:00Z","reason":"Words","by":"registration","at":"2025-11-21T14:03:00.123Z"}"#;
    let governance = format!(
        r#"{{"format":1,"revision":9,"version":3,"policy":{policy},"exceptions":[{exception}],"kill_switches":[{switch}]}}"#
    );
    pin(&serde_json::from_str::<Governance>(&governance).expect("it parses"), &governance);
}

#[test]
fn a_request_for_access_in_each_state() {
    for state in [
        r#""open""#,
        r#"{"granted":{"by":{"operator":"9f86d081"},"at":1763733780123,"until":1763733780124,"exception":"access-1"}}"#,
        r#"{"refused":{"by":{"operator":"9f86d081"},"at":1763733780123,"message":"No."}}"#,
        r#"{"lapsed":{"at":1763733780123}}"#,
    ] {
        let record = format!(
            r#"{{"format":1,"id":"1","asker":{{"account":"local:bob","sub":"bobs","name":"Bob"}},"client_id":"cli","client_name":"CLI","scope":"openid","reason":"Words","denied_by":["abroad"],"places":{{"code":{{"verdict":{{"is":"far"}},"kilometers":900,"device":{{"country":"FR","kind":"Unknown device"}},"person":{{"country":"DE","kind":"Unknown device"}}}}}},"asked_at":1763733780123,"state":{state}}}"#
        );
        pin(&serde_json::from_str::<AccessRequest>(&record).expect("it parses"), &record);
    }
}

#[test]
fn a_provider_and_what_stays_reserved_for_its_id() {
    let record = r#"{"format":1,"id":"okta","name":"Okta","issuer":"https://okta.example","client_id":"a","authentication":{"method":"secret","by":"post","sealed":"c2VhbGVk"},"id_token_signed_response_alg":"RS256","scope":"openid","claims":{"subject":"oid","name":"name","email":"email","username":"upn","groups":"/realm_access/roles"},"allowed_groups":["Staff"],"allowed_email_domains":["example.com"],"acr_values":["urn:mfa"],"strong_amr":["hwk"],"strong_acr":["urn:mfa"],"end_families_on_logout":true,"recheck_seconds":3600,"enabled":true,"order":7,"history":{"version":2,"created_at":1763733780123,"changed_at":1763733780123}}"#;
    let provider: Provider = serde_json::from_str(record).expect("it parses");
    pin(&provider, record);
    pin(&provider.source(), r#"{"issuer":"https://okta.example","subject":"oid"}"#);
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
fn a_client_stored_without_a_version_has_version_1() {
    let old = serde_json::to_string(&demo::clients().remove(0)).expect("it serializes");

    let client: Client = serde_json::from_str(&old).expect("it parses");

    assert!(!old.contains("history"));
    assert_eq!((client.history.version, client.history.etag().as_str()), (1, "\"0.1\""));
}

#[test]
fn a_client_from_open_registration() {
    let client = Client {
        redirect_uris: vec!["http://127.0.0.1/".to_owned()],
        registered_by: RegisteredBy::Anyone,
        used_at: Some(AT),
        ..demo::clients().remove(0)
    };
    pin(
        &client,
        r#"{"format":1,"client_id":"demo-tv","client_name":"Demo TV","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"scope":"email offline_access openid profile","authentication":{"method":"none"},"id_token_signed_response_alg":"RS256","access_token_signed_response_alg":"ES256","enabled":true,"redirect_uris":["http://127.0.0.1/"],"registered_by":"anyone","used_at":1763733780123}"#,
    );
}

#[test]
fn a_named_admin_token() {
    let token = AdminToken {
        format: Format,
        id: "ci".to_owned(),
        digest: Digest::of(b"a"),
        owner: "Team".to_owned(),
        scopes: [AdminScope::Tokens, AdminScope::Read].into(),
        created_at: AT,
        created_by: Actor::Operator("9f86d081".to_owned()),
        ends_at: AT,
        last_used_at: None,
    };
    let json = format!(
        r#"{{"format":1,"id":"ci","digest":"{A}","owner":"Team","scopes":["read","tokens"],"created_at":1763733780123,"created_by":{{"operator":"9f86d081"}},"ends_at":1763733780123"#
    );
    pin(&token, &format!("{json}}}"));
    let used = AdminToken { last_used_at: Some(AT), ..token };
    pin(&used, &format!(r#"{json},"last_used_at":1763733780123}}"#));
}

#[test]
fn an_invitation_of_each_kind() {
    let groups = Group::parse("local:staff").into_iter().collect();
    let account = AccountKey::local("alice");
    let at = AT.millis();
    for (kind, json) in [
        (Kind::Account { username: None, groups: Vec::new() }, r#"{"is":"account"}"#),
        (
            Kind::Account { username: Some("alice".to_owned()), groups },
            r#"{"is":"account","username":"alice","groups":["local:staff"]}"#,
        ),
        (Kind::Recovery { account }, r#"{"is":"recovery","account":"local:alice"}"#),
        (Kind::FirstAdministrator, r#"{"is":"first_administrator"}"#),
    ] {
        let invitation = Invitation {
            format: Format,
            id: "i".to_owned(),
            digest: Digest::of(b"a"),
            kind,
            grants_administration: false,
            uses_left: 1,
            created_at: AT,
            by: Actor::Registration,
            ends_at: AT,
            attempts: Vec::new(),
        };
        let (head, tail) = (
            format!(r#"{{"format":1,"id":"i","digest":"{A}","kind":{json}"#),
            format!(r#""uses_left":1,"created_at":{at},"by":"registration","ends_at":{at}"#),
        );
        pin(&invitation, &format!("{head},{tail}}}"));
        let used = Invitation { grants_administration: true, attempts: vec!["t".to_owned()], ..invitation };
        pin(&used, &format!(r#"{head},"grants_administration":true,{tail},"attempts":["t"]}}"#));
    }
}

#[test]
fn a_changed_client_with_a_rotated_secret() {
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

#[test]
fn a_client_with_a_logo_and_its_image() {
    let client = Client { logo: Some("a".to_owned()), ..demo::clients().remove(0) };
    pin(
        &client,
        r#"{"format":1,"client_id":"demo-tv","client_name":"Demo TV","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"scope":"email offline_access openid profile","authentication":{"method":"none"},"id_token_signed_response_alg":"RS256","access_token_signed_response_alg":"ES256","enabled":true,"logo":"a"}"#,
    );
    let image = Logo::read(b"\xff\xd8\xff".to_vec()).expect("a JPEG");
    pin(
        &StoredLogo { format: Format, name: "a".to_owned(), image },
        r#"{"format":1,"name":"a","image":"/9j/"}"#,
    );
}
