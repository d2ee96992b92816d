//! Records of accounts and sessions, and what the cookie seals.

use device_grant::format::Format;
use device_grant::identity;
use device_grant::identity::account::AccountKey;
use device_grant::identity::session::{Browser, Session, SignedIn};
use device_grant::sharding::shard_of;

use super::pin;
use crate::properties::records::AT;

#[test]
fn accounts_and_counters_stay_in_their_objects() {
    assert_eq!((shard_of("local:alice").as_str(), shard_of("exposure").as_str()), ("15", "20"));
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
