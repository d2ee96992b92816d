//! Makes, finds and revokes named admin tokens.

use serde::{Deserialize, Serialize};

use super::admin_token::AdminToken;
use super::rows::Rows;
use super::told::{tell, tell_granted};
use crate::audit::change::{Actor, Changed};
use crate::secret::Digest;
use crate::time::Timestamp;

/// The most tokens, those in the list that have ended not counted.
pub const MOST_TOKENS: usize = 200;

/// Stores a new token. A token with the same `id` that has ended makes room for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is; `created_by` makes it")]
pub struct CreateAdminToken {
    pub token: Box<AdminToken>,
}

/// Lists every token, by `id`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListAdminTokens {}

/// Revokes a token. The reply is `false` if there was none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RevokeAdminToken {
    pub id: String,
    pub by: Actor,
}

/// Finds the live token with this digest, and notes that it is used.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct UseAdminToken {
    pub digest: Digest,
}

/// Why a token is not stored.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRefusal {
    /// A live token has this `id`.
    Exists,
    /// There are [`MOST_TOKENS`] live tokens.
    Full,
}

pub(super) fn create<R: Rows>(
    rows: &R,
    ask: CreateAdminToken,
    now: Timestamp,
) -> Result<Result<(), TokenRefusal>, R::Error> {
    let token = *ask.token;
    let all = rows.admin_tokens()?;
    let (ended, live): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.has_ended(now));
    if live.iter().any(|one| one.id == token.id) {
        return Ok(Err(TokenRefusal::Exists));
    }
    if live.len() >= MOST_TOKENS {
        return Ok(Err(TokenRefusal::Full));
    }
    let is_crowded = ended.len() >= MOST_TOKENS;
    for gone in ended.iter().filter(|one| is_crowded || one.is_history(now)) {
        rows.remove_admin_token(&gone.id)?;
    }
    rows.put_admin_token(&token)?;
    let granted = token.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    tell_granted(rows, Changed::AdminTokenCreated, &token.id, granted, token.created_by, now)?;
    Ok(Ok(()))
}

pub(super) fn revoke<R: Rows>(rows: &R, ask: RevokeAdminToken, now: Timestamp) -> Result<bool, R::Error> {
    if !rows.admin_tokens()?.iter().any(|token| token.id == ask.id) {
        return Ok(false);
    }
    rows.remove_admin_token(&ask.id)?;
    tell(rows, Changed::AdminTokenRevoked, Some(&ask.id), ask.by, now)?;
    Ok(true)
}

pub(super) fn r#use<R: Rows>(
    rows: &R,
    ask: &UseAdminToken,
    now: Timestamp,
) -> Result<Option<AdminToken>, R::Error> {
    let token = rows.admin_token(&ask.digest)?.filter(|token| !token.has_ended(now));
    if let Some(used) = token.as_ref().and_then(|token| token.used(now)) {
        rows.put_admin_token(&used)?;
    }
    Ok(token)
}
