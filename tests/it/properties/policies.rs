//! What holds for every policy and every login.

use std::time::Duration;

use device_grant::audit::change::Actor;
use device_grant::audit::policy_record::PolicyRecord;
use device_grant::client::history::History;
use device_grant::device_kind::DeviceClass;
use device_grant::format::Format;
use device_grant::identity::account_key::AccountKey;
use device_grant::identity::group::Group;
use device_grant::network::Network;
use device_grant::policy::Point;
use device_grant::policy::condition::Conditions;
use device_grant::policy::decision::{By, Decision};
use device_grant::policy::document::{BreakGlass, Fallback, Policy};
use device_grant::policy::evaluation::{decide, remedy};
use device_grant::policy::exception::Exception;
use device_grant::policy::facts::{Facts, FirstTimes, Groups, Nearness, SideFacts, SignInFacts, Start};
use device_grant::policy::governance::Governance;
use device_grant::policy::kill::{KillSwitch, Target};
use device_grant::policy::lock_out::shuts_out_administrators;
use device_grant::policy::name::Name;
use device_grant::policy::place::Country;
use device_grant::policy::recording;
use device_grant::policy::replay::Past;
use device_grant::policy::requirement::{Limits, Requirements};
use device_grant::policy::rule::{Effect, Rule, State};
use device_grant::policy::window::Span;
use device_grant::policy::written;
use device_grant::scope::Scope;
use device_grant::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// A Friday, 08:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const POINTS: [Point; 5] =
    [Point::DeviceAuthorization, Point::SignIn, Point::Approval, Point::Redemption, Point::Refresh];
const ADMINISTRATORS: [&str; 2] = ["local:administrators", "corp:admins"];

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Draws some of a few values, so that conditions and facts meet often. Mostly none, which is no condition.
fn some(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let owned = |drawn: Vec<&str>| drawn.into_iter().map(str::to_owned).collect();
    prop_oneof![3 => Just(Vec::new()), 2 => subsequence(all, 1..=all.len()).prop_map(owned)]
}

fn flag() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)]
}

/// Draws conditions in their written form.
fn written_conditions() -> impl Strategy<Value = Value> {
    let lists = (
        some(&["cli", "tv"]),
        some(&["deploy", "openid"]),
        some(&["local:alice", "local:bob"]),
        some(&["local:staff", "local:administrators"]),
        some(&["near", "unknown", "far"]),
        some(&["DE", "NG", "XX"]),
        some(&["person", "client", "place"]),
    );
    let hours = select(vec!["00:00-24:00", "08:05-18:00", "18:00-08:05", "12:00-13:00"]);
    let time = prop_oneof![3 => Just(json!(null)), 1 => hours.prop_map(|hours| json!({ "hours": hours }))];
    (lists, time, flag(), flag()).prop_map(|(lists, time, web_page, strong)| {
        let (clients, scopes, accounts, groups, verdict, countries, first) = lists;
        json!({
            "clients": clients, "scopes": scopes, "accounts": accounts, "groups": groups, "verdict": verdict,
            "first": first, "device": { "countries": countries }, "web_page": web_page,
            "sign_in": { "phishing_resistant": strong }, "time": time
        })
    })
}

fn conditions() -> impl Strategy<Value = Conditions> {
    written_conditions().prop_map(|written| serde_json::from_value(written).expect("conditions"))
}

fn rule(effects: &'static [&'static str]) -> impl Strategy<Value = Rule> {
    let state = prop_oneof![6 => Just("enforced"), 2 => Just("report_only"), 1 => Just("disabled")];
    let unless = prop_oneof![2 => Just(json!(null)), 1 => written_conditions()];
    let require = (prop::option::of(1..9_u64), any::<bool>(), any::<bool>()).prop_map(
        |(max_age, near, strong)| json!({ "max_age": max_age, "near": near, "phishing_resistant": strong }),
    );
    let limit = (prop::option::of(some(&["deploy", "openid"])), prop::option::of(60..70_u64), any::<bool>())
        .prop_map(|(scope, lifetime, no_refresh)| {
            let scope = scope.map(|tokens| tokens.join(" "));
            json!({ "scope": scope, "access_token_lifetime": lifetime, "no_refresh": no_refresh })
        });
    (select(effects), state, written_conditions(), unless, require, limit).prop_map(
        |(effect, state, when, unless, require, limit)| {
            let none = || json!({});
            let may_require = matches!(effect, "require" | "allow");
            let may_limit = matches!(effect, "limit" | "allow");
            let rule = json!({
                "id": "x", "description": "drawn", "effect": effect, "state": state, "when": when,
                "unless": unless, "require": if may_require { require } else { none() },
                "limit": if may_limit { limit } else { none() }
            });
            serde_json::from_value(rule).expect("a rule")
        },
    )
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let any_rule = rule(&["allow", "allow", "deny", "require", "limit"]);
    prop::collection::vec(any_rule, 0..8).prop_map(|rules| {
        let numbered = |(number, rule): (usize, Rule)| Rule { id: name(&format!("r{number}")), ..rule };
        rules.into_iter().enumerate().map(numbered).collect()
    })
}

