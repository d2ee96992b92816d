//! Names and other text that people see: what is refused, at every door, with the exact words.

use device_grant::endpoint::http::Request;
use serde_json::{Value, json};

use super::errors;
use crate::support::admin::{Admin, device};
use crate::support::person::Person;
use crate::support::{World, get, json};

/// SHA-256 of the token `test`, in hex.
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const ALLOWED: &str = "it must be a string of 1 to 100 visible characters";

/// Returns texts that must not be shown, each with what an error says about it.
fn invisible() -> Vec<(String, String)> {
    let flaw = "which is invisible, a control or not assigned";
    let mark = "a combining mark with nothing to combine with or after 6 others";
    vec![
        ("\u{200b}".to_owned(), format!("has U+200B at character 1, {flaw}")),
        ("Living\u{2028}room".to_owned(), format!("has U+2028 at character 7, {flaw}")),
        (format!("TV{}", "\u{301}".repeat(90)), format!("has U+0301 at character 9, {mark}")),
        ("TV \u{202e}ecived".to_owned(), format!("has U+202E at character 4, {flaw}")),
        ("TV\u{e0041}\u{e007f}".to_owned(), format!("has U+E0041 at character 3, {flaw}")),
        ("\u{3164}".to_owned(), format!("has U+3164 at character 1, {flaw}")),
        ("T\u{200d}V".to_owned(), format!("has U+200D at character 2, {flaw}")),
        (" TV".to_owned(), "begins or ends with a space".to_owned()),
        ("...".to_owned(), "has neither a letter, a digit nor a pictograph".to_owned()),
    ]
}

#[test]
fn an_operator_can_give_no_client_or_scope_a_text_that_people_cannot_see() {
    let world = World::new();
    let admin = Admin(&world);
    admin.created(&device("tv", &json!({})));

    for (text, flaw) in invisible() {
        for member in ["client_name", "owner"] {
            let expected = vec![(format!("/{member}"), format!("{member} {flaw}: {ALLOWED}"))];
            let created = admin.create(&device("other", &json!({ member: text })));
            assert_eq!((created.status, errors(&created)), (422, expected.clone()), "{text:?}");
            let changed = admin.patch("tv", &json!({ member: text }));
            assert_eq!((changed.status, errors(&changed)), (422, expected), "{text:?}");
        }
        let longer = ALLOWED.replace("100", "200");
        let spoken = admin.patch("tv", &json!({ "consent_text": text }));
        assert_eq!(errors(&spoken), [("/consent_text".to_owned(), format!("consent_text {flaw}: {longer}"))]);
        let described = admin.ask("PUT", "/scopes/fly", None, Some(&json!({ "description": text })));
        assert_eq!(
            errors(&described),
            [("/description".to_owned(), format!("description {flaw}: {longer}"))]
        );
    }
    assert_eq!(json(&admin.get("/clients/tv"))["client_name"], "A device");
}

#[test]
fn a_client_can_register_no_name_that_people_cannot_see() {
    let world = World::with(&[("INITIAL_ACCESS_TOKEN_SHA256", DIGEST)]);

    for (text, flaw) in invisible() {
        let metadata = json!({
            "client_name": text,
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
            "token_endpoint_auth_method": "none",
        });
        let response = world.send(&Request {
            method: "POST".to_owned(),
            path: "/register".to_owned(),
            authorization: Some("Bearer test".to_owned()),
            content_type: Some("application/json".to_owned()),
            body: Some(metadata.to_string().into_bytes()),
            ..get()
        });
        let expected = json!({
            "error": "invalid_client_metadata",
            "error_description": format!("client_name {flaw}: {ALLOWED}"),
        });
        assert_eq!((response.status, json(&response)), (400, expected), "{text:?}");
    }
}

#[test]
fn a_name_in_any_script_is_accepted_and_shown_as_it_is() {
    for name in ["می\u{200c}خواهم", "क्\u{200d}ष", "လျှို့ဝှက်", "שָׁלוֹם", "Te\u{301}le\u{301} 👩\u{200d}👩\u{200d}👧"]
    {
        let world = World::new();
        let admin = Admin(&world);
        admin.created(&device("tv", &json!({ "client_name": name })));
        assert_eq!(json(&admin.get("/clients/tv"))["client_name"], Value::from(name));

        let started = world.start_with(&[("client_id", "tv"), ("scope", "openid")]);
        let page = Person::of(&world).enter_as("alice", "wonderland-8787", &started.user_code);
        assert!(page.body.contains(name), "{name}: {}", page.body);
    }
}
