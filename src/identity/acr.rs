//! Whether a sign-in is strong and recent enough for a request (OpenID Connect Core §3.1.2.1, RFC 9470).

use core::time::Duration;

use super::session::Session;
pub use super::sign_in::{PASSWORD, PHISHING_RESISTANT};
use crate::time::Timestamp;

/// Every class that a sign-in here can meet.
pub const SUPPORTED: [&str; 2] = [PASSWORD, PHISHING_RESISTANT];

/// How long a sign-in made for a request remains recent enough for it, whatever its `max_age`: the person
/// needs time to decide.
pub const TIME_TO_DECIDE: Duration = Duration::from_secs(300);

/// Returns the first of the `asked` classes that the sign-in met. `None` is not an error, because
/// `acr_values` requests a voluntary claim.
#[must_use]
pub fn met(session: &Session, asked: &[String]) -> Option<String> {
    asked.iter().find(|acr| session.acr.as_ref() == Some(acr)).cloned()
}

/// Returns whether a sign-in at `auth_time` is recent enough for a request that a device made at `asked_at`.
///
/// It is recent if it is at most `max_age` seconds old, or if it was made after the request and at most
/// [`TIME_TO_DECIDE`] ago. So nobody has to sign in twice for one request, not even with a `max_age` of 0.
#[must_use]
pub fn is_recent(auth_time: Timestamp, max_age: Option<u64>, asked_at: Timestamp, now: Timestamp) -> bool {
    let Some(max_age) = max_age else { return true };
    let age = now.since(auth_time);
    age <= Duration::from_secs(max_age) || asked_at <= auth_time && age <= TIME_TO_DECIDE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::identity::account_key::AccountKey;
    use crate::identity::sign_in::How;
    use crate::place::Origin;

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_sign_in_is_recent_if_it_is_young_or_made_for_the_request() {
        let recent = |auth_time, max_age, now| is_recent(at(auth_time), Some(max_age), at(1_000), at(now));

        assert!(is_recent(at(0), None, at(1_000), at(9_999)), "no max_age");
        assert!(recent(950, 60, 1_010), "60 seconds old");
        assert!(!recent(949, 60, 1_010), "61 seconds old");
        assert!(!recent(999, 0, 1_000));
        assert!(
            !recent(700, 0, 1_000) && !recent(700, 60, 1_000),
            "made before the request, so only its age counts"
        );
        assert!(recent(1_000, 0, 1_300), "made for this request");
        assert!(!recent(1_000, 0, 1_301), "too long ago to decide now");
        assert!(recent(1_000, 600, 1_600));
    }

    #[test]
    fn a_sign_in_meets_the_class_that_it_says() {
        let session = |acr: Option<&str>| Session {
            format: Format,
            account: AccountKey::local("alice"),
            auth_time: at(0),
            amr: Vec::new(),
            acr: acr.map(str::to_owned),
            how: How::Password,
            managed: false,
            origin: Origin::default(),
            ends_at: at(1),
        };
        let asked = ["phr".to_owned(), PASSWORD.to_owned()];

        assert_eq!(met(&session(Some(PASSWORD)), &asked).as_deref(), Some(PASSWORD));
        assert_eq!(met(&session(Some(PASSWORD)), &asked[..1]), None);
        assert_eq!(met(&session(Some(PASSWORD)), &[]), None);
        assert_eq!(met(&session(None), &asked), None);
    }
}
