//! Limits on the number of clients and their size, and on the size of tokens. Operators and clients with an initial
//! access token share one limit; open registration has its own.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::client::document::entry::Entry;
use crate::client::registered_by::RegisteredBy;
use crate::fault::Fault;
use crate::scope::Scope;
use crate::token::mapping::Rules;

/// The most clients that an operator or an initial access token vouched for. Every isolate keeps all of them in memory:
/// `tests/e2e/memory.test.mjs` measures how much a full registry takes.
pub const MOST_CLIENTS: usize = 5_000;
/// The most bytes of their records, for the same reason. They must also fit into a KV value, which has at
/// most 25 MiB.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The most clients from open registration, in addition to the others.
pub const MOST_OPEN_CLIENTS: usize = 500;
/// The most bytes of their records.
pub const MOST_OPEN_BYTES: usize = 1024 * 1024;

/// The most bytes that the claim mappings of a client and of its scopes can add to a token. A token must fit
/// into a header, and into a request to introspect or revoke it.
pub const MOST_MAPPED: usize = 4_096;

/// Returns what is wrong if the client's tokens could become too large. `scopes` has the claim mappings by
/// scope.
pub(crate) fn overweight(client: &Client, scopes: &BTreeMap<String, Rules>) -> Option<Fault> {
    let weight = weight(&client.scope, scopes) + client.tokens.claims.weight();
    (weight > MOST_MAPPED).then(|| {
        let detail = format!(
            "claims of client {:?} and of its scopes can add {weight} bytes to a token: \
             the limit is {MOST_MAPPED}",
            client.client_id
        );
        Fault::at("claims", detail)
    })
}

/// Returns what is wrong if the tokens of a client that this entry lets in could become too large.
pub(crate) fn overweight_entry(entry: &Entry, scopes: &BTreeMap<String, Rules>) -> Option<Fault> {
    let weight = weight(&entry.scope, scopes);
    (weight > MOST_MAPPED).then(|| {
        let name = entry.entry.as_str();
        let detail = format!(
            "claims of the scopes of {name:?} can add {weight} bytes to a token: the limit is {MOST_MAPPED}"
        );
        Fault::at("claims", detail)
    })
}

fn weight(scope: &Scope, scopes: &BTreeMap<String, Rules>) -> usize {
    scope.iter().filter_map(|scope| scopes.get(scope)).map(Rules::weight).sum()
}

/// Number and total JSON bytes of the stored clients.
#[expect(missing_docs, reason = "the type's comment says what they are")]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Size {
    pub clients: usize,
    pub bytes: usize,
}

impl Size {
    /// Returns the size after `client` has been stored in place of `before`, or in addition if that is
    /// `None`.
    #[must_use]
    pub fn with(self, before: Option<&Client>, client: &Client) -> Self {
        let clients = self.clients.saturating_add(usize::from(before.is_none()));
        let bytes = self.bytes.saturating_sub(before.map_or(0, length)).saturating_add(length(client));
        Self { clients, bytes }
    }

    /// Returns the size after a stored client has been deleted.
    #[must_use]
    pub fn without(self, client: &Client) -> Self {
        Self { clients: self.clients.saturating_sub(1), bytes: self.bytes.saturating_sub(length(client)) }
    }

    /// Returns whether a client that `by` registers fits, if this is the size with it. Clients with an initial
    /// access token leave half of the room to operators.
    #[must_use]
    pub const fn fits(self, by: RegisteredBy) -> bool {
        let (clients, bytes) = match by {
            RegisteredBy::Operator => (MOST_CLIENTS, MOST_BYTES),
            RegisteredBy::InitialAccessToken => (MOST_CLIENTS / 2, MOST_BYTES / 2),
            RegisteredBy::Anyone => (MOST_OPEN_CLIENTS, MOST_OPEN_BYTES),
            // Such a client is never stored.
            RegisteredBy::Document => (0, 0),
        };
        self.clients <= clients && self.bytes <= bytes
    }
}

/// Returns the number of JSON bytes of a client's record.
#[must_use]
pub fn length(client: &Client) -> usize {
    serde_json::to_string(client).expect("the maps of a client have string keys").len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::demo;

    #[test]
    fn the_last_client_and_the_last_byte_fit() {
        let full = Size { clients: 5_000, bytes: 8_388_608 };
        let (operator, token) = (RegisteredBy::Operator, RegisteredBy::InitialAccessToken);
        assert!(full.fits(operator) && !full.fits(token));
        assert!(!Size { clients: full.clients + 1, ..full }.fits(operator));
        assert!(!Size { bytes: full.bytes + 1, ..full }.fits(operator));
        let open = Size { clients: 500, bytes: 1_048_576 };
        assert!(open.fits(RegisteredBy::Anyone));
        assert!(!Size { bytes: open.bytes + 1, ..open }.fits(RegisteredBy::Anyone));
        assert!(!Size { clients: open.clients + 1, ..open }.fits(RegisteredBy::Anyone));
        let uncounted = Size { clients: usize::MAX, bytes: usize::MAX };
        assert!(!uncounted.with(None, &demo::clients()[0]).fits(token), "the sum does not overflow");
        let half = Size { clients: 2_500, bytes: 4_194_304 };
        assert!(half.fits(token));
        assert!(!Size { clients: half.clients + 1, ..half }.fits(token));
        assert!(!Size { bytes: half.bytes + 1, ..half }.fits(token));
    }

    #[test]
    fn claims_may_add_as_many_bytes_as_the_limit_says() {
        let weighing = |weight: usize| {
            let rules = |value: usize| {
                let rule = |value: usize| json!({ "claim": "x", "value": "v".repeat(value) });
                let rules: Vec<_> = [vec![rule(900); 4], vec![rule(value)]].concat();
                serde_json::from_value::<Rules>(json!(rules)).unwrap()
            };
            let mut client = demo::clients().remove(0);
            client.tokens.claims = rules(weight - rules(0).weight());
            client
        };

        assert_eq!(overweight(&weighing(MOST_MAPPED), &BTreeMap::new()), None);
        assert!(overweight(&weighing(MOST_MAPPED + 1), &BTreeMap::new()).is_some());
    }

    #[test]
    fn a_client_counts_as_many_bytes_as_its_record_has() {
        let clients = demo::clients();
        let one = Size::default().with(None, &clients[0]);
        assert_eq!(one, Size { clients: 1, bytes: length(&clients[0]) });
        assert_eq!(one.with(Some(&clients[0]), &clients[1]), Size { clients: 1, bytes: length(&clients[1]) });
    }
}
