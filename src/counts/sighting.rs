//! What a record of a ledger says that counts and detections need.

use core::time::Duration;

use serde::Deserialize;

use super::kind::Kind;
use crate::audit::What;
use crate::audit::policy_record::PolicyRecord;
use crate::json;
use crate::provenance::Stage;
use crate::time::Timestamp;
use crate::verdict::{Comparison, Doubt, Verdict, Whose};

/// An event of a kind that is counted.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// The identifier of the event, such as `weur/3/17`.
    pub id: String,
    pub at: Timestamp,
    pub kind: Kind,
    /// Empty for a sign-in.
    pub client_id: String,
    /// The `sub`; `None` for an event of nobody.
    pub account: Option<String>,
    /// Where the device asked for its code.
    pub device: Spot,
    /// The country of the person; `None` without a person, or if it is not known.
    pub person_country: Option<String>,
    pub distance: Distance,
    /// Whether a device redeemed its code elsewhere than it had asked for it, or was refused for that.
    pub is_elsewhere: bool,
    /// For an approval: since the device asked.
    pub waited: Option<Duration>,
    /// How a person signed in, or why not.
    pub detail: String,
    /// What the policy decided; `None` if it was not asked.
    pub policy: Option<PolicyRecord>,
}

/// What came of a decision of the policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Judged<'a> {
    /// The step was allowed, and would be by everything that only reports.
    Allowed,
    /// It was refused, and by what: what decided, such as `rule staff-cli`, or what the step lacked, such as `not_near`.
    Refused(&'a str),
    /// It was allowed, but would be refused if everything that only reports were enforced, and by what.
    WouldBeRefused(&'a str),
}

/// A place, as far as it is known.
#[expect(missing_docs, reason = "the names say it all")]
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Spot {
    pub country: Option<String>,
    pub asn: Option<u32>,
}

/// What is known of the distance between device and person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Distance {
    /// Near each other.
    Near,
    /// Far from each other.
    Far,
    /// Not known, because the device is in a network of servers.
    Hosting,
    /// Not known, because the device hides behind Tor.
    Tor,
    /// Not known, or there is no person.
    Unknown,
}

impl Distance {
    /// Returns the verdict as events name it.
    #[must_use]
    pub const fn verdict(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Hosting | Self::Tor | Self::Unknown => "unknown",
        }
    }

    fn of(comparison: Option<&Comparison>) -> Self {
        match comparison.map(|comparison| comparison.verdict) {
            Some(Verdict::Near) => Self::Near,
            Some(Verdict::Far) => Self::Far,
            Some(Verdict::Unknown { why: Doubt::Hosting, whose: Some(Whose::Device | Whose::Both) }) => {
                Self::Hosting
            }
            Some(Verdict::Unknown { why: Doubt::Tor, whose: Some(Whose::Device | Whose::Both) }) => Self::Tor,
            Some(Verdict::Unknown { .. }) | None => Self::Unknown,
        }
    }
}

#[derive(Deserialize)]
struct Record {
    id: String,
    event: Event,
}

/// The members of all events that matter here.
#[derive(Deserialize)]
struct Event {
    what: String,
    at: Timestamp,
    client_id: Option<String>,
    account: Option<String>,
    comparison: Option<Comparison>,
    started: Option<Stage>,
    how: Option<String>,
    reason: Option<String>,
    policy: Option<PolicyRecord>,
}

impl Sighting {
    /// Returns what came of the decision of the policy; `None` if it was not asked. The event of an emergency repeats the decision
    /// of its approval, which counts once.
    #[must_use]
    pub fn judged(&self) -> Option<(Judged<'_>, &PolicyRecord)> {
        let policy = self.policy.as_ref().filter(|_| self.kind != Kind::BreakGlass)?;
        let judged = if !policy.allows() {
            Judged::Refused(&policy.decided_by)
        } else if self.kind == Kind::Refused {
            Judged::Refused(&self.detail)
        } else {
            let would = policy.would.as_ref().filter(|would| !would.allows());
            would.map_or(Judged::Allowed, |would| Judged::WouldBeRefused(would.cause()))
        };
        Some((judged, policy))
    }

    /// Reads a record of a ledger; `None` if it cannot be read, or if its kind is not counted.
    #[must_use]
    pub fn of(record: &str) -> Option<Self> {
        let Record { id, event } = json::read(record).ok()?;
        let kind = Kind::of(&event.what)?;
        let started = event.started.unwrap_or_default();
        let waited = (kind == Kind::Approved).then(|| event.at.since(started.at));
        let is_refused_elsewhere = || json::named(&event.what) == Some(What::RefusedElsewhere);
        let is_elsewhere = kind == Kind::RedeemedElsewhere || kind == Kind::Refused && is_refused_elsewhere();
        let distance = Distance::of(event.comparison.as_ref());
        let device = Spot { country: started.spot.country, asn: started.spot.asn };
        Some(Self {
            id,
            at: event.at,
            kind,
            client_id: event.client_id.unwrap_or_default(),
            account: event.account,
            device,
            person_country: event.comparison.and_then(|comparison| comparison.person.country),
            distance,
            is_elsewhere,
            waited,
            detail: event.how.or(event.reason).unwrap_or_default(),
            policy: event.policy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_approval_says_who_where_and_how_long_it_took() {
        let spot = |country: &str| json!({ "country": country, "asn": 16509, "kind": "tv" });
        let verdict = json!({ "is": "unknown", "why": "hosting", "whose": "device" });
        let event = json!({
            "format": 2, "what": "approved", "outcome": "granted", "at": 61_000, "subject": "g", "client_id": "tv",
            "account": "a", "started": { "at": 1_000, "country": "US", "asn": 16509, "kind": "tv" },
            "comparison": { "verdict": verdict, "device": spot("US"), "person": spot("DE") }, "new_member": [1],
        });
        let record = json!({ "id": "weur/3/17", "event": event }).to_string();

        let seen = Sighting::of(&record).expect("it is counted");

        assert_eq!(
            (seen.id.as_str(), seen.kind, seen.client_id.as_str()),
            ("weur/3/17", Kind::Approved, "tv")
        );
        assert_eq!(seen.device, Spot { country: Some("US".to_owned()), asn: Some(16_509) });
        assert_eq!((seen.person_country.as_deref(), seen.distance), (Some("DE"), Distance::Hosting));
        assert_eq!((seen.account.as_deref(), seen.waited), (Some("a"), Some(Duration::from_secs(60))));
    }

    #[test]
    fn what_cannot_be_read_or_is_not_counted_is_left_out() {
        for record in [
            "{",
            "{}",
            r#"{"id":"a/1","event":{"what":"client_created","at":1}}"#,
            r#"{"id":"a/1","event":{"what":"redeemed"}}"#,
        ] {
            assert_eq!(Sighting::of(record), None, "{record}");
        }
        let refused =
            r#"{"id":"a/1","event":{"what":"sign_in_refused","at":1,"account":"a","reason":"credentials"}}"#;
        assert_eq!(Sighting::of(refused).map(|seen| seen.detail).as_deref(), Some("credentials"));
    }
}
