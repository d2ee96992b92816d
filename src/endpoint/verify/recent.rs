//! The cookie that remembers the last requests of a browser, so that each of them has an address that can be reloaded.
//!
//! The address contains only the nonce of the hold. The code, and later the result, are in the cookie, which is sealed
//! and names its browser. See `docs/decisions/0044-a-request-has-an-address.md`.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::browser;
use crate::derived_keys::Purpose;
use crate::endpoint::http::{Response, cookie};
use crate::endpoint::server::Context;
use crate::format::is_false;
use crate::grant::Outcome;
use crate::grant::command::Settled;
use crate::grant::routing::Address;
use crate::grant::user_code::UserCode;
use crate::identity::session::Browser;
use crate::json;
use crate::language::Language;
use crate::provenance::Source;
use crate::secret;
use crate::time::{Timestamp, ceil_seconds};

/// The parameter with the nonce of the request.
pub(super) const REQUEST: &str = "request";
/// The parameter with which the page says that the button that was pressed changed nothing.
pub(super) const KEPT: &str = "kept";
/// Most requests that a browser remembers. Their cookie then has at most about 2 KB.
const MOST: usize = 4;
/// How long a request is remembered after its row can be deleted.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Most characters of a client's name that the cookie keeps.
const LONGEST_NAME: usize = 100;

/// A request that this browser has shown or decided.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Recent {
    /// That of the hold.
    pub nonce: String,
    /// Short name of the keys under which the code was found.
    pub pair: u16,
    /// In canonical form.
    pub user_code: String,
    /// When the request's row can be deleted.
    pub ends_at: Timestamp,
    /// `None` until this browser has seen a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Seen>,
    /// Whether the person has asked for access here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub asked: bool,
}

/// What the result page shows.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Seen {
    pub outcome: Outcome,
    /// When the person decided.
    pub at: Timestamp,
    pub client_name: String,
    /// The preferred languages of the device, of which this server has at most one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// Where a reported request came from, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Minutes for which the device can use tokens once the access has ended.
    pub minutes: u64,
    /// Whether the device waited for the digits of a verification when the page was last shown. The cookie does not have them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verifying: bool,
    /// How many other devices from there lost their access because the person asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// The content of the cookie.
#[derive(Deserialize, Serialize)]
struct Jar {
    /// `id` of the [`Browser`].
    browser: String,
    /// The newest comes first.
    requests: Vec<Recent>,
}

impl Recent {
    pub(super) fn undecided(code: &UserCode, pair: u16, nonce: &str, ends_at: Timestamp) -> Self {
        let (user_code, nonce) = (code.canonical().to_owned(), nonce.to_owned());
        Self { nonce, pair, user_code, ends_at, result: None, asked: false }
    }

    /// Adds the result. `minutes` are those for which the device can use tokens once the access has ended.
    pub(super) fn settled(self, settled: &Settled, client_name: &str, minutes: u64) -> Self {
        let client_name = client_name.chars().take(LONGEST_NAME).collect();
        let language = Language::preferred(settled.request.ui_locales.iter().map(String::as_str));
        let ui_locales = language.map(|language| language.tag().to_owned()).into_iter().collect();
        let is_report = settled.outcome == Outcome::Reported;
        let source = Source::of(&settled.request.origin).filter(|_| is_report);
        let (outcome, at, verifying) = (settled.outcome, settled.at, settled.digits.is_some());
        let seen = Seen { outcome, at, client_name, ui_locales, source, minutes, verifying, ended: None };
        Self { ends_at: settled.ends_at, result: Some(seen), ..self }
    }

    /// Returns the request with digits that were not typed in time.
    pub(super) fn lapsed(self) -> Self {
        let lapsed = |seen| Seen { outcome: Outcome::Lapsed, verifying: false, ..seen };
        Self { result: self.result.map(lapsed), ..self }
    }

    /// Returns whether the device waited for digits when the page was last shown.
    pub(super) fn is_verifying(&self) -> bool {
        self.result.as_ref().is_some_and(|seen| seen.verifying)
    }

    /// Returns the client's name, once there is a result.
    pub(super) fn client_name(&self) -> Option<&str> {
        self.result.as_ref().map(|seen| seen.client_name.as_str())
    }

    /// Returns the code and where its grant is stored; `None` if the server no longer holds the keys.
    pub(super) fn place<P>(&self, context: Context<'_, P>) -> Option<(UserCode, Address)> {
        let settings = &context.server.settings;
        let code = UserCode::parse_either(&self.user_code, &settings.user_code)?;
        let address = Address::of(&code, &settings.user_code, settings.keyring.named(self.pair)?);
        Some((code, address))
    }

    fn forgotten_at(&self) -> Timestamp {
        self.ends_at + REMEMBERED
    }
}

/// Returns the request with this nonce; `None` if this browser does not remember it.
pub(super) fn find<P>(context: Context<'_, P>, browser: &Browser, nonce: &str) -> Option<Recent> {
    read(context, browser).into_iter().find(|recent| recent.nonce == nonce)
}

fn read<P>(context: Context<'_, P>, browser: &Browser) -> Vec<Recent> {
    let open = || {
        let value = cookie(context.request, cookie_name(context))?;
        let plain = context.server.settings.keyring.open(Purpose::Recent, &secret::decode(value)?)?;
        let jar: Jar = json::read_bytes(&plain).ok()?;
        (jar.browser == browser.id).then_some(jar.requests)
    };
    let mut requests: Vec<Recent> = open().unwrap_or_default();
    requests.retain(|recent| context.now < recent.forgotten_at());
    requests
}

/// Remembers a request, in place of an earlier state of it or of the oldest one.
pub(super) fn remember<P>(
    context: Context<'_, P>,
    response: Response,
    browser: &Browser,
    recent: &Recent,
    rng: &mut impl CryptoRng,
) -> Response {
    let others = read(context, browser).into_iter().filter(|other| other.nonce != recent.nonce);
    let requests: Vec<Recent> = core::iter::once(recent.clone()).chain(others).take(MOST).collect();
    let last = requests.iter().map(Recent::forgotten_at).max().unwrap_or_default();
    let jar = Jar { browser: browser.id.clone(), requests };
    let plain = serde_json::to_vec(&jar).expect("a jar has text keys and no fallible serializer");
    let sealed = secret::encode(&context.server.settings.keyring.seal(Purpose::Recent, &plain, rng));
    let seconds = ceil_seconds(last.since(context.now));
    browser::set_cookie(context, response, cookie_name(context), &sealed, seconds)
}

fn cookie_name<P>(context: Context<'_, P>) -> &'static str {
    if context.issuer.is_secure() { "__Host-device-grant-requests" } else { "device-grant-requests" }
}
