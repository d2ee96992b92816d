//! The events of passkeys. The passkeys are rows of `AccountShard`, which has no outbox.

use serde::{Deserialize, Serialize};

use super::rows::Rows;
use super::told::tell;
use crate::audit::change::{Actor, Changed};
use crate::sub::Sub;
use crate::time::Timestamp;

/// Reports what happened to a passkey.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NotePasskey {
    /// [`Changed::PasskeyAdded`], [`Changed::PasskeyRemoved`] or [`Changed::PasskeyCopied`].
    pub what: Changed,
    /// The account that has the passkey.
    pub account: Sub,
}

pub(super) fn note<R: Rows>(rows: &R, ask: NotePasskey, now: Timestamp) -> Result<(), R::Error> {
    tell(rows, ask.what, None, Actor::Account(ask.account), now)
}
