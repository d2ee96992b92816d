//! Settings for clients that register themselves, and for where the authorization endpoint may send them.

use super::operator::{TokenDigests, admin_token, digests};
use super::variable::{BadSetting, Environment, bad, flag, missing};
use crate::client::redirect_uri::is_redirect_uri;
use crate::scope::{OPENID, Scope};
use crate::token::resource::is_resource;

/// The most scopes of open registration: what any stranger may ask people for has to stay readable.
const MOST_OPEN_SCOPES: usize = 10;
/// The most entries of `REGISTRATION_AUDIENCE`, as of a client's `audience`.
const MOST_RESOURCES: usize = 20;
/// The most bytes of `REGISTRATION_AUDIENCE`. Every client that registers stores a copy.
const LONGEST_AUDIENCE: usize = 2_048;

/// Dynamic client registration (RFC 7591). At least one of `token` and `open` is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    /// The digests of the initial access token, if there is one.
    pub token: Option<TokenDigests>,
    /// The scopes that a client may register for itself with the token.
    pub scope: Scope,
    /// The scopes that a client may register for itself without any token; `None` if that is not allowed.
    pub open: Option<Scope>,
    /// The `audience` of every client that registers itself.
    pub audience: Vec<String>,
}

pub(super) fn registration(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Option<Registration>, BadSetting> {
    const NAME: &str = "INITIAL_ACCESS_TOKEN_SHA256";
    let scope = scopes(var, "REGISTRATION_SCOPES")?;
    let open_scope = open_scopes(var)?;
    let open = flag(var, "OPEN_REGISTRATION", false)?.then_some(open_scope);
    let audience = audience(var)?;
    let token = digests(var, NAME)?;
    let admin = admin_token(var, environment)?;
    if token.as_ref().zip(admin).is_some_and(|(token, admin)| admin.overlap(token)) {
        return Err(missing(
            NAME,
            "is the digest of the admin token, which clients must not know; use another token",
        ));
    }
    let is_on = token.is_some() || open.is_some();
    Ok(is_on.then_some(Registration { token, scope, open, audience }))
}

fn scopes(var: &dyn Fn(&str) -> Option<String>, name: &'static str) -> Result<Scope, BadSetting> {
    let text = var(name).unwrap_or_else(|| OPENID.to_owned());
    let scope = Scope::parse(&text).filter(|scope| !scope.is_empty());
    scope.ok_or_else(|| bad(name, &text, "must be space-separated scopes"))
}

fn open_scopes(var: &dyn Fn(&str) -> Option<String>) -> Result<Scope, BadSetting> {
    const NAME: &str = "OPEN_REGISTRATION_SCOPES";
    let scope = scopes(var, NAME)?;
    if scope.iter().count() > MOST_OPEN_SCOPES {
        let allowed =
            format!("must have at most {MOST_OPEN_SCOPES} scopes, since any stranger may ask for them");
        return Err(bad(NAME, &scope.to_string(), &allowed));
    }
    Ok(scope)
}

fn audience(var: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, BadSetting> {
    const NAME: &str = "REGISTRATION_AUDIENCE";
    let text = var(NAME).unwrap_or_default();
    let audience = list(&text);
    let fits = audience.len() <= MOST_RESOURCES && text.len() <= LONGEST_AUDIENCE;
    if fits && audience.iter().all(|one| is_resource(one)) {
        return Ok(audience);
    }
    let allowed = format!(
        "must be at most {MOST_RESOURCES} absolute URIs without fragments, separated by spaces, of at most \
         {LONGEST_AUDIENCE} characters in total"
    );
    Err(bad(NAME, &text, &allowed))
}

pub(super) fn trusted_redirects(var: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, BadSetting> {
    const NAME: &str = "TRUSTED_REDIRECTS";
    let text = var(NAME).unwrap_or_default();
    let redirects = list(&text);
    if redirects.iter().all(|one| one.starts_with("https://") && is_redirect_uri(one)) {
        return Ok(redirects);
    }
    let allowed = "must be https URLs without user name or fragment, separated by spaces, such as \
                   https://vscode.dev/redirect; loopback addresses need no entry";
    Err(bad(NAME, &text, allowed))
}

fn list(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Digest;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    const PRODUCTION: Environment = Environment::Production;

    fn with(vars: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let vars: Vec<(String, String)> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| vars.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    fn refused(vars: &[(&str, &str)]) -> String {
        registration(&with(vars), PRODUCTION).unwrap_err().to_string()
    }

    #[test]
    fn registration_is_off_until_a_token_is_set_or_it_is_opened() {
        assert_eq!(registration(&with(&[]), PRODUCTION), Ok(None));
        assert_eq!(registration(&with(&[("OPEN_REGISTRATION_SCOPES", "openid a")]), PRODUCTION), Ok(None));

        let on = registration(&with(&[("INITIAL_ACCESS_TOKEN_SHA256", HEX)]), PRODUCTION).unwrap().unwrap();
        assert_eq!((on.token, on.scope.to_string().as_str()), (Some(Digest::of(b"test").into()), "openid"));
        assert_eq!(on.open, None);

        let audience = ("REGISTRATION_AUDIENCE", "https://a.example/mcp  https://b.example");
        let open = registration(&with(&[("OPEN_REGISTRATION", "true"), audience]), PRODUCTION);
        let open = open.unwrap().unwrap();
        assert_eq!((open.token, open.open.unwrap().to_string().as_str()), (None, "openid"));
        assert_eq!(open.audience, ["https://a.example/mcp", "https://b.example"]);
    }

    #[test]
    fn a_registration_setting_that_cannot_be_used_is_named() {
        let both = [("ADMIN_TOKEN_SHA256", HEX), ("INITIAL_ACCESS_TOKEN_SHA256", HEX)];
        assert!(refused(&both).contains("admin token"));
        let bad = [("REGISTRATION_SCOPES", "a\"b")];
        assert_eq!(refused(&bad), "REGISTRATION_SCOPES is \"a\\\"b\": must be space-separated scopes");
        let most = with(&[("OPEN_REGISTRATION_SCOPES", "a b c d e f g h i j")]);
        assert_eq!(registration(&most, PRODUCTION), Ok(None), "ten scopes are allowed");
        let many = "a b c d e f g h i j k";
        assert!(
            refused(&[("OPEN_REGISTRATION_SCOPES", many)])
                .ends_with("must have at most 10 scopes, since any stranger may ask for them")
        );
        assert!(refused(&[("OPEN_REGISTRATION", "yes")]).ends_with("must be true or false"));
        let long = format!("https://a.example/{}", "x".repeat(LONGEST_AUDIENCE));
        for audience in
            ["api", "https://a.example/#a", "https://a.example,b", &"https://a.example ".repeat(21), &long]
        {
            // A comma may stand in a URI.
            let is_fine = audience.contains(',');
            let found = registration(&with(&[("REGISTRATION_AUDIENCE", audience)]), PRODUCTION);
            assert_eq!(found.is_ok(), is_fine, "{audience}");
        }
    }

    #[test]
    fn only_https_addresses_are_trusted_redirects() {
        let read = |text: &str| trusted_redirects(&with(&[("TRUSTED_REDIRECTS", text)]));

        assert_eq!(read("").unwrap(), Vec::<String>::new());
        let both = read("https://vscode.dev/redirect https://insiders.vscode.dev/redirect").unwrap();
        assert_eq!(both, ["https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect"]);
        for bad in
            ["vscode.dev", "http://127.0.0.1/", "https://a@b.example/", "https://a.example/#x", "vscode://x"]
        {
            let error = read(bad).unwrap_err().to_string();
            assert!(
                error.starts_with("TRUSTED_REDIRECTS is ") && error.contains("must be https URLs"),
                "{error}"
            );
        }
    }
}