fn exceptions() -> impl Strategy<Value = Vec<Exception>> {
    let lifts = subsequence(&["r0", "r1", "r2", "r3"][..], 0..=4);
    prop::collection::vec((conditions(), lifts, 0..3_u64), 0..3).prop_map(|drawn| {
        let build = |(number, (when, lifts, ends)): (usize, (Conditions, Vec<&str>, u64))| {
            let lifts = lifts.into_iter().map(name).collect();
            exception(&format!("e{number}"), when, lifts, NOW + Duration::from_secs(ends * 100))
        };
        drawn.into_iter().enumerate().map(build).collect()
    })
}

fn exception(id: &str, when: Conditions, lifts: Vec<Name>, expires_at: Timestamp) -> Exception {
    Exception {
        format: Format,
        id: name(id),
        when,
        lifts,
        owner: "alice".to_owned(),
        reason: "drawn".to_owned(),
        ticket: "1".to_owned(),
        created_by: Actor::Registration,
        expires_at,
        renewals: Vec::new(),
        history: History::beginning(NOW),
    }
}

fn kill_switches() -> impl Strategy<Value = Vec<KillSwitch>> {
    let target =
        (select(vec![None, Some("cli")]), select(vec![None, Some("DE")])).prop_map(|(client, country)| {
            Target {
                client: client.map(str::to_owned),
                country: country.and_then(Country::parse),
                ..Target::default()
            }
        });
    prop::collection::vec(target, 0..2).prop_map(|targets| {
        let build = |(number, target): (usize, Target)| KillSwitch {
            format: Format,
            id: name(&format!("k{number}")),
            target,
            until: NOW + Duration::from_secs(3_600),
            reason: "drawn".to_owned(),
            by: Actor::Registration,
            at: NOW,
        };
        targets.into_iter().enumerate().map(build).collect()
    })
}

fn break_glass() -> impl Strategy<Value = Option<BreakGlass>> {
    let drawn = (select(vec!["local:alice", "local:bob"]), select(vec!["cli", "tv"])).prop_map(
        |(account, client)| BreakGlass {
            accounts: AccountKey::parse(account).into_iter().collect(),
            clients: vec![client.to_owned()],
            owner: "alice".to_owned(),
            expires_at: NOW + Duration::from_secs(100),
        },
    );
    prop_oneof![4 => Just(None), 1 => drawn.prop_map(Some)]
}

fn governance() -> impl Strategy<Value = Governance> {
    let default = select(vec![Fallback::Enforced, Fallback::Enforced, Fallback::ReportOnly, Fallback::Allow]);
    (default, rules(), exceptions(), kill_switches(), break_glass()).prop_map(
        |(default, rules, exceptions, kill_switches, break_glass)| {
            let policy = Policy { default, rules, break_glass, ..Policy::without_document(false) };
            Governance { policy, exceptions, kill_switches, ..Governance::without_document(false) }
        },
    )
}

