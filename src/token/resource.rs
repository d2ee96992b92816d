//! The resources that tokens are for: resource indicators (RFC 8707).
//!
//! A grant covers the resources that the device authorization request names, or else the client's default.
//! With the scope `openid` it also covers the issuer, so that the token opens `/userinfo`. The token endpoint
//! can only narrow this set.
//!
//! A slash at the end does not count: libraries add one to an address without a path, and drop one elsewhere.
//! Tokens and grants always have the spelling of the registration, which is what resource servers expect.

use crate::scope::{OPENID, Scope};

/// Longest accepted resource, in bytes.
pub const LONGEST: usize = 512;

/// Returns whether `text` is an absolute URI without a fragment (RFC 8707 §2, RFC 3986 §4.3).
///
/// ```
/// use device_grant::token::resource::is_resource;
///
/// assert!(is_resource("https://api.example.com/orders?of=2"));
/// assert!(!is_resource("https://api.example.com/#part") && !is_resource("/orders"));
/// ```
#[must_use]
pub fn is_resource(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let begins = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let named = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let hollow = rest.starts_with("///") || rest == "//" || rest.is_empty();
    begins && named && !hollow && text.len() <= LONGEST && rest.bytes().all(may_stand_in_a_uri)
}

/// Returns whether RFC 3986 §2 allows the character: reserved, unreserved or `%`, except `#`, which would
/// start a fragment.
fn may_stand_in_a_uri(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=%".contains(&byte)
}

/// This server's own resources: the issuer, and `/userinfo` under the name in its metadata (RFC 9728 §2).
pub struct Own {
    issuer: String,
    userinfo: String,
}

/// Why a request for resources is refused; all become `invalid_target` (RFC 8707 §2).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadTarget {
    /// The resource is not an absolute URI without a fragment.
    Malformed(String),
    /// The client is not allowed tokens for the resource, or the grant does not cover it.
    NotAllowed(String),
    /// The client is not allowed tokens for anything that the grant covers.
    Lost,
}

impl Own {
    /// Returns the resources of the server whose issuer is `issuer`.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), userinfo: format!("{issuer}/userinfo") }
    }

    /// Returns whether `resource` is one of this server's own.
    #[must_use]
    pub fn has(&self, resource: &str) -> bool {
        self.spelled(resource).is_some()
    }

    /// Returns this server's own spelling of `resource`, if that is one of its own.
    fn spelled(&self, resource: &str) -> Option<&str> {
        [&self.issuer, &self.userinfo].into_iter().find(|own| is_same(own, resource)).map(String::as_str)
    }

    /// Returns the resources for a device that asks for `asked`. Each must be in the client's `audience` or
    /// this server's own. If `asked` is empty, the result is the first of `audience`. If `audience` is empty
    /// as well, the result is an empty list, which stands for the issuer.
    ///
    /// # Errors
    ///
    /// One of `asked` is malformed or not allowed for this client.
    pub fn granted(&self, asked: &[&str], audience: &[String]) -> Result<Vec<String>, BadTarget> {
        if asked.is_empty() {
            return Ok(audience.iter().take(1).cloned().collect());
        }
        select(asked, |resource| self.spelled(resource).or_else(|| spelling(resource, audience)))
    }

    /// Returns the audience of a token, which is never empty. It consists of the `granted` resources that the
    /// client's `audience` still allows, and of the issuer if nothing was granted or `scope` has `openid`. If
    /// `asked` is not empty, it narrows them (RFC 8707 §2.2).
    ///
    /// # Errors
    ///
    /// One of `asked` is malformed or not granted, or the client has lost everything that was granted.
    pub fn narrowed(
        &self,
        asked: &[&str],
        granted: &[String],
        scope: &Scope,
        audience: &[String],
    ) -> Result<Vec<String>, BadTarget> {
        let still = |resource: &String| self.spelled(resource).or_else(|| spelling(resource, audience));
        let mut whole: Vec<String> = granted.iter().filter_map(still).map(str::to_owned).collect();
        if whole.is_empty() && !granted.is_empty() {
            return Err(BadTarget::Lost);
        }
        let own = whole.iter().any(|resource| self.has(resource));
        if !own && (whole.is_empty() || scope.has(OPENID)) {
            whole.push(self.issuer.clone());
        }
        if asked.is_empty() {
            return Ok(whole);
        }
        let userinfo = whole.contains(&self.issuer).then_some(self.userinfo.as_str());
        let userinfo = |resource: &str| userinfo.filter(|own| is_same(own, resource));
        select(asked, |resource| spelling(resource, &whole).or_else(|| userinfo(resource)))
    }
}

