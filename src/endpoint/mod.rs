//! The HTTP endpoints. They compile natively as well as to wasm, so `cargo test` runs whole flows through
//! [`answer`].

mod access;
mod account;
mod accounts;
mod admin;
mod afterwards;
mod alias;
mod asking;
pub(crate) mod at_once;
mod attempt;
mod authorize;
pub(crate) mod boxed;
mod choice;
mod client_auth;
mod client_documents;
pub mod closing;
mod coding;
mod console;
pub mod courier;
mod device_authorization;
mod directory;
mod dpop;
pub mod error;
mod exposure;
mod forged_codes;
pub mod form;
mod governance;
mod governance_cache;
pub mod http;
mod instant;
pub mod intl;
mod invitation;
mod issued;
mod logo;
mod lost;
mod memory;
pub mod messages;
mod metadata;
mod metrics;
mod nearby;
mod once;
mod own;
pub mod page;
mod passkey;
mod passkeys;
pub mod platform;
pub mod policy;
mod presented;
mod qr;
mod refused_starts;
mod registration;
mod roots;
mod route;
mod scim;
pub mod server;
mod signed;
mod slot;
mod snapshot_cache;
pub mod socket;
mod static_token;
mod token;
mod upstream;
mod verify;
mod web_page;
pub mod wire;
mod words;
mod wrong_codes;

use rand_core::CryptoRng;

pub use alias::ALIASES;
pub use client_auth::client_jwks::{KEY_SET_AGE, KEY_SET_REFUSAL_AGE};
pub use route::{BrowserHeaders, Reads};
pub use snapshot_cache::{SNAPSHOT_AGE, SNAPSHOT_LEASE, SNAPSHOT_STALE_AGE};

use crate::settings::issuer::Issuer;
use crate::time::Timestamp;
use boxed::boxed;
use http::{Afterwards, Request, Response};
use own::which::Own;
use platform::Platform;
use route::Route;
use server::{Context, Server};

impl<P> Server<P> {
    /// Returns the route of a path: one of ours, or one that a product in `COMPATIBILITY` uses for it.
    fn route(&self, path: &str, issuer: &Issuer) -> Option<Route> {
        Route::find(path, issuer).or_else(|| {
            let own = alias::own_path(path.strip_prefix(issuer.path())?, &self.settings.compatibility)?;
            Route::find(&format!("{}{own}", issuer.path()), issuer)
        })
    }

    /// Returns the issuer that `request` addresses. `None` if the host and scheme are not this server's, or
    /// if the mTLS host does not serve the path.
    fn issuer(&self, request: &Request) -> Option<Issuer> {
        if let Some(issuer) = &self.settings.issuer {
            if self.is_mtls(request) {
                let route = self.route(&request.path, issuer);
                return route.filter(|route| route.terms().mtls).map(|_| issuer.clone());
            }
            let same = issuer.host() == request.host && issuer.is_secure() == request.secure;
            return same.then(|| issuer.clone());
        }
        self.own_issuer(request)
    }

    /// Returns the issuer of a server that is called by many names. Most requests call it by the same one.
    fn own_issuer(&self, request: &Request) -> Option<Issuer> {
        let mut last = self.cache.issuer.borrow_mut();
        let is_same = |last: &&Issuer| last.host() == request.host && last.is_secure() == request.secure;
        if let Some(same) = last.as_ref().filter(is_same) {
            return Some(same.clone());
        }
        let scheme = if request.secure { "https" } else { "http" };
        let issuer = Issuer::parse(&format!("{scheme}://{}", request.host));
        let issuer = issuer.filter(|issuer| self.settings.may_be(issuer))?;
        last.replace(issuer.clone());
        Some(issuer)
    }
}

/// Returns which optional parts of `request` its route reads. Looks only at the scheme, host and path of the
/// request.
pub fn reads<P>(server: &Server<P>, request: &Request) -> Reads {
    let route = server.issuer(request).and_then(|issuer| server.route(&request.path, &issuer));
    let route = route.filter(|route| route.is_served(&server.settings));
    let reads = route.map_or(Reads::WITHOUT_ROUTE, |route| route.terms().reads);
    Reads { certificate: server.is_mtls(request), ..reads }
}

