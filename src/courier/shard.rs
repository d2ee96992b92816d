//! Applies commands to the rows of a courier.

use core::time::Duration;

use serde_json::Value;

use super::command::{
    Command, CourierState, FindDue, Hear, ListDeliveries, ReadCourier, Resend, Settle, Wake,
};
use super::delivery::{Condition, Delivery, Numbered, Outcome};
use super::filter::Record;
use super::rows::Rows;
use crate::ask::{Answer, Ask as _};
use crate::audit::ledger::RETENTION_DAYS;
use crate::audit::webhook::retry_at;
use crate::format::Format;
use crate::json;
use crate::time::Timestamp;

/// The most deliveries that wait. What comes then is dead at once.
pub const MOST_WAITING: u32 = 10_000;
/// The most dead letters. The oldest makes room.
pub const MOST_DEAD: u32 = 10_000;
/// How long a dead letter is kept: 30 days.
pub const KEPT: Duration = Duration::from_secs(30 * 86_400);
/// The most dead letters that are resent at once.
pub const MOST_RESENT: u32 = 1_000;
/// The last error of a delivery that found no room.
pub const NO_ROOM: &str = "too many deliveries waited";
/// A ledger ends after [`RETENTION_DAYS`], and then tells nothing.
const REMEMBERED: Duration = Duration::from_secs(2 * 86_400 * RETENTION_DAYS as u64);

/// Applies one command.
///
/// # Errors
///
/// A row could not be read or written. Nothing is written then if the caller wraps the call in a transaction.
pub fn apply<R: Rows>(rows: &R, command: Command, now: Timestamp) -> Result<Answer, R::Error> {
    match command {
        Command::Hear(ask) => ask.answer(|ask| hear(rows, &ask, now)),
        Command::ReadCourier(ask) => ask.answer(|ReadCourier {}| read(rows)),
        Command::ListDeliveries(ask) => {
            ask.answer(|ListDeliveries { is_dead, after, limit }| rows.deliveries(is_dead, after, limit))
        }
        Command::Resend(ask) => ask.answer(|ask| resend(rows, &ask, now)),
        Command::Discard(ask) => ask.answer(|ask| {
            let is_there = rows.delivery(ask.number)?.is_some();
            rows.remove(ask.number)?;
            Ok(is_there)
        }),
        Command::FindDue(ask) => ask.answer(|FindDue {}| due(rows, now)),
        Command::Wake(ask) => ask.answer(|Wake {}| Ok(())),
        Command::Settle(ask) => ask.answer(|ask| settle(rows, ask, now)),
    }
}

/// Keeps the records that were not heard about before.
fn hear<R: Rows>(rows: &R, ask: &Hear, now: Timestamp) -> Result<(), R::Error> {
    let heard = rows.heard(&ask.ledger)?.unwrap_or_default();
    if ask.up_to <= heard {
        return Ok(());
    }
    let (mut waiting, mut homeless) = (rows.count(false)?, Vec::new());
    for (_, record) in ask.records.iter().filter(|(number, _)| *number > heard) {
        let Some(delivery) = delivery(record, now) else { continue };
        if waiting < MOST_WAITING {
            rows.add(&delivery, now)?;
            waiting += 1;
        } else {
            homeless.push((None, Delivery { last_error: Some(NO_ROOM.to_owned()), ..delivery }));
        }
    }
    if !homeless.is_empty() {
        bury(rows, homeless, now)?;
    }
    rows.put_heard(&ask.ledger, ask.up_to, now + REMEMBERED)
}

fn delivery(record: &str, now: Timestamp) -> Option<Delivery> {
    let Record { id, event } = Record::read(record)?;
    let whole: Value = json::read(record).ok()?;
    let text = whole.get("event")?.to_string();
    let (tries, last_error, died_at) = (0, None, None);
    Some(Delivery { format: Format, id, at: event.at, event: text, since: now, tries, last_error, died_at })
}

