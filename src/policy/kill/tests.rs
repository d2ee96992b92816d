use super::*;
use crate::identity::device::{Device, DeviceId, State};
use crate::network::Network;
use crate::policy::Point;
use crate::policy::window::Span;
use crate::provenance::{Provenance, Stage};
use crate::scope::Scope;
use crate::verdict::Spot;

const AT: Timestamp = Timestamp::from_millis(1_000_000);
const UNTIL: Timestamp = Timestamp::from_millis(2_000_000);

fn network(address: &str) -> Network {
    Network::of(Some(address), |prefix| prefix.replace(['/', '.'], "_"))
}

fn switch(target: Target) -> KillSwitch {
    let by = Actor::Operator("9f86d081".to_owned());
    let (id, reason) = (Name::parse("a").unwrap(), "a campaign".to_owned());
    KillSwitch { format: Format, id, target, until: UNTIL, reason, by, at: AT }
}

fn refuses(target: Target, started_at: u64, now: Timestamp) -> bool {
    let (network, bob, approval) = (network("192.0.2.7"), AccountKey::local("bob"), ApprovalId::from("x"));
    let at = Timestamp::from_millis(started_at);
    let start = Start { at, country: Country::of(Some("NG")), asn: Some(64_500), network: &network };
    let facts = Facts {
        client: Some("cli"),
        account: Some(&bob),
        approval: Some(&approval),
        code: Some(RowKey([7; 16])),
        start: Some(start),
        ..Facts::unknown(Point::Refresh, Span::at(now))
    };
    switch(target).refuses(&facts)
}

#[test]
fn everything_that_is_selected_must_be_met() {
    let client = |text: &str| Target { client: Some(text.to_owned()), ..Target::default() };
    let from = |code: &str| Target { country: Some(Country::of(Some(code))), ..client("cli") };
    let prefixes = |address: &str| network(address).prefixes().cloned().collect::<Vec<_>>();
    let in_network = |networks| Target { networks, ..Target::default() };
    for (target, expected) in [
        (Target::default(), false),
        (client("cli"), true),
        (client("tv"), false),
        (from("NG"), true),
        (from("FR"), false),
        (Target { country: Some(Country::of(Some("NG"))), ..client("tv") }, false),
        (Target { account: Some(AccountKey::local("bob")), ..Target::default() }, true),
        (Target { account: Some(AccountKey::local("eve")), ..Target::default() }, false),
        (Target { asn: Some(Asn(64_500)), ..Target::default() }, true),
        (Target { asn: Some(Asn(64_501)), ..Target::default() }, false),
        (Target { approval: Some(ApprovalId::from("x")), ..Target::default() }, true),
        (Target { approval: Some(ApprovalId::from("y")), ..Target::default() }, false),
        (Target { code: vec![RowKey([8; 16]), RowKey([7; 16])], ..Target::default() }, true),
        (Target { code: vec![RowKey([8; 16])], ..Target::default() }, false),
        (in_network(prefixes("192.0.2.99").split_off(1)), false),
        (in_network(vec![prefixes("198.51.100.1").remove(0), prefixes("192.0.2.99").remove(0)]), true),
    ] {
        assert_eq!(refuses(target.clone(), 500_000, AT), expected, "{target:?}");
    }
}

#[test]
fn a_window_is_of_the_past_and_what_starts_later_is_refused_until_the_end() {
    let (from, to) = (Timestamp::from_millis(400_000), Timestamp::from_millis(600_000));
    let target = || Target { started: Some(Started { from, to }), ..Target::default() };

    for (started_at, expected) in [
        (399_999, false),
        (400_000, true),
        (599_999, true),
        (600_000, false),
        (999_999, false),
        (1_000_000, true),
    ] {
        assert_eq!(refuses(target(), started_at, AT), expected, "{started_at}");
    }
    assert!(refuses(target(), 500_000, Timestamp::from_millis(1_999_999)));
    assert!(!refuses(target(), 500_000, UNTIL));
}

#[test]
fn what_is_not_known_yet_is_not_met() {
    let bob = Target { account: Some(AccountKey::local("bob")), ..Target::default() };
    let start = Facts::unknown(Point::DeviceAuthorization, Span::at(AT));

    assert!(!switch(bob).refuses(&start));
    let nigeria = Target { country: Some(Country::of(Some("NG"))), ..Target::default() };
    assert!(!switch(nigeria).refuses(&start));
    let code = Target { code: vec![RowKey([7; 16])], ..Target::default() };
    assert!(!switch(code).refuses(&start));
}

