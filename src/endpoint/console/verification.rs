//! The verification of a day of the ledger.

use rand_core::CryptoRng;
use serde_json::Value;

use super::api::Api;
use super::block::{Block, Cell, Field, Form, Page, Table, Tone};
use super::ledger::faults;
use super::value::{cell, count, encoded, list, mono, some, text};
use crate::counts::day;
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::form::Form as Sent;
use crate::endpoint::platform::Platform;
use crate::fault::Fault;
use crate::time::Timestamp;

/// The most calls for one page.
const MOST_CALLS: u32 = 40;

/// Verifies a day, if the query names one.
pub(super) async fn page<P: Platform, R: CryptoRng>(api: &mut Api<'_, P, R>) -> Result<Page, Problem> {
    let sent = Sent::of_link(&api.context.request.query);
    let now = api.context.now;
    let field = Field::line("day", "Day", "Such as 2026-11-27, in UTC. A day is sealed after its end.").with(
        sent.get("day").map_or_else(|| date(u64::from(day::day(now)).saturating_sub(1)), str::to_owned),
    );
    let form =
        Form { step: "verify", searches: true, fields: vec![field], button: "Verify", ..Form::default() };
    let intro = "Computes the chains of a day again, from the first event to the last, and compares them with its signed root.";
    let mut blocks = vec![Block::Text(intro.to_owned()), Block::Form(form)];
    if let Some(text) = sent.get("day") {
        if let Some(day) = number(text) {
            blocks.extend(verified(api, day).await?);
        } else {
            let fault = Fault::at("day", format!("{text:?} is not a day such as 2026-11-27"));
            blocks.insert(1, Block::Notice(Tone::Bad, faults(&Problem::Invalid(vec![fault]))));
        }
    }
    blocks.push(Block::Call("GET /admin/api/ledger/verification; make verify-ledger".to_owned()));
    Ok(Page::new("Verify a day", blocks).below("/ledger", "Ledger"))
}

/// Returns the number of a day that is written as `2026-11-27`, counted from 1970.
fn number(text: &str) -> Option<u64> {
    let at = Timestamp::parse(&format!("{}T00:00:00Z", text.trim()))?;
    Some(u64::from(day::day(at)))
}

fn date(day: u64) -> String {
    let text = Timestamp::from_millis(day * 86_400_000).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

async fn verified<P: Platform, R: CryptoRng>(
    api: &mut Api<'_, P, R>,
    day: u64,
) -> Result<Vec<Block>, Problem> {
    let (mut records, mut ledgers, mut faults, mut cursor) = (0, 0, Vec::new(), String::new());
    for _ in 0..MOST_CALLS {
        let answer = api.get(&format!("/ledger/verification?day={day}{cursor}")).await?.body;
        records += count(&answer, "records");
        ledgers += list(&answer, "ledgers").len() as u64;
        faults.extend(list(&answer, "faults"));
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => return Ok(report((records, ledgers), &faults, text(&answer, "root"))),
        }
    }
    let said = "The day has more events than a page can verify. Run make verify-ledger.";
    Ok(vec![Block::Notice(Tone::Warning, said.to_owned()), Block::Table(altered(&faults))])
}

fn report((records, ledgers): (u64, u64), faults: &[Value], root: &str) -> Vec<Block> {
    let (is_good, said) = said_of_root(root);
    let all = format!("Read: {} in {}.", some(records, "event"), some(ledgers, "ledger"));
    let notice = match (faults.is_empty(), is_good) {
        (true, true) => Block::Notice(Tone::Good, format!("{all} None was altered. {said}")),
        (true, false) => Block::Notice(Tone::Bad, format!("{all} {said}")),
        (false, _) => Block::Notice(Tone::Bad, format!("{all} Somebody altered the ledger. {said}")),
    };
    vec![notice, Block::Table(altered(faults))]
}

/// Returns whether the state of a root is in order, and what to say about it.
fn said_of_root(root: &str) -> (bool, &'static str) {
    match root {
        "good" => (true, "The signed root is good."),
        "key_retired" => {
            (true, "The root was signed with a key that is retired; the next root vouches for it.")
        }
        "open" => (true, "The day is not sealed yet."),
        "empty" => (true, "The day had no events."),
        "overdue" => {
            (false, "Its root should be there by now: it was deleted, or days are not closed any more.")
        }
        "missing" => (false, "Its root is missing, although a later one is there."),
        "unreadable" => (false, "Its root is not one of this day."),
        "wrong_signature" => (false, "The signature of its root is wrong."),
        "wrong_heads" => (false, "Its root links other events than those that are there."),
        "wrong_previous" => (false, "Its root links another root before it than the one that is there."),
        _ => (false, "Nothing is known about its root."),
    }
}

fn altered(faults: &[Value]) -> Table {
    let row = |fault: &Value| vec![cell(fault, "what"), mono(fault, "ledger"), names(fault)];
    Table {
        caption: "What was altered",
        columns: &["What", "Ledger", "Events"],
        rows: faults.iter().map(row).collect(),
        empty: "Nothing that was read was altered.",
        next: None,
    }
}

/// Names events, or the records that nothing tells the events of.
fn names(fault: &Value) -> Cell {
    let records = &fault["records"];
    if !records.is_object() {
        return cell(fault, "events");
    }
    let (first, last) = (count(records, "first"), count(records, "last"));
    let one = format!("record {first}");
    Cell::Text(if first == last { one } else { format!("records {first} to {last}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_day_is_read_and_written_and_other_text_is_none() {
        assert_eq!(number("1970-01-03"), Some(2));
        assert_eq!(number(" 2026-11-27 ").map(date).as_deref(), Some("2026-11-27"));
        for text in ["", "27.11.2026", "2026-13-01", "2026-11-27T00:00:00Z"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_read_is_counted_in_words() {
        let said = |read| {
            let Block::Notice(_, said) = report(read, &[], "good").remove(0) else {
                unreachable!("it is a notice")
            };
            said
        };
        assert!(said((1, 1)).starts_with("Read: 1 event in 1 ledger. None was altered."));
        assert!(said((2, 2)).starts_with("Read: 2 events in 2 ledgers. "));
    }

    #[test]
    fn what_was_removed_at_an_end_is_named_by_its_records() {
        let named = |fault: Value| {
            let Cell::Text(text) = names(&fault) else { unreachable!("it is a text") };
            text
        };
        assert_eq!(named(json!({ "records": { "first": 3, "last": 7 } })), "records 3 to 7");
        assert_eq!(named(json!({ "records": { "first": 3, "last": 3 } })), "record 3");
    }

    #[test]
    fn a_fault_or_a_wrong_root_is_never_said_to_be_in_order() {
        let tone = |faults: &[Value], root: &str| {
            let first = report((1, 1), faults, root).remove(0);
            let Block::Notice(tone, _) = first else { unreachable!("it is a notice") };
            tone
        };
        assert_eq!(tone(&[], "good"), Tone::Good);
        assert_eq!(tone(&[], "open"), Tone::Good);
        assert_eq!(tone(&[json!({ "what": "changed" })], "good"), Tone::Bad);
        for root in
            ["overdue", "missing", "unreadable", "wrong_signature", "wrong_heads", "wrong_previous", ""]
        {
            assert_eq!(tone(&[], root), Tone::Bad, "{root}");
        }
    }
}
