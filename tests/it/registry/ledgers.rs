//! What a ledger keeps and reads, applied to its rows.

use device_grant::ask::Ask;
use device_grant::audit::ledger::{Command, NoteLedger, RETENTION_DAYS, apply};
use device_grant::audit::ledger_name::LedgerName;
use device_grant::audit::reading::{EventPage, Filter, MOST_LOOKED_AT, ReadEvents};
use device_grant::time::Timestamp;

use crate::support::rows::LedgerRows;

fn answer<A: Ask<Command = Command>>(rows: &LedgerRows, ask: A) -> String {
    let Ok(answer) = apply(rows, ask.into());
    answer.into_json()
}

#[test]
fn a_name_is_forgotten_on_the_second_day_after_its_events() {
    let rows = LedgerRows::default();
    for (day, kept) in [(20_000, vec![20_000]), (20_000 + RETENTION_DAYS + 1, vec![20_000, 20_401])] {
        answer(&rows, NoteLedger { name: LedgerName::before_all_of(day) });
        assert_eq!(rows.noted.borrow().iter().map(|name| name.day).collect::<Vec<_>>(), kept);
    }

    answer(&rows, NoteLedger { name: LedgerName::before_all_of(20_000 + RETENTION_DAYS + 2) });

    assert_eq!(rows.noted.borrow().iter().map(|name| name.day).collect::<Vec<_>>(), [20_401, 20_402]);
}

#[test]
fn a_reader_who_finds_nothing_hears_whether_the_ledger_goes_on() {
    let rows = LedgerRows::default();
    let row = || (String::new(), r#"{"event":{"at":5,"what":"approved"}}"#.to_owned(), String::new());
    *rows.records.borrow_mut() = (0..=MOST_LOOKED_AT).map(|_| row()).collect();
    let filter =
        Filter { to: Timestamp::from_millis(9), what: Some("reported".to_owned()), ..Filter::default() };
    let read = || {
        let answer = answer(&rows, ReadEvents { after: 0, limit: 1, filter: filter.clone() });
        serde_json::from_str::<EventPage>(&answer).expect("a page").next
    };

    assert_eq!(read(), Some(i64::from(MOST_LOOKED_AT)));
    rows.records.borrow_mut().pop();
    assert_eq!(read(), None);
}
