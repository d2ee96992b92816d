//! Makes, finds, uses and revokes invitations.

use serde::{Deserialize, Serialize};

use super::invitation::Invitation;
use super::rows::Rows;
use super::told::{tell, tell_granted};
use crate::audit::change::{Actor, Changed};
use crate::order;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;

/// The most invitations, those in the list that are over not counted.
pub const MOST_INVITATIONS: usize = 500;

/// Stores a new invitation. The reply is `false` if there are [`MOST_INVITATIONS`] live ones.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the other field is; `by` makes it")]
pub struct CreateInvitation {
    pub invitation: Box<Invitation>,
    /// The issuer. The registry remembers the first one, to whose host the first passkeys belong.
    pub issuer: String,
}

/// Reads the issuer under which the first invitation was made; `None` before that.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FindFirstIssuer {}

/// Lists every invitation, newest first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ListInvitations {}

/// Revokes an invitation. The reply is `false` if there was none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say what they are")]
pub struct RevokeInvitation {
    pub id: String,
    pub by: Actor,
}

/// Finds the live invitation with this digest, and uses nothing.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what it is")]
pub struct FindInvitation {
    pub digest: Digest,
}

/// Uses the invitation with this digest once. The reply is the invitation as it is now; `None` if there is no live one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the type's comment says what the other field is")]
pub struct SpendInvitation {
    pub digest: Digest,
    /// Names what the person submits. If it is sent again because an answer was lost, the same attempt uses nothing
    /// more. At most 64 bytes.
    pub attempt: String,
    /// The account that is made or recovered.
    pub account: Sub,
}

pub(super) fn create<R: Rows>(rows: &R, ask: CreateInvitation, now: Timestamp) -> Result<bool, R::Error> {
    let invitation = *ask.invitation;
    if rows.first_issuer()?.is_none() {
        rows.put_first_issuer(&ask.issuer)?;
    }
    let all = rows.invitations()?;
    let (live, over): (Vec<_>, Vec<_>) = all.iter().partition(|one| one.is_live(now));
    if live.len() >= MOST_INVITATIONS {
        return Ok(false);
    }
    let is_crowded = over.len() >= MOST_INVITATIONS;
    for gone in over.iter().filter(|one| is_crowded || one.is_history(now)) {
        rows.remove_invitation(&gone.id)?;
    }
    rows.put_invitation(&invitation)?;
    let what = if invitation.grants_administration {
        Changed::AdministratorInvited
    } else {
        Changed::InvitationCreated
    };
    tell_granted(rows, what, &invitation.id, invitation.granted(), invitation.by, now)?;
    Ok(true)
}

pub(super) fn list<R: Rows>(rows: &R) -> Result<Vec<Invitation>, R::Error> {
    let mut all = rows.invitations()?;
    order::sort_by(&mut all, |one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    Ok(all)
}

pub(super) fn revoke<R: Rows>(rows: &R, ask: RevokeInvitation, now: Timestamp) -> Result<bool, R::Error> {
    if !rows.invitations()?.iter().any(|invitation| invitation.id == ask.id) {
        return Ok(false);
    }
    rows.remove_invitation(&ask.id)?;
    tell(rows, Changed::InvitationRevoked, Some(&ask.id), ask.by, now)?;
    Ok(true)
}

pub(super) fn find<R: Rows>(
    rows: &R,
    ask: &FindInvitation,
    now: Timestamp,
) -> Result<Option<Invitation>, R::Error> {
    Ok(rows.invitation(&ask.digest)?.filter(|invitation| invitation.is_live(now)))
}

pub(super) fn spend<R: Rows>(
    rows: &R,
    ask: SpendInvitation,
    now: Timestamp,
) -> Result<Option<Invitation>, R::Error> {
    let Some(before) = rows.invitation(&ask.digest)? else { return Ok(None) };
    let Some(after) = before.spent(&ask.attempt, now) else { return Ok(None) };
    if after != before {
        rows.put_invitation(&after)?;
        let what = if after.grants_administration {
            Changed::AdministratorAdmitted
        } else {
            Changed::InvitationUsed
        };
        tell_granted(rows, what, &after.id, after.granted(), Actor::Account(ask.account), now)?;
    }
    Ok(Some(after))
}
