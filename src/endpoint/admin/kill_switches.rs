//! Kill switches: list them, set one, which ends what it selects, and end one before its end.

use serde_json::{Map, Value, json};

use super::done::Done;
use super::kill_walk::{Count, KillWalk, Progress};
use super::problem::Problem;
use super::registry::{read, send, settled};
use super::{body, grants};
use crate::audit::change::Actor;
use crate::client::registration::json_members::Members;
use crate::endpoint::at_once::all;
use crate::endpoint::form::Form;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::format::Format;
use crate::grant::routing::{Address, RowKey};
use crate::grant::user_code::UserCode;
use crate::identity::command::NoteKill;
use crate::identity::latest_kill::LatestKill;
use crate::network::Prefix;
use crate::policy::governance::MOST_KILL_SWITCHES;
use crate::policy::kill::KillSwitch;
use crate::policy::name::Name;
use crate::policy::written::kill::{Reading, parse};
use crate::registry::governance::kills::{
    EndKillSwitch, KillRefusal, KillSwitchNow, ListKillSwitches, SetKillSwitch,
};
use crate::settings::Settings;
use crate::sharding::{AccountShard, Replica};

/// The most devices, sessions and codes that a request ends.
const MOST: u32 = 300;

/// Answers `GET /kill-switches`: those that are on.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let switches = read(context, ListKillSwitches {}).await?;
    let shown: Vec<Value> = switches.iter().map(|switch| Value::Object(members(switch))).collect();
    Ok(Done::read(Response::json(200, &json!({ "kill_switches": shown }))))
}

/// Answers `GET /kill-switches/{id}`.
pub(super) async fn find<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let switches = read(context, ListKillSwitches {}).await?;
    let switch = switches.iter().find(|switch| switch.id.as_str() == id).ok_or(Problem::NotFound)?;
    Ok(Done::read(Response::json(200, &members(switch))))
}

/// Answers `POST /kill-switches`. The record comes first: once no replica answers without it, and every shard of accounts
/// has heard of it, nothing new starts, and what has started is refused. Then the walk ends it. The same request again goes
/// on with a walk that broke off.
pub(super) async fn set<P: Platform>(context: Context<'_, P>, by: Actor) -> Result<Done, Problem> {
    let query = body::query(context.request, &["dry_run", "limit", "cursor"])?;
    let (dry_run, limit, begin) = (body::is_dry_run(&query)?, limit(&query)?, cursor(&query)?);
    let prefixes = |text: &str| prefixes(context, text);
    let codes = |text: &str| codes(context, text);
    let reading = Reading { prefixes: &prefixes, codes: &codes, by: by.clone(), now: context.now };
    let switch = parse(body::object(context.request)?, &reading).map_err(Problem::Invalid)?;
    let now = record(context, Box::new(switch), dry_run).await?;
    let begins = !dry_run && (begin.is_none() || now.is_new);
    let unconfirmed = if begins { take_effect(context, &now).await? } else { Vec::new() };
    let walk = KillWalk { context, switch: &now.switch, by: (!dry_run).then_some(by), limit };
    let progress = walk.run(begin.unwrap_or_default()).await?;
    Ok(Done { unconfirmed, ..done(context, &now, &progress, dry_run) })
}

async fn record<P: Platform>(
    context: Context<'_, P>,
    switch: Box<KillSwitch>,
    dry_run: bool,
) -> Result<KillSwitchNow, Problem> {
    let ask = SetKillSwitch { switch, dry_run };
    let now = if dry_run { read(context, ask).await? } else { send(context, ask).await? };
    now.map_err(refused)
}

/// Waits until the kill switch is in effect everywhere. Returns the replicas that have not confirmed it.
async fn take_effect<P: Platform>(
    context: Context<'_, P>,
    now: &KillSwitchNow,
) -> Result<Vec<Replica>, Unavailable> {
    let unconfirmed = settled(context).await?;
    spread(context, now).await?;
    Ok(unconfirmed)
}

/// Tells every shard of accounts, which each introspection and each redemption asks.
async fn spread<P: Platform>(context: Context<'_, P>, now: &KillSwitchNow) -> Result<(), Unavailable> {
    let kill = LatestKill { format: Format, revision: now.revision, at: now.switch.at };
    let told = AccountShard::all().map(|shard| context.server.platform.accounts(shard, NoteKill { kill }));
    all(told).await.into_iter().collect()
}