/// Answers `request` at `now`.
pub async fn answer<P: Platform>(
    server: &Server<P>,
    request: &Request,
    now: Timestamp,
    rng: &mut impl CryptoRng,
) -> Response {
    if server.settings.has_placeholder_issuer() {
        return unconfigured(server, request);
    }
    let Some(issuer) = server.issuer(request) else {
        return Response::text(421, "This server does not serve that host and scheme.");
    };
    let route = server.route(&request.path, &issuer).filter(|route| route.is_served(&server.settings));
    let context =
        Context { server, issuer: &issuer, request, now, language: choice::language(request, &issuer) };
    let Some(route) = route else { return lost::answer(context) };
    let terms = route.terms();
    if request.method == "OPTIONS"
        && let Some(permission) = web_page::preflight(context, terms.scripts).await
    {
        return permission;
    }
    if !terms.methods.contains(&request.method.as_str()) {
        let allow = terms.methods.join(", ");
        return Response::text(405, &format!("Use {allow}.")).with("allow", allow);
    }
    let response = match coding::refuse(route, context) {
        Some(refusal) => refusal,
        None => dispatch(route, context, rng).await,
    };
    let response = if terms.proofs { dpop::with_nonce(context, response) } else { response };
    let response = web_page::readable(context, terms.scripts, response).await;
    let mut response = with_transport_security(response, &issuer);
    response.afterwards.append(&mut request.left.borrow_mut());
    if server.is_without_keys(now) {
        response.afterwards.push(Afterwards::MakeKeys);
    }
    if request.method == "HEAD" { response.without_body() } else { response }
}

/// Adds that a browser that has reached this server over https must not come back over plain http.
fn with_transport_security(response: Response, issuer: &Issuer) -> Response {
    if !issuer.is_secure() {
        return response;
    }
    response.with("strict-transport-security", "max-age=31536000".to_owned())
}

/// Answers a deployment whose `ISSUER` is still the placeholder: `/healthz` as ever, everything else with what to do.
fn unconfigured<P: Platform>(server: &Server<P>, request: &Request) -> Response {
    if request.path == "/healthz" {
        return health(server);
    }
    let text = "ISSUER is still the placeholder: set it in wrangler.toml to the https URL of this server, and deploy again.";
    Response::text(503, text).with("retry-after", "60".to_owned())
}

fn health<P: Platform>(server: &Server<P>) -> Response {
    let (version, named_wasm) = (server.platform.version(), server.platform.named_wasm());
    Response::json(200, &metadata::Health { version, named_wasm })
}

async fn dispatch<P: Platform>(route: Route, context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let answer = match route {
        Route::DeviceAuthorization => boxed(device_authorization::answer(context, rng)),
        Route::Token => boxed(token::answer(context, rng)),
        Route::Instant => boxed(instant::answer(context)),
        Route::Introspection => boxed(issued::introspection::answer(context)),
        Route::Revocation => boxed(issued::revocation::answer(context)),
        Route::UserInfo => boxed(issued::userinfo::answer(context)),
        Route::Verify => boxed(verify::answer(context, rng)),
        Route::Account => boxed(own::answer(context, Own::Account, rng)),
        Route::Console => boxed(own::answer(context, Own::Console, rng)),
        Route::Passkeys => boxed(own::answer(context, Own::Passkeys, rng)),
        Route::AccessRequests => boxed(own::answer(context, Own::Asking, rng)),
        Route::Invitation => boxed(invitation::answer(context, rng)),
        Route::Qr => return qr::answer(context),
        Route::Logo => boxed(logo::answer(context)),
        Route::Callback => boxed(verify::callback::answer(context, rng)),
        Route::Authorize => boxed(authorize::answer(context)),
        Route::Metadata => boxed(metadata::discovery(context)),
        Route::ProtectedResource => boxed(metadata::protected_resource(context)),
        Route::Keys => boxed(metadata::keys(context)),
        Route::LedgerRoots => boxed(roots::answer(context)),
        Route::Metrics => boxed(metrics::answer(context)),
        Route::Registration => boxed(registration::answer(context, rng)),
        Route::BackchannelLogout => boxed(upstream::events::logout(context)),
        Route::SecurityEvents => boxed(upstream::events::security_event(context)),
        Route::Admin => boxed(admin::answer(context, rng)),
        Route::Scim => boxed(scim::answer(context, rng)),
        Route::Health => return health(context.server),
    };
    answer.await
}
