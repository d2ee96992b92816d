//! The approvals of the last days: which of them would have come out otherwise?

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::past::{judged, key, shown};
use crate::audit::reading::Filter;
use crate::endpoint::admin::events::{Cursor, collect};
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::admin::subs;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::order;
use crate::policy::governance::Governance;
use crate::policy::judgment::{Fate, Judgment};
use crate::policy::replay::Past;
use crate::time::Timestamp;

/// The most approvals that a request judges.
const MOST: u32 = 500;
/// The most examples of each way to come out.
const MOST_EXAMPLES: usize = 20;

/// Approvals that came out in one way and would come out in another.
#[derive(Serialize)]
struct Change {
    client_id: String,
    before: Fate,
    after: Fate,
    /// What would decide.
    decided_by: String,
    count: u64,
}

/// What was found.
#[derive(Default)]
struct Findings {
    judged: u64,
    unchanged: u64,
    changes: BTreeMap<(String, Fate, Fate, String), u64>,
    examples: BTreeMap<Fate, Vec<Value>>,
}

/// Judges a page of approvals by a governance, and compares with what happened.
pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    governance: &Governance,
    (days, cursor): (u64, Option<Cursor>),
) -> Result<Map<String, Value>, Problem> {
    let to = context.now + Duration::from_secs(1);
    let from = context.now.before(Duration::from_secs(days * 86_400));
    let filter = Filter { from, to, with_facts: true, ..Filter::default() };
    let page = collect(context, Cursor::begin(cursor, from), &filter, MOST).await?;
    let all: Vec<Past> = page.events.iter().filter_map(|record| Past::of(&record.to_string())).collect();
    let is_by_account = governance.names_accounts();
    let who = all.iter().filter(|_| is_by_account).filter_map(|past| past.account.clone()).collect();
    let keys = subs::keys(context, who).await?;
    let mut findings = Findings::default();
    for past in &all {
        findings.add(past, &judged(governance, past, key(past, &keys).as_ref()));
    }
    let mut answer = findings.shown((from, context.now));
    answer.extend(page.next_cursor.map(|cursor| ("next_cursor".to_owned(), cursor.into())));
    Ok(answer)
}

impl Findings {
    fn add(&mut self, past: &Past, judgment: &Judgment) {
        let before = if past.is_approved { Fate::Allow } else { Fate::Refuse };
        let after = judgment.fate();
        self.judged += 1;
        if before == after {
            self.unchanged += 1;
            return;
        }
        let key = (past.client_id.clone(), before, after, judgment.decided_by.clone());
        *self.changes.entry(key).or_default() += 1;
        let examples = self.examples.entry(after).or_default();
        if examples.len() < MOST_EXAMPLES {
            examples.push(json!({ "event": shown(past), "recorded": past.decision, "judgment": judgment }));
        }
    }

    fn shown(mut self, (from, to): (Timestamp, Timestamp)) -> Map<String, Value> {
        let change = |((client_id, before, after, decided_by), count)| Change {
            client_id,
            before,
            after,
            decided_by,
            count,
        };
        let changes: Vec<Change> = self.changes.into_iter().map(change).collect();
        let mut examples = |fate| Value::from(self.examples.remove(&fate).unwrap_or_default());
        order::object([
            ("from".to_owned(), from.seconds().into()),
            ("to".to_owned(), to.seconds().into()),
            ("judged".to_owned(), self.judged.into()),
            ("unchanged".to_owned(), self.unchanged.into()),
            ("changes".to_owned(), json!(changes)),
            ("now_refused".to_owned(), examples(Fate::Refuse)),
            ("now_sign_in_again".to_owned(), examples(Fate::SignInAgain)),
            ("now_allowed".to_owned(), examples(Fate::Allow)),
        ])
    }
}
