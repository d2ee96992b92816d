//! Somebody with a passkey at a server whose issuer is a name.

use device_grant::endpoint::http::{Request, Response};
use device_grant::endpoint::platform::Platform as _;
use device_grant::identity::account::Account;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::command::ClaimPointer;
use device_grant::identity::pointer::{Pointer, Target};
use device_grant::passkey::{Challenge, record};
use serde_json::Value;

use super::ceremonies::{HOST, ORIGIN, challenge, registered};
use crate::support::authenticator::Authenticator;
use crate::support::person::{Person, hidden};
use crate::support::{World, now_or_never, post};

/// Returns a browser at a server of this name.
pub(super) fn browser(world: &World) -> Person<'_> {
    let host = ORIGIN.trim_start_matches("http://");
    Person::before(
        |request| world.send(&Request { host: host.to_owned(), ..request.clone() }),
        "198.51.100.23",
    )
}

/// Returns an authenticator with a passkey of this account.
pub(super) fn owned(world: &World, username: &str, seed: u8, counter: u32) -> Authenticator {
    let key = AccountKey::local(username);
    let account = now_or_never(world.server.account(&key)).unwrap().unwrap();
    let user_handle = Some(account.sub.as_str().as_bytes().to_vec());
    let authenticator = Authenticator { counter, user_handle, ..Authenticator::new(seed, HOST, ORIGIN) };
    let new = registered(&authenticator.create(&challenge())).unwrap();
    world.change_account(key.as_str(), |account| account.passkeys.push(record::new(&new, world.now())));
    let pointer = Pointer::credential(&new.id);
    let claim = ClaimPointer { pointer: pointer.clone(), target: Target { account: key, ends_at: None } };
    now_or_never(world.server.platform.accounts(pointer.shard(), claim)).unwrap();
    authenticator
}

/// Returns the options that the page has for the browser.
pub(super) fn options(page: &Response) -> Value {
    let (_, options) = page.body.split_once("data-options=\"").expect("the page uses passkeys");
    let text = options.split('"').next().unwrap().replace("&#34;", "\"").replace("&#38;", "&");
    serde_json::from_str(&text).unwrap()
}

/// Returns the challenge of the page.
pub(super) fn challenge_of(page: &Response) -> Challenge {
    Challenge::from(options(page)["challenge"].as_str().unwrap())
}

/// Answers the challenge of the sign-in page that the browser shows.
pub(super) fn sign_in(person: &Person<'_>, authenticator: &Authenticator) -> Response {
    let page = person.page.borrow().clone();
    send(person, &page, &authenticator.get(&challenge_of(&page)))
}

/// Sends a response with the fields of this page.
pub(super) fn send(person: &Person<'_>, page: &Response, credential: &str) -> Response {
    person.page.replace(page.clone());
    let ceremony = hidden(&page.body, "ceremony").unwrap_or_default();
    person.submit(&[("step", "passkey"), ("ceremony", &ceremony), ("credential", credential)])
}

pub(super) fn account(world: &World, username: &str) -> Account {
    now_or_never(world.server.account(&AccountKey::local(username))).unwrap().unwrap()
}

/// The page on which people see their passkeys.
pub(super) const PAGE: &str = "/account/passkeys";

/// Sends a form of the page that the browser shows to its own path.
pub(super) fn submit(person: &Person<'_>, fields: &[(&str, &str)]) -> Response {
    let page = person.page.borrow().body.clone();
    let value = |name| hidden(&page, name).unwrap_or_default();
    let (csrf, ceremony) = (value("csrf"), value("ceremony"));
    let hidden = [("csrf", csrf.as_str()), ("ceremony", ceremony.as_str())];
    person.send(post(PAGE, &[&hidden, fields].concat()))
}

/// Opens the page, and signs in with a password.
pub(super) fn open_as<'a>(world: &'a World, username: &str, password: &str) -> Person<'a> {
    let person = browser(world);
    person.open(PAGE);
    submit(&person, &[("step", "sign_in"), ("username", username), ("password", password)]);
    person
}

/// Adds a passkey on the page that the browser shows.
pub(super) fn add(person: &Person<'_>, authenticator: &Authenticator) -> Response {
    let page = person.page.borrow().clone();
    submit(person, &[("step", "add"), ("credential", &authenticator.create(&challenge_of(&page)))])
}

/// Returns an authenticator without a passkey, for this account.
pub(super) fn empty(world: &World, username: &str, seed: u8) -> Authenticator {
    let user_handle = Some(account(world, username).sub.as_str().as_bytes().to_vec());
    Authenticator { user_handle, ..Authenticator::new(seed, HOST, ORIGIN) }
}
