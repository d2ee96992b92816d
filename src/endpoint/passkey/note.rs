//! The events of passkeys.

use crate::audit::change::Changed;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::registry::passkeys::NotePasskey;
use crate::sub::Sub;

/// Reports what happened to a passkey. Best effort: a person is not kept out because the event cannot be stored, and the
/// log has it in any case.
pub(crate) async fn note<P: Platform>(context: Context<'_, P>, what: Changed, account: &Sub) {
    let note = NotePasskey { what, account: account.clone() };
    let _: Result<(), Unavailable> = context.server.platform.registry(note).await;
}
