//! Lets kill switches end tokens at once, before the families that they end are found.

use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::Family;
use crate::identity::latest_kill::LatestKill;
use crate::policy::Point;
use crate::policy::facts::Facts;
use crate::policy::window::Span;

/// Returns whether a kill switch refuses the tokens of a family. `latest` is the latest kill switch that the shard of the
/// account has heard of.
pub(crate) async fn is_refused<P: Platform>(
    context: Context<'_, P>,
    family: &Family,
    latest: Option<LatestKill>,
) -> Result<bool, Unavailable> {
    let governance = context.server.governance_with(latest, &family.client_id, context.now).await?;
    let facts = Facts {
        client: Some(&family.client_id),
        account: Some(&family.account),
        start: Some(family.recorded.start(&family.provenance)),
        approval: Some(&family.provenance.approval_id),
        code: family.provenance.code,
        ..Facts::unknown(Point::Refresh, Span::at(context.now))
    };
    Ok(governance.kill_switches.iter().any(|switch| switch.refuses(&facts)))
}