#[test]
fn the_devices_that_it_ends_are_those_whose_tokens_it_refuses() {
    let prefix = |address: &str, bits: &str| {
        let text = if bits.is_empty() { address.to_owned() } else { format!("{address}/{bits}") };
        Prefix::of_written(&text, |prefix| prefix.replace(['/', '.'], "_")).unwrap()
    };
    let window = |from, to| Started { from: Timestamp::from_millis(from), to: Timestamp::from_millis(to) };
    let of = |change: fn(&mut Target)| {
        let mut target = Target::default();
        change(&mut target);
        target
    };
    let targets = [
        of(|target| target.client = Some("cli".to_owned())),
        of(|target| target.approval = Some(ApprovalId::from("x"))),
        of(|target| target.code = vec![RowKey([7; 16]), RowKey([9; 16])]),
        of(|target| target.country = Country::parse("NG")),
        of(|target| target.country = Some(Country::UNKNOWN)),
        of(|target| target.asn = Some(Asn(64_500))),
        Target { networks: vec![prefix("192.0.2.7", "")], ..Target::default() },
        Target {
            networks: vec![prefix("198.51.100.0", "24"), prefix("192.0.2.0", "24")],
            ..Target::default()
        },
        Target { started: Some(window(400_000, 600_000)), ..Target::default() },
    ];
    let both = |one: &Target, other: &Target| Target {
        client: one.client.clone().or_else(|| other.client.clone()),
        code: [one.code.clone(), other.code.clone()].concat(),
        country: one.country.or(other.country),
        started: one.started.or(other.started),
        networks: [one.networks.clone(), other.networks.clone()].concat(),
        ..one.clone()
    };
    let all: Vec<Target> =
        targets.iter().flat_map(|one| targets.iter().map(|other| both(one, other))).collect();
    let mut ended = 0;
    for device in devices() {
        let id = DeviceId::from("sid".to_owned());
        for target in &all {
            let switch = switch(target.clone());
            let Provenance { approval_id, code, started, .. } = &device.provenance;
            let country = Country::of(started.spot.country.as_deref());
            let start = Start { at: started.at, country, asn: started.spot.asn, network: &device.network };
            let facts = Facts {
                client: Some(&device.client_id),
                account: Some(&device.account),
                approval: Some(approval_id),
                code: *code,
                start: Some(start),
                ..Facts::unknown(Point::Refresh, Span::at(AT))
            };
            let is_ended = switch.devices().has(&id, &device);
            assert_eq!(is_ended, switch.refuses(&facts), "{target:?} {device:?}");
            ended += usize::from(is_ended);
        }
    }
    assert!(ended > 100, "{ended} of {}", all.len() * devices().len());
}

/// Returns devices that differ in all that a target can name.
fn devices() -> Vec<Device> {
    let mut devices = Vec::new();
    for (client, approval) in [("cli", "x"), ("tv", "y")] {
        for (country, asn) in [(Some("NG"), Some(64_500)), (Some("FR"), Some(64_501)), (None, None)] {
            for address in ["192.0.2.7", "192.0.2.8", "2001:db8::1"] {
                for at in [300_000, 500_000, 1_000_000] {
                    let spot = Spot { country: country.map(str::to_owned), asn, ..Spot::default() };
                    let started = Stage { at: Timestamp::from_millis(at), spot };
                    let provenance = Provenance {
                        approval_id: ApprovalId::from(approval),
                        code: (client == "cli").then_some(RowKey([7; 16])),
                        started,
                        approved: Stage::default(),
                    };
                    devices.push(Device {
                        format: Format,
                        account: AccountKey::local("bob"),
                        client_id: client.to_owned(),
                        client_name: "TV".to_owned(),
                        label: None,
                        scope: Scope::default(),
                        provenance,
                        network: network(address),
                        first_used_at: AT,
                        last_used_at: AT,
                        ends_at: UNTIL,
                        state: State::Confirmed,
                    });
                }
            }
        }
    }
    devices
}
