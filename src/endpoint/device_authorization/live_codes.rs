//! The gauge of live codes: so many per client and network.

use crate::endpoint::error::Error;
use crate::endpoint::{Context, Platform, Unavailable};
use crate::grant::routing::Address;
use crate::limiter::{Command, Reply};
use crate::time::Timestamp;

/// Counts the code among the live ones of its client and network.
pub(crate) async fn admit<P: Platform>(
    context: Context<'_, P>,
    gauge: &str,
    address: Address,
    until: Timestamp,
) -> Result<(), Error> {
    let cap = context.server.settings.live_codes;
    let command = Command::Admit { key: gauge.to_owned(), id: address.key.to_string(), until, cap };
    match context.server.platform.limits(&command).await? {
        Reply::Taken(_) => Ok(()),
        Reply::Wait(wait) => Err(Error::TooMany(wait)),
        Reply::Done | Reply::Strained(_) => Err(Error::Unavailable),
    }
}

/// Counts the code no longer. If this is lost, the gauge forgets it at the code's expiry.
pub(crate) async fn release<P: Platform>(context: Context<'_, P>, gauge: &str, address: Address) {
    let command = Command::Release { key: gauge.to_owned(), id: address.key.to_string() };
    let _: Result<Reply, Unavailable> = context.server.platform.limits(&command).await;
}
