//! What is allowed in a policy, but probably not meant.

use core::time::Duration;

use super::condition::{self, Conditions};
use super::document::{Fallback, Policy};
use super::exception::Exception;
use super::governance::Governance;
use super::rule::{Effect, Rule, State};
use crate::time::Timestamp;

/// How long before its end break-glass is worth a warning.
const SOON: Duration = Duration::from_secs(30 * 86_400);

/// Returns a sentence for each doubtful point of a policy.
#[must_use]
pub fn warnings(policy: &Policy, now: Timestamp) -> Vec<String> {
    let of_rules = policy.rules.iter().flat_map(of_rule);
    of_default(policy.default).into_iter().chain(of_break_glass(policy, now)).chain(of_rules).collect()
}

/// Returns a sentence for each doubtful point of the live exceptions.
#[must_use]
pub fn of_exceptions(governance: &Governance) -> Vec<String> {
    governance.exceptions.iter().flat_map(|exception| of_exception(exception, &governance.policy)).collect()
}

/// Returns a sentence for each doubtful point of an exception: that it is wide, and what it names that the policy does not have.
#[must_use]
pub fn of_exception(exception: &Exception, policy: &Policy) -> Vec<String> {
    let id = &exception.id;
    let wide = exception
        .is_wide()
        .then(|| format!("exception {id} is wide: name clients, and accounts or groups, if you can"));
    let idle = exception.lifts.iter().filter(|rule| !policy.denies(rule));
    let idle = idle.map(|rule| format!("exception {id} lifts {rule}, but no rule of that id denies"));
    let Conditions { device, person, .. } = &exception.when;
    let networks = device.networks.iter().chain(&person.networks);
    let gone = networks.filter(|name| !policy.networks.0.contains_key(*name));
    let gone =
        gone.map(|name| format!("exception {id} has the network {name}, which the policy does not have"));
    wide.into_iter().chain(idle).chain(gone).collect()
}

fn of_default(default: Fallback) -> Option<String> {
    match default {
        Fallback::Enforced => None,
        Fallback::ReportOnly => {
            Some("default is report_only: it does not protect. What no rule allows proceeds.".to_owned())
        }
        Fallback::Allow => Some("there is no policy: everything is allowed".to_owned()),
    }
}

fn of_break_glass(policy: &Policy, now: Timestamp) -> Option<String> {
    let at = policy.break_glass.as_ref()?.expires_at;
    if at <= now {
        Some(format!("break_glass ended at {at}: nobody gets in by it"))
    } else {
        (at <= now + SOON).then(|| format!("break_glass ends at {at}: write a later expires_at in time"))
    }
}

/// Returns whether a text looks as if it stood for several clients, and does not.
fn is_idle_pattern(named: &str) -> bool {
    named.contains('*') && condition::host(named).is_none()
}

fn of_rule(rule: &Rule) -> Vec<String> {
    let id = &rule.id;
    let mut found = Vec::new();
    match rule.state {
        State::ReportOnly => found.push(format!("rule {id} is report_only: it does not protect")),
        State::Enforced | State::Disabled => {}
    }
    let unless = rule.unless.iter().flat_map(|unless| &unless.clients);
    let named = rule.when.clients.iter().chain(unless);
    found.extend(named.filter(|named| is_idle_pattern(named)).map(|named| {
        format!(
            "rule {id} has the client {named:?}, which is one client: only https://HOST/* stands for several"
        )
    }));
    if rule.effect == Effect::Allow && rule.state != State::Disabled {
        let when = &rule.when;
        if when.clients.is_empty() && when.accounts.is_empty() && when.groups.is_empty() {
            found.push(format!(
                "rule {id} allows every client for everybody: name clients, or groups or accounts"
            ));
        }
        if !when.device.kinds.is_empty() {
            found.push(format!("rule {id} allows by device.kinds, which is what the device says of itself"));
        }
    }
    found
}
