//! How clients are used: what an operator needs to know before taking one away.

use futures_util::future::try_join;
use serde::Serialize;

use super::body;
use super::done::Done;
use super::events::{invalid, number, text};
use super::problem::Problem;
use crate::counts::command::ReadUsage;
use crate::counts::usage::{MOST_PEOPLE, Usage};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::json;
use crate::policy::governance::Governance;
use crate::secret;
use crate::time::Timestamp;

/// Default number of clients per page.
const PAGE: u64 = 50;
const LARGEST_PAGE: u64 = 200;
/// Longest cursor, in bytes: longer than that of any client.
const LONGEST: usize = 512;

/// A client as the API shows it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View {
    client_id: String,
    logins: u64,
    people: u32,
    /// Whether there are more people than `people` says.
    more_people: bool,
    first_login_at: u64,
    last_login_at: u64,
    /// How many exceptions that are live name the client.
    exceptions: usize,
    /// When the first of them ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_exception_ends_at: Option<u64>,
}

#[derive(Serialize)]
struct Page {
    clients: Vec<View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl View {
    fn of(
        Usage { client_id, logins, people, first_at, last_at }: Usage,
        governance: &Governance,
        now: Timestamp,
    ) -> Self {
        let live = governance.exceptions.iter().filter(|exception| exception.is_live(now));
        let ends: Vec<Timestamp> = live
            .filter(|exception| exception.when.names_client(&client_id))
            .map(|exception| exception.expires_at)
            .collect();
        Self {
            exceptions: ends.len(),
            next_exception_ends_at: ends.into_iter().min().map(Timestamp::seconds),
            client_id,
            logins,
            people: people.min(MOST_PEOPLE),
            more_people: people > MOST_PEOPLE,
            first_login_at: first_at.seconds(),
            last_login_at: last_at.seconds(),
        }
    }
}

/// Answers `GET /usage`, in the order of the clients' identifiers. `client_id` leaves out all others.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor", "client_id"])?;
    let after = match query.get("cursor").map(decoded) {
        Some(None) => {
            return Err(invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()));
        }
        after => after.flatten().unwrap_or_default(),
    };
    let (only, limit) = (text(&query, "client_id")?, number(&query, "limit", PAGE, 1, LARGEST_PAGE)?);
    let (after, limit) = only.as_deref().map_or((after.clone(), limit), |only| (after.max(before(only)), 1));
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let found = context.server.platform.counts(ReadUsage { after, limit: limit + 1 });
    let (mut found, governance) = try_join(found, context.server.governance(context.now)).await?;
    found.retain(|usage| only.as_ref().is_none_or(|only| usage.client_id == *only));
    let shown = |usage| View::of(usage, &governance, context.now);
    let mut clients: Vec<View> = found.into_iter().map(shown).collect();
    let has_more = clients.len() as u64 > u64::from(limit);
    clients.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor =
        clients.last().filter(|_| has_more).map(|last| secret::encode(last.client_id.as_bytes()));
    Ok(Done::read(Response::json(200, &Page { clients, next_cursor })))
}

/// Returns a text that comes right before this one: no text of visible ASCII, as identifiers of clients are, is between them.
fn before(client_id: &str) -> String {
    let mut bytes = client_id.as_bytes().to_vec();
    let last = bytes.pop().filter(u8::is_ascii_graphic);
    bytes.extend(last.into_iter().flat_map(|last| [last - 1, 0x7f]));
    String::from_utf8(bytes).unwrap_or_default()
}

fn decoded(cursor: &str) -> Option<String> {
    let bytes = secret::decode(cursor).filter(|bytes| bytes.len() <= LONGEST)?;
    json::text(&bytes).ok().map(str::to_owned)
}
