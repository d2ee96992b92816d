//! How many clients there may be. Everybody who may register one takes of the same room.

use super::Client;

/// Most clients: every isolate keeps all of them in memory.
pub const MOST_CLIENTS: usize = 5_000;
/// Most bytes of their records, for the same reason; a value in KV has 25 MiB at most.
pub const MOST_BYTES: usize = 8 * 1024 * 1024;

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
        let clients = self.clients + usize::from(before.is_none());
        let bytes = self.bytes.saturating_sub(before.map_or(0, length)) + length(client);
        Self { clients, bytes }
    }

    /// Whether it is within one part of the room of so many.
    #[must_use]
    pub const fn fits(self, parts: usize) -> bool {
        self.clients * parts <= MOST_CLIENTS && self.bytes * parts <= MOST_BYTES
    }
}

/// Of the record of a client, in bytes of JSON.
#[must_use]
pub fn length(client: &Client) -> usize {
    serde_json::to_string(client).map_or(0, |record| record.len())
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
