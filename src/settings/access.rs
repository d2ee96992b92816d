//! `ACCESS_TEAM`, `ACCESS_AUDIENCE` and `ACCESS_MANAGED_POSTURE`: the application of Cloudflare Access in front of this
//! server, and the machines that it knows.

use super::variable::{BadSetting, bad, missing};
use crate::upstream::access::Application;
use crate::upstream::posture::Posture;

const TEAM: &str = "ACCESS_TEAM";
const AUDIENCE: &str = "ACCESS_AUDIENCE";
const POSTURE: &str = "ACCESS_MANAGED_POSTURE";
/// The host of a team's issuer, after its name.
const DOMAIN: &str = ".cloudflareaccess.com";
/// Longest name of a team: a label of a host name.
const LONGEST: usize = 63;

pub(super) fn read(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<Application>, BadSetting> {
    let issuer = var(TEAM).map(|team| issuer(&team)).transpose()?;
    let audience = var(AUDIENCE).map(tag).transpose()?;
    let posture = var(POSTURE).map(|text| posture(&text)).transpose()?;
    match (issuer, audience) {
        (Some(issuer), Some(audience)) => Ok(Some(Application { issuer, audience, posture })),
        (None, None) if posture.is_some() => Err(missing(TEAM, "must be set if ACCESS_MANAGED_POSTURE is")),
        (None, None) => Ok(None),
        (Some(_), None) => Err(missing(AUDIENCE, "must be set together with ACCESS_TEAM")),
        (None, Some(_)) => Err(missing(TEAM, "must be set together with ACCESS_AUDIENCE")),
    }
}

/// Returns the issuer of a team, written as its name, its domain or its URL.
fn issuer(team: &str) -> Result<String, BadSetting> {
    const FORM: &str = "must be the name of the team, or its domain, such as acme.cloudflareaccess.com";
    let host = team.strip_prefix("https://").unwrap_or(team);
    let name = host.strip_suffix(DOMAIN).unwrap_or(host);
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_plain);
    if is_label && !name.starts_with('-') && !name.ends_with('-') {
        Ok(format!("https://{name}{DOMAIN}"))
    } else {
        Err(bad(TEAM, team, FORM))
    }
}

fn tag(text: String) -> Result<String, BadSetting> {
    const FORM: &str = "must be the application's audience tag: 64 lower-case hexadecimal digits";
    if is_tag(&text) { Ok(text) } else { Err(bad(AUDIENCE, &text, FORM)) }
}

fn is_tag(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn posture(text: &str) -> Result<Posture, BadSetting> {
    const FORM: &str = "must be at most 20 identifiers (UUIDs in lower case) of posture checks, with commas between those \
                        that must all have succeeded, and | between those of which one is enough";
    Posture::parse(text).ok_or_else(|| bad(POSTURE, text, FORM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(team: &str, audience: &str) -> Result<Option<String>, String> {
        let var = |name: &str| {
            let value = match name {
                TEAM => team,
                AUDIENCE => audience,
                _ => "",
            };
            (!value.is_empty()).then(|| value.to_owned())
        };
        let read = read(&var).map_err(|error| error.to_string())?;
        Ok(read.map(|application| application.issuer))
    }

    #[test]
    fn a_team_is_its_name_its_domain_or_its_url() {
        let tag = "0f".repeat(32);
        assert_eq!(reading("", ""), Ok(None));
        assert_eq!(
            reading("my-2nd-team", &tag),
            Ok(Some("https://my-2nd-team.cloudflareaccess.com".to_owned()))
        );
        for team in ["acme", "acme.cloudflareaccess.com", "https://acme.cloudflareaccess.com"] {
            assert_eq!(
                reading(team, &tag),
                Ok(Some("https://acme.cloudflareaccess.com".to_owned())),
                "{team}"
            );
        }
        for team in
            ["Acme", "-acme", "a/b", "acme.example.com", "https://acme.cloudflareaccess.com/", "http://acme"]
        {
            assert!(reading(team, &tag).unwrap_err().contains("ACCESS_TEAM"), "{team}");
        }
    }

    #[test]
    fn posture_needs_a_team_and_names_checks() {
        let read = |team: Option<&'static str>, posture: &str| {
            let tag = "0f".repeat(32);
            let var = |name: &str| match name {
                TEAM => team.map(str::to_owned),
                AUDIENCE => team.map(|_| tag.clone()),
                _ => Some(posture.to_owned()),
            };
            read(&var).map_err(|error| error.to_string())
        };
        let check = "f6f9391e-6776-4878-9c60-0cc807dc7dc8";
        assert_eq!(read(Some("acme"), check).unwrap().unwrap().posture, Posture::parse(check));
        assert!(read(Some("acme"), "Firewall").unwrap_err().starts_with("ACCESS_MANAGED_POSTURE is "));
        assert!(read(None, check).unwrap_err().starts_with("ACCESS_TEAM: must be set if"));
    }

    #[test]
    fn a_team_needs_the_tag_of_an_application_and_the_other_way_round() {
        assert!(reading("acme", "").unwrap_err().starts_with("ACCESS_AUDIENCE: must be set together"));
        assert!(reading("", &"0f".repeat(32)).unwrap_err().starts_with("ACCESS_TEAM: must be set together"));
        for tag in ["0f", &"0F".repeat(32), &"g0".repeat(32)] {
            assert!(reading("acme", tag).unwrap_err().contains("64 lower-case hexadecimal digits"), "{tag}");
        }
    }
}
