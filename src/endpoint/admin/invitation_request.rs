//! The body of a request for an invitation.

use core::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::body;
use super::problem::Problem;
use crate::client::registration::json_members::Members;
use crate::identity::group::Group;
use crate::identity::source::LOCAL;
use crate::registry::invitation::MOST_USES;

/// In characters.
const LONGEST_USERNAME: usize = 64;
/// The most groups of a new account.
const MOST_GROUPS: usize = 20;
const DAY: u64 = 86_400;

/// What the caller asks for.
pub(super) struct Asked {
    pub(super) what: AskedFor,
    pub(super) uses: u32,
    /// In seconds.
    pub(super) lifetime: u64,
}

pub(super) enum AskedFor {
    Account { username: Option<String>, groups: Vec<Group> },
    Recovery { username: String },
    FirstAdministrator,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Name {
    Account,
    Recovery,
    FirstAdministrator,
}

impl Name {
    /// Returns the lifetimes that links of this kind can have, and the default, in seconds. The more somebody could do
    /// with a link that they find, the shorter it lives.
    const fn lifetimes(self) -> (RangeInclusive<u64>, u64) {
        match self {
            Self::Account => (60..=30 * DAY, 7 * DAY),
            Self::Recovery => (60..=7 * DAY, DAY),
            Self::FirstAdministrator => (60..=1_800, 1_800),
        }
    }
}

impl Asked {
    /// Reads the body.
    pub(super) fn read(body: Map<String, Value>) -> Result<Self, Problem> {
        let mut members = Members::of(body);
        let kinds = [
            ("account", Name::Account),
            ("recovery", Name::Recovery),
            ("first_administrator", Name::FirstAdministrator),
        ];
        let name = members.choice("kind", &kinds);
        // What the others may be depends on the kind, so a bad one is reported alone.
        if members.is_refused("kind") {
            return Err(Problem::Invalid(members.finish(false)));
        }
        let name = name.unwrap_or(Name::Account);
        let what = what(&mut members, name);
        let uses = uses(&mut members, &what);
        let (allowed, default) = name.lifetimes();
        let lifetime = members.number("lifetime", allowed).unwrap_or(default);
        body::sound(members)?;
        Ok(Self { what, uses, lifetime })
    }
}

fn what(members: &mut Members, name: Name) -> AskedFor {
    match name {
        Name::Account => {
            let username = members.visible("username", LONGEST_USERNAME);
            AskedFor::Account { username, groups: groups(members) }
        }
        Name::Recovery => {
            let username = members.visible("username", LONGEST_USERNAME);
            if username.is_none() && !members.is_refused("username") {
                members.refuse("username", "username is missing: say whose account it is");
            }
            drop_null(members, "groups");
            AskedFor::Recovery { username: username.unwrap_or_default() }
        }
        Name::FirstAdministrator => {
            for name in ["username", "groups"] {
                drop_null(members, name);
            }
            AskedFor::FirstAdministrator
        }
    }
}

/// Drops a member that this kind of invitation does not have if it is `null`, which counts as absent.
fn drop_null(members: &mut Members, name: &str) {
    if !members.has(name) {
        members.take(name);
    }
}

/// Reads the groups of a new account. Groups of providers cannot be given here.
fn groups(members: &mut Members) -> Vec<Group> {
    const ALLOWED: &str =
        "the full name of a local group, such as local:staff, of at most 128 visible characters";
    let local = |text: &str| Group::parse(text).filter(|group| group.source() == LOCAL).ok_or(ALLOWED);
    members.parsed("groups", MOST_GROUPS, ALLOWED, local).unwrap_or_default()
}

/// Reads how many accounts the link may make. Several only if each person chooses a username.
fn uses(members: &mut Members, what: &AskedFor) -> u32 {
    let most = match what {
        AskedFor::Account { username: None, .. } => MOST_USES,
        AskedFor::Account { .. } | AskedFor::Recovery { .. } | AskedFor::FirstAdministrator => 1,
    };
    let uses = members.number("uses", 1..=u64::from(most)).unwrap_or(1);
    u32::try_from(uses).unwrap_or(1)
}