/// What is known about a login, for facts to borrow.
#[derive(Clone, Debug)]
struct Login {
    client: &'static str,
    scope: Scope,
    account: AccountKey,
    groups: Vec<Group>,
    countries: [&'static str; 2],
    nearness: Nearness,
    first: FirstTimes,
    web_page: bool,
    strong: bool,
    /// Seconds from the request for the code to the approval, less than the code's life.
    after: u64,
    network: Network,
}

const LIFE: u64 = 600;

/// Returns the life of the code.
fn life() -> Span {
    Span { from: NOW, until: NOW + Duration::from_secs(LIFE) }
}

fn login() -> impl Strategy<Value = Login> {
    let groups = subsequence(&["local:staff", "local:administrators", "corp:admins"][..], 0..=3);
    let places = [select(vec!["DE", "NG", "XX"]), select(vec!["DE", "NG", "XX"])];
    let nearness = select(vec![Nearness::Near, Nearness::Unknown, Nearness::Far]);
    let who = (
        select(vec!["cli", "tv"]),
        select(vec!["openid", "openid deploy"]),
        select(vec!["alice", "bob"]),
        groups,
    );
    let how = (any::<[bool; 5]>(), 0..LIFE);
    (who, places, nearness, how).prop_map(
        |((client, scope, account, groups), countries, nearness, (flags, after))| {
            let [web_page, strong, person, client_is_new, place] = flags;
            Login {
                client,
                scope: Scope::parse(scope).expect("a scope"),
                account: AccountKey::local(account),
                groups: groups.into_iter().filter_map(Group::parse).collect(),
                countries,
                nearness,
                first: FirstTimes { person, client: client_is_new, place },
                web_page,
                strong,
                after,
                network: Network::default(),
            }
        },
    )
}

impl Login {
    /// Returns everything, at `point`.
    fn facts(&self, point: Point) -> Facts<'_> {
        let [device, person] = self.countries.map(|code| {
            let (country, class) = (Country::of(Some(code)), DeviceClass::CommandLine);
            SideFacts {
                country,
                region: None,
                asn: None,
                networks: &[],
                hosting: false,
                class,
                managed: false,
            }
        });
        let age = Duration::from_secs(self.after);
        Facts {
            client: Some(self.client),
            scope: Some(&self.scope),
            account: Some(&self.account),
            groups: Some(Groups::exactly(&self.groups)),
            sign_in: Some(SignInFacts { age, acr: None, amr: &[], resists_phishing: self.strong }),
            device: Some(device),
            person: Some(person),
            nearness: Some(self.nearness),
            same_device: Some(false),
            first: Some(self.first),
            web_page: Some(self.web_page),
            can_verify: Some(self.web_page),
            is_bound: Some(self.web_page),
            start: Some(Start { at: NOW, country: device.country, asn: None, network: &self.network }),
            ..Facts::unknown(point, Span::at(NOW + Duration::from_secs(self.after)))
        }
    }

    /// Returns what is known when the code is requested.
    fn start(&self) -> Facts<'_> {
        let Facts { client, scope, device, web_page, start, .. } = self.facts(Point::DeviceAuthorization);
        let unknown = Facts::unknown(Point::DeviceAuthorization, life());
        Facts { client, scope, device, web_page, start, ..unknown }
    }

    /// Returns what is known when the person signs in, before the code is looked up.
    fn sign_in(&self) -> Facts<'_> {
        let Facts { account, groups, person, sign_in, .. } = self.facts(Point::SignIn);
        Facts { account, groups, person, sign_in, ..Facts::unknown(Point::SignIn, life()) }
    }

    /// Returns the event of its approval, as a ledger has it.
    fn event(&self, decision: &Decision) -> Value {
        let [device, person] = self.countries.map(|code| {
            let country = (code != "XX").then_some(code);
            json!({ "country": country, "kind": "Command line (curl)" })
        });
        let verdict = match self.nearness {
            Nearness::Near => json!({ "is": "near" }),
            Nearness::Far => json!({ "is": "far" }),
            Nearness::Unknown => json!({ "is": "unknown", "why": "not_known", "whose": "both" }),
        };
        let facts = Some(Box::new(recording::record(&self.facts(Point::Approval))));
        let policy = PolicyRecord { facts, ..decision.record(1, 1) };
        let started = json!({ "at": NOW, "country": device.get("country"), "kind": "Command line (curl)" });
        let at = NOW + Duration::from_secs(self.after);
        json!({ "id": "weur/3/17", "event": {
            "what": "approved", "at": at, "client_id": self.client, "account": "acct-1", "started": started,
            "comparison": { "verdict": verdict, "device": device, "person": person }, "policy": policy,
        } })
    }

    /// Returns the decisions about the login, at each step.
    fn decisions(&self, governance: &Governance) -> Vec<Decision> {
        let all = POINTS.iter().map(|point| self.facts(*point));
        all.chain([self.start(), self.sign_in()]).map(|facts| decide(governance, &facts)).collect()
    }
}

