//! The report: who was refused by policy in the last days, and who would have been. Each row offers a draft of an exception.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join;
use serde_json::{Map, Value, json};

use super::body;
use super::done::Done;
use super::events::{day, invalid, number};
use super::problem::Problem;
use super::subs;
use crate::counts::OTHER;
use crate::counts::blocked::{Blocked, By, MOST_DAYS, Steps};
use crate::counts::command::ReadBlocked;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::account_key::AccountKey;
use crate::json;
use crate::order;
use crate::policy::decision::{DEFAULT, RULE};
use crate::policy::document::Policy;
use crate::policy::name::Name;
use crate::policy::rule::{Effect, State};
use crate::secret;

/// Days of a report that says no other number.
const DAYS: u64 = 7;
/// Default number of rows that a page looks at.
const PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 200;
/// Longest cursor, in bytes.
const LONGEST: usize = 1_024;
/// The most people whom a draft names one by one; for more, it names their groups.
const MOST_NAMED: usize = 10;
/// Longest name of an exception.
const LONGEST_NAME: usize = 64;

/// Which report somebody wants.
pub(crate) struct Ask {
    pub(crate) by: By,
    pub(crate) days: u32,
    /// Only rows after this one; empty to begin.
    pub(crate) after: String,
    /// The most rows to look at.
    pub(crate) limit: u32,
}

/// Answers `GET /policy/report`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["days", "by", "limit", "cursor"])?;
    let by = match query.get("by") {
        None => By::Client,
        Some(text) => {
            By::ALL.into_iter().find(|(name, _)| *name == text).map(|(_, by)| by).ok_or_else(|| {
                let names: Vec<&str> = By::ALL.iter().map(|(name, _)| *name).collect();
                invalid("by", format!("by is {text:?}: it must be one of {}", names.join(", ")))
            })?
        }
    };
    let after = match query.get("cursor").map(decoded) {
        Some(None) => {
            return Err(invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()));
        }
        after => after.flatten().unwrap_or_default(),
    };
    let days = number(&query, "days", DAYS, 1, u64::from(MOST_DAYS))?;
    let limit = number(&query, "limit", PAGE, 1, LARGEST_PAGE)?;
    let [days, limit] = [days, limit].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    let page = report(context, Ask { by, days, after, limit }).await?;
    Ok(Done::read(Response::json(200, &page)))
}

fn decoded(cursor: &str) -> Option<String> {
    let bytes = secret::decode(cursor).filter(|bytes| bytes.len() <= LONGEST)?;
    json::text(&bytes).ok().map(str::to_owned)
}

/// Returns a page of the report.
pub(crate) async fn report<P: Platform>(
    context: Context<'_, P>,
    ask: Ask,
) -> Result<Map<String, Value>, Problem> {
    let Ask { by, days, after, limit } = ask;
    let since = day(context.now).saturating_sub(days.saturating_sub(1));
    let page = async {
        let page = context.server.platform.counts(ReadBlocked { by, since, after, limit }).await?;
        let named: BTreeSet<String> = page.rows.iter().flat_map(|(key, row)| named(by, key, row)).collect();
        let keys = subs::keys(context, named).await?;
        Ok::<_, Unavailable>((page, keys))
    };
    let ((page, keys), governance) = try_join(page, context.server.governance(context.now)).await?;
    let drafter = Drafter { by, keys: &keys, policy: &governance.policy };
    let rows: Vec<Value> = page.rows.iter().map(|(key, row)| drafter.row(key, row, since)).collect();
    let mut answer = order::object([
        ("by".to_owned(), by.name().into()),
        ("from".to_owned(), (u64::from(since) * 86_400).into()),
        ("to".to_owned(), context.now.seconds().into()),
        ("rows".to_owned(), rows.into()),
    ]);
    answer.extend(page.next.map(|key| ("next_cursor".to_owned(), secret::encode(key.as_bytes()).into())));
    Ok(answer)
}

/// Returns the people whom the draft of a row names one by one.
fn named(by: By, key: &str, row: &Blocked) -> Vec<String> {
    match by {
        By::Account => vec![key.to_owned()],
        By::Client | By::Country | By::Network if row.more_people == 0 && row.people.len() <= MOST_NAMED => {
            row.people.iter().map(|(sub, _)| sub.clone()).collect()
        }
        By::Client | By::Country | By::Network | By::UnknownClient | By::Group => Vec::new(),
    }
}

/// Shows rows, with drafts of exceptions from a policy.
struct Drafter<'a> {
    by: By,
    keys: &'a BTreeMap<String, AccountKey>,
    policy: &'a Policy,
}

