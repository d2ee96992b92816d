//! Looks at the policy, its exceptions and kill switches: whether anything protects, what ends soon, and what is stopped.

use core::time::Duration;
use std::collections::BTreeSet;

use futures_util::future::join;

use super::check::Check;
use crate::client::document::entry::Entry;
use crate::endpoint::at_once::try_all;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::policy::access_request::Standing;
use crate::policy::condition::host;
use crate::policy::document::{Fallback, Policy};
use crate::policy::exception::Exception;
use crate::policy::governance::Governance;
use crate::policy::rule::State;
use crate::registry::command::TakeOutline;
use crate::registry::governance::access_requests::ListAccessRequests;

const NAME: &str = "policy";
const EXCEPTIONS: &str = "exceptions";
const KILL_SWITCHES: &str = "kill_switches";
const ACCESS_REQUESTS: &str = "access_requests";
const CLIENTS: &str = "clients_of_rules";
/// The most clients of rules that are looked up.
const MOST_CLIENTS: usize = 50;
/// The most requests for access that are counted.
const COUNTED: u32 = 100;
/// The most kill switches that are named.
const SHOWN: usize = 5;
/// An exception that ends within this time is worth a notice.
const SOON: Duration = Duration::from_secs(7 * 86_400);

pub(super) async fn look<P: Platform>(context: Context<'_, P>) -> Vec<Check> {
    let Ok(outline) = context.server.platform.registry(TakeOutline {}).await else {
        return vec![Check::skipped(NAME, "the registry does not answer")];
    };
    let is_development = context.server.settings.is_development();
    let mut governance = Governance::clone(&outline.governance).of_server(is_development);
    governance.drop_ended(context.now);
    let clients = unknown_clients(&governance.policy, &outline.documents, context);
    let (waiting, clients) = join(access_requests(context), clients).await;
    let exceptions = exceptions(&governance, context);
    let checks = [Some(policy(&governance)), clients, exceptions, kill_switches(&governance), waiting];
    checks.into_iter().flatten().collect()
}

/// Says how many people wait for an answer, if somebody does.
async fn access_requests<P: Platform>(context: Context<'_, P>) -> Option<Check> {
    let list = ListAccessRequests { after: None, state: Some(Standing::Open), limit: COUNTED };
    let mut open = context.server.platform.registry(list).await.ok()?;
    open.retain(|request| request.is_open(context.now));
    let oldest = open.first()?.asked_at;
    let count =
        if open.len() < COUNTED as usize { open.len().to_string() } else { format!("{COUNTED} or more") };
    Some(Check::notice(
        ACCESS_REQUESTS,
        format!("requests for access that wait for an answer: {count}, the oldest since {oldest}"),
        "See GET /admin/api/access-requests?state=open; each lapses after a week.",
    ))
}

/// Names the clients of rules that are neither registered nor let in by their documents; `None` if there are none.
async fn unknown_clients<P: Platform>(
    policy: &Policy,
    documents: &[Entry],
    context: Context<'_, P>,
) -> Option<Check> {
    let rules = policy.rules.iter().filter(|rule| rule.state != State::Disabled);
    let named: BTreeSet<&String> = rules.flat_map(|rule| &rule.when.clients).collect();
    let is_let_in =
        |client_id: &str| context.server.let_in(documents, client_id).is_some() || host(client_id).is_some();
    let named = named.into_iter().take(MOST_CLIENTS).filter(|client_id| !is_let_in(client_id));
    let named: Vec<&String> = named.collect();
    let found = named.iter().map(|client_id| context.server.registered_client(client_id));
    let found = try_all(found).await.ok()?;
    let unknown = named.into_iter().zip(found).filter(|(_, found)| found.is_none());
    let unknown: Vec<&str> = unknown.map(|(client_id, _)| client_id.as_str()).collect();
    (!unknown.is_empty()).then(|| {
        Check::notice(
            CLIENTS,
            format!("rules name clients that do not exist: {}", unknown.join(", ")),
            "Correct the names, register the clients or let in their documents, or remove the rules.",
        )
    })
}

fn policy(governance: &Governance) -> Check {
    let of_state = |state| governance.policy.rules.iter().filter(|rule| rule.state == state).count();
    let (enforced, reporting) = (of_state(State::Enforced), of_state(State::ReportOnly));
    match governance.policy.default {
        Fallback::Allow => Check::notice(
            NAME,
            "not protecting: there is no policy, and a development server then allows everything",
            "To try a policy out: make apply FILE=examples/policy.toml.",
        ),
        Fallback::ReportOnly => Check::notice(
            NAME,
            "not protecting: the default is report_only, so what no rule allows proceeds",
            "Once the reports say that nobody would miss it, set default = \"enforced\".",
        ),
        Fallback::Enforced if governance.version == 0 => Check::problem(
            NAME,
            "there is no policy, so nobody gets a code",
            "Write one, from examples/policy.toml, and run `make apply FILE=policy.toml`.",
        ),
        Fallback::Enforced if reporting > 0 => Check::notice(
            NAME,
            format!("version {}: {enforced} rules, and {reporting} that only report", governance.version),
            "A rule that only reports does not protect: set its state to enforced, or remove it.",
        ),
        Fallback::Enforced => Check::ok(
            NAME,
            format!("version {}: what none of {enforced} rules allows is refused", governance.version),
        ),
    }
}

/// Returns `None` if there are no exceptions.
fn exceptions<P>(governance: &Governance, context: Context<'_, P>) -> Option<Check> {
    let all = &governance.exceptions;
    let wide = all.iter().filter(|exception| exception.is_wide()).count();
    let first = all.iter().min_by_key(|exception| exception.expires_at)?;
    let found = format!("{} live, of which {wide} are wide", all.len());
    Some(if first.is_live(context.now + SOON) {
        Check::ok(EXCEPTIONS, found)
    } else {
        Check::notice(EXCEPTIONS, format!("{found}; {}", ending(first)), "Renew it, or let it lapse.")
    })
}

fn ending(Exception { id, owner, expires_at, .. }: &Exception) -> String {
    format!("{id}, for which {owner} answers, ends at {expires_at}")
}

/// Returns `None` if no kill switch is on.
fn kill_switches(governance: &Governance) -> Option<Check> {
    let all = &governance.kill_switches;
    let last = all.iter().max_by_key(|switch| switch.until)?;
    let ids: Vec<&str> = all.iter().take(SHOWN).map(|switch| switch.id.as_str()).collect();
    let more = if all.len() > SHOWN { ", …" } else { "" };
    let found = format!("{} on, the last until {}: {}{more}", all.len(), last.until, ids.join(", "));
    Some(Check::notice(
        KILL_SWITCHES,
        found,
        "What they select is refused. If it need not be any more, end them: POST /admin/api/kill-switches/{id}/end.",
    ))
}
