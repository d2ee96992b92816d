//! A login that somebody describes, to see what policy would decide about it. What is not described is not known.

use core::time::Duration;

use super::Point;
use super::facts::{Facts, FirstTimes, Groups, Nearness, SideFacts, SignInFacts, Start};
use super::name::Name;
use super::network::Networks;
use super::place::Country;
use super::window::Span;
use crate::device_kind::DeviceClass;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::network::Network;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::is_hosting;

/// All points of a login, in their order.
pub const POINTS: [Point; 5] =
    [Point::DeviceAuthorization, Point::SignIn, Point::Approval, Point::Redemption, Point::Refresh];

/// A login, as it was described.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Described {
    pub client_id: Option<String>,
    pub scope: Option<Scope>,
    pub account: Option<AccountKey>,
    pub groups: Option<Vec<Group>>,
    pub sign_in: Option<DescribedSignIn>,
    pub device: Option<DescribedSide>,
    pub person: Option<DescribedSide>,
    pub nearness: Option<Nearness>,
    pub same_device: Option<bool>,
    pub first: Option<FirstTimes>,
    pub web_page: Option<bool>,
    /// When it happens; `None` for now.
    pub at: Option<Timestamp>,
}

/// A sign-in, as it was described.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DescribedSignIn {
    /// Seconds from the sign-in to the approval.
    pub age: u64,
    pub acr: Option<String>,
    pub amr: Vec<String>,
    pub phishing_resistant: bool,
}

/// Where a request comes from, as it was described.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DescribedSide {
    pub country: Country,
    pub region: Option<String>,
    pub asn: Option<u32>,
    /// An IP address, by which the networks of a policy are found.
    pub address: Option<String>,
    pub class: DeviceClass,
    pub managed: bool,
}

/// The names of the networks of a policy that device and person are in.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts {
    device: Vec<Name>,
    person: Vec<Name>,
    network: Network,
}

impl Described {
    /// Finds the networks of device and person among those of a policy.
    #[must_use]
    pub fn whereabouts(&self, networks: &Networks) -> Whereabouts {
        let names = |side: &Option<DescribedSide>| {
            side.as_ref().map(|side| networks.names(side.address.as_deref(), side.asn)).unwrap_or_default()
        };
        Whereabouts { device: names(&self.device), person: names(&self.person), network: Network::default() }
    }

    /// Returns what is known at a point. `now` is when it happens unless that was described, and a code lives for
    /// `code_lifetime`.
    #[must_use]
    pub fn facts<'a>(
        &'a self,
        point: Point,
        here: &'a Whereabouts,
        (now, code_lifetime): (Timestamp, Duration),
    ) -> Facts<'a> {
        let from = self.at.unwrap_or(now);
        let early = Span { from, until: from + code_lifetime };
        let all = self.all(point, Span::at(from), here);
        let Facts { client, scope, account, groups, sign_in, device, person, web_page, start, .. } = all;
        match point {
            Point::DeviceAuthorization => {
                Facts { client, scope, device, web_page, start, ..Facts::unknown(point, early) }
            }
            Point::SignIn => Facts { account, groups, sign_in, person, ..Facts::unknown(point, early) },
            Point::Approval | Point::Redemption => all,
            Point::Refresh => Facts { first: Some(FirstTimes::default()), ..all },
        }
    }

    fn all<'a>(&'a self, point: Point, time: Span, here: &'a Whereabouts) -> Facts<'a> {
        let device = self.device.as_ref().map(|side| side.facts(&here.device));
        Facts {
            client: self.client_id.as_deref(),
            scope: self.scope.as_ref(),
            account: self.account.as_ref(),
            groups: self.groups.as_deref().map(Groups::exactly),
            sign_in: self.sign_in.as_ref().map(DescribedSignIn::facts),
            device,
            person: self.person.as_ref().map(|side| side.facts(&here.person)),
            nearness: self.nearness,
            same_device: self.same_device,
            first: self.first,
            web_page: self.web_page,
            start: device.map(|SideFacts { country, asn, .. }| Start {
                at: time.from,
                country,
                asn,
                network: &here.network,
            }),
            ..Facts::unknown(point, time)
        }
    }
}

impl DescribedSignIn {
    fn facts(&self) -> SignInFacts<'_> {
        SignInFacts {
            age: Duration::from_secs(self.age),
            acr: self.acr.as_deref(),
            amr: &self.amr,
            resists_phishing: self.phishing_resistant,
        }
    }
}

impl DescribedSide {
    fn facts<'a>(&'a self, networks: &'a [Name]) -> SideFacts<'a> {
        let Self { country, region, asn, class, managed, .. } = self;
        SideFacts {
            country: *country,
            region: region.as_deref(),
            asn: *asn,
            networks,
            hosting: asn.is_some_and(is_hosting),
            class: *class,
            managed: *managed,
        }
    }
}
