//! Security event tokens (RFC 8417) of OpenID's Shared Signals Framework that end access.

use core::time::Duration;

use serde_json::Value;

use super::{Concerned, EventFlaw, EventToken, Once, sound};
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;

/// The provider ended sessions (CAEP §3.1).
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
/// The provider disabled an account (RISC §2.3).
const ACCOUNT_DISABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-disabled";
/// The provider enabled an account that it had disabled (RISC §2.4).
const ACCOUNT_ENABLED: &str = "https://schemas.openid.net/secevent/risc/event-type/account-enabled";
/// How long after its `iat` an event is accepted; it has no `exp` (RFC 8417 §2.2). Long enough for a transmitter that
/// was down over night.
const LATEST: Duration = Duration::from_secs(86_400);

/// What a security event means here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Signal {
    /// The sessions of somebody have ended.
    SessionRevoked(Concerned),
    /// An account was disabled: this `sub`.
    AccountDisabled(String),
    /// An account was enabled again: this `sub`.
    AccountEnabled(String),
    /// The event is of another kind, such as the verification of a stream, and ends nothing.
    Other,
}

/// Parses a security event token of a provider that signs with `alg`. Its `typ` is `secevent+jwt` (RFC 8417 §2.3).
///
/// # Errors
///
/// [`EventFlaw::Malformed`], [`EventFlaw::OtherAlgorithm`] or [`EventFlaw::UnsuitableHeader`].
pub fn parse(text: &str, alg: Algorithm) -> Result<EventToken, EventFlaw> {
    EventToken::parse(text, alg, |typ| typ == Some("secevent+jwt"))
}

/// Checks the claims of a security event token. The signature has been verified before. `audiences` are the names of
/// this server that the provider may use. Returns what it means, and the name that must not have been used.
///
/// # Errors
///
/// The first flaw.
pub fn check(
    token: &EventToken,
    issuer: &str,
    audiences: &[&str],
    now: Timestamp,
) -> Result<(Signal, Once), EventFlaw> {
    let once = token.check(issuer, audiences, LATEST, now)?;
    let events = token.claims.events.as_ref().filter(|events| !events.is_empty());
    let events = events.ok_or(EventFlaw::NoEvent)?;
    let concerned = |event| token.concerned(event, issuer).ok_or(EventFlaw::Nobody);
    let person = |event| concerned(event)?.subject.ok_or(EventFlaw::Nobody);
    // The first of them is the one that ends most.
    let signal = if let Some(event) = events.get(ACCOUNT_DISABLED) {
        Signal::AccountDisabled(person(event)?)
    } else if let Some(event) = events.get(SESSION_REVOKED) {
        Signal::SessionRevoked(concerned(event)?)
    } else if let Some(event) = events.get(ACCOUNT_ENABLED) {
        Signal::AccountEnabled(person(event)?)
    } else {
        Signal::Other
    };
    Ok((signal, once))
}

impl EventToken {
    /// Returns whom an event is about: the claim `sub_id`, or the `subject` of the event as in older drafts. Nobody is
    /// found by e-mail address or telephone number.
    fn concerned(&self, event: &Value, issuer: &str) -> Option<Concerned> {
        let id = self.claims.sub_id.as_ref().or_else(|| event.get("subject"))?;
        let is_complex = id.get("user").or_else(|| id.get("session")).is_some();
        let (user, session) = if is_complex { (id.get("user"), id.get("session")) } else { (Some(id), None) };
        let subject = user.and_then(|user| subject(user, issuer));
        let sid = session.and_then(|session| sound(session.get("id")?.as_str()));
        (subject.is_some() || sid.is_some()).then_some(Concerned { sid, subject })
    }
}

