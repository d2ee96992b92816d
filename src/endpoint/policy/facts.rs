//! What an endpoint knows about a login when it asks policy.

use serde::{Deserialize, Serialize};

use crate::endpoint::server::Context;
use crate::format::is_false;
use crate::grant;
use crate::identity::account::Account;
use crate::identity::account_key::AccountKey;
use crate::identity::group::Group;
use crate::identity::history::Known;
use crate::identity::session::Session;
use crate::network::Network;
use crate::place::{Origin, Place};
use crate::policy::Point;
use crate::policy::facts::{Facts, FirstTimes, Groups, SideFacts, SignInFacts, Start};
use crate::policy::governance::Governance;
use crate::policy::inventory::Identifier;
use crate::policy::name::Name;
use crate::policy::place::Country;
use crate::policy::recorded::{Recorded, seem_same};
use crate::policy::window::Span;
use crate::provenance::Provenance;
use crate::row_key::RowKey;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::verdict::{Side, compare};

/// What the present request says of its machine besides its place.
pub(crate) struct Marks {
    /// The networks of the policy that it comes from.
    pub networks: Vec<Name>,
    /// Whether a verified certificate says that it is managed.
    pub managed: bool,
}

impl<P> Context<'_, P> {
    /// Returns the marks of the present request.
    pub(crate) fn marks(&self, governance: &Governance) -> Marks {
        let names = &governance.policy.networks;
        let networks = if names.is_empty() {
            Vec::new()
        } else {
            names.names(self.request.address.as_deref(), self.request.place.asn)
        };
        Marks { networks, managed: self.certificate().is_some_and(|certificate| certificate.verified) }
    }
}

/// A request for a code, which is not stored yet.
pub(crate) struct AtStart<'a> {
    pub client_id: &'a str,
    pub scope: &'a Scope,
    pub origin: &'a Origin,
    pub network: &'a Network,
    pub marks: &'a Marks,
    /// Whether the device says that it can ask its user for digits.
    pub can_verify: bool,
    /// Whether the device says what it is called.
    pub is_identified: bool,
    /// When the code expires.
    pub ends_at: Timestamp,
}

impl AtStart<'_> {
    pub(crate) fn facts(&self) -> Facts<'_> {
        let Origin { place, device, at, page } = self.origin;
        let side = SideFacts::of(place, (*device).into(), &self.marks.networks, self.marks.managed);
        let (country, asn) = (side.country, side.asn);
        Facts {
            client: Some(self.client_id),
            scope: Some(self.scope),
            device: Some(side),
            web_page: Some(page.is_some()),
            can_verify: Some(self.can_verify),
            is_bound: Some(self.is_identified),
            start: Some(Start { at: *at, country, asn, network: self.network }),
            ..Facts::unknown(Point::DeviceAuthorization, Span { from: *at, until: self.ends_at })
        }
    }
}

/// The device's side of a request, as the consent page carries it along: see
/// [`Transaction`](crate::endpoint::verify::browser). A request never changes.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Asked {
    pub side: Side,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<Name>,
    pub managed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub can_verify: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Identifier>,
}

impl Asked {
    pub(crate) fn of(request: &grant::Request) -> Self {
        Self {
            side: request.side(),
            networks: request.networks.clone(),
            managed: request.managed,
            can_verify: request.can_verify,
            identifier: request.identifier.clone(),
        }
    }
}

/// A person in front of a request that they opened.
pub(crate) struct AtApproval<'a> {
    /// The key of the request's grant; `None` if it is not known any more.
    pub key: Option<RowKey>,
    pub client_id: &'a str,
    pub scope: &'a Scope,
    pub asked: &'a Asked,
    pub session: &'a Session,
    pub account: &'a Account,
    /// What devices had access to the account before.
    pub known: &'a Known,
    pub here: &'a Side,
    pub marks: &'a Marks,
}

