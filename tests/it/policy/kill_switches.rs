//! Kill switches, which refuse at every point and end tokens at once.

use std::time::Duration;

use device_grant::audit::change::Actor;
use device_grant::client::demo::PRINTER_SECRET;
use device_grant::endpoint::http::Request;
use device_grant::format::Format;
use device_grant::identity::account_key::AccountKey;
use device_grant::policy::kill::{KillSwitch, Target};
use device_grant::policy::name::Name;
use device_grant::policy::network::Asn;
use device_grant::policy::place::Country;
use serde_json::Value;

use super::{BOB, Login, lagos, text};
use crate::support::{World, get, json as body, outcome};

fn switch(world: &World, target: Target) -> KillSwitch {
    KillSwitch {
        format: Format,
        id: Name::parse("stop").expect("a name"),
        target,
        until: world.now() + Duration::from_secs(3_600),
        reason: "a campaign".to_owned(),
        by: Actor::Registration,
        at: world.now(),
    }
}

fn kill(world: &World, target: Target) {
    world.set_governance(&[], &[switch(world, target)]);
}

fn client() -> Target {
    Target { client: Some("demo-tv".to_owned()), ..Target::default() }
}

#[test]
fn a_kill_switch_refuses_a_start_until_its_end() {
    let world = World::with_policy(&[]);
    kill(&world, client());

    assert_eq!(Login::of(&world).play(), "start");
    world.wait(3_600);
    assert_eq!(Login::of(&world).play(), "done");
}

#[test]
fn a_kill_switch_refuses_where_what_it_selects_is_first_known() {
    for (target, expected) in [
        (Target { account: Some(AccountKey::local("alice")), ..Target::default() }, "sign_in"),
        (Target { country: Country::parse("DE"), ..Target::default() }, "start"),
        (Target { asn: Some(Asn(3_320)), ..Target::default() }, "start"),
        (Target { country: Country::parse("NG"), ..Target::default() }, "done"),
    ] {
        let world = World::with_policy(&[]);
        kill(&world, target.clone());
        assert_eq!(Login::of(&world).play(), expected, "{target:?}");
    }
    let world = World::with_policy(&[]);
    kill(&world, Target { account: Some(AccountKey::local("alice")), ..Target::default() });
    assert_eq!(Login { who: BOB, ..Login::of(&world) }.play(), "done");
}

#[test]
fn a_kill_switch_refuses_the_redemption_and_the_refresh_of_what_started_there() {
    let world = World::with_policy(&[]);
    let login = Login::of(&world);
    let (approved, tokens) = (login.approved(), login.poll(&login.approved()));
    let token = text(&tokens, "refresh_token");
    kill(&world, Target { country: Country::parse("DE"), ..Target::default() });

    let abroad = Login { device: lagos(), ..Login::of(&world) };
    assert_eq!(outcome(&abroad.poll(&approved)), "access_denied", "wherever the device is now");
    assert_eq!(outcome(&abroad.refresh(&token)), "invalid_grant");
    world.set_governance(
        &[],
        &[switch(&world, Target { country: Country::parse("NG"), ..Target::default() })],
    );
    assert_eq!(outcome(&login.refresh(&token)), "issued");
}

#[test]
fn introspection_and_userinfo_obey_at_once() {
    const PRINTER: &[(&str, &str)] = &[("client_id", "demo-printer"), ("client_secret", PRINTER_SECRET)];
    let world = World::with_policy(&[]);
    let login = Login { client: PRINTER, ..Login::of(&world) };
    let tokens = login.poll(&login.approved());
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    assert_eq!(login.introspect(&access), Value::Bool(true));
    assert_eq!(userinfo(&world, &access), 200);
    let approval = world.recorded().last().and_then(|event| event.approval_id.clone());

    for target in [
        Target { client: Some("demo-printer".to_owned()), ..Target::default() },
        Target { approval, ..Target::default() },
        Target {
            account: Some(AccountKey::local("alice")),
            country: Country::parse("DE"),
            ..Target::default()
        },
    ] {
        kill(&world, target.clone());
        assert_eq!(login.introspect(&access), Value::Bool(false), "{target:?}");
        assert_eq!(login.introspect(&refresh), Value::Bool(false), "{target:?}");
        assert_eq!(userinfo(&world, &access), 401, "{target:?}");
    }
    kill(&world, Target { client: Some("demo-tv".to_owned()), ..Target::default() });
    assert_eq!(login.introspect(&access), Value::Bool(true), "the family has not ended");
}

fn userinfo(world: &World, token: &str) -> u16 {
    let authorization = Some(format!("Bearer {token}"));
    world.send(&Request { path: "/userinfo".to_owned(), authorization, ..get() }).status
}

impl Login<'_> {
    /// Returns whether the client's own token is active.
    fn introspect(&self, token: &str) -> Value {
        let answer = body(&self.ask("/introspect", &[("token", token)]));
        answer.get("active").cloned().unwrap_or_else(|| panic!("{answer}"))
    }
}
