//! An OAuth 2.0 authorization server for the Device Authorization Grant (RFC 8628).
//!
//! The package has three rings. Code in one ring never uses a ring with a higher number.
//!
//! # Ring 1: the rules
//!
//! Pure and synchronous. The current time and the random number generator are arguments.
//!
//! The domains:
//!
//! * [`grant`]: one device authorization, from its codes to its redemption
//! * [`family`]: the tokens of one approval, and the rotation of their refresh token
//! * [`client`]: registered clients, and how they authenticate
//! * [`registry`]: the issuer's clients, scopes and signing keys
//! * [`token`]: what tokens contain, and how they are signed and verified; DPoP
//! * [`identity`]: accounts, passwords and browser sessions
//! * [`limiter`]: budgets for wrong codes and passwords, and caps on live codes
//! * [`policy`]: whether a step of a grant may happen at all
//! * [`audit`]: events, and their way to the ledger
//!
//! What the domains share:
//!
//! * [`alarm`]: when a Durable Object deletes old rows and ships events
//! * [`ask`]: commands to Durable Objects, and the types of their replies
//! * [`bounds`]: allowed lifetimes and intervals
//! * [`derived_keys`]: every symmetric key, derived from `MASTER_KEY`
//! * [`fault`]: faults in a JSON document, with a pointer
//! * [`mod@format`]: the format number of stored records
//! * [`loopback`]: addresses of this machine
//! * [`place`]: where a request came from
//! * [`scope`]: scopes, and what the standard ones allow
//! * [`secret`]: digests, encodings and random values
//! * [`sharding`]: which Durable Object holds a row
//! * [`time`]: instants
//!
//! # Ring 2: HTTP
//!
//! * [`endpoint`]: requests to responses, over a single trait, [`Platform`](endpoint::platform::Platform). It
//!   compiles natively like ring 1, so whole stories run under `cargo test`.
//! * [`settings`]: the settings, read and validated at startup
//!
//! # Ring 3: the runtime
//!
//! * `cloudflare`: Durable Objects, KV and WebCrypto. It compiles for wasm only, and is thin: it loads, applies
//!   and stores.
//!
//! # Where to start
//!
//! Read [`grant::Grant`] (the life of a code), [`grant::shard`] (what one Durable Object answers),
//! [`endpoint::answer`] (from a request to its response), then `src/cloudflare/`.
//!
//! To find the code of a rule of RFC 8628, start with this table. Its paths are relative to `src/`;
//! `docs/rfc8628.md` has every statement, with its tests.
//!
//! | Rule | § | File | Function or type |
//! |---|---|---|---|
//! | `slow_down` adds 5 seconds | 3.5 | `grant/pace.rs` | [`judge`](grant::pace::judge) |
//! | `expired_token` | 3.5 | `grant/mod.rs` | [`Grant::poll`](grant::Grant::poll) |
//! | … after the row was deleted | 3.5 | `endpoint/token/device_code_grant.rs` | `unexpired` |
//! | The default interval | 3.2 | `settings/mod.rs` | [`Settings::read`](settings::Settings::read) |
//! | … of one client | 3.2 | `endpoint/device_authorization/mod.rs` | `CodeTerms::of` |
//! | A device code is used once | 3.5 | `grant/mod.rs` | [`Grant::redeem`](grant::Grant::redeem) |
//! | User codes are normalized | 6.1 | `grant/user_code.rs` | [`UserCode::parse`](grant::user_code::UserCode::parse) |
//! | Guessing user codes is limited | 5.1 | `endpoint/verify/code.rs` | `look_up` |
//! | … with these limits | 5.1 | `limiter/budgets.rs` | [`codes_by_account`](limiter::budgets::codes_by_account) |
//! | User codes have enough entropy | 5.1, 6.1 | `grant/user_code.rs` | [`Shape::new`](grant::user_code::Shape::new) |
//! | Members of the device authorization response | 3.2 | `endpoint/device_authorization/mod.rs` | `describe` |
//! | Metadata | 4 | `endpoint/metadata.rs` | `discovery` |
//! | A code from `verification_uri_complete` is confirmed | 3.3.1 | `endpoint/verify/mod.rs` | `first_page` |

#![forbid(unsafe_code)]

pub mod alarm;
pub mod ask;
pub mod audit;
pub mod bounds;
pub mod client;
pub mod derived_keys;
pub mod endpoint;
pub mod family;
pub mod fault;
pub mod format;
pub mod grant;
pub mod identity;
pub mod limiter;
pub mod loopback;
pub mod place;
pub mod policy;
pub mod registry;
pub mod scope;
pub mod secret;
pub mod settings;
pub mod sharding;
pub mod time;
pub mod token;

#[cfg(target_family = "wasm")]
mod cloudflare;
