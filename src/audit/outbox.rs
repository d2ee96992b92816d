//! The outbox of a shard: events wait there until they are shipped to a ledger, one day at a time.

use super::{Event, Shipment};

/// Where a domain leaves its events, in the same transaction as the changes that they report.
pub trait Outbox {
    /// Why a row could not be read or written.
    type Error;

    /// Appends an event to the outbox.
    fn tell(&self, event: &Event) -> Result<(), Self::Error>;
}

/// Number of ledgers per day, so that no single object gets every event.
const PARTS: u64 = 4;
const DAY_MILLIS: u64 = 86_400_000;

/// Events of one shard and one day, in the order in which they happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Batch {
    /// The name of the ledger for the events: the day since 1970 and the part, such as `20412/1`.
    pub ledger: String,
    /// Oldest first.
    pub shipments: Vec<Shipment>,
    /// The number of the last event. Once the ledger has the batch, the events up to this one can be deleted.
    pub last: i64,
}

impl Batch {
    /// Builds a batch from the oldest events that wait in the shard named `shard`, up to the first event of
    /// another day; `None` if no event waits. `rows` are the numbers and JSON texts of the waiting events,
    /// oldest first.
    ///
    /// # Errors
    ///
    /// An event is not JSON.
    pub fn first<'a>(
        shard: &str,
        rows: impl IntoIterator<Item = (i64, &'a str)>,
    ) -> serde_json::Result<Option<Self>> {
        let mut batch: Option<Self> = None;
        for (number, text) in rows {
            let event: serde_json::Value = serde_json::from_str(text)?;
            let at = event.get("at").and_then(serde_json::Value::as_u64).unwrap_or_default();
            let ledger = ledger_of(shard, at / DAY_MILLIS);
            let batch = batch.get_or_insert_with(|| Self {
                ledger: ledger.clone(),
                shipments: Vec::new(),
                last: number,
            });
            if batch.ledger != ledger {
                break;
            }
            batch.shipments.push(Shipment { id: format!("{shard}/{number}"), event });
            batch.last = number;
        }
        Ok(batch)
    }
}

fn ledger_of(shard: &str, day: u64) -> String {
    format!("{day}/{}", shard.bytes().map(u64::from).sum::<u64>() % PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(at: u64) -> String {
        format!(r#"{{"at":{at},"what":"something newer"}}"#)
    }

    #[test]
    fn a_batch_ends_with_its_day() {
        let day = 20_412 * DAY_MILLIS;
        let events = [event(day), event(day + DAY_MILLIS - 1), event(day + DAY_MILLIS), event(day)];
        let rows = || (17..).zip(events.iter().map(String::as_str));

        let batch = Batch::first("weur/3", rows()).unwrap().unwrap();

        assert_eq!((batch.ledger.as_str(), batch.last), ("20412/1", 18));
        let ids: Vec<&str> = batch.shipments.iter().map(|shipment| shipment.id.as_str()).collect();
        assert_eq!(ids, ["weur/3/17", "weur/3/18"]);
        assert_eq!(batch.shipments[0].event["what"], "something newer");
        let next = Batch::first("weur/3", rows().skip(2)).unwrap().unwrap();
        assert_eq!(
            (next.ledger.as_str(), next.last, next.shipments.len()),
            ("20413/1", 19, 1),
            "the order stays even if the clock goes back"
        );
        assert_eq!(Batch::first("weur/3", []).unwrap(), None);
        assert!(Batch::first("weur/3", [(1, "{")]).is_err());
    }

    #[test]
    fn the_shards_of_a_region_are_spread_over_the_ledgers_of_a_day() {
        let ledgers: Vec<String> = (0..4).map(|index| ledger_of(&format!("apac/{index}"), 1)).collect();

        assert_eq!(ledgers.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{ledgers:?}");
    }
}
