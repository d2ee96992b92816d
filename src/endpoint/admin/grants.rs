//! Live codes: list them, without the codes themselves, and end one.

use serde::Serialize;
use serde_json::Value;

use super::body;
use super::done::Done;
use super::grant_walk::{Cursor, GrantWalk};
use super::problem::Problem;
use crate::audit::change::Actor;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::grant::command::{EndGrant, LiveGrant};
use crate::grant::routing::{Address, RowKey};
use crate::order;
use crate::scope::Scope;
use crate::secret;
use crate::sharding::Shard;
use crate::sub::Sub;
use crate::verdict::Spot;

/// Default number of codes per page.
const PAGE: u32 = 50;
const LARGEST_PAGE: u32 = 200;
/// The most shards that a request asks.
const MOST_SHARDS: usize = 32;

/// A live code as operators see it. Times are in seconds since 1970.
#[derive(Serialize)]
struct View<'a> {
    id: String,
    subject: RowKey,
    client_id: &'a str,
    scope: &'a Scope,
    state: &'static str,
    started: Started<'a>,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
}

#[derive(Serialize)]
struct Started<'a> {
    at: u64,
    #[serde(flatten)]
    spot: &'a Spot,
}

impl<'a> View<'a> {
    fn of((address, grant): &'a (Address, LiveGrant)) -> Self {
        Self {
            id: id(*address),
            subject: address.key,
            client_id: &grant.client_id,
            scope: &grant.scope,
            state: grant.state.name(),
            started: Started { at: grant.started.at.seconds(), spot: &grant.started.spot },
            expires_at: grant.expires_at.seconds(),
            account: grant.account.as_ref().map(Sub::as_str),
        }
    }
}

/// Names a grant: base64url(shard ‖ row key).
fn id(Address { shard, key }: Address) -> String {
    secret::encode(&[&shard.to_bytes()[..], &key.0].concat())
}

/// Reads the name of a grant.
pub(super) fn address(id: &str) -> Option<Address> {
    let bytes = secret::decode(id)?;
    let (shard, key) = bytes.split_first_chunk::<2>()?;
    Some(Address { shard: Shard::from_bytes(*shard)?, key: RowKey(key.try_into().ok()?) })
}

/// Answers `GET /grants`. The codes of one shard come after those of another.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["limit", "cursor"])?;
    let (limit, begin) = (limit(&query)?, cursor(&query)?);
    let walk = GrantWalk { context, refused_by: None, limit, most_calls: MOST_SHARDS };
    let (found, next) = walk.run(begin).await?;
    let views: Vec<View<'_>> = found.iter().map(View::of).collect();
    let mut page = order::object([("grants".to_owned(), serde_json::to_value(views).unwrap_or_default())]);
    page.extend(next.map(|next| ("next_cursor".to_owned(), Value::from(encode(next)))));
    Ok(Done::read(Response::json(200, &page)))
}

fn limit(query: &Form) -> Result<u32, Problem> {
    let Some(text) = query.get("limit") else { return Ok(PAGE) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let detail = || format!("limit is {text:?}: it must be a whole number from 1 to {LARGEST_PAGE}");
    limit.ok_or_else(|| invalid("limit", detail()))
}

/// Writes where the next page begins.
pub(super) fn encode((shard, after): Cursor) -> String {
    let after = after.map_or_else(Vec::new, |key| key.0.to_vec());
    secret::encode(&[&shard.to_bytes()[..], &after].concat())
}

fn cursor(query: &Form) -> Result<Option<Cursor>, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let cursor = decode(text).map(Some);
    cursor.ok_or_else(|| invalid("cursor", "cursor must be the next_cursor of a previous page".to_owned()))
}

pub(super) fn decode(text: &str) -> Option<Cursor> {
    let bytes = secret::decode(text)?;
    let (shard, after) = bytes.split_first_chunk::<2>()?;
    let shard = Shard::from_bytes(*shard)?;
    if after.is_empty() { Some((shard, None)) } else { Some((shard, Some(RowKey(after.try_into().ok()?)))) }
}

fn invalid(name: &str, detail: String) -> Problem {
    Problem::Invalid(vec![Fault::at(name, detail)])
}

/// Answers `DELETE /grants/{id}`: the code is over, and nobody gets tokens for it.
pub(super) async fn end<P: Platform>(
    context: Context<'_, P>,
    name: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let address = address(name).ok_or(Problem::NotFound)?;
    let ended = context.server.platform.grants(address.shard, EndGrant { key: address.key, by }).await?;
    let request = ended.ok_or(Problem::NotFound)?;
    let client = Some(request.client_id);
    Ok(Done { client, outcome: "grant_ended", ..Done::read(Response::empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sharding::Region;

    #[test]
    fn a_name_and_a_cursor_are_read_back() {
        let there = Address { shard: Shard { region: Region::Oc, index: 7 }, key: RowKey([9; 16]) };
        assert_eq!(address(&id(there)), Some(there));
        for cursor in [(there.shard, None), (there.shard, Some(there.key))] {
            assert_eq!(decode(&encode(cursor)), Some(cursor));
        }
        for text in ["", "!", "AA", "_____w", "AAAA"] {
            assert!(address(text).is_none() && decode(text).is_none(), "{text}");
        }
    }
}
