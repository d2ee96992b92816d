//! What is counted.

use serde::{Deserialize, Serialize};

use crate::audit::What;
use crate::audit::sign_in::SignInKind;
use crate::json;

/// A kind of count.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Codes that devices got, by client.
    Started,
    /// Consent pages that were opened, by client.
    Entered,
    /// Approvals, by client.
    Approved,
    /// Refusals by a person, by client.
    Denied,
    /// Reports by a person who did not start the request, by client.
    Reported,
    /// Codes that a second person entered, by client.
    Contested,
    /// Codes that nobody decided about, or whose tokens nobody collected, by client.
    Expired,
    /// Codes that led to tokens, by client.
    Redeemed,
    /// Redemptions from elsewhere than the start, by client.
    RedeemedElsewhere,
    /// Approvals, redemptions and refreshes that were refused, by client.
    Refused,
    /// Refreshes, by client.
    Refreshed,
    /// Codes and refresh tokens that came back, by client.
    Replayed,
    /// Access that was ended by its owner, an administrator, a client or a provider, by client.
    Ended,
    /// First tokens of a device for an account, by client.
    FirstAccess,
    /// Sign-ins, by the way of the sign-in.
    SignedIn,
    /// Sign-ins that were refused, by the reason.
    SignInRefused,
    /// Wrong codes that people entered, by AS number.
    WrongCode,
    /// Codes that devices got, by the country of the device.
    StartedInCountry,
    /// Codes that devices got, by the AS number of the device.
    StartedInNetwork,
    /// Approvals by what is known of the distance: `near`, `far` or `unknown`.
    Verdict,
    /// Approvals by the time since the start, in seconds: by the least bound of the histogram that the time is within, and under
    /// `sum` the seconds themselves.
    Latency,
    /// Approvals in an emergency, by client.
    BreakGlass,
    /// Decisions of the policy by what came of them: `allow`, `refuse`, and `would_refuse`, which was allowed, but would be
    /// refused if everything that only reports were enforced.
    Policy,
    /// Refusals of the policy by what decided, such as `rule staff-cli`.
    RefusedBy,
    /// What the policy would have refused, by what would have decided.
    WouldBlock,
    /// Requests for codes that were refused, by client.
    RefusedStart,
    /// Alerts that were opened, by detection.
    Alert,
}

/// A count.
#[expect(missing_docs, reason = "the names say what they are")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tallied {
    pub kind: Kind,
    pub key: String,
    pub count: u64,
}

impl Kind {
    /// Returns the name, as rows have it.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Finds the kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        json::named(name)
    }

    /// Returns what an event counts as; `None` if it is not counted.
    #[must_use]
    pub fn of(what: &str) -> Option<Self> {
        json::named(what).and_then(Self::of_grant).or_else(|| json::named(what).map(Self::of_sign_in))
    }

    /// Returns `None` for what neither ends a login nor leads on.
    const fn of_grant(what: What) -> Option<Self> {
        Some(match what {
            What::DeviceAuthorization => Self::Started,
            What::ConsentOpened => Self::Entered,
            What::Contested => Self::Contested,
            What::Approved => Self::Approved,
            What::BreakGlass => Self::BreakGlass,
            What::Denied => Self::Denied,
            What::Reported => Self::Reported,
            What::Withdrawn | What::Ended | What::Revoked | What::AccessEnded => Self::Ended,
            What::Expired => Self::Expired,
            What::Redeemed => Self::Redeemed,
            What::RedeemedElsewhere => Self::RedeemedElsewhere,
            What::RefusedElsewhere
            | What::VerificationFailed
            | What::BindingFailed
            | What::DeviceCodeWithoutKey
            | What::ApprovalRefused
            | What::RedemptionRefused
            | What::RefreshRefused => Self::Refused,
            What::Reissued | What::Refreshed | What::RefreshedAgain => Self::Refreshed,
            What::DeviceCodeReplayed | What::RefreshTokenReused => Self::Replayed,
            What::FirstAccess => Self::FirstAccess,
            What::EndedCodeEntered => return None,
        })
    }

    const fn of_sign_in(what: SignInKind) -> Self {
        match what {
            SignInKind::SignedIn => Self::SignedIn,
            SignInKind::SignInRefused => Self::SignInRefused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name_and_changes_are_not_counted() {
        assert_eq!(Kind::StartedInCountry.name(), "started_in_country");
        assert_eq!(Kind::named("started_in_country"), Some(Kind::StartedInCountry));
        assert_eq!(Kind::named("others"), None);
        for (what, kind) in [
            ("device_authorization", Some(Kind::Started)),
            ("refresh_token_reused", Some(Kind::Replayed)),
            ("sign_in_refused", Some(Kind::SignInRefused)),
            ("client_created", None),
            ("ended_code_entered", None),
        ] {
            assert_eq!(Kind::of(what), kind, "{what}");
        }
    }
}