/// Makes dead letters of deliveries, which have a number if they have waited. The oldest make room if there are too many.
fn bury<R: Rows>(rows: &R, all: Vec<(Option<i64>, Delivery)>, now: Timestamp) -> Result<(), R::Error> {
    let more = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let dropped = rows.count(true)?.saturating_add(more).saturating_sub(MOST_DEAD);
    if dropped > 0 {
        let oldest = rows.deliveries(true, 0, dropped)?;
        oldest.iter().try_for_each(|letter| rows.remove(letter.number))?;
        let condition = rows.condition()?;
        let dropped = condition.dropped.saturating_add(u64::from(dropped));
        rows.put_condition(&Condition { dropped, ..condition })?;
    }
    for (number, delivery) in all {
        let delivery = Delivery { died_at: Some(now), ..delivery };
        match number {
            Some(number) => rows.put(&Numbered { number, delivery }, now + KEPT)?,
            None => rows.add(&delivery, now + KEPT)?,
        }
    }
    Ok(())
}

fn read<R: Rows>(rows: &R) -> Result<CourierState, R::Error> {
    let oldest = rows.deliveries(false, 0, 1)?.first().map(|oldest| oldest.delivery.since);
    let (waiting, dead) = (rows.count(false)?, rows.count(true)?);
    Ok(CourierState { waiting, dead, oldest, condition: rows.condition()? })
}

fn resend<R: Rows>(rows: &R, ask: &Resend, now: Timestamp) -> Result<u32, R::Error> {
    let dead = match ask.number {
        Some(number) => {
            rows.delivery(number)?.map(|delivery| Numbered { number, delivery }).into_iter().collect()
        }
        None => rows.deliveries(true, 0, MOST_RESENT)?,
    };
    let room = match ask.number {
        Some(_) => 1,
        None => MOST_WAITING.saturating_sub(rows.count(false)?),
    };
    let mut resent = 0;
    for Numbered { number, delivery } in dead {
        if delivery.died_at.is_some() && resent < room {
            let delivery = Delivery { since: now, died_at: None, ..delivery };
            rows.put(&Numbered { number, delivery }, now)?;
            resent += 1;
        }
    }
    // Whoever resends expects a try at once.
    put_if_changed(rows, &Condition { paused_until: None, ..rows.condition()? })?;
    Ok(resent)
}

/// Returns what to try now. After a failure, nothing is tried for a while: the pause is one record, however much waits.
fn due<R: Rows>(rows: &R, now: Timestamp) -> Result<Option<Numbered>, R::Error> {
    let is_paused = rows.condition()?.paused_until.is_some_and(|until| now < until);
    if is_paused { Ok(None) } else { rows.due(now) }
}

fn settle<R: Rows>(rows: &R, ask: Settle, now: Timestamp) -> Result<(), R::Error> {
    let Settle { number, outcome, pause } = ask;
    // Somebody may have deleted it meanwhile.
    if let Some(delivery) = rows.delivery(number)? {
        let tries = delivery.tries.saturating_add(1);
        let failed = |why: &str| Delivery { tries, last_error: Some(why.to_owned()), ..delivery.clone() };
        match &outcome {
            Outcome::Delivered => rows.remove(number)?,
            Outcome::Again(why) => match retry_at(delivery.since, now) {
                Some(due) => rows.put(&Numbered { number, delivery: failed(why) }, due)?,
                None => bury(rows, vec![(Some(number), failed(why))], now)?,
            },
            Outcome::Refused(why) => bury(rows, vec![(Some(number), failed(why))], now)?,
        }
    }
    note(rows, &outcome, pause, now)
}

/// Notes how the destination does, if that has changed.
fn note<R: Rows>(
    rows: &R,
    outcome: &Outcome,
    paused_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), R::Error> {
    let before = Condition { paused_until, ..rows.condition()? };
    let after = match outcome {
        Outcome::Delivered => Condition { failing_since: None, last_error: None, ..before.clone() },
        Outcome::Again(why) | Outcome::Refused(why) => {
            let failing_since = before.failing_since.or(Some(now));
            Condition { failing_since, last_error: Some(why.clone()), ..before.clone() }
        }
    };
    put_if_changed(rows, &after)
}

fn put_if_changed<R: Rows>(rows: &R, condition: &Condition) -> Result<(), R::Error> {
    if rows.condition()? == *condition { Ok(()) } else { rows.put_condition(condition) }
}
