//! Looks at the Durable Objects and the other bindings, and at the events that wait in outboxes.

use core::time::Duration;

use futures_util::future::{join3, join4};

use super::check::Check;
use crate::audit::ledger::{ListOutboxes, OUTBOXES, OutboxReport};
use crate::counts::command::ReadTotals;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::family::command::FindFamily;
use crate::family::id::FamilyId;
use crate::identity::account_key::AccountKey;
use crate::limiter::command::GiveBack;
use crate::registry::command::TakeOutline;
use crate::registry::key_schedule::SKEW;
use crate::sharding::{Region, Shard};
use crate::time::Timestamp;

/// An event should have reached its ledger by this age.
const LATE: Duration = Duration::from_secs(600);

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Vec<Check> {
    let counts = async { context.server.platform.counts(ReadTotals {}).await.map(drop) };
    let others = join4(grants(context), accounts(context), limits(context), counts);
    let asked = join3(registry(context), ledger(context), others).await;
    let ((registry, taken_at), (ledger, reports), (grants, accounts, limits, counts)) = asked;
    let objects = [
        ("GRANTS", grants),
        ("ACCOUNTS", accounts),
        ("LIMITS", limits),
        ("REGISTRY", registry),
        ("LEDGER", ledger),
        ("COUNTS", counts),
    ];
    let mut checks = vec![reached(&objects), optional(context)];
    checks.extend(taken_at.map(|at| clocks(at, context.now)));
    checks.extend(reports.map(|reports| outboxes(&reports, context.now)));
    checks
}

async fn grants<P: Platform>(context: Context<'_, P>) -> Result<(), Unavailable> {
    let shard = Shard { region: Region::nearest(None), index: 0 };
    let find = FindFamily { id: FamilyId::from_bytes([0; 16]), seen: None };
    context.server.platform.grants(shard, find).await.map(drop)
}

async fn accounts<P: Platform>(context: Context<'_, P>) -> Result<(), Unavailable> {
    context.server.account(&AccountKey::local("nobody")).await.map(drop)
}

/// Gives back an attempt that nobody took, which changes nothing.
async fn limits<P: Platform>(context: Context<'_, P>) -> Result<(), Unavailable> {
    let give_back = GiveBack { key: "doctor".to_owned(), at: context.now, network: None };
    context.server.platform.limits(give_back).await
}

/// Returns also when the registry took its outline, by its own clock.
async fn registry<P: Platform>(context: Context<'_, P>) -> (Result<(), Unavailable>, Option<Timestamp>) {
    match context.server.platform.registry(TakeOutline {}).await {
        Ok(outline) => (Ok(()), Some(outline.taken_at)),
        Err(error) => (Err(error), None),
    }
}

async fn ledger<P: Platform>(
    context: Context<'_, P>,
) -> (Result<(), Unavailable>, Option<Vec<OutboxReport>>) {
    match context.server.platform.ledger(OUTBOXES, ListOutboxes {}).await {
        Ok(reports) => (Ok(()), Some(reports)),
        Err(error) => (Err(error), None),
    }
}

fn reached(objects: &[(&str, Result<(), Unavailable>)]) -> Check {
    const NAME: &str = "objects";
    let down: Vec<&str> =
        objects.iter().filter(|(_, reached)| reached.is_err()).map(|(name, _)| *name).collect();
    if down.is_empty() {
        return Check::ok(NAME, "every class of objects answers");
    }
    let found = format!("no answer from {}", down.join(", "));
    Check::problem(
        NAME,
        found,
        "Look for lines with the outcome unavailable in the log, and compare the bindings with wrangler.toml.",
    )
}

/// The bindings that the server can do without.
fn optional<P: Platform>(context: Context<'_, P>) -> Check {
    const NAME: &str = "bindings";
    let missing = context.server.platform.missing_bindings();
    if missing.is_empty() {
        return Check::ok(NAME, "all of wrangler.toml are there");
    }
    let todo = if context.server.settings.is_development() {
        "Nothing, unless you deploy to Cloudflare: then add them as in wrangler.toml."
    } else {
        "On Cloudflare, add them as in wrangler.toml. Plain workerd has none of them: put a proxy with a rate limit in front."
    };
    Check::notice(NAME, format!("there is no {}", missing.join(", ")), todo)
}

fn clocks(of_registry: Timestamp, now: Timestamp) -> Check {
    const NAME: &str = "clocks of objects";
    let apart = now.since(of_registry).max(of_registry.since(now));
    if apart <= SKEW {
        return Check::ok(NAME, "the Worker and the registry agree");
    }
    let found = format!("the Worker and the registry are {} s apart", apart.as_secs());
    Check::problem(NAME, found, "Set the clocks of the machines that run workerd.")
}

fn outboxes(reports: &[OutboxReport], now: Timestamp) -> Check {
    const NAME: &str = "events";
    let set_aside: u64 = reports.iter().map(|report| report.set_aside).sum();
    let age = reports.iter().filter_map(|report| report.oldest).map(|oldest| now.since(oldest)).max();
    if let Some(age) = age.filter(|age| *age > LATE) {
        let found = format!("an event has waited for its ledger for {} minutes", age.as_secs() / 60);
        return Check::problem(
            NAME,
            found,
            "See GET /admin/api/outboxes, and lines about the ledger in the log.",
        );
    }
    if set_aside > 0 {
        let found = format!("{set_aside} events could not be read, and were set aside");
        return Check::notice(NAME, found, "See the log for their numbers.");
    }
    Check::ok(NAME, "they reach their ledgers")
}