impl AtApproval<'_> {
    pub(crate) fn facts(&self) -> Facts<'_> {
        let Self { asked, session, here, marks, .. } = self;
        let now = here.origin.at;
        let Side { origin: Origin { place, device, at, page }, network } = &asked.side;
        let device = SideFacts::of(place, (*device).into(), &asked.networks, asked.managed);
        let kind = here.origin.device.into();
        Facts {
            client: Some(self.client_id),
            scope: Some(self.scope),
            account: Some(&self.account.key),
            groups: Some(Groups::exactly(&self.account.groups)),
            sign_in: Some(of_sign_in(
                session.auth_time,
                now,
                session.acr.as_deref(),
                &session.amr,
                session.how.resists_phishing(),
            )),
            device: Some(device),
            person: Some(SideFacts::of(&here.origin.place, kind, &marks.networks, self.is_managed())),
            nearness: Some(compare(&asked.side, here).verdict.into()),
            same_device: Some(seem_same(&asked.side, here)),
            first: Some(self.first()),
            web_page: Some(page.is_some()),
            can_verify: Some(asked.can_verify),
            is_bound: Some(asked.identifier.is_some()),
            start: Some(Start { at: *at, country: device.country, asn: device.asn, network }),
            code: self.key,
            ..Facts::unknown(Point::Approval, Span::at(now))
        }
    }

    /// Returns whether the person's machine is managed: by a certificate of this request, or by its posture at the sign-in.
    const fn is_managed(&self) -> bool {
        self.marks.managed || self.session.managed
    }

    fn first(&self) -> FirstTimes {
        let country = Country::of(self.asked.side.origin.place.country.as_deref());
        FirstTimes::of(self.known, self.client_id, country)
    }

    /// Returns what policy has to know later.
    pub(crate) fn recorded(&self) -> Recorded {
        let Self { asked, session, here, marks, .. } = self;
        Recorded {
            nearness: compare(&asked.side, here).verdict.into(),
            same_device: seem_same(&asked.side, here),
            first: self.first(),
            web_page: asked.side.origin.page.is_some(),
            network: asked.side.network.clone(),
            person_networks: marks.networks.clone(),
            person_managed: self.is_managed(),
            acr: session.acr.clone(),
            phishing_resistant: session.how.resists_phishing(),
            bound: false,
        }
    }
}

/// An approval whose device asks for tokens: at the redemption, or at a refresh.
#[derive(Clone, Copy)]
pub(crate) struct AtToken<'a> {
    pub point: Point,
    pub now: Timestamp,
    pub client_id: &'a str,
    pub scope: &'a Scope,
    pub account: &'a AccountKey,
    pub groups: &'a [Group],
    pub auth_time: Timestamp,
    pub amr: &'a [String],
    pub recorded: &'a Recorded,
    pub provenance: &'a Provenance,
    /// Whether the device was asked for digits, at a redemption.
    pub is_verified: bool,
    /// Where the device is now.
    pub place: &'a Place,
    pub marks: &'a Marks,
}

impl<'a> AtToken<'a> {
    pub(crate) fn facts(&self) -> Facts<'a> {
        let Self { recorded, provenance, marks, .. } = *self;
        let Provenance { approval_id, code, started, approved } = provenance;
        // Libraries send tokens requests with a name of their own, so what the device is was said at the start.
        let class = started.spot.kind.into();
        let (acr, strong) = (recorded.acr.as_deref(), recorded.phishing_resistant);
        Facts {
            client: Some(self.client_id),
            scope: Some(self.scope),
            account: Some(self.account),
            groups: Some(Groups::exactly(self.groups)),
            sign_in: Some(of_sign_in(self.auth_time, approved.at, acr, self.amr, strong)),
            device: Some(SideFacts::of(self.place, class, &marks.networks, marks.managed)),
            person: Some(recorded.person(provenance)),
            nearness: Some(recorded.nearness),
            same_device: Some(recorded.same_device),
            first: Some(self.first()),
            web_page: Some(recorded.web_page),
            can_verify: Some(self.is_verified),
            is_bound: Some(recorded.bound),
            start: Some(recorded.start(provenance)),
            approval: Some(approval_id),
            code: *code,
            ..Facts::unknown(self.point, Span::at(self.now))
        }
    }

    /// Returns what happened for the first time: at a refresh, nothing.
    fn first(&self) -> FirstTimes {
        match self.point {
            Point::Refresh => FirstTimes::default(),
            Point::DeviceAuthorization | Point::SignIn | Point::Approval | Point::Redemption => {
                self.recorded.first
            }
        }
    }
}

/// Returns the facts of a sign-in that is used at `at`.
pub(crate) fn of_sign_in<'a>(
    auth_time: Timestamp,
    at: Timestamp,
    acr: Option<&'a str>,
    amr: &'a [String],
    resists_phishing: bool,
) -> SignInFacts<'a> {
    SignInFacts { age: at.since(auth_time), acr, amr, resists_phishing }
}
