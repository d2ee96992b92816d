//! An OAuth 2.0 authorization server for the Device Authorization Grant (RFC 8628).
//!
//! The code has three rings. A ring never uses a ring with a higher number.
//!
//! # Ring 1: the rules
//!
//! The rules are pure and synchronous. They take the current time and the random number generator as
//! arguments.
//!
//! The domains:
//!
//! * [`grant`] - one device authorization, from its codes to its redemption
//! * [`family`] - the tokens of one approval, and the rotation of their refresh token
//! * [`client`] - registered clients, and how they authenticate
//! * [`registry`] - the issuer's clients, scopes and signing keys
//! * [`token`] - what tokens contain, and how they are signed and verified; DPoP
//! * [`identity`] - accounts, passwords, passkeys and browser sessions
//! * [`passkey`] - the ceremonies of WebAuthn
//! * [`upstream`] - the OpenID Providers that people sign in with
//! * [`scim`] - what a provider pushes about the people who may sign in with it
//! * [`limiter`] - budgets for wrong codes and passwords, and caps on live codes
//! * [`policy`] - whether a step of a grant may happen at all
//! * [`audit`] - events, and their way to the ledger
//!
//! What the domains share:
//!
//! * [`alarm`] - when a Durable Object deletes old rows and ships events
//! * [`ask`] - commands to Durable Objects, and the types of their replies
//! * [`bounds`] - allowed lifetimes and intervals
//! * [`coordinates`] - rough coordinates, and the distance between two of them
//! * [`derived_keys`] - every symmetric key, derived from `MASTER_KEY`
//! * [`device_kind`] - what kind of device sent a request
//! * [`fault`] - faults in a JSON document, each with a pointer
//! * [`mod@format`] - the format number of stored records
//! * [`language`] - the languages of the pages
//! * [`loopback`] - addresses of this machine
//! * [`network`] - the prefixes of an address, by which counters know it
//! * [`place`] - where a request came from
//! * [`provenance`] - how access came about
//! * [`scope`] - scopes, and what the standard ones allow
//! * [`secret`] - digests, encodings and random values
//! * [`sharding`] - which Durable Object holds a row
//! * [`sub`] - what tokens and events call an account
//! * [`time`] - instants
//! * [`verdict`] - whether a device that asks is near the person who is asked
//! * [`visible`] - text that people see
//!
//! # Ring 2: HTTP
//!
//! This ring compiles natively, like ring 1, so `cargo test` can play whole logins.
//!
//! * [`endpoint`] - from a request to its response, with one trait for everything outside,
//!   [`Platform`](endpoint::platform::Platform)
//! * [`settings`] - the settings, read once and validated
//!
//! # Ring 3: the runtime
//!
//! This ring compiles for wasm only, and is thin: it loads rows, applies rules and stores the results.
//!
//! * `cloudflare`: Durable Objects, KV and WebCrypto
//!
//! # Where to start
//!
//! Read [`grant::Grant`] (the life of a code), [`grant::shard`] (what one Durable Object answers),
//! [`endpoint::answer`] (from a request to its response), then `src/cloudflare/`.
//!
//! To find the code of a rule of RFC 8628, use this table. `docs/rfc8628.md` lists every statement of the
//! RFC, with its tests.
//!
//! | Rule | § | In `src/` |
//! |---|---|---|
//! | `slow_down` adds 5 seconds, up to 60 | 3.5 | `grant/pace.rs`: [`judge`] |
//! | `expired_token` | 3.5 | `grant/poll.rs`: [`Grant::poll`] |
//! | … after the row may have been deleted | 3.5 | `endpoint/token/device_code_grant.rs`: `unexpired` |
//! | Default interval | 3.2 | `settings/lifetimes.rs`: `interval` |
//! | … for one client | 3.2 | `endpoint/device_authorization/mod.rs`: `CodeTerms::of` |
//! | A device code is redeemed once | our own | `grant/redemption.rs`: [`Grant::redeem`] |
//! | User codes are normalized | 6.1 | `grant/user_code.rs`: [`UserCode::parse`] |
//! | Wrong user codes are limited | 5.1 | `endpoint/verify/code.rs`: `look_up` |
//! | … to these numbers | 5.1 | `limiter/budgets.rs`: [`codes_by_account`], [`codes_by_network`] |
//! | … and guessing makes new codes longer | 5.1 | `limiter/mod.rs`: `expose`; `endpoint/device_authorization/mod.rs`: `open` |
//! | Entropy of user codes | 5.1, 6.1 | `grant/user_code.rs`: [`Shape::new`], [`FLOOR_BITS`] |
//! | Device authorization response | 3.2 | `endpoint/device_authorization/mod.rs`: `Answer`, `describe` |
//! | Metadata | 4 | `endpoint/metadata.rs`: `discovery` |
//! | `verification_uri_complete` is confirmed | 3.3.1 | `endpoint/verify/mod.rs`: `first_page` |
//!
//! [`judge`]: grant::pace::judge
//! [`Grant::poll`]: grant::Grant::poll
//! [`Grant::redeem`]: grant::Grant::redeem
//! [`UserCode::parse`]: grant::user_code::UserCode::parse
//! [`Shape::new`]: grant::user_code::Shape::new
//! [`FLOOR_BITS`]: grant::user_code::FLOOR_BITS
//! [`codes_by_account`]: limiter::budgets::codes_by_account
//! [`codes_by_network`]: limiter::budgets::codes_by_network

#![forbid(unsafe_code)]

pub mod alarm;
pub mod ask;
pub mod audit;
pub mod bounds;
pub mod client;
pub mod coordinates;
pub mod counts;
pub mod courier;
pub mod derived_keys;
pub mod device_kind;
pub mod endpoint;
pub mod family;
pub mod fault;
pub mod format;
pub mod grant;
pub mod identity;
pub mod json;
pub mod language;
pub mod limiter;
pub mod logo;
pub mod look_alike;
pub mod loopback;
pub mod network;
pub mod order;
pub mod passkey;
pub mod place;
pub mod policy;
pub mod presence;
pub mod provenance;
pub mod registry;
pub mod row_key;
pub mod scim;
pub mod scope;
pub mod secret;
pub mod settings;
pub mod sharding;
pub mod sub;
pub mod tally;
pub mod time;
pub mod token;
pub mod upstream;
pub mod verdict;
pub mod visible;
pub mod web_origin;

// A sample that the probe shares with `bench/` names this crate from outside.
#[cfg(all(target_family = "wasm", feature = "panic-probe"))]
extern crate self as device_grant;

#[cfg(target_family = "wasm")]
mod cloudflare;
