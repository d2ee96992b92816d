//! Limits the live codes of each client on each network. The row that counts them is called the gauge.

use crate::endpoint::error::Error;
use crate::endpoint::error::Limit;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::grant::Request;
use crate::grant::routing::Address;
use crate::limiter::budgets::gauge;
use crate::limiter::command::{Admit, Full, Release, Room};
use crate::time::Timestamp;

/// Counts the code as live, unless its client has too many live codes already within a prefix of its network.
pub(crate) async fn admit<P: Platform>(
    context: Context<'_, P>,
    request: &Request,
    address: Address,
    until: Timestamp,
) -> Result<(), Error> {
    let (network, cap) = (request.network.clone(), context.server.settings.live_codes);
    let admit = Admit { key: key(request), id: address.key.to_string(), until, cap, network };
    match context.server.platform.limits(admit).await? {
        Room::Taken(_) => Ok(()),
        Room::Wait(Full { seconds, prefix }) => Err(Error::TooMany(Limit::Codes(prefix), seconds)),
    }
}

/// Stops counting the code. If this command is lost, the gauge forgets the code when it expires.
pub(crate) async fn release<P: Platform>(context: Context<'_, P>, request: &Request, address: Address) {
    let release = Release { key: key(request), id: address.key.to_string() };
    let _: Result<(), Unavailable> = context.server.platform.limits(release).await;
}

fn key(request: &Request) -> String {
    gauge(&request.client_id, &request.network)
}
