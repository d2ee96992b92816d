//! The tokens of a successful response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).

use core::time::Duration;
use std::collections::BTreeMap;

use jwt_compact::Claims;
use rand_core::CryptoRng;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::client::rules::AccessTokenFormat;
use crate::client::{Client, REFRESH_TOKEN_GRANT};
use crate::endpoint::error::Error;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::family::Current;
use crate::family::id::{AttemptId, SessionId};
use crate::family::refresh_token::RefreshToken;
use crate::identity::account::Account;
use crate::policy::requirement::Limits;
use crate::provenance::Provenance;
use crate::scope::{OFFLINE_ACCESS, OPENID, Scope};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::access::AccessToken;
use crate::token::claims::{AccessClaims, Audience, IdClaims, Person, Userinfo, at_hash, dated};
use crate::token::confirmation::Confirmation;
use crate::token::mapping::apply::{MappingFacts, map};
use crate::token::mapping::{Rules, Target};
use crate::token::opaque;
use crate::token::signing_input::SigningInput;
use crate::token::signing_key::Algorithm;

/// The response of RFC 6749 §5.1. `scope` is always sent.
#[derive(Serialize)]
pub(crate) struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: Scope,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(flatten)]
    expiration: Option<RefreshExpiration>,
}

/// When a refresh token and its authorization end (draft-ietf-oauth-refresh-token-expiration).
#[derive(Serialize)]
pub(crate) struct RefreshExpiration {
    /// Seconds for which the refresh token may stay unused.
    refresh_token_timeout: u64,
    /// Seconds for which the person's approval can be refreshed.
    authorization_expires_in: u64,
}

impl RefreshExpiration {
    pub(crate) fn of(good_until: Timestamp, refreshable_until: Timestamp, now: Timestamp) -> Self {
        Self {
            refresh_token_timeout: good_until.since(now).as_secs(),
            authorization_expires_in: refreshable_until.since(now).as_secs(),
        }
    }
}

/// What the tokens of one response say: about whom, for which client, and on which terms.
pub(crate) struct Subject<'a> {
    pub client: &'a Client,
    pub account: &'a Account,
    pub scope: &'a Scope,
    pub auth_time: Timestamp,
    pub amr: &'a [String],
    pub acr: Option<&'a str>,
    pub nonce: Option<&'a str>,
    /// The resources that the access token is for; never empty.
    pub audience: &'a [String],
    /// The keys that the access token is bound to.
    pub cnf: &'a Confirmation,
    /// Names this response; also the `jti` of the access token.
    pub attempt: &'a AttemptId,
    pub session: SessionId,
    pub provenance: &'a Provenance,
    /// What policy limits.
    pub limits: &'a Limits,
}

impl Tokens {
    /// Adds the family's next refresh token, and returns what the family's row keeps of it. The token expires
    /// at `until`, or earlier if it stays unused too long.
    pub(crate) fn add_refresh_token<P>(
        &mut self,
        context: Context<'_, P>,
        subject: &Subject<'_>,
        until: Timestamp,
        rng: &mut impl CryptoRng,
    ) -> Current {
        let (keyring, SessionId { shard, family }) = (&context.server.settings.keyring, subject.session);
        let (text, digest) = RefreshToken::issue(shard, family, &subject.client.client_id, keyring, rng);
        self.refresh_token = Some(text);
        let good_until = good_until(context, subject.client, until);
        self.expiration = Some(RefreshExpiration::of(good_until, until, context.now));
        Current { digest, attempt: subject.attempt.clone(), good_until }
    }

    /// Returns when the last of the tokens expires. The family's row is kept until then, so that the access
    /// token can be revoked.
    pub(crate) fn ends_at(&self, refresh: Option<&Current>, now: Timestamp) -> Timestamp {
        let access = now + Duration::from_secs(self.expires_in);
        refresh.map_or(access, |current| current.good_until.max(access))
    }
}

impl Subject<'_> {
    /// Returns whether a refresh token was granted, and neither the client nor policy forbids it.
    pub(crate) fn may_refresh(&self) -> bool {
        may_refresh(self.client, self.scope, self.limits)
    }

    /// Returns the lifetime of the access token, in seconds.
    pub(crate) fn access_token_lifetime(&self, settings: &Settings) -> u64 {
        let own = self.client.tokens.access_token_lifetime;
        self.limits.access_token(own.unwrap_or(settings.access_token))
    }

    /// Returns the lifetime of the ID token, in seconds.
    pub(crate) fn id_token_lifetime(&self, settings: &Settings) -> u64 {
        self.client.tokens.id_token_lifetime.unwrap_or(settings.id_token)
    }

    /// Returns the facts for claim mapping.
    pub(crate) fn facts(&self) -> MappingFacts<'_> {
        let (account, scope, resource) = (self.account, self.scope, self.audience);
        MappingFacts { account, client_id: &self.client.client_id, scope, resource }
    }
}

/// Returns when a refresh token ends that is made now: at `until`, or earlier if it stays unused too long.
pub(crate) fn good_until<P>(context: Context<'_, P>, client: &Client, until: Timestamp) -> Timestamp {
    let idle = client.tokens.refresh_token_idle_lifetime;
    let idle = Duration::from_secs(idle.unwrap_or(context.server.settings.refresh_token_idle));
    until.min(context.now + idle)
}

/// Returns whether a refresh token was granted, and neither the client nor policy forbids it.
pub(crate) fn may_refresh(client: &Client, scope: &Scope, limits: &Limits) -> bool {
    scope.has(OFFLINE_ACCESS) && client.may_use(REFRESH_TOKEN_GRANT) && !limits.no_refresh
}

