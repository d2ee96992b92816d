//! Addresses that other products use for the same endpoints, so that their clients and devices in the field work
//! unmodified. `COMPATIBILITY` switches them on; the metadata never name them. An alias shares every rule and limit of
//! its endpoint, and is an address of its own to a DPoP proof and to an assertion's audience.

use super::route::Route;
use crate::client::DEVICE_CODE_GRANT;
use crate::settings::compatibility::Product;

/// The paths of each product, relative to the issuer.
const ALIASES: [(Product, &str, Route); 14] = [
    // msal-node and @azure/identity put `/devicecode` in place of `/token` in the token endpoint's address.
    (Product::Microsoft, "/devicecode", Route::DeviceAuthorization),
    // wrangler's `login --device`, with its variables for other hosts than Cloudflare's.
    (Product::Wrangler, "/oauth2/device/auth", Route::DeviceAuthorization),
    (Product::Wrangler, "/oauth2/token", Route::Token),
    (Product::Wrangler, "/oauth2/revoke", Route::Revocation),
    // authentik's documentation of the device code flow; its paths end in a slash.
    (Product::Authentik, "/application/o/device/", Route::DeviceAuthorization),
    (Product::Authentik, "/application/o/token/", Route::Token),
    (Product::Authentik, "/application/o/revoke/", Route::Revocation),
    // Keycloak's endpoints below a realm, which is the issuer there.
    (Product::Keycloak, "/protocol/openid-connect/auth/device", Route::DeviceAuthorization),
    (Product::Keycloak, "/protocol/openid-connect/token", Route::Token),
    (Product::Keycloak, "/protocol/openid-connect/revoke", Route::Revocation),
    (Product::Keycloak, "/protocol/openid-connect/userinfo", Route::UserInfo),
    // Ory Hydra's public endpoints.
    (Product::Hydra, "/oauth2/device/auth", Route::DeviceAuthorization),
    (Product::Hydra, "/oauth2/token", Route::Token),
    (Product::Hydra, "/oauth2/revoke", Route::Revocation),
];

/// Returns the route of a path that one of these products uses.
pub(super) fn find(path: &str, products: &[Product]) -> Option<Route> {
    let mut aliases = ALIASES.iter().filter(|(product, ..)| products.contains(product));
    aliases.find(|(_, alias, _)| *alias == path).map(|(_, _, route)| *route)
}

/// Returns the name of RFC 8628 §3.4 for a grant type. Microsoft's libraries call the device grant `device_code`.
pub(super) fn grant_type<'a>(name: &'a str, products: &[Product]) -> &'a str {
    let is_short = name == "device_code" && products.contains(&Product::Microsoft);
    if is_short { DEVICE_CODE_GRANT } else { name }
}
