//! The security event tokens (RFC 8417) that say what events mean for a receiver: Shared Signals with the event types of the
//! Continuous Access Evaluation Profile 1.0.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::audit::What;
use crate::audit::change::{Actor, Changed};
use crate::family::id::{FamilyId, SessionId};
use crate::json;
use crate::sharding::Shard;
use crate::time::Timestamp;

/// The `typ` of a token (RFC 8417 §2.3), and the last part of its media type.
pub const TYPE: &str = "secevent+jwt";
const SESSION_REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
const TOKEN_CLAIMS_CHANGE: &str = "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";

/// The members of an account that are claims, with the names of the claims.
const CLAIMS: [(&str, &str); 4] =
    [("name", "name"), ("email", "email"), ("username", "preferred_username"), ("groups", "groups")];

/// What an event says to a receiver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signal {
    at: Timestamp,
    /// The `sub` of the account.
    pub sub: String,
    by: &'static str,
    content: Content,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Content {
    /// One device has no access any more. The admin API names it by these.
    DeviceEnded { approval_id: Option<String>, sid: Option<String>, why: &'static str },
    /// The account must not be used any more.
    AccountEnded(&'static str),
    /// These claims of the account have changed.
    ClaimsChanged(Vec<&'static str>),
}

/// The claims of an account, as they are now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the claims")]
pub struct ClaimsNow {
    pub name: String,
    pub email: Option<String>,
    pub preferred_username: String,
    pub groups: Vec<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    what: String,
    at: Timestamp,
    subject: Option<String>,
    account: Option<String>,
    approval_id: Option<String>,
    by: Option<Actor>,
    #[serde(default)]
    members: Vec<String>,
}

/// Returns whether a record of a ledger says something to a receiver.
#[must_use]
pub fn is_signal(record: &str) -> bool {
    json::read::<Record>(record).is_ok_and(|record| record.event.signal(&record.id).is_some())
}

impl Signal {
    /// Reads an event with its identifier; `None` if it says nothing to a receiver.
    #[must_use]
    pub fn of(id: &str, event: &str) -> Option<Self> {
        json::read::<Event>(event).ok()?.signal(id)
    }

    /// Returns whether the claims of the account belong into the token.
    #[must_use]
    pub const fn needs_claims(&self) -> bool {
        matches!(self.content, Content::ClaimsChanged(_))
    }

    /// Returns the claims of the token, without `iss`, `aud`, `iat` and `jti`. `now` has the claims of the account, if they are
    /// needed.
    #[must_use]
    pub fn claims(&self, issuer: &str, now: &ClaimsNow) -> Map<String, Value> {
        let user = json!({ "format": "iss_sub", "iss": issuer, "sub": self.sub });
        let mut about = Map::new();
        about.insert("event_timestamp".to_owned(), self.at.seconds().into());
        about.insert("initiating_entity".to_owned(), self.by.into());
        let (kind, subject) = match &self.content {
            Content::DeviceEnded { approval_id, sid, why } => {
                about.insert("reason_admin".to_owned(), json!({ "en": why }));
                (SESSION_REVOKED, device(user, approval_id.as_deref(), sid.as_deref()))
            }
            Content::AccountEnded(why) => {
                about.insert("reason_admin".to_owned(), json!({ "en": why }));
                (SESSION_REVOKED, user)
            }
            Content::ClaimsChanged(names) => {
                about.insert("claims".to_owned(), Value::Object(now.named(names)));
                (TOKEN_CLAIMS_CHANGE, user)
            }
        };
        let mut claims = Map::new();
        claims.insert("sub_id".to_owned(), subject);
        claims.insert("events".to_owned(), json!({ kind: about }));
        claims
    }
}

/// Returns the claims of a token that only tests the way (OpenID Shared Signals Framework 1.0 §8.1.4).
#[must_use]
pub fn verification(destination: &str) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("sub_id".to_owned(), json!({ "format": "opaque", "id": destination }));
    claims.insert("events".to_owned(), json!({ VERIFICATION: {} }));
    claims
}

/// Returns the subject for one device of a person (RFC 9493, and SSF 1.0 §3.3 for complex subjects).
fn device(user: Value, approval_id: Option<&str>, sid: Option<&str>) -> Value {
    let mut subject = Map::new();
    subject.insert("format".to_owned(), "complex".into());
    subject.insert("user".to_owned(), user);
    for (name, id) in [("device", approval_id), ("session", sid)] {
        if let Some(id) = id {
            subject.insert(name.to_owned(), json!({ "format": "opaque", "id": id }));
        }
    }
    Value::Object(subject)
}

impl ClaimsNow {
    fn named(&self, names: &[&str]) -> Map<String, Value> {
        let value = |name: &str| match name {
            "name" => json!(self.name),
            "email" => json!(self.email),
            "groups" => json!(self.groups),
            _ => json!(self.preferred_username),
        };
        let mut claims = Map::new();
        for name in names {
            claims.insert((*name).to_owned(), value(name));
        }
        claims
    }
}

impl Event {
    fn signal(&self, id: &str) -> Option<Signal> {
        if let Some(what) = json::named::<What>(&self.what) {
            return self.of_device(what, id);
        }
        self.of_account(json::named(&self.what)?)
    }

    fn of_device(&self, what: What, id: &str) -> Option<Signal> {
        let (by, why, is_family) = match what {
            What::AccessEnded => {
                (self.by.as_ref().map_or("user", entity), "The access of the device was ended.", true)
            }
            What::Revoked => ("user", "The client revoked its tokens.", true),
            What::RefreshTokenReused => ("policy", "A refresh token was used a second time.", true),
            What::DeviceCodeReplayed => ("policy", "A device code was used a second time.", false),
            What::Withdrawn => ("user", "The person withdrew the approval.", false),
            What::DeviceAuthorization
            | What::ConsentOpened
            | What::Contested
            | What::EndedCodeEntered
            | What::Approved
            | What::BreakGlass
            | What::Denied
            | What::Reported
            | What::Ended
            | What::Expired
            | What::Redeemed
            | What::RedeemedElsewhere
            | What::RefusedElsewhere
            | What::VerificationFailed
            | What::BindingFailed
            | What::Reissued
            | What::DeviceCodeWithoutKey
            | What::RedemptionRefused
            | What::ApprovalRefused
            | What::RefreshRefused
            | What::Refreshed
            | What::RefreshedAgain
            | What::FirstAccess => return None,
        };
        let (approval_id, sub) = (self.approval_id.clone(), self.account.clone()?);
        let sid = if is_family { self.sid(id) } else { None };
        // Without either, it would be about everything that the person has.
        if approval_id.is_none() && sid.is_none() {
            return None;
        }
        Some(Signal { at: self.at, sub, by, content: Content::DeviceEnded { approval_id, sid, why } })
    }

    /// Returns the `sid` of the family that the event is about: its object is the shard.
    fn sid(&self, id: &str) -> Option<String> {
        let (object, _) = id.rsplit_once('/')?;
        let shard = Shard::named(object)?;
        let family = json::named::<FamilyId>(self.subject.as_deref()?)?;
        Some(SessionId { shard, family }.to_string())
    }

    fn of_account(&self, what: Changed) -> Option<Signal> {
        let content = if matches!(what, Changed::AccountBlocked) {
            Content::AccountEnded("The account was blocked.")
        } else if matches!(what, Changed::AccountDeleted) {
            Content::AccountEnded("The account was deleted.")
        } else if matches!(what, Changed::AccountChanged) {
            let is_changed = |member: &str| self.members.iter().any(|changed| changed == member);
            let names: Vec<_> =
                CLAIMS.iter().filter(|(member, _)| is_changed(member)).map(|(_, claim)| *claim).collect();
            if names.is_empty() {
                return None;
            }
            Content::ClaimsChanged(names)
        } else {
            return None;
        };
        let by = self.by.as_ref().map_or("system", entity);
        Some(Signal { at: self.at, sub: self.subject.clone()?, by, content })
    }
}

const fn entity(actor: &Actor) -> &'static str {
    match actor {
        Actor::Operator(_) | Actor::Token { .. } => "admin",
        Actor::Account(_) => "user",
        Actor::Provider(_) | Actor::Registration | Actor::Server => "system",
    }
}