/// Answers `POST /kill-switches/{id}/end`.
pub(super) async fn end<P: Platform>(context: Context<'_, P>, id: &str, by: Actor) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    body::sound(Members::of(body::object_if_any(context.request)?))?;
    let id = Name::parse(id).ok_or(Problem::NotFound)?;
    let switch = send(context, EndKillSwitch { id, by }).await?.map_err(refused)?;
    let response = Response::json(200, &members(&switch));
    Ok(Done { outcome: "kill_switch_ended", ..Done::read(response) })
}

/// Returns what a written network stands for, under the current and the previous key pair: devices and codes have the
/// pseudonyms of the pair with which they started.
fn prefixes<P>(context: Context<'_, P>, text: &str) -> Vec<Prefix> {
    let pairs = context.server.settings.keyring.pairs();
    pairs.filter_map(|keys| Prefix::of_written(text, |prefix| keys.pseudonym(prefix))).collect()
}

/// Returns the keys of the grant that a text names: the `id` of a live code, the `subject` of its events, or a user code, which
/// leads to one key under each pair.
fn codes<P>(context: Context<'_, P>, text: &str) -> Vec<RowKey> {
    if let Some(key) = RowKey::parse(text).or_else(|| Some(grants::address(text)?.key)) {
        return vec![key];
    }
    let Settings { user_code: shape, keyring, .. } = &context.server.settings;
    let code = UserCode::parse_either(text, shape);
    code.map_or_else(Vec::new, |code| {
        keyring.pairs().map(|keys| Address::of(&code, shape, keys).key).collect()
    })
}

fn limit(query: &Form) -> Result<u32, Problem> {
    let Some(text) = query.get("limit") else { return Ok(MOST) };
    let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    let detail = || format!("limit is {text:?}: it must be a whole number from 1 to {MOST}");
    limit.ok_or_else(|| Problem::Invalid(vec![Fault::at("limit", detail())]))
}

fn cursor(query: &Form) -> Result<Option<Progress>, Problem> {
    let Some(text) = query.get("cursor") else { return Ok(None) };
    let detail = "cursor must be the next_cursor of a previous answer";
    let progress = Progress::decode(text).map(Some);
    progress.ok_or_else(|| Problem::Invalid(vec![Fault::at("cursor", detail)]))
}

fn refused(refusal: KillRefusal) -> Problem {
    match refusal {
        KillRefusal::Missing => Problem::NotFound,
        KillRefusal::Exists => Problem::Conflict(
            "A kill switch with this id is on, with another target, end or reason: choose another id, or end that one."
                .to_owned(),
        ),
        KillRefusal::Full => Problem::Conflict(format!(
            "There is no room: {MOST_KILL_SWITCHES} kill switches can be on. End one that is no longer needed."
        )),
    }
}

fn done<P>(context: Context<'_, P>, now: &KillSwitchNow, progress: &Progress, dry_run: bool) -> Done {
    let mut shown = members(&now.switch);
    let Count { devices, sessions, codes, jwts_until } = progress.count;
    shown.extend([
        ("devices".to_owned(), devices.into()),
        ("sessions".to_owned(), sessions.into()),
        ("codes".to_owned(), codes.into()),
    ]);
    shown.extend(jwts_until.map(|until| ("jwts_until".to_owned(), until.to_string().into())));
    shown.extend(progress.cursor().map(|cursor| ("next_cursor".to_owned(), cursor.into())));
    let outcome = if dry_run { "kill_switch_tried" } else { "kill_switch_set" };
    let response = if now.is_new {
        let location = format!("{}{ADMIN_PREFIX}/kill-switches/{}", context.issuer.as_str(), now.switch.id);
        Response::json(201, &shown).with("location", location)
    } else {
        Response::json(200, &shown)
    };
    Done { outcome, ..Done::read(response) }
}

fn members(switch: &KillSwitch) -> Map<String, Value> {
    let mut members = match serde_json::to_value(switch) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    };
    members.remove("format");
    members
}
