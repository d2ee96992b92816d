//! Which commands run in a transaction.

use device_grant::family::command::FindFamily;
use device_grant::family::id::FamilyId;
use device_grant::grant::command::{Command, PollCode};
use device_grant::grant::routing::RowKey;
use device_grant::secret::Digest;
use device_grant::token::confirmation::Confirmation;

#[test]
fn only_a_poll_runs_without_a_transaction() {
    let (key, secret, proven) = (RowKey([7; 16]), Digest::of(b"secret"), Confirmation::default());
    let poll =
        PollCode { key, secret, reissue: true, reissue_bound: true, proven, by_header: true, digits: None };
    let find = FindFamily { id: FamilyId::from_bytes([7; 16]), seen: None };

    assert!(!Command::from(poll).needs_transaction());
    assert!(Command::from(find).needs_transaction());
}
