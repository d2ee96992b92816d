//! What is known when policy is asked.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::Point;
use super::name::Name;
use super::place::Country;
use super::window::Span;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::identity::history::Known;
use crate::network::Network;
use crate::place::Place;
use crate::provenance::ApprovalId;
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::{Spot, Verdict, is_hosting};

/// The facts for one step. `None` means that a fact is not known yet. A fact that nobody will ever know has a value for
/// that, such as [`Country::UNKNOWN`].
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub point: Point,
    /// When the step happens. At the early points, the interval in which the login can be completed.
    pub time: Span,
    pub client: Option<&'a str>,
    /// The requested or granted scope.
    pub scope: Option<&'a Scope>,
    pub account: Option<&'a AccountKey>,
    pub groups: Option<Groups<'a>>,
    pub sign_in: Option<SignInFacts<'a>>,
    /// The device's request: at the approval the one for the code, otherwise the present one.
    pub device: Option<SideFacts<'a>>,
    /// The person's request: the present one, or the approval.
    pub person: Option<SideFacts<'a>>,
    /// How near the device was to the person at the approval.
    pub nearness: Option<Nearness>,
    /// Whether device and person seem to be the same machine.
    pub same_device: Option<bool>,
    pub first: Option<FirstTimes>,
    /// Whether a web page requested the code.
    pub web_page: Option<bool>,
    /// Whether the device can ask its user for the digits of an initiation verification; at the redemption, whether it was
    /// asked for them.
    pub can_verify: Option<bool>,
    /// Whether the device says what it is called; at the redemption, whether the person knew it.
    pub is_bound: Option<bool>,
    /// The request for the code, wherever the device is now.
    pub start: Option<Start<'a>>,
    pub approval: Option<&'a ApprovalId>,
    /// The key of the grant.
    pub code: Option<RowKey>,
}

impl Facts<'_> {
    /// Returns facts of which nothing is known but the step and its time.
    #[must_use]
    pub const fn unknown(point: Point, time: Span) -> Self {
        Self {
            point,
            time,
            client: None,
            scope: None,
            account: None,
            groups: None,
            sign_in: None,
            device: None,
            person: None,
            nearness: None,
            same_device: None,
            first: None,
            web_page: None,
            can_verify: None,
            is_bound: None,
            start: None,
            approval: None,
            code: None,
        }
    }
}

/// The groups of a person.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    list: &'a [Group],
    is_complete: bool,
    /// The marks of all groups in the list, each at its [`place`]. They rule out most other groups before any text is compared.
    marks: [u64; 4],
}

impl<'a> Groups<'a> {
    /// Returns all groups of a person.
    #[must_use]
    pub fn exactly(list: &'a [Group]) -> Self {
        let mut marks = [0_u64; 4];
        for (word, bit) in list.iter().map(place) {
            if let Some(marks) = marks.get_mut(word) {
                *marks |= bit;
            }
        }
        Self { list, is_complete: true, marks }
    }

    /// Returns groups of a person who may also be in others.
    #[must_use]
    pub fn at_least(list: &'a [Group]) -> Self {
        Self { is_complete: false, ..Self::exactly(list) }
    }

    /// Returns the groups that are known.
    #[must_use]
    pub const fn list(self) -> &'a [Group] {
        self.list
    }

    /// Returns whether the person is in no other groups.
    #[must_use]
    pub const fn is_complete(self) -> bool {
        self.is_complete
    }

    /// Returns whether the person is in one of the wanted groups; `None` if that is undecided.
    pub(super) fn any_of(self, wanted: &[Group]) -> Option<bool> {
        let has = |group| {
            let (word, bit) = place(group);
            self.marks.get(word).is_some_and(|marks| marks & bit != 0) && self.list.contains(group)
        };
        if wanted.iter().any(has) { Some(true) } else { self.is_complete.then_some(false) }
    }
}

