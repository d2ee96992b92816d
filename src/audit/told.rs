//! An event as its outbox and its ledger have it.

use serde::Serialize;

/// An event, with the request that led to it.
#[derive(Serialize)]
pub struct Told<'a, E> {
    /// The event.
    #[serde(flatten)]
    pub event: &'a E,
    /// The `CF-Ray` header of the request, as in the lines of the log; `None` if no request led to the event, or if it had
    /// no such header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Event, What};
    use crate::time::Timestamp;
    use serde_json::to_value;

    #[test]
    fn an_event_names_the_request_that_led_to_it() {
        let event = Event::of(What::Approved, Timestamp::from_millis(5), "g".to_owned(), "tv".to_owned());

        let mut told = to_value(Told { event: &event, request_id: Some("9a-FRA") }).unwrap();

        assert_eq!(told.as_object_mut().unwrap().remove("request_id"), Some("9a-FRA".into()));
        assert_eq!(told, to_value(&event).unwrap());
        assert_eq!(to_value(Told { event: &event, request_id: None }).unwrap(), told);
    }
}
