//! Signing in at an OpenID Provider (OpenID Connect Core §3.1).

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken test fails")]

mod access;
mod accounts;
mod callbacks;
mod conformance;
mod demands;
mod events;
mod first_administrator;
mod outages;
mod recheck;
mod requests;
mod scim;
mod sign_in;

use std::rc::Rc;

use device_grant::client::SecretBy;
use device_grant::client::history::History;
use device_grant::endpoint::http::Response;
use device_grant::format::Format;
use device_grant::scope::Scope;
use device_grant::token::signing_key::Algorithm;
use device_grant::upstream::provider::claim_path::ClaimPath;
use device_grant::upstream::provider::issuer::ProviderIssuer;
use device_grant::upstream::provider::{
    ClaimPaths, Provider, ProviderAuthentication, ProviderId, SealedSecret,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde_json::Value;

use crate::support::person::Person;
use crate::support::provider::{SECRET, ScriptedProvider};
use crate::support::{ISSUER, Started, World, json};

/// The issuer of the provider `corp`.
const CORP: &str = "https://id.corp.example";

/// Returns the entry of a provider that authenticates this server by HTTP Basic.
fn entry(world: &World, id: &str, issuer: &str) -> Provider {
    let rng = &mut ChaCha20Rng::seed_from_u64(9);
    let sealed = SealedSecret::seal(SECRET, &world.server.settings.keyring, rng);
    let path = |text| ClaimPath::parse(text).unwrap();
    Provider {
        format: Format,
        id: ProviderId::parse(id).unwrap(),
        name: format!("{id} login"),
        issuer: ProviderIssuer::parse(issuer, ISSUER).unwrap(),
        client_id: "rp".to_owned(),
        authentication: ProviderAuthentication::Secret { by: SecretBy::Basic, sealed },
        id_token_signed_response_alg: Algorithm::Es256,
        scope: Scope::parse("openid profile email").unwrap(),
        claims: ClaimPaths {
            subject: path("sub"),
            name: path("name"),
            email: path("email"),
            username: path("preferred_username"),
            groups: path("groups"),
        },
        allowed_groups: Vec::new(),
        allowed_email_domains: Vec::new(),
        acr_values: Vec::new(),
        strong_amr: Vec::new(),
        strong_acr: Vec::new(),
        end_families_on_logout: false,
        recheck_seconds: None,
        scim_token: None,
        enabled: true,
        order: 0,
        history: History::default(),
    }
}

/// Adds a provider that answers, with the entry as `change` leaves it.
fn add(world: &World, id: &str, issuer: &str, change: impl FnOnce(&mut Provider)) -> Rc<ScriptedProvider> {
    let mut provider = entry(world, id, issuer);
    change(&mut provider);
    world.add_provider(&provider);
    let scripted = Rc::new(ScriptedProvider::new(issuer));
    world.server.platform.providers.borrow_mut().push(Rc::clone(&scripted));
    scripted
}

/// Returns a server with the provider `corp`.
fn world() -> (World, Rc<ScriptedProvider>) {
    let world = World::new();
    let corp = add(&world, "corp", CORP, |_| {});
    (world, corp)
}

/// Presses the button of a provider on the sign-in page.
fn press(person: &Person<'_>, id: &str) -> Response {
    person.submit(&[("step", "provider"), ("provider", id)])
}

/// Returns where a page goes on to.
fn address(page: &Response) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, link) = page.body.split_once("<a class=\"button main\" href=\"").expect("a link");
    let address = link.split('"').next().expect("its end").replace("&#38;", "&");
    let refresh = page.body.split_once("http-equiv=\"refresh\" content=\"0;url=").expect("a refresh").1;
    assert_eq!(refresh.split('"').next().expect("its end").replace("&#38;", "&"), address);
    address
}

/// Enters a code, and goes as far as the provider.
fn leave<'a>(world: &'a World, user_code: &str) -> (Person<'a>, String) {
    let person = Person::of(world);
    person.enter(user_code);
    let address = address(&press(&person, "corp"));
    (person, address)
}

/// Enters a code, signs in at the provider, and comes back.
fn come_back<'a>(world: &'a World, corp: &ScriptedProvider, user_code: &str) -> (Person<'a>, Response) {
    let (person, address) = leave(world, user_code);
    let page = person.open(&corp.authorize(&address));
    (person, page)
}

/// Approves a device with Alice's account of the provider. Returns its tokens.
fn device(world: &World, corp: &ScriptedProvider) -> Value {
    let Started { device_code, user_code, .. } = world.start();
    let (person, page) = come_back(world, corp, &user_code);
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    person.decide("approve");
    json(&world.poll(&device_code))
}

/// Returns the reason of the last log line about the sign-in.
fn reason(page: &Response) -> &'static str {
    let line = page.decisions.iter().rev().find(|line| line.what == "sign_in");
    line.map_or("no line", |line| line.reason)
}

/// Checks that a page refuses the sign-in for a reason, and still has the code; then that the person can sign in after all.
fn assert_code_survives(world: &World, corp: &ScriptedProvider, person: &Person<'_>, user_code: &str) {
    let address = address(&press(person, "corp"));
    let page = person.open(&corp.authorize(&address));
    assert!(page.body.contains(user_code), "{}", page.body);
    assert!(page.body.contains("value=\"approve\""), "{}", page.body);
    assert_eq!(world.grants().len(), 1);
}