/// The claim mapping of each scope that has one.
pub(crate) type ScopeClaims = BTreeMap<String, Rules>;

/// Makes an access token and, if `openid` was granted, an ID token. Stores nothing.
pub(crate) async fn mint<P: Platform>(
    context: Context<'_, P>,
    subject: &Subject<'_>,
    rng: &mut impl CryptoRng,
) -> Result<Tokens, Error> {
    let settings = &context.server.settings;
    let outline = context.server.outline(context.now).await?;
    let expires_in = subject.access_token_lifetime(settings);
    let access = access_claims(context, subject, &outline.scope_claims);
    let access_token = match subject.client.tokens.access_token_format {
        AccessTokenFormat::Jwt => {
            let alg = subject.client.access_token_signed_response_alg;
            sign(context, "at+jwt", alg, dated(access, context.now, Duration::from_secs(expires_in))).await?
        }
        AccessTokenFormat::Opaque => {
            let iat = context.now.seconds();
            let token = AccessToken { claims: access, iat, exp: iat + expires_in };
            opaque::seal(&token, &settings.keyring, rng)
        }
    };
    let id_token = if subject.scope.has(OPENID) {
        let claims = id_claims(context, subject, &outline.scope_claims, &access_token);
        let lifetime = Duration::from_secs(subject.id_token_lifetime(settings));
        let alg = subject.client.id_token_signed_response_alg;
        Some(sign(context, "JWT", alg, dated(claims, context.now, lifetime)).await?)
    } else {
        None
    };
    Ok(Tokens {
        access_token,
        token_type: if subject.cnf.jkt.is_some() { "DPoP" } else { "Bearer" },
        expires_in,
        scope: subject.scope.clone(),
        id_token,
        refresh_token: None,
        expiration: None,
    })
}

pub(crate) fn access_claims<P>(
    context: Context<'_, P>,
    subject: &Subject<'_>,
    scopes: &ScopeClaims,
) -> AccessClaims {
    let issuer = context.issuer.as_str();
    AccessClaims {
        iss: issuer.to_owned(),
        sub: subject.account.sub.as_str().to_owned(),
        aud: Audience::of(subject.audience, issuer),
        client_id: subject.client.client_id.clone(),
        jti: subject.attempt.as_str().to_owned(),
        scope: subject.scope.clone(),
        auth_time: subject.auth_time.seconds(),
        amr: subject.amr.to_vec(),
        acr: subject.acr.map(str::to_owned),
        sid: subject.session.to_string(),
        cnf: subject.cnf.clone(),
        others: mapped(context, subject, scopes, Target::AccessToken, Map::new()),
    }
}

/// Applies claim mapping to `claims` and, if the setting says so, adds how access came about.
fn mapped<P>(
    context: Context<'_, P>,
    subject: &Subject<'_>,
    scopes: &ScopeClaims,
    target: Target,
    claims: Map<String, Value>,
) -> Map<String, Value> {
    let mut claims = map(scopes, &subject.client.tokens.claims, target, subject.facts(), claims);
    if context.server.settings.provenance_claims {
        claims.extend(subject.provenance.claims());
    }
    claims
}

pub(crate) fn id_claims<P>(
    context: Context<'_, P>,
    subject: &Subject<'_>,
    scopes: &ScopeClaims,
    access_token: &str,
) -> IdClaims {
    let alg = subject.client.id_token_signed_response_alg;
    let person = Person::of(subject.account, subject.scope).claims();
    IdClaims {
        iss: context.issuer.as_str().to_owned(),
        sub: subject.account.sub.as_str().to_owned(),
        aud: subject.client.client_id.clone(),
        auth_time: subject.auth_time.seconds(),
        amr: subject.amr.to_vec(),
        acr: subject.acr.map(str::to_owned),
        sid: subject.session.to_string(),
        at_hash: at_hash(access_token, alg),
        nonce: subject.nonce.map(str::to_owned),
        others: mapped(context, subject, scopes, Target::IdToken, person),
    }
}

/// Builds the response of `/userinfo`. If it is `signed`, it also names the issuer and the client, but has no
/// `exp`, so that nobody takes it for an ID token (OpenID Connect Core §5.3.2).
pub(crate) fn userinfo<P>(
    context: Context<'_, P>,
    person: MappingFacts<'_>,
    client: &Client,
    scopes: &ScopeClaims,
    signed: bool,
) -> Userinfo {
    let claims = Person::of(person.account, person.scope).claims();
    Userinfo {
        iss: signed.then(|| context.issuer.as_str().to_owned()),
        aud: signed.then(|| client.client_id.clone()),
        sub: person.account.sub.as_str().to_owned(),
        others: map(scopes, &client.tokens.claims, Target::Userinfo, person, claims),
    }
}

/// Signs `claims`. `None` means that `iat` and `exp` could not be added, which is an error.
pub(crate) async fn sign<P: Platform, T: Serialize>(
    context: Context<'_, P>,
    typ: &str,
    alg: Algorithm,
    claims: Option<Claims<T>>,
) -> Result<String, Error> {
    let server = context.server;
    let key = server.signing_key(alg, context.now).await.map_err(|_| Error::Unavailable)?;
    let input = SigningInput::new(typ, &key.public, &claims.ok_or(Error::Unavailable)?);
    let input = input.ok_or(Error::Unavailable)?;
    let signature = server.platform.sign(&key, input.bytes()).await.map_err(|_| Error::Unavailable)?;
    Ok(input.signed(&signature))
}
