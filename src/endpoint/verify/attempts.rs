//! The cookie that remembers which sign-ins a browser has begun at providers.
//!
//! A callback counts only in the browser that has its `state` in this cookie. The code that the person entered is in there
//! as well, so that it is in no address. See `docs/decisions/0049-a-relying-party-of-our-own.md`.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::browser;
use super::browser::Transaction;
use crate::derived_keys::{Purpose, same};
use crate::endpoint::http::{Response, cookie};
use crate::endpoint::server::Context;
use crate::identity::session::Browser;
use crate::json;
use crate::secret;
use crate::time::{Timestamp, ceil_seconds};
use crate::upstream::authorization::{PATIENCE, Secrets};
use crate::upstream::provider::ProviderId;

/// Most sign-ins that a browser remembers, each begun in a window of its own.
const MOST: usize = 3;
/// Longest content of the cookie, in bytes. Sealed, it has about 3,900 of the 4,096 that browsers accept.
const LONGEST: usize = 2_850;
/// How long a sign-in is remembered after its end, so that a late callback is not taken for a stranger's.
const KEPT: Duration = Duration::from_secs(3_600);

/// A sign-in that waits for its callback.
#[derive(Deserialize, Serialize)]
pub(super) struct Attempt {
    /// Where the person was sent.
    pub provider: ProviderId,
    pub secrets: Secrets,
    /// When the person was sent there.
    pub asked_at: Timestamp,
    /// The `max_age` that was sent, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    /// Carries the code. Its own end has passed by the time of the callback.
    pub transaction: Transaction,
}

/// The content of the cookie.
#[derive(Deserialize, Serialize)]
struct Jar {
    /// `id` of the [`Browser`].
    browser: String,
    /// The newest comes first.
    attempts: Vec<Attempt>,
}

impl Attempt {
    /// Returns when the callback no longer counts.
    pub(super) fn ends_at(&self) -> Timestamp {
        self.asked_at + PATIENCE
    }

    fn forgotten_at(&self) -> Timestamp {
        self.ends_at() + KEPT
    }
}

impl Jar {
    /// Drops the oldest sign-ins until the rest fits into a cookie, and if need be the facts that the code leads to anyway.
    fn written(mut self) -> Vec<u8> {
        self.attempts.truncate(MOST);
        loop {
            let plain = serde_json::to_vec(&self).expect("a jar has text keys and no fallible serializer");
            if plain.len() <= LONGEST {
                return plain;
            }
            if self.attempts.len() > 1 {
                self.attempts.pop();
            } else {
                self.attempts.iter_mut().for_each(|attempt| attempt.transaction.hold = None);
                return serde_json::to_vec(&self).expect("a jar has text keys and no fallible serializer");
            }
        }
    }
}

/// Returns the sign-in with this `state`; `None` if this browser did not begin it, or long ago.
pub(super) fn find<P>(context: Context<'_, P>, browser: &Browser, state: &str) -> Option<Attempt> {
    let is_its = |attempt: &Attempt| same(attempt.secrets.state.as_bytes(), state.as_bytes());
    read(context, browser).into_iter().find(is_its)
}

fn read<P>(context: Context<'_, P>, browser: &Browser) -> Vec<Attempt> {
    let open = || {
        let value = cookie(context.request, cookie_name(context))?;
        let plain = context.server.settings.keyring.open(Purpose::Upstream, &secret::decode(value)?)?;
        let jar: Jar = json::read_bytes(&plain).ok()?;
        (jar.browser == browser.id).then_some(jar.attempts)
    };
    let mut attempts: Vec<Attempt> = open().unwrap_or_default();
    attempts.retain(|attempt| context.now < attempt.forgotten_at());
    attempts
}

/// Remembers a sign-in, before the others.
pub(super) fn remember<P>(
    context: Context<'_, P>,
    response: Response,
    browser: &Browser,
    attempt: Attempt,
    rng: &mut impl CryptoRng,
) -> Response {
    let seconds = ceil_seconds(attempt.forgotten_at().since(context.now));
    let attempts = core::iter::once(attempt).chain(read(context, browser)).collect();
    let plain = Jar { browser: browser.id.clone(), attempts }.written();
    let sealed = secret::encode(&context.server.settings.keyring.seal(Purpose::Upstream, &plain, rng));
    browser::set_cookie(context, response, cookie_name(context), &sealed, seconds)
}

fn cookie_name<P>(context: Context<'_, P>) -> &'static str {
    if context.issuer.is_secure() { "__Host-device-grant-upstream" } else { "device-grant-upstream" }
}