/// Returns whether two resources differ at most by one slash at the end.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || trimmed(one) == trimmed(other)
}

/// Returns `resource` without one slash at the end of its address. A URN keeps its slash.
fn trimmed(resource: &str) -> &str {
    if resource.contains("://") { resource.strip_suffix('/').unwrap_or(resource) } else { resource }
}

/// Returns the spelling of `resource` in `list`: exactly that one, or else one that differs by a slash.
fn spelling<'a>(resource: &str, list: &'a [String]) -> Option<&'a str> {
    let exact = list.iter().find(|one| *one == resource);
    exact.or_else(|| list.iter().find(|one| is_same(one, resource))).map(String::as_str)
}

/// Returns `asked` in its order without duplicates, each as `allowed` spells it, if all are allowed.
fn select<'a>(asked: &[&str], allowed: impl Fn(&str) -> Option<&'a str>) -> Result<Vec<String>, BadTarget> {
    let mut selected: Vec<String> = Vec::new();
    for resource in asked {
        if !is_resource(resource) {
            return Err(BadTarget::Malformed((*resource).to_owned()));
        }
        let spelled = allowed(resource).ok_or_else(|| BadTarget::NotAllowed((*resource).to_owned()))?;
        if !selected.iter().any(|one| one == spelled) {
            selected.push(spelled.to_owned());
        }
    }
    Ok(selected)
}