/// Returns one of 256 bits for a group: the number of a word, and a bit of it.
const fn place(group: &Group) -> (usize, u64) {
    let mark = group.mark();
    ((mark / 64) as usize, 1 << (mark % 64))
}

/// How a person signed in.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Copy, Debug)]
pub struct SignInFacts<'a> {
    /// The age of the sign-in now or, after the approval, at the approval.
    pub age: Duration,
    pub acr: Option<&'a str>,
    pub amr: &'a [String],
    pub resists_phishing: bool,
}

/// Where a request came from, and from what.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Copy, Debug)]
pub struct SideFacts<'a> {
    pub country: Country,
    pub region: Option<&'a str>,
    pub asn: Option<u32>,
    /// The networks of the policy that it came from.
    pub networks: &'a [Name],
    /// Whether the network is one of servers.
    pub hosting: bool,
    /// What the request says of itself.
    pub class: DeviceClass,
    /// Whether a verified certificate, or the posture that Cloudflare Access vouches for, says that the machine is
    /// managed.
    pub managed: bool,
}

impl<'a> SideFacts<'a> {
    /// Returns the facts of a request that is at hand.
    #[must_use]
    pub fn of(place: &'a Place, class: DeviceClass, networks: &'a [Name], managed: bool) -> Self {
        let (country, asn) = (Country::of(place.country.as_deref()), place.asn);
        let hosting = asn.is_some_and(is_hosting);
        Self { country, region: place.region.as_deref(), asn, networks, hosting, class, managed }
    }

    /// Returns the facts of a request that was recorded.
    #[must_use]
    pub fn recorded(spot: &'a Spot, networks: &'a [Name], managed: bool) -> Self {
        let (country, asn) = (Country::of(spot.country.as_deref()), spot.asn);
        let (hosting, class) = (asn.is_some_and(is_hosting), spot.kind.into());
        // A region that is called like its city is not recorded.
        let region = spot.region.as_deref().or(spot.city.as_deref());
        Self { country, region, asn, networks, hosting, class, managed }
    }
}

/// How near a device is to a person.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nearness {
    Near,
    #[default]
    Unknown,
    Far,
}

impl Nearness {
    /// Every value, with the word for it in a rule.
    pub const ALL: [(&str, Self); 3] = [("near", Self::Near), ("unknown", Self::Unknown), ("far", Self::Far)];
}

impl From<Verdict> for Nearness {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Near => Self::Near,
            Verdict::Unknown { .. } => Self::Unknown,
            Verdict::Far => Self::Far,
        }
    }
}

/// What happens for the first time.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// The person approves a device.
    Person,
    /// The person approves a device of this client.
    Client,
    /// The person approves a device in this country.
    Place,
}

impl First {
    /// Every value, with the word for it in a rule.
    pub const ALL: [(&str, Self); 3] =
        [("person", Self::Person), ("client", Self::Client), ("place", Self::Place)];
}

/// Which of these happen for the first time. None of them does at a refresh, because the person has let the device in.
#[expect(missing_docs, reason = "the fields are named after the members of `First`")]
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FirstTimes {
    pub person: bool,
    pub client: bool,
    pub place: bool,
}

impl FirstTimes {
    /// Returns what happens for the first time when a person approves a device of this client in this country.
    #[must_use]
    pub fn of(known: &Known, client_id: &str, country: Country) -> Self {
        let country = country.to_string();
        Self {
            person: known.clients.is_empty(),
            client: known.clients.iter().all(|known| known != client_id),
            place: !known.countries.contains(&country),
        }
    }

    /// Returns whether nothing happens for the first time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether it happens for the first time.
    #[must_use]
    pub const fn has(self, first: First) -> bool {
        match first {
            First::Person => self.person,
            First::Client => self.client,
            First::Place => self.place,
        }
    }
}

/// The request for a code.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    pub at: Timestamp,
    pub country: Country,
    pub asn: Option<u32>,
    pub network: &'a Network,
}
