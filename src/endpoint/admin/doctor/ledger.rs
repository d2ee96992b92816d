//! Looks at the days of the ledger: whether those that are over get their roots.

use super::check::Check;
use crate::audit::closing::{ReadRoots, is_overdue};
use crate::audit::ledger::{FindLedgers, OUTBOXES};
use crate::audit::ledger_name::LedgerName;
use crate::endpoint::admin::events::day;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::time::Timestamp;

const NAME: &str = "ledger";
const ADVICE: &str = "See lines about the ledger in the log. Unless days have never been closed, compare the roots with the copies that \
                    you keep: make verify-ledger KEEP=….";

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Check {
    match open_day(context).await {
        Err(Unavailable) => Check::skipped(NAME, "the object that keeps the roots does not answer"),
        Ok(Some(day)) if is_overdue(day, context.now) => {
            let at = Timestamp::from_millis(u64::from(day) * 86_400_000).to_string();
            let date = at.split('T').next().unwrap_or_default();
            let found = format!("no day from {date} on has a root, although that day is over");
            Check::problem(NAME, found, ADVICE)
        }
        Ok(_) => Check::ok(NAME, "days that are over have their roots"),
    }
}

/// Returns the first day with events after the newest root; `None` if there is none.
async fn open_day<P: Platform>(context: Context<'_, P>) -> Result<Option<u32>, Unavailable> {
    let platform = &context.server.platform;
    let newest = platform.ledger(OUTBOXES, ReadRoots { before: u32::MAX, limit: 1 }).await?;
    let first = newest.first().map_or(0, |root| root.day.saturating_add(1));
    let find = FindLedgers { first: LedgerName::before_all_of(first), last_day: day(context.now), limit: 1 };
    Ok(platform.ledger(OUTBOXES, find).await?.first().map(|ledger| ledger.day))
}