/// Returns what people see of a resource: its host, or all of it if it has none.
#[must_use]
pub fn host(resource: &str) -> &str {
    let rest = resource.split_once("://").map(|(_, rest)| rest);
    let authority = rest.and_then(|rest| rest.split(['/', '?']).next());
    let host = authority.map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host));
    host.filter(|host| !host.is_empty()).unwrap_or(resource)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.example.com";
    const API: &str = "https://api.example.com";
    const FILES: &str = "https://files.example.com/v1";

    fn list(resources: &[&str]) -> Vec<String> {
        resources.iter().map(|resource| (*resource).to_owned()).collect()
    }

    fn not_allowed(resource: &str) -> Result<Vec<String>, BadTarget> {
        Err(BadTarget::NotAllowed(resource.to_owned()))
    }

    fn malformed(resource: &str) -> Result<Vec<String>, BadTarget> {
        Err(BadTarget::Malformed(resource.to_owned()))
    }

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for good in
            [API, FILES, "urn:example:api", "http://127.0.0.1:8787/auth", "api+v1:x", "https://a/?q=%20"]
        {
            assert!(is_resource(good), "{good}");
        }
        let long = format!("https://a/{}", "x".repeat(LONGEST));
        for bad in [
            "",
            "api",
            "/api",
            "//a/b",
            "https:",
            "https://",
            "https:///x",
            ":x",
            "1a:b",
            "https://a/#",
            "https://a b",
            "https://é",
            "https://a/\"",
            "https://a\\b",
            &long,
        ] {
            assert!(!is_resource(bad), "{bad}");
        }
    }

    #[test]
    fn a_device_gets_only_resources_that_its_client_may_have() {
        let own = Own::of(ISSUER);
        let audience = list(&[API, FILES]);

        assert_eq!(own.granted(&[], &audience), Ok(list(&[API])), "the first is the default");
        assert_eq!(own.granted(&[], &[]), Ok(Vec::new()));
        assert_eq!(own.granted(&[FILES, API, FILES], &audience), Ok(list(&[FILES, API])));
        assert_eq!(own.granted(&[ISSUER], &audience), Ok(list(&[ISSUER])));
        assert_eq!(own.granted(&[FILES], &[]), not_allowed(FILES));
        let evil = "https://evil.example";
        assert_eq!(own.granted(&[API, evil], &audience), not_allowed(evil));
        assert_eq!(own.granted(&["api"], &audience), malformed("api"));
    }

    #[test]
    fn a_slash_at_the_end_does_not_count_and_the_registered_spelling_is_granted() {
        let own = Own::of(ISSUER);
        let audience = list(&[API, "https://mcp.example.com/mcp/"]);
        let (api, mcp) = ("https://api.example.com/", "https://mcp.example.com/mcp");

        let granted = own.granted(&[api, mcp, API], &audience).unwrap();
        assert_eq!(granted, audience);
        let narrowed =
            |asked: &[&str], audience: &[String]| own.narrowed(asked, &granted, &scope("openid"), audience);
        assert_eq!(narrowed(&[mcp], &audience), Ok(list(&["https://mcp.example.com/mcp/"])));
        assert_eq!(narrowed(&["https://login.example.com/"], &audience), Ok(list(&[ISSUER])));
        assert_eq!(
            narrowed(&["https://login.example.com/userinfo/"], &audience),
            Ok(list(&["https://login.example.com/userinfo"]))
        );
        assert_eq!(narrowed(&[api], &list(&[api])), Ok(list(&[api])), "as it is spelled by now");
        assert_eq!(own.granted(&["https://login.example.com/"], &[]), Ok(list(&[ISSUER])));
        let both = list(&[API, api]);
        assert_eq!(own.granted(&[api], &both), Ok(list(&[api])), "the exact spelling wins");
        for other in ["https://api.example.com//", "https://api.example.com/?", "https://api.example.com/v1"]
        {
            assert_eq!(own.granted(&[other], &audience), not_allowed(other), "{other}");
        }
        assert_eq!(own.granted(&["urn:a/"], &list(&["urn:a"])), not_allowed("urn:a/"));
    }

    #[test]
    fn the_token_endpoint_only_narrows() {
        let own = Own::of(ISSUER);
        let both = list(&[API, FILES]);
        let narrowed = |asked: &[&str], text| own.narrowed(asked, &both, &scope(text), &both);

        assert_eq!(narrowed(&[], "email"), Ok(both.clone()));
        assert_eq!(narrowed(&[], "openid"), Ok(list(&[API, FILES, ISSUER])), "the token opens /userinfo");
        assert_eq!(narrowed(&[FILES], "openid"), Ok(list(&[FILES])));
        assert_eq!(narrowed(&[ISSUER], "openid"), Ok(list(&[ISSUER])));
        assert_eq!(narrowed(&["https://login.example.com/userinfo"], "openid").map(|all| all.len()), Ok(1));
        assert_eq!(narrowed(&[ISSUER], "email"), not_allowed(ISSUER));
        assert_eq!(own.narrowed(&[FILES], &list(&[API]), &scope("openid"), &both), not_allowed(FILES));
        assert_eq!(narrowed(&["#"], "openid"), malformed("#"));
    }

    #[test]
    fn resources_that_the_client_has_lost_are_left_out() {
        let own = Own::of(ISSUER);
        let granted = list(&[API, FILES]);
        let after = |audience: &[String]| own.narrowed(&[], &granted, &scope("email"), audience);

        assert_eq!(after(&list(&[FILES])), Ok(list(&[FILES])));
        assert_eq!(after(&[]), Err(BadTarget::Lost), "the issuer does not replace them");
        assert_eq!(
            own.narrowed(&[], &[], &scope("email"), &granted),
            Ok(list(&[ISSUER])),
            "a grant without resources is for the issuer"
        );
    }

    #[test]
    fn people_see_the_host() {
        assert_eq!(host(FILES), "files.example.com");
        assert_eq!(host("https://a.example@evil.example:1/x"), "evil.example:1");
        assert_eq!(host("https://a.example?x@y"), "a.example");
        assert_eq!(host("urn:example:api"), "urn:example:api");
    }
}