/// Reads a subject identifier of issuer and subject (RFC 9493 §3.2.2). An identifier of another issuer names nobody.
fn subject(id: &Value, issuer: &str) -> Option<String> {
    let is_own = id.get("iss")?.as_str() == Some(issuer);
    sound(id.get("sub")?.as_str().filter(|_| is_own))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{token, with};
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_262_400_000);
    const ISSUER: &str = "https://id.example";

    fn person() -> Value {
        json!({ "format": "iss_sub", "iss": ISSUER, "sub": "1" })
    }

    fn judge(changes: &Value, later: u64) -> Result<Signal, EventFlaw> {
        let claims = json!({
            "iss": ISSUER, "aud": "https://login.example.com/security-events/corp", "iat": NOW.seconds(), "jti": "a",
            "sub_id": person(), "events": { SESSION_REVOKED: { "event_timestamp": 1 } }
        });
        let text = token(&json!({ "alg": "RS256", "typ": "secevent+jwt" }), &with(claims, changes));
        let audiences = ["rp", "https://login.example.com/security-events/corp"];
        let token = parse(&text, Algorithm::Rs256)?;
        check(&token, ISSUER, &audiences, NOW + Duration::from_secs(later)).map(|(signal, _)| signal)
    }

    fn sessions(sid: Option<&str>, subject: Option<&str>) -> Signal {
        let [sid, subject] = [sid, subject].map(|text| text.map(str::to_owned));
        Signal::SessionRevoked(Concerned { sid, subject })
    }

    #[test]
    fn an_event_names_its_subject_in_the_form_of_the_standard_or_of_its_drafts() {
        assert_eq!(judge(&json!({}), 0), Ok(sessions(None, Some("1"))));
        assert_eq!(judge(&json!({ "aud": "rp" }), 0), Ok(sessions(None, Some("1"))));
        let session = json!({ "format": "opaque", "id": "s" });
        let both = json!({ "format": "complex", "user": person(), "session": session });
        assert_eq!(judge(&json!({ "sub_id": both }), 0), Ok(sessions(Some("s"), Some("1"))));
        let only = json!({ "format": "complex", "session": session });
        assert_eq!(judge(&json!({ "sub_id": only }), 0), Ok(sessions(Some("s"), None)));
        let draft = json!({ "subject": { "subject_type": "iss-sub", "iss": ISSUER, "sub": "1" } });
        let draft = json!({ "sub_id": null, "events": { SESSION_REVOKED: draft } });
        assert_eq!(judge(&draft, 0), Ok(sessions(None, Some("1"))));
    }

    #[test]
    fn nobody_is_found_by_address_or_by_a_subject_of_another_issuer() {
        for id in [
            json!({ "format": "email", "email": "alice@example.com" }),
            json!({ "format": "iss_sub", "iss": "https://other.example", "sub": "1" }),
            json!({ "format": "iss_sub", "iss": ISSUER }),
            json!({ "format": "complex", "user": { "format": "email", "email": "alice@example.com" } }),
            json!("1"),
            json!(null),
        ] {
            assert_eq!(judge(&json!({ "sub_id": id }), 0), Err(EventFlaw::Nobody), "{id}");
        }
        let session = json!({ "format": "complex", "session": { "format": "opaque", "id": "s" } });
        let disabled = json!({ "sub_id": session, "events": { ACCOUNT_DISABLED: {} } });
        assert_eq!(judge(&disabled, 0), Err(EventFlaw::Nobody), "a session is no account");
    }

    #[test]
    fn accounts_are_disabled_and_enabled_and_other_events_end_nothing() {
        let events = |events: Value| judge(&json!({ "events": events }), 0);

        assert_eq!(
            events(json!({ ACCOUNT_DISABLED: { "reason": "hijacking" } })),
            Ok(Signal::AccountDisabled("1".to_owned()))
        );
        assert_eq!(events(json!({ ACCOUNT_ENABLED: {} })), Ok(Signal::AccountEnabled("1".to_owned())));
        let both = events(json!({ ACCOUNT_ENABLED: {}, ACCOUNT_DISABLED: {} }));
        assert_eq!(both, Ok(Signal::AccountDisabled("1".to_owned())));
        let verification = "https://schemas.openid.net/secevent/ssf/event-type/verification";
        assert_eq!(events(json!({ verification: {} })), Ok(Signal::Other));
        assert_eq!(
            (events(json!({})), events(json!(null))),
            (Err(EventFlaw::NoEvent), Err(EventFlaw::NoEvent))
        );
    }

    #[test]
    fn an_event_is_accepted_for_a_day_and_only_with_its_own_type() {
        assert!(judge(&json!({}), 86_459).is_ok());
        assert_eq!(judge(&json!({}), 86_460), Err(EventFlaw::TooOld));
        assert_eq!(judge(&json!({ "aud": "other" }), 0), Err(EventFlaw::WrongAudience));
        for typ in [json!("JWT"), json!(null), json!("logout+jwt")] {
            let text = token(&json!({ "alg": "RS256", "typ": typ }), &json!({}));
            assert_eq!(parse(&text, Algorithm::Rs256).err(), Some(EventFlaw::UnsuitableHeader), "{typ}");
        }
    }
}
