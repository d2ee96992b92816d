//! Reads how a client's codes and tokens differ from the server's settings, within the same bounds.

use serde_json::Value;

use super::demand;
use super::json_members::Members;
use crate::bounds::{ACCESS_TOKEN, CODE_LIFETIME, ID_TOKEN, INTERVAL, REFRESH_TOKEN};
use crate::client::rules::{AccessTokenFormat, CodeRules, RedemptionPlace, TokenRules, UserCodeType};
use crate::sharding::MAX_SHARDS;
use crate::token::mapping;
use crate::token::mapping::Rules;
use crate::token::resource::is_resource;
use crate::web_origin::WebOrigin;

/// Longest audience: the sum of all entries, in bytes.
const LONGEST_AUDIENCE: usize = 4_096;
const FORMATS: &[(&str, AccessTokenFormat)] =
    &[("jwt", AccessTokenFormat::Jwt), ("opaque", AccessTokenFormat::Opaque)];
const USER_CODES: &[(&str, UserCodeType)] =
    &[("configured", UserCodeType::Configured), ("digits", UserCodeType::Digits)];
const PLACES: &[(&str, RedemptionPlace)] = &[
    ("any", RedemptionPlace::Any),
    ("same_country", RedemptionPlace::SameCountry),
    ("same_network", RedemptionPlace::SameNetwork),
];
/// Most web origins of one client.
const MOST_ORIGINS: usize = 20;

pub(super) fn codes(members: &mut Members) -> CodeRules {
    let rules = CodeRules {
        code_lifetime: members.number("code_lifetime", CODE_LIFETIME),
        polling_interval: members.number("polling_interval", INTERVAL),
        user_code_type: members.choice("user_code_type", USER_CODES).unwrap_or_default(),
        verification_uri_complete: members.flag("verification_uri_complete", true),
        device_client_authentication: members.optional_flag("device_client_authentication"),
        allowed_origins: members
            .parsed("allowed_origins", MOST_ORIGINS, "an origin", WebOrigin::parse)
            .unwrap_or_default(),
        redemption_place: members.choice("redemption_place", PLACES).unwrap_or_default(),
        shards_per_network: members
            .number("shards_per_network", 1..=MAX_SHARDS.into())
            .and_then(|number| u8::try_from(number).ok())
            .unwrap_or(1),
        sign_in: demand::read(members),
    };
    if let (Some(lifetime), Some(interval)) = (rules.code_lifetime, rules.polling_interval)
        && interval >= lifetime
    {
        let why = format!(
            "polling_interval is {interval}: it must be less than code_lifetime, which is {lifetime}"
        );
        members.refuse("polling_interval", why);
    }
    rules
}

pub(super) fn tokens(members: &mut Members) -> TokenRules {
    let rules = TokenRules {
        access_token_format: members.choice("access_token_format", FORMATS).unwrap_or_default(),
        audience: audience(members),
        access_token_lifetime: members.number("access_token_lifetime", ACCESS_TOKEN),
        id_token_lifetime: members.number("id_token_lifetime", ID_TOKEN),
        refresh_token_idle_lifetime: members.number("refresh_token_idle_lifetime", REFRESH_TOKEN),
        refresh_token_lifetime: members.number("refresh_token_lifetime", REFRESH_TOKEN),
        userinfo_signed_response_alg: members.algorithm("userinfo_signed_response_alg"),
        dpop_bound_access_tokens: members.flag("dpop_bound_access_tokens", false),
        tls_client_certificate_bound_access_tokens: members
            .flag("tls_client_certificate_bound_access_tokens", false),
        claims: claims(members),
    };
    if let (Some(idle), Some(whole)) = (rules.refresh_token_idle_lifetime, rules.refresh_token_lifetime)
        && idle > whole
    {
        let why = format!(
            "refresh_token_idle_lifetime is {idle}: it must not exceed refresh_token_lifetime, which is {whole}"
        );
        members.refuse("refresh_token_idle_lifetime", why);
    }
    rules
}

/// Reads the resources that the client's tokens may be for. Their total length is limited because a single
/// token may name all of them, and tokens have to fit into requests.
pub(crate) fn audience(members: &mut Members) -> Vec<String> {
    const RESOURCE: &str = "an absolute URI of at most 512 characters without a fragment (RFC 8707)";
    let audience = members.texts("audience", 20, RESOURCE, is_resource).unwrap_or_default();
    let length: usize = audience.iter().map(String::len).sum();
    if length > LONGEST_AUDIENCE {
        let why =
            format!("audience has {length} characters in total: at most {LONGEST_AUDIENCE} are allowed");
        members.refuse("audience", why);
    }
    audience
}

/// Reads the claim mapping. Faulty rules are refused here, so issuing a token cannot fail because of one.
fn claims(members: &mut Members) -> Rules {
    const CLAIMS: &str = "claims";
    let Some(rules) = members.take(CLAIMS) else { return Rules::default() };
    mapping::written::read(CLAIMS, rules).unwrap_or_else(|faults| {
        members.refuse_all(faults);
        Rules::default()
    })
}

/// Returns the members that responses show with their default if a client does not have them.
pub(in crate::client) fn defaults() -> [(&'static str, Value); 7] {
    [
        ("access_token_format", Value::from("jwt")),
        ("user_code_type", Value::from("configured")),
        ("verification_uri_complete", Value::from(true)),
        ("redemption_place", Value::from("any")),
        ("dpop_bound_access_tokens", Value::from(false)),
        ("tls_client_certificate_bound_access_tokens", Value::from(false)),
        ("consent_prompt", Value::from("always")),
    ]
}
