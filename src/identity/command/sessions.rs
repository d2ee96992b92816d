//! Commands about sessions.

use serde::{Deserialize, Serialize};

use crate::audit::change::Actor;
use crate::audit::policy_record::PolicyRecord;
use crate::identity::account_key::AccountKey;
use crate::identity::session::{Session, SessionSelection};
use crate::identity::walk::Bounds;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::verdict::Spot;

/// Starts a session, unless its account may not be used. `id` is the digest of its identifier. The reply is what devices had
/// access to the account, or `None` if no session was started.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the others are")]
pub struct StartSession {
    pub id: Digest,
    pub session: Box<Session>,
    /// What policy decided, for the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// Writes the event of a sign-in that was refused. Does nothing if there is no such account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NoteRefusedSignIn {
    /// The account's key.
    pub account: AccountKey,
    /// Why, as the log says it.
    pub why: String,
    /// Where the person is.
    pub person: Box<Spot>,
    /// What policy decided; `None` if it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

/// Reads a live session and its account, both as they are now, and what devices had access to the account. `id` is the
/// digest of the session identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct CheckSession {
    pub id: Digest,
}

/// Ends a session. `id` is the digest of its identifier.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct EndSession {
    pub id: Digest,
}

/// Reads the live sessions of an account.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type says what it is")]
pub struct ListSessions {
    pub account: AccountKey,
}

/// Ends the sessions of an account. The reply is their number. If there were any, that is an event.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EndSessions {
    /// The account's key.
    pub account: AccountKey,
    /// The sessions that end; `None` for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
    /// Digest of the identifier of a session that goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<Digest>,
    /// Sessions that began later go on; `None` if all end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_by: Option<Timestamp>,
    /// Who ends them.
    pub by: Actor,
}

/// Sessions that began at an OpenID Provider.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Upstream {
    /// The identifier of the provider.
    pub provider: String,
    /// The session there; `None` for all of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// Walks over live sessions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WalkSessions {
    /// The account's key; `None` for all accounts of the shard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountKey>,
    /// Only these sessions.
    #[serde(default)]
    pub selection: SessionSelection,
    /// Only sessions after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// How far to go.
    pub bounds: Bounds,
}

/// Ends sessions, of any account. `ids` are the digests of their identifiers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what they are")]
pub struct EndListedSessions {
    pub ids: Vec<Digest>,
    /// Who ends them.
    pub by: Actor,
}
