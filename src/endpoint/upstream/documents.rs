//! The documents of providers: what they announce, and their keys.

use core::time::Duration;
use std::rc::Rc;

use crate::client::jwks::KeySet;
use crate::endpoint::client_auth::client_jwks::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
use crate::endpoint::platform::Platform;
use crate::endpoint::server::{Context, Server};
use crate::time::Timestamp;
use crate::token::signing_key::Algorithm;
use crate::upstream::discovery::{Discovery, DiscoveryFlaw};
use crate::upstream::failure::{Failure, Stage};
use crate::upstream::jwt::Jwt;
use crate::upstream::provider::Provider;
use crate::upstream::reach::Reach;

/// Maximum age of a discovery document.
const AGE: Duration = Duration::from_secs(3_600);
/// Maximum age of a discovery document while no newer one can be fetched.
const STALE_AGE: Duration = Duration::from_secs(86_400);
/// How long a document that cannot be used is not fetched again.
const FLAWED_AGE: Duration = Duration::from_secs(10);

/// What a provider signed.
#[derive(Clone, Copy)]
pub(crate) struct Signed<'a> {
    pub alg: Algorithm,
    pub kid: Option<&'a str>,
    pub input: &'a [u8],
    pub signature: &'a [u8],
}

/// Whether a provider signed something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signature {
    Good,
    /// A key fits, but did not sign this.
    Wrong,
    /// No key fits.
    Unknown,
}

impl<P: Platform> Server<P> {
    /// Returns what a provider announces.
    pub(crate) async fn discovery(
        &self,
        provider: &Provider,
        reach: Reach,
        now: Timestamp,
    ) -> Result<Discovery, Failure> {
        let (issuer, alg) = (provider.issuer.as_str(), provider.id_token_signed_response_alg);
        let uri = provider.issuer.discovery_uri();
        if !reach.allows(&uri) {
            return Err(Failure::Discovery(DiscoveryFlaw::Address));
        }
        let fetch = async || {
            let text = self.platform.fetch_text(&uri).await.ok()?;
            Some(Discovery::parse(&text, issuer, alg, reach))
        };
        // The algorithm decides, too, whether a document can be used.
        let key = format!("{} {uri}", alg.name());
        let (documents, ages) = (&self.cache.discoveries, (AGE, STALE_AGE));
        let found = documents.find(&key, ages, now, fetch).await;
        let found = match found {
            Some(flawed) if flawed.is_err() => {
                documents.find(&key, (FLAWED_AGE, FLAWED_AGE), now, fetch).await
            }
            found => found,
        };
        let document = found.ok_or(Failure::Unreachable(Stage::Discovery))?;
        Rc::unwrap_or_clone(document).map_err(Failure::Discovery)
    }
}

/// Checks a signature with the keys at `keys_uri`. Before it refuses, it fetches keys again that are older than
/// [`KEY_SET_REFUSAL_AGE`], because the provider may have a new one.
pub(crate) async fn check<P: Platform>(
    context: Context<'_, P>,
    keys_uri: &str,
    signed: Signed<'_>,
) -> Result<Signature, Failure> {
    let server = context.server;
    let keys = |age| server.fetched_keys(keys_uri, age, context.now);
    let known = keys(KEY_SET_AGE).await.map_err(|_| Failure::Unreachable(Stage::Keys))?;
    let verdict = signed.judge(context, &known).await;
    if verdict == Signature::Good {
        return Ok(verdict);
    }
    match keys(KEY_SET_REFUSAL_AGE).await {
        Ok(newer) if newer != known => Ok(signed.judge(context, &newer).await),
        Ok(_) | Err(_) => Ok(verdict),
    }
}

impl<'a> Signed<'a> {
    /// Returns what is signed of a token of a provider that signs with `alg`.
    pub(crate) fn of(jwt: &'a Jwt, alg: Algorithm) -> Self {
        Self { alg, kid: jwt.kid.as_deref(), input: jwt.input(), signature: jwt.signature() }
    }

    /// Skips a key that cannot be used, such as a point off the curve: that is the provider's mistake.
    async fn judge<P: Platform>(self, context: Context<'_, P>, keys: &KeySet) -> Signature {
        let mut verdict = Signature::Unknown;
        for key in keys.candidates(self.kid, self.alg) {
            verdict = Signature::Wrong;
            let fits = key.fits(self.signature);
            if fits && context.server.platform.verify(&key, self.input, self.signature).await == Ok(true) {
                return Signature::Good;
            }
        }
        verdict
    }
}
