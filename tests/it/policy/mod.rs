//! The policy at work: in whole logins, at each of the points where it is asked.

mod asking;
mod binding;
mod budgets;
mod conditions;
mod events;
mod kill_switches;
mod killed_codes;
mod killing;
mod limits;
mod points;
mod refusals;
mod reporting;
mod requirements;
mod tor;
mod untouched;
mod verification;
mod what_if;

use device_grant::coordinates::Coordinates;
use device_grant::endpoint::http::{Request, Response};
use device_grant::place::Place;
use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{DEVICE_CODE, World, json as body, post};

const ALICE: (&str, &str) = ("alice", "wonderland-8787");
const BOB: (&str, &str) = ("bob", "builder-8787");
const SCOPE: &str = "openid offline_access";
const TELEVISION: &str = "Mozilla/5.0 (SMART-TV; Tizen 6.0)";
const PHONE: &str = "Mozilla/5.0 (iPhone)";

fn place(country: &str, region: &str, city: &str, coordinates: (f64, f64), asn: u32) -> Place {
    let text = |text: &str| Some(text.to_owned());
    let coordinates = Coordinates::of(coordinates.0, coordinates.1);
    Place {
        country: text(country),
        region: text(region),
        city: text(city),
        coordinates,
        asn: Some(asn),
        ..Place::default()
    }
}

fn berlin() -> Place {
    place("DE", "Berlin", "Berlin", (52.52, 13.405), 3_320)
}

fn lagos() -> Place {
    place("NG", "Lagos", "Lagos", (6.455, 3.384), 37_148)
}

/// Returns a policy that denies what no rule allows, with these rules.
fn policy(rules: &Value) -> Value {
    json!({
        "default": "enforced",
        "contact": "security@example.com",
        "help_uri": "https://help.example.com/devices",
        "networks": { "office": ["192.0.2.0/24"], "home": ["198.51.100.0/24"] },
        "rules": rules,
    })
}

/// Returns a rule. `members` are added to it.
fn rule(id: &str, effect: &str, members: &Value) -> Value {
    let mut rule = json!({ "id": id, "description": "for a test", "effect": effect });
    let all = rule.as_object_mut().expect("it is an object");
    all.extend(members.as_object().expect("members").clone());
    rule
}

fn allow() -> Value {
    rule("all", "allow", &json!({}))
}

/// Returns a server that allows everything but what this rule denies.
fn denying(when: &Value) -> World {
    let world = World::new();
    world.set_policy(&policy(&json!([allow(), rule("no", "deny", &json!({ "when": when }))])));
    world
}

/// A login of alice at a television in the office in Berlin, from her phone in the next street.
struct Login<'a> {
    world: &'a World,
    /// The parameters by which the device names its client.
    client: &'static [(&'static str, &'static str)],
    who: (&'static str, &'static str),
    scope: &'static str,
    device: Place,
    person: Place,
    agents: (&'static str, &'static str),
    addresses: (&'a str, &'a str),
}

impl<'a> Login<'a> {
    fn of(world: &'a World) -> Self {
        Self {
            world,
            client: &[("client_id", "demo-tv")],
            who: ALICE,
            scope: SCOPE,
            device: berlin(),
            person: berlin(),
            agents: (TELEVISION, PHONE),
            addresses: ("192.0.2.7", "198.51.100.23"),
        }
    }

    /// Sends a request of the device.
    fn ask(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.world.send(&Request {
            place: self.device.clone().into(),
            user_agent: Some(self.agents.0.to_owned()),
            address: Some(self.addresses.0.to_owned()),
            ..post(path, &[self.client, form].concat())
        })
    }

    fn start(&self) -> Response {
        self.ask("/device_authorization", &[("scope", self.scope)])
    }

    /// Returns the browser of the person.
    fn browser(&self) -> Person<'a> {
        let (world, place, agent) = (self.world, self.person.clone(), self.agents.1);
        let send = move |request: &Request| {
            let (place, user_agent) = (place.clone().into(), Some(agent.to_owned()));
            world.send(&Request { place, user_agent, ..request.clone() })
        };
        Person::before(send, self.addresses.1)
    }

    fn poll(&self, device_code: &str) -> Response {
        self.ask("/token", &[("grant_type", DEVICE_CODE), ("device_code", device_code)])
    }

    fn refresh(&self, token: &str) -> Response {
        self.ask("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// Starts, and lets the person enter the code and sign in. Returns the device code, and the browser.
    fn entered(&self) -> (String, Person<'a>) {
        let started = self.start();
        assert_eq!(started.status, 200, "{}", started.body);
        let browser = self.browser();
        browser.enter_as(self.who.0, self.who.1, &text(&started, "user_code"));
        (text(&started, "device_code"), browser)
    }

    /// Starts, and lets the person approve. Returns the device code.
    fn approved(&self) -> String {
        let (device_code, browser) = self.entered();
        let page = browser.decide("approve");
        assert_eq!(page.status, 200, "{}", page.body);
        device_code
    }

    /// Plays the login up to a refresh. Returns the step that is refused, or `done`.
    fn play(&self) -> &'static str {
        let started = self.start();
        if started.status != 200 {
            assert_eq!(text(&started, "error"), "unauthorized_client", "{}", started.body);
            return "start";
        }
        let browser = self.browser();
        let page = browser.enter_as(self.who.0, self.who.1, &text(&started, "user_code"));
        if page.status != 200 {
            assert_eq!(page.status, 403, "{}", page.body);
            let is_signed_in = page.decisions.iter().any(|line| line.outcome == "signed_in");
            return if is_signed_in { "consent" } else { "sign_in" };
        }
        if !page.body.contains("name=\"confirm_device\"") {
            return "sign_in_again";
        }
        if browser.decide("approve").status != 200 {
            return "approval";
        }
        let tokens = self.poll(&text(&started, "device_code"));
        if tokens.status != 200 {
            return "redemption";
        }
        let refreshed = self.refresh(&text(&tokens, "refresh_token"));
        if refreshed.status == 200 { "done" } else { "refresh" }
    }
}

/// Returns a member of a JSON response that is text.
fn text(response: &Response, name: &str) -> String {
    let body = body(response);
    body.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name}: {body}")).to_owned()
}
