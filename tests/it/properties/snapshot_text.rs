//! The text of a snapshot, as the registry writes it and an isolate reads it.

use std::rc::Rc;

use device_grant::client::Client;
use device_grant::client::demo;
use device_grant::client::history::History;
use device_grant::client::registered_by::{RegisteredBy, UNUSED};
use device_grant::client::rules::UserCodeType;
use device_grant::json::Flaw;
use device_grant::registry::snapshot::{Reader, Snapshot, Undescribed, take};
use device_grant::scope::Scope;
use device_grant::web_origin::WebOrigin;
use proptest::prelude::*;

use super::records::AT;
use crate::support::rows::RegistryRows;

fn registry(clients: impl IntoIterator<Item = Client>) -> RegistryRows {
    let rows = RegistryRows::default();
    rows.clients.borrow_mut().extend(clients.into_iter().map(|client| (client.client_id.clone(), client)));
    rows
}

fn taken(rows: &RegistryRows) -> String {
    let Ok(taken) = take(rows, AT);
    taken.expect("every scope is described")
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Snapshot, Flaw> {
    let mut reader = Reader::default();
    pieces.into_iter().try_for_each(|piece| reader.push(piece))?;
    reader.end()
}

fn renamed(client_id: &str, client: &Client) -> Client {
    Client {
        client_id: client_id.to_owned(),
        client_name: "Fernseher für Gäste".to_owned(),
        ..client.clone()
    }
}

#[test]
fn the_text_has_a_line_for_each_client_and_a_last_line_for_the_outline() {
    let text = taken(&registry(demo::clients()));

    let lines: Vec<&str> = text.split('\n').collect();
    let starts: Vec<&str> = lines.iter().map(|line| line.get(..30).unwrap_or_default()).collect();
    assert!(starts[0].starts_with(r#"{"format":1,"client_id":"demo-"#));
    assert!(starts[1].starts_with(r#"{"format":1,"client_id":"demo-"#));
    assert!(starts[2].starts_with(r#"{"format":1,"taken_at":1763733"#));
    assert_eq!(lines.len(), 3);
    assert_eq!(text.capacity(), text.len(), "the text never had to be copied to a larger room");
}

#[test]
fn a_text_that_was_cut_off_or_damaged_is_no_snapshot() {
    let text = taken(&registry(demo::clients()));
    assert!(read([text.as_bytes()]).is_ok());

    for end in 0..text.len() {
        assert!(read([&text.as_bytes()[..end]]).is_err(), "cut off after {end} bytes");
    }
    assert!(read([text.replace("demo-tv", "demo-\u{1}tv").as_bytes()]).is_err());
    assert!(read([b"\xff\n".as_slice(), text.as_bytes()]).is_err());
}

#[test]
fn a_snapshot_knows_what_holds_for_all_clients_together() {
    let [tv, printer] = demo::clients().try_into().unwrap();
    let mut plain = registry([tv.clone(), printer.clone()]);
    let origin = |text| WebOrigin::parse(text).unwrap();
    let snapshot = read([taken(&plain).as_bytes()]).unwrap();
    assert_eq!(snapshot.longest_code_lifetime(), None);
    assert!(!snapshot.has_digit_codes() && !snapshot.allows_origin("https://app.example"));

    let mut digits = renamed("digits", &tv);
    digits.codes.user_code_type = UserCodeType::Digits;
    digits.codes.code_lifetime = Some(900);
    digits.codes.allowed_origins = vec![origin("https://app.example"), origin("null")];
    let mut disabled = renamed("disabled", &printer);
    disabled.enabled = false;
    disabled.codes.allowed_origins = vec![origin("https://off.example")];
    plain.clients.get_mut().extend([("digits".to_owned(), digits), ("disabled".to_owned(), disabled)]);
    let snapshot = read([taken(&plain).as_bytes()]).unwrap();

    assert_eq!(snapshot.longest_code_lifetime(), Some(900));
    assert!(snapshot.has_digit_codes());
    assert!(snapshot.allows_origin("https://app.example") && snapshot.allows_origin("null"));
    assert!(!snapshot.allows_origin("https://off.example"), "its only client is disabled");
    assert!(snapshot.has("disabled") && !snapshot.has("demo"));
}

#[test]
fn no_snapshot_is_taken_while_a_client_has_a_scope_without_a_description() {
    let [tv, _] = demo::clients().try_into().unwrap();
    let rows =
        registry([tv.clone(), Client { scope: Scope::parse("openid fly").unwrap(), ..renamed("a", &tv) }]);

    let undescribed = Undescribed { client_id: "a".to_owned(), scope: "fly".to_owned() };
    assert_eq!(take(&rows, AT), Ok(Err(undescribed)));
}

#[test]
fn a_client_that_has_ended_is_not_published_although_its_row_is_still_there() {
    let [tv, _] = demo::clients().try_into().unwrap();
    let open = Client { registered_by: RegisteredBy::Anyone, history: History::beginning(AT), ..tv };
    let rows = registry([open]);
    let has = |now| {
        let Ok(text) = take(&rows, now);
        read([text.unwrap().as_bytes()]).unwrap().has("demo-tv")
    };

    assert!(has(AT) && !has(AT + UNUSED));
}

proptest! {
    #[test]
    fn a_snapshot_is_the_same_however_its_text_is_cut_into_pieces(
        names in prop::collection::btree_set("[a-z]{1,20}", 0..20),
        size in 1_usize..3_000,
    ) {
        let [tv, printer] = demo::clients().try_into().unwrap();
        let clients: Vec<Client> =
            names.iter().map(|name| renamed(name, if name.len() % 2 == 0 { &tv } else { &printer })).collect();
        let text = taken(&registry(clients.clone()));

        let snapshot = read(text.as_bytes().chunks(size)).unwrap();

        prop_assert_eq!(snapshot.outline.taken_at, AT);
        for client in clients {
            prop_assert_eq!(snapshot.client(&client.client_id), Some(Rc::new(client)));
        }
        prop_assert_eq!(snapshot.client("A"), None);
    }
}
