//! How many clients there may be, and how large their tokens. Everybody who may register one takes of the same room.

use std::collections::BTreeMap;

use crate::client::Client;
use crate::fault::Fault;
use crate::token::mapping::Rules;

/// Most clients: every isolate keeps all of them in memory.
pub const MOST_CLIENTS: usize = 5_000;
/// Most bytes of their records, for the same reason; a value in KV has 25 MiB at most.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Most that the rules of a client and of the scopes it may have add to a token, in bytes: a token has to fit into a
/// request, where it is introspected or revoked, and into a header.
pub const MOST_MAPPED: usize = 4_096;

/// What is wrong if a client's tokens could get too large.
pub(crate) fn overweight(client: &Client, scopes: &BTreeMap<String, Rules>) -> Option<Fault> {
    let by_scope = client.scope.iter().filter_map(|scope| scopes.get(scope));
    let weight: usize = by_scope.chain([&client.tokens.claims]).map(Rules::weight).sum();
    (weight > MOST_MAPPED).then(|| {
        let detail = format!(
            "claims of client {:?} and of its scopes weigh {weight} bytes together: at most {MOST_MAPPED} fit into its \
             tokens",
            client.client_id
        );
        Fault::at("claims", detail)
    })
}

/// How much the clients are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Size {
    /// So many.
    pub clients: usize,
    /// Of their records as JSON.
    pub bytes: usize,
}

impl Size {
    /// Once `client` is in the place of `before`.
    #[must_use]
    pub fn with(self, before: Option<&Client>, client: &Client) -> Self {
        let clients = self.clients.saturating_add(usize::from(before.is_none()));
        let bytes = self.bytes.saturating_sub(before.map_or(0, length)).saturating_add(length(client));
        Self { clients, bytes }
    }

    /// Whether it is within one part of the room of so many.
    #[must_use]
    pub const fn fits(self, parts: usize) -> bool {
        self.clients.saturating_mul(parts) <= MOST_CLIENTS && self.bytes.saturating_mul(parts) <= MOST_BYTES
    }
}

/// Of the record of a client, in bytes of JSON.
#[must_use]
pub fn length(client: &Client) -> usize {
    serde_json::to_string(client).expect("a client has text keys and no fallible serializer").len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::demo;

    #[test]
    fn the_last_client_and_the_last_byte_fit() {
        let full = Size { clients: MOST_CLIENTS, bytes: MOST_BYTES };
        assert!(full.fits(1) && !full.fits(2));
        assert!(!Size { clients: MOST_CLIENTS + 1, bytes: 0 }.fits(1));
        assert!(!Size { clients: 1, bytes: MOST_BYTES + 1 }.fits(1));
        let uncounted = Size { clients: usize::MAX, bytes: usize::MAX };
        assert!(!uncounted.with(None, &demo::clients()[0]).fits(2), "what cannot be counted is too much");
        assert!(Size { clients: MOST_CLIENTS / 2, bytes: MOST_BYTES / 2 }.fits(2));
    }

    #[test]
    fn a_client_takes_the_room_of_its_record() {
        let clients = demo::clients();
        let one = Size::default().with(None, &clients[0]);
        assert_eq!(one, Size { clients: 1, bytes: length(&clients[0]) });
        assert_eq!(one.with(Some(&clients[0]), &clients[1]), Size { clients: 1, bytes: length(&clients[1]) });
    }
}