impl Drafter<'_> {
    fn row(&self, key: &str, row: &Blocked, since: u32) -> Value {
        let names =
            |list: &[(String, u32)]| -> Vec<String> { list.iter().map(|(name, _)| name.clone()).collect() };
        let people = if self.by == By::Account { 1 } else { row.people.len() };
        let mut shown = order::object([
            ("key".to_owned(), key.into()),
            ("refused".to_owned(), by_point(row, |steps| steps.refused)),
            ("would_refuse".to_owned(), by_point(row, |steps| steps.would_refuse)),
            ("people".to_owned(), people.into()),
            ("more_people".to_owned(), (row.more_people > 0).into()),
            ("clients".to_owned(), names(&row.clients).into()),
            ("groups".to_owned(), names(&row.groups).into()),
            ("decided_by".to_owned(), names(&row.decided_by).into()),
            ("first_at".to_owned(), row.first_at.seconds().into()),
            ("last_at".to_owned(), row.last_at.seconds().into()),
            ("new".to_owned(), (day(row.first_at) >= since).into()),
        ]);
        shown.extend(self.draft(key, row).map(|draft| ("draft".to_owned(), draft)));
        shown.into()
    }

    /// Returns an exception that lets through what the row has, as narrow as the row allows; `None` if none could.
    fn draft(&self, key: &str, row: &Blocked) -> Option<Value> {
        let clients: Vec<String> = row.clients.iter().map(|(client, _)| client.clone()).collect();
        let mut when = self.who(row);
        if key == OTHER || !row.decided_by.iter().any(|(by, _)| can_be_excepted(by)) {
            return None;
        }
        match self.by {
            // A client that nobody registered gets no code, whatever the exceptions say.
            By::UnknownClient => return None,
            By::Client => {
                when.insert("clients".to_owned(), json!([key]));
            }
            By::Group => when = order::object([("groups".to_owned(), json!([key]))]),
            By::Account => {
                when = order::object([("accounts".to_owned(), json!([self.keys.get(key)?]))]);
            }
            By::Country => {
                when.insert("device".to_owned(), json!({ "countries": [key] }));
            }
            By::Network => {
                when.insert("device".to_owned(), json!({ "asns": [format!("AS{key}")] }));
            }
        }
        if self.by != By::Client && !clients.is_empty() {
            when.insert("clients".to_owned(), clients.into());
        }
        let mut draft =
            order::object([("id".to_owned(), self.id(key).into()), ("when".to_owned(), when.into())]);
        let lifts = self.lifts(row);
        draft.extend((!lifts.is_empty()).then(|| ("lifts".to_owned(), lifts.into())));
        Some(draft.into())
    }

    /// Returns whom the draft is for: the people, if they are few, or else their groups.
    fn who(&self, row: &Blocked) -> Map<String, Value> {
        let people = named(self.by, "", row);
        let accounts: Vec<&AccountKey> = people.iter().filter_map(|sub| self.keys.get(sub)).collect();
        let groups: Vec<&String> = row.groups.iter().map(|(group, _)| group).collect();
        let who = if accounts.is_empty() {
            (!groups.is_empty()).then(|| ("groups".to_owned(), json!(groups)))
        } else {
            Some(("accounts".to_owned(), json!(accounts)))
        };
        order::object(who)
    }

    /// Returns the rules that deny the steps of the row, of those that the policy still has. Of several, each has to be lifted.
    /// Those that only report denied nothing if no step went on because of them.
    fn lifts(&self, row: &Blocked) -> Vec<String> {
        let reports = row.steps.iter().any(|steps| steps.would_refuse > 0);
        let counts = |state| match state {
            State::Enforced => true,
            State::ReportOnly => reports,
            State::Disabled => false,
        };
        let denies = |id: &&str| {
            let rule = Name::parse(id).and_then(|id| self.policy.rule(&id));
            rule.is_some_and(|rule| rule.effect == Effect::Deny && counts(rule.state))
        };
        let decided = row.decided_by.iter().filter_map(|(by, _)| by.strip_prefix(RULE));
        let rules: BTreeSet<&str> =
            decided.chain(row.matched.iter().map(|(rule, _)| rule.as_str())).collect();
        rules.into_iter().filter(denies).map(str::to_owned).collect()
    }

    /// Returns a name for the exception.
    fn id(&self, key: &str) -> String {
        let plain =
            |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let kind = match self.by {
            By::Client | By::UnknownClient => "client",
            By::Group => "group",
            By::Country => "country",
            By::Network => "network",
            By::Account => "account",
        };
        format!("{kind}-{key}").chars().map(plain).take(LONGEST_NAME).collect()
    }
}

/// Returns whether an exception helps against what decided: a rule, or that none allows. No exception helps against a kill switch,
/// or where a step lacks something.
fn can_be_excepted(decided_by: &str) -> bool {
    decided_by.starts_with(RULE) || decided_by == DEFAULT
}

/// Returns how often something happened at each point.
fn by_point(row: &Blocked, count: impl Fn(&Steps) -> u64) -> Value {
    let mut points: BTreeMap<&str, u64> = BTreeMap::new();
    for steps in row.steps.iter().filter(|steps| count(steps) > 0) {
        *points.entry(&steps.point).or_default() += count(steps);
    }
    json!(points)
}
