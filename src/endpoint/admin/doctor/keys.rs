//! Looks at the signing keys: whether each algorithm has one that signs and one that stands by, and whether the master
//! key still opens them.

use super::check::Check;
use crate::endpoint::at_once::all;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::order;
use crate::registry::command::FindKeys;
use crate::registry::key_schedule::{KeySchedule, State};
use crate::registry::rows::StoredKey;

const NAME: &str = "signing keys";

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    let Ok(keys) = context.server.platform.registry(FindKeys::default()).await else {
        return Check::skipped(NAME, "the registry does not answer");
    };
    let schedule = KeySchedule::new(&keys);
    let signing: Vec<&StoredKey> =
        keys.iter().filter(|key| schedule.state(key, context.now) == State::Active).collect();
    let signed = all(signing.iter().map(|key| context.server.platform.sign(key, b"doctor"))).await;
    let mute = signing.iter().zip(signed).filter(|(_, signed)| signed.is_err());
    let mut mute: Vec<&str> = mute.map(|(key, _)| key.public.alg.name()).collect();
    if signing.is_empty() {
        return Check::problem(NAME, "no key signs", "Rotate the keys: POST /admin/api/keys/rotate.");
    }
    if !mute.is_empty() {
        order::sort(&mut mute);
        return Check::problem(
            NAME,
            format!("the keys for {} cannot sign", mute.join(", ")),
            "MASTER_KEY no longer opens them. Put the key that it replaced into MASTER_KEY_PREVIOUS; if that is lost, \
             rotate the keys: POST /admin/api/keys/rotate.",
        );
    }
    let mut names: Vec<&str> = signing.iter().map(|key| key.public.alg.name()).collect();
    order::sort(&mut names);
    Check::ok(NAME, format!("{} sign", names.join(", ")))
}
