//! A ceremony that a page began. It is in a hidden field of the page, sealed and bound to its browser.

use core::time::Duration;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::party::relying_party;
use crate::derived_keys::Purpose;
use crate::endpoint::form::Form;
use crate::endpoint::once;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::identity::session::Browser;
use crate::json;
use crate::limiter::command::UseOnce;
use crate::passkey::{Ceremony, Challenge};
use crate::secret;
use crate::secret::Digest;
use crate::sub::Sub;
use crate::time::Timestamp;

/// How long a challenge is good. [`options`](crate::passkey::options) tells the browser.
const LIFETIME: Duration = Duration::from_secs(300);
/// How long a form with a ceremony can be sent, if the person chooses another way than a passkey.
const FORM_LIFETIME: Duration = Duration::from_secs(1_800);

/// What a ceremony is for. One that was begun for one purpose cannot be ended for another.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum For {
    /// Signing in.
    SignIn,
    /// A new passkey of an account that exists.
    Account(Sub),
    /// A new way into the account with this `sub`, for the holder of the invitation with this digest. The account may
    /// not exist yet.
    Invited(Sub, Digest),
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Begun {
    pub(crate) challenge: Challenge,
    pub(crate) purpose: For,
    /// `id` of the [`Browser`] that the page was shown to.
    browser: String,
    began_at: Timestamp,
}

impl Begun {
    pub(crate) fn new(purpose: For, browser: &Browser, now: Timestamp, rng: &mut impl CryptoRng) -> Self {
        let (challenge, browser) = (Challenge::draw(rng), browser.id.clone());
        Self { challenge, purpose, browser, began_at: now }
    }

    /// Returns the value of the hidden field.
    pub(crate) fn seal<P>(&self, context: Context<'_, P>, rng: &mut impl CryptoRng) -> String {
        let plain = serde_json::to_vec(self).expect("a ceremony has text keys and no fallible serializer");
        secret::encode(&context.server.settings.keyring.seal(Purpose::Ceremony, &plain, rng))
    }

    /// Reads the hidden field. Returns `None` if the ceremony was begun in another browser, or half an hour ago.
    pub(crate) fn open<P>(context: Context<'_, P>, form: &Form, browser: &Browser) -> Option<Self> {
        let sealed = secret::decode(form.get("ceremony")?)?;
        let plain = context.server.settings.keyring.open(Purpose::Ceremony, &sealed)?;
        let begun: Self = json::read_bytes(&plain).ok()?;
        (begun.browser == browser.id && context.now < begun.began_at + FORM_LIFETIME).then_some(begun)
    }

    /// Returns whether the challenge is still good.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.began_at + LIFETIME
    }

    /// Returns what the response must fit; `None` at an IP address.
    pub(crate) fn ceremony<'a, P>(&'a self, context: Context<'a, P>) -> Option<Ceremony<'a>> {
        Some(Ceremony { relying_party: relying_party(context)?, challenge: &self.challenge })
    }

    /// Uses the challenge. Returns whether this was its first use.
    pub(crate) async fn take<P: Platform>(&self, context: Context<'_, P>) -> Result<bool, Unavailable> {
        let key = format!("passkey/{}", self.challenge.as_str());
        once::take(context, &UseOnce { key, until: self.began_at + LIFETIME }).await
    }
}
