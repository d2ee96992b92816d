//! Commands about signing keys.

use serde::{Deserialize, Serialize};

use super::source::Keeper;
use crate::audit::change::Actor;
use crate::registry::key_schedule::State;
use crate::token::private_jwk::PrivateJwk;
use crate::token::signing_key::Algorithm;

/// Reads the signing keys, with their private halves sealed. If there are none, the registry makes them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindKeys {
    /// Who keeps the reply; `None` if nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<Keeper>,
}

/// Lists every signing key as an operator sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListKeys {}

/// Replaces the keys that sign.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RotateKeys {
    /// The algorithm whose key to replace; `None` to replace every key that signs.
    pub alg: Option<Algorithm>,
    /// Whether the new keys sign at once, even if some verifiers have not read them yet.
    pub at_once: bool,
    /// Who replaces the keys.
    pub by: Actor,
}

/// Takes a key out of use, at once and permanently.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RetireKey {
    pub kid: String,
    pub by: Actor,
}

/// Stores a key that an operator made.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[expect(missing_docs, reason = "the type says what the other field is")]
pub struct ImportKey {
    pub key: Box<PrivateJwk>,
    /// Whether the key signs at once, even if some verifiers have not read it yet.
    pub at_once: bool,
    /// Who supplies the key.
    pub by: Actor,
}

/// Why a change of keys is refused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRefusal {
    /// No key has this `kid`.
    Unknown,
    /// The key is stored already, in this state.
    Known(State),
    /// The private and the public half of the key do not belong together.
    Misfit,
    /// No new key was made beforehand.
    Unmade,
}

/// A key as an operator sees it. Times are in seconds since 1970.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct KeyView {
    /// JWK thumbprint of the key (RFC 7638).
    pub kid: String,
    pub alg: Algorithm,
    pub state: State,
    /// When the key was made or imported.
    pub created_at: u64,
    /// When the key begins or began to sign; `None` while it stands by indefinitely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<u64>,
    /// Until when the key verifies; `None` unless another key has taken its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verifies_until: Option<u64>,
    /// `None` if the key was not retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<u64>,
    /// Whether an operator made the key.
    pub imported: bool,
}
