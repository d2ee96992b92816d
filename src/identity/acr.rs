//! How strongly and how recently somebody signed in, and whether that is enough (OpenID Connect Core §3.1.2.1,
//! RFC 9470).

use core::time::Duration;

use super::session::Session;
use crate::time::Timestamp;

/// A password, sent over TLS: the class that signing in here meets.
pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// Every class that can be met.
pub const SUPPORTED: [&str; 1] = [PASSWORD];

/// A person who signs in for a request has so long to decide on it, however recent a sign-in it wants.
pub const TIME_TO_DECIDE: Duration = Duration::from_secs(300);

/// The first of `asked` that the sign-in met. None is no failure: `acr_values` asks for voluntary claims.
#[must_use]
pub fn met(session: &Session, asked: &[String]) -> Option<String> {
    let password = session.amr.iter().any(|method| method == "pwd");
    asked.iter().find(|acr| password && *acr == PASSWORD).cloned()
}

/// Whether a sign-in at `auth_time` is recent enough for what a device asked for at `asked_at`.
///
/// It is if it is at most `max_age` seconds old, or if it was made for this very request and not left lying: so
/// somebody who has just signed in is not sent back to do it again, not even under a `max_age` of 0.
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

    const fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_sign_in_ages() {
        let recent = |auth_time, max_age, now| is_recent(at(auth_time), Some(max_age), at(1_000), at(now));

        assert!(is_recent(at(0), None, at(1_000), at(9_999)), "nobody asked");
        assert!(recent(950, 60, 1_010), "60 seconds old");
        assert!(!recent(949, 60, 1_010), "61 seconds old");
        assert!(!recent(999, 0, 1_000));
        assert!(
            !recent(700, 0, 1_000) && !recent(700, 60, 1_000),
            "before the request: its age alone counts"
        );
        assert!(recent(1_000, 0, 1_300), "for this request");
        assert!(!recent(1_000, 0, 1_301), "but left lying");
        assert!(recent(1_000, 600, 1_600));
    }

    #[test]
    fn a_password_meets_one_class() {
        let session = |method: &str| Session {
            format: Format,
            account: String::new(),
            auth_time: at(0),
            amr: vec![method.to_owned()],
            ends_at: at(1),
        };
        let asked = ["phr".to_owned(), PASSWORD.to_owned()];

        assert_eq!(met(&session("pwd"), &asked).as_deref(), Some(PASSWORD));
        assert_eq!(met(&session("pwd"), &asked[..1]), None);
        assert_eq!(met(&session("pwd"), &[]), None);
        assert_eq!(met(&session("hwk"), &asked), None);
    }
}
