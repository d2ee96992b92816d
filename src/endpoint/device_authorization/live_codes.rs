//! Limits the live codes of each client on each network. The row that counts them is called the gauge.

use crate::endpoint::error::Error;
use crate::endpoint::error::Limit;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::routing::Address;
use crate::limiter::command::{Admit, Release, Room};
use crate::time::Timestamp;

/// Counts the code as live, unless its client and network have too many live codes already.
pub(crate) async fn admit<P: Platform>(
    context: Context<'_, P>,
    gauge: &str,
    address: Address,
    until: Timestamp,
) -> Result<(), Error> {
    let cap = context.server.settings.live_codes;
    let admit = Admit { key: gauge.to_owned(), id: address.key.to_string(), until, cap };
    match context.server.platform.limits(admit).await? {
        Room::Taken(_) => Ok(()),
        Room::Wait(wait) => Err(Error::TooMany(Limit::Codes, wait)),
    }
}

/// Stops counting the code. If this command is lost, the gauge forgets the code when it expires.
pub(crate) async fn release<P: Platform>(context: Context<'_, P>, gauge: &str, address: Address) {
    let release = Release { key: gauge.to_owned(), id: address.key.to_string() };
    let _: Result<(), Unavailable> = context.server.platform.limits(release).await;
}
