//! What a step lacks that the rules allow: an approval can be too far away, a sign-in too old, a scope can be cut to nothing.

use core::time::Duration;

use super::facts::{Facts, Nearness};
use super::requirement::{Limits, Requirements};
use super::{Point, PolicyRefusal};
use crate::identity::demand::FRESH;
use crate::scope::Scope;

/// What a step lacks. [`name`](Self::name) is the reason in the event of its refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shortfall {
    /// The device is not near the person.
    NotNear,
    /// The device cannot ask its user for digits.
    Unverified,
    /// The device does not say what it is called, or is not assigned to the person.
    Unbound,
    /// No scope is left.
    NoScopeLeft,
    /// The sign-in is too old or too weak. At an approval, another sign-in can mend that.
    SignIn,
    /// The tokens would be bound to no key.
    NoKey,
    /// The tokens may not be refreshed, or not any more.
    NoRefresh,
}

impl Shortfall {
    /// Returns the reason as events state it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotNear => "not_near",
            Self::Unverified => "unverified",
            Self::Unbound => "unbound",
            Self::NoScopeLeft => PolicyRefusal::NoScopeLeft.name(),
            Self::SignIn => "sign_in_not_enough",
            Self::NoKey => "key_required",
            Self::NoRefresh => "no_offline_access",
        }
    }

    /// Returns what a step certainly lacks, as far as the facts say it. At a redemption, nobody can be asked for digits or for
    /// an identifier any more: a rule that only reported at the approval did not ask then.
    pub(super) fn of(required: &Requirements, limits: &Limits, facts: &Facts<'_>) -> Option<Self> {
        let [age, strength, passkey, near, verification, binding] = lacking(required, facts);
        let (is_judged, asks_device) = match facts.point {
            Point::DeviceAuthorization | Point::Approval => (true, true),
            Point::Redemption => (true, false),
            Point::SignIn | Point::Refresh => (false, false),
        };
        let signs_in = is_judged && facts.point != Point::DeviceAuthorization;
        [
            (is_judged && near, Self::NotNear),
            (asks_device && verification, Self::Unverified),
            (asks_device && binding, Self::Unbound),
            (leaves_nothing(limits, facts.scope), Self::NoScopeLeft),
            (signs_in && (age || strength || passkey), Self::SignIn),
        ]
        .into_iter()
        .find_map(|(is_lacking, lack)| is_lacking.then_some(lack))
    }
}

const NEAR: &str = "near";
const VERIFICATION: &str = "initiation_verification";
const BINDING: &str = "out_of_band_binding";
/// Requirements that no sign-in meets.
pub(super) const OF_DEVICES: [&str; 3] = [NEAR, VERIFICATION, BINDING];
/// The names of all requirements, in the order of [`lacking`].
const NAMES: [&str; 6] = ["max_age", "phishing_resistant", "fresh_passkey", NEAR, VERIFICATION, BINDING];

/// Returns the names of the requirements that the facts of an approval certainly do not meet.
pub(super) fn lacks(required: &Requirements, facts: &Facts<'_>) -> Vec<&'static str> {
    match facts.point {
        Point::Approval => {}
        Point::DeviceAuthorization | Point::SignIn | Point::Redemption | Point::Refresh => return Vec::new(),
    }
    let all = NAMES.into_iter().zip(lacking(required, facts));
    all.filter_map(|(name, is_lacking)| is_lacking.then_some(name)).collect()
}

/// Returns for each requirement whether the facts certainly do not meet it.
fn lacking(required: &Requirements, facts: &Facts<'_>) -> [bool; 6] {
    let is_older = |most: Duration| facts.sign_in.is_some_and(|sign_in| sign_in.age > most);
    let is_weak = facts.sign_in.is_some_and(|sign_in| !sign_in.resists_phishing);
    let is_not_near = facts.nearness.is_some_and(|nearness| nearness != Nearness::Near);
    [
        required.max_age.is_some_and(|most| is_older(Duration::from_secs(most))),
        required.phishing_resistant && is_weak,
        required.fresh_passkey && (is_weak || is_older(FRESH)),
        required.near && is_not_near,
        required.initiation_verification && facts.can_verify == Some(false),
        required.out_of_band_binding && facts.is_bound == Some(false),
    ]
}

/// Returns whether limits cut a scope to nothing.
pub(crate) fn leaves_nothing(limits: &Limits, scope: Option<&Scope>) -> bool {
    limits
        .scope
        .as_ref()
        .zip(scope)
        .is_some_and(|(most, scope)| !scope.is_empty() && scope.narrowed_to(most).is_empty())
}
