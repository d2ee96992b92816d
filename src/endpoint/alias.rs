//! Addresses that other products use for the same endpoints, so that their clients and devices in the field work
//! unmodified. `COMPATIBILITY` switches them on; the metadata never name them. An alias shares every rule and limit of
//! its endpoint, and is an address of its own to a DPoP proof and to an assertion's audience.

use crate::client::DEVICE_CODE_GRANT;
use crate::settings::compatibility::Product;

/// The paths of each product, and this server's own for the same. All are relative to the issuer.
pub const ALIASES: [(Product, &str, &str); 14] = [
    // msal-node and @azure/identity put `/devicecode` in place of `/token` in the token endpoint's address.
    (Product::Microsoft, "/devicecode", "/device_authorization"),
    // wrangler's `login --device`, with its variables for other hosts than Cloudflare's.
    (Product::Wrangler, "/oauth2/device/auth", "/device_authorization"),
    (Product::Wrangler, "/oauth2/token", "/token"),
    (Product::Wrangler, "/oauth2/revoke", "/revoke"),
    // authentik's documentation of the device code flow; its paths end in a slash.
    (Product::Authentik, "/application/o/device/", "/device_authorization"),
    (Product::Authentik, "/application/o/token/", "/token"),
    (Product::Authentik, "/application/o/revoke/", "/revoke"),
    // Keycloak's endpoints below a realm, which is the issuer there.
    (Product::Keycloak, "/protocol/openid-connect/auth/device", "/device_authorization"),
    (Product::Keycloak, "/protocol/openid-connect/token", "/token"),
    (Product::Keycloak, "/protocol/openid-connect/revoke", "/revoke"),
    (Product::Keycloak, "/protocol/openid-connect/userinfo", "/userinfo"),
    // Ory Hydra's public endpoints.
    (Product::Hydra, "/oauth2/device/auth", "/device_authorization"),
    (Product::Hydra, "/oauth2/token", "/token"),
    (Product::Hydra, "/oauth2/revoke", "/revoke"),
];

/// Returns this server's own path for one that these products use.
pub(super) fn own_path(path: &str, products: &[Product]) -> Option<&'static str> {
    let mut aliases = ALIASES.iter().filter(|(product, ..)| products.contains(product));
    aliases.find(|(_, alias, _)| *alias == path).map(|(_, _, own)| *own)
}

/// Returns the name of RFC 8628 §3.4 for a grant type. Microsoft's libraries call the device grant `device_code`.
pub(super) fn grant_type<'a>(name: &'a str, products: &[Product]) -> &'a str {
    let is_short = name == "device_code" && products.contains(&Product::Microsoft);
    if is_short { DEVICE_CODE_GRANT } else { name }
}