fn with_rule(governance: &Governance, rule: Rule) -> Governance {
    let mut policy = governance.policy.clone();
    policy.rules.push(Rule { id: name("added"), ..rule });
    Governance { policy, ..governance.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_rule_that_only_reports_never_changes_an_outcome(governance in governance(), login in login()) {
        let mut plain = governance.clone();
        plain.policy.rules.retain(|rule| rule.state == State::Enforced);
        if plain.policy.default == Fallback::ReportOnly {
            plain.policy.default = Fallback::Allow;
        }
        for (decision, plain) in login.decisions(&governance).into_iter().zip(login.decisions(&plain)) {
            prop_assert_eq!(&decision.ruling, &plain.ruling);
            prop_assert_eq!(&decision.possible, &plain.possible);
            prop_assert_eq!(plain.would, None);
        }
    }

    #[test]
    fn an_exception_that_lifts_what_denies_lets_the_login_through(governance in governance(), login in login()) {
        let all = POINTS.iter().map(|point| login.facts(*point));
        for facts in all.chain([login.start(), login.sign_in()]) {
            let decision = decide(&governance, &facts);
            let Some(lifts) = remedy(&governance, &facts) else {
                prop_assert!(matches!(decision.ruling.by, By::KillSwitch(_)));
                continue;
            };
            prop_assert!(!matches!(decision.ruling.by, By::KillSwitch(_)));
            let mut helped = governance.clone();
            helped.exceptions.push(exception("asked", Conditions::default(), lifts, NOW + Duration::from_secs(86_400)));
            prop_assert!(decide(&helped, &facts).is_allowed());
        }
    }

    #[test]
    fn what_reports_only_tells_what_enforcing_it_would_do(governance in governance(), login in login()) {
        let mut strict = governance.clone();
        for rule in strict.policy.rules.iter_mut().filter(|rule| rule.state == State::ReportOnly) {
            rule.state = State::Enforced;
        }
        if strict.policy.default == Fallback::ReportOnly {
            strict.policy.default = Fallback::Enforced;
        }
        for (decision, strict) in login.decisions(&governance).into_iter().zip(login.decisions(&strict)) {
            prop_assert_eq!(decision.would.map_or(decision.ruling, |would| *would), strict.ruling);
        }
    }

    #[test]
    fn another_rule_that_denies_never_allows(
        governance in governance(), login in login(), rule in rule(&["deny"])
    ) {
        let more = with_rule(&governance, rule);
        for (before, after) in login.decisions(&governance).into_iter().zip(login.decisions(&more)) {
            prop_assert!(before.is_allowed() || !after.is_allowed(), "{:?} {:?}", before, after);
        }
    }

    #[test]
    fn another_rule_that_allows_or_another_exception_never_refuses(
        governance in governance(), login in login(), rule in rule(&["allow"]), others in exceptions()
    ) {
        let more = with_rule(&governance, rule);
        let named = |other: &Exception| name(&format!("added-{}", other.id));
        let renamed = others.into_iter().map(|other| Exception { id: named(&other), ..other });
        let mut excepted = governance.clone();
        excepted.exceptions.extend(renamed);
        for more in [more, excepted] {
            for (before, after) in login.decisions(&governance).into_iter().zip(login.decisions(&more)) {
                prop_assert!(!before.is_allowed() || after.is_allowed(), "{:?} {:?}", before, after);
            }
        }
    }

    #[test]
    fn the_order_in_the_document_does_not_matter(
        (governance, rules, exceptions, kill_switches) in governance().prop_flat_map(|governance| {
            let rules = Just(governance.policy.rules.clone()).prop_shuffle();
            let exceptions = Just(governance.exceptions.clone()).prop_shuffle();
            let kill_switches = Just(governance.kill_switches.clone()).prop_shuffle();
            (Just(governance), rules, exceptions, kill_switches)
        }),
        login in login()
    ) {
        let policy = Policy { rules, ..governance.policy.clone() };
        let shuffled = Governance { policy, exceptions, kill_switches, ..governance.clone() };
        prop_assert_eq!(login.decisions(&shuffled), login.decisions(&governance));
    }

    #[test]
    fn of_what_rules_require_and_limit_the_strictest_wins(
        governance in governance(), login in login(), rule in rule(&["require", "limit"])
    ) {
        let more = with_rule(&governance, rule);
        for (before, after) in login.decisions(&governance).into_iter().zip(login.decisions(&more)) {
            prop_assert_eq!(&after.ruling.outcome, &before.ruling.outcome, "it neither allows nor denies");
            let (mut requirements, mut limits) = (before.ruling.requirements, before.ruling.limits);
            requirements.join(&after.ruling.requirements);
            limits.join(&after.ruling.limits);
            prop_assert_eq!(&requirements, &after.ruling.requirements, "nothing became weaker");
            prop_assert_eq!(&limits, &after.ruling.limits);
        }
        for point in [Point::Approval, Point::Redemption] {
            let facts = login.facts(point);
            let decision = decide(&more, &facts);
            let enforced = |rule: &&Rule| rule.state == State::Enforced && rule.applies(&facts) == Some(true);
            for rule in more.policy.rules.iter().filter(enforced) {
                let mut requirements = decision.ruling.requirements.clone();
                let mut limits = decision.ruling.limits.clone();
                limits.join(&rule.limit);
                prop_assert_eq!(&limits, &decision.ruling.limits, "no limit is forgotten");
                requirements.join(&rule.require);
                let is_broken = decision.ruling.by == By::BreakGlass;
                prop_assert!(is_broken || requirements == decision.ruling.requirements);
            }
        }
    }

    #[test]
    fn what_is_refused_early_could_not_have_been_completed(governance in governance(), login in login()) {
        let late = [Point::Approval, Point::Redemption].map(|point| decide(&governance, &login.facts(point)));
        for early in [login.start(), login.sign_in()] {
            if !decide(&governance, &early).is_allowed() {
                prop_assert!(late.iter().all(|decision| !decision.is_allowed()), "{:?}", late);
            }
        }
    }

    #[test]
    fn the_event_of_an_approval_has_all_by_which_it_was_judged(governance in governance(), login in login()) {
        let decision = decide(&governance, &login.facts(Point::Approval));
        let past = Past::of(&login.event(&decision).to_string()).expect("it has the facts");

        let again = decide(&governance, &past.facts(Some(&login.account)));

        prop_assert_eq!(again, decision);
    }

    #[test]
    fn what_could_be_required_covers_what_is(governance in governance(), login in login()) {
        let possible = decide(&governance, &login.start()).possible;
        let late = decide(&governance, &login.facts(Point::Approval));
        let mut both = possible.clone();
        both.join(&late.possible);
        prop_assert_eq!(both, possible);
    }

    #[test]
    fn a_policy_that_shuts_out_all_administrators_is_found(
        rules in rules(), groups in subsequence(&ADMINISTRATORS[..], 0..=2)
    ) {
        let mut governance = Governance::without_document(false);
        governance.policy.rules = rules;
        let deny = |group: &&str| Rule {
            id: name(&format!("no-{}", group.replace(':', "-"))),
            description: "drawn".to_owned(),
            state: State::Enforced,
            effect: Effect::Deny,
            when: Conditions { groups: Group::parse(group).into_iter().collect(), ..Conditions::default() },
            unless: None,
            require: Requirements::default(),
            limit: Limits::default(),
            message: None,
        };
        governance.policy.rules.extend(groups.iter().map(deny));
        let administrators = ADMINISTRATORS.iter().filter_map(|group| Group::parse(group));
        let administrators: Vec<Group> = administrators.collect();
        let anytime = Span { from: NOW, until: Timestamp::from_millis(u64::MAX) };
        let anybody = decide(&governance, &Facts::unknown(Point::SignIn, anytime));
        let shuts_out = shuts_out_administrators(&governance, &administrators, NOW);
        if groups.len() == ADMINISTRATORS.len() {
            prop_assert_eq!(shuts_out, anybody.is_allowed());
        }
        if shuts_out {
            // No login of an administrator is allowed, whatever else is known about it.
            for group in &administrators {
                let groups = Some(Groups::at_least(core::slice::from_ref(group)));
                let facts = Facts { groups, ..Facts::unknown(Point::SignIn, Span::at(NOW)) };
                prop_assert!(!decide(&governance, &facts).is_allowed());
            }
        }
    }

    #[test]
    fn a_policy_is_read_as_it_is_stored(governance in governance()) {
        let text = serde_json::to_string(&governance).expect("it is JSON");
        prop_assert_eq!(serde_json::from_str::<Governance>(&text).expect("it is read"), governance.clone());
        let shown = serde_json::to_value(&governance.policy).expect("it is JSON");
        let Value::Object(members) = shown else { panic!("an object") };
        if let Ok(policy) = written::parse(members, NOW) {
            prop_assert_eq!(policy, governance.policy);
        }
    }
}
