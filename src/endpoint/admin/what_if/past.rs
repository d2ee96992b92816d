//! An approval of the past: what would policy decide about it now?

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::endpoint::admin::event::{DAYS, find};
use crate::endpoint::admin::events::{LATE_DAYS, day, invalid};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::admin::subs;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account_key::AccountKey;
use crate::order;
use crate::policy::governance::Governance;
use crate::policy::judgment::{Judgment, judge};
use crate::policy::replay::Past;
use crate::time::Timestamp;

/// Judges the approval by the present governance and by the draft.
pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    (present, draft): (&Governance, Option<&Governance>),
    (id, at): (&str, Option<Timestamp>),
) -> Result<Map<String, Value>, Problem> {
    let today = day(context.now);
    let days =
        at.map_or((today.saturating_sub(DAYS - 1), today), |at| (day(at), day(at).saturating_add(LATE_DAYS)));
    let record = find(context, id, days).await?.ok_or_else(|| {
        let detail = "event is in no ledger of the last 7 days: if it is older, write in at when it happened";
        let given = format!("event {id:?} is in no ledger of the day in at, nor of the two days after it");
        invalid("event", if at.is_some() { given } else { detail.to_owned() })
    })?;
    let past = Past::of(&record.to_string()).ok_or_else(|| {
        let detail =
            "event has no facts to judge by: only approvals that a policy allowed or refused have them";
        invalid("event", detail.to_owned())
    })?;
    let account = account(context, &past).await?;
    let mut answer = order::object([
        ("event".to_owned(), shown(&past)),
        ("recorded".to_owned(), json!(past.decision)),
        ("present".to_owned(), json!(judged(present, &past, account.as_ref()))),
    ]);
    answer.extend(draft.map(|draft| ("draft".to_owned(), json!(judged(draft, &past, account.as_ref())))));
    Ok(answer)
}

/// Returns which event it is.
pub(super) fn shown(past: &Past) -> Value {
    let mut event = order::object([
        ("id".to_owned(), past.id.as_str().into()),
        ("at".to_owned(), past.at.millis().into()),
        ("what".to_owned(), if past.is_approved { "approved" } else { "approval_refused" }.into()),
        ("client_id".to_owned(), past.client_id.as_str().into()),
    ]);
    event.extend(past.account.iter().map(|account| ("account".to_owned(), account.as_str().into())));
    event.into()
}

/// Judges an approval again. Client and account are those of then: whether they may be used now does not matter.
pub(super) fn judged(governance: &Governance, past: &Past, account: Option<&AccountKey>) -> Judgment {
    judge(governance, (None, None), &past.facts(account))
}

/// Returns the key of the account of an approval. An account that is gone has none any more, so another key stands for it,
/// which no rule names: nobody but Cloudflare Access chooses a subject, and nobody knows a `sub` beforehand.
async fn account<P: Platform>(
    context: Context<'_, P>,
    past: &Past,
) -> Result<Option<AccountKey>, Unavailable> {
    let keys = subs::keys(context, past.account.iter().cloned().collect()).await?;
    Ok(key(past, &keys))
}

/// Picks the key of the account of an approval.
pub(super) fn key(past: &Past, keys: &BTreeMap<String, AccountKey>) -> Option<AccountKey> {
    let sub = past.account.as_ref()?;
    keys.get(sub).cloned().or_else(|| AccountKey::access(sub))
}
