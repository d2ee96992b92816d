//! Whose pages these are: `SERVICE_NAME`, `SERVICE_LOGO`, `SUPPORT_URL` and `ACCENT_COLOR`.

use super::accent::Accent;
use super::variable::{BadSetting, bad};
use crate::client::registration::json_members::is_web_address;
use crate::logo::{Logo, LogoFlaw};
use crate::secret::{self, Digest};
use crate::visible;

/// Longest name, in characters.
const LONGEST_NAME: usize = 60;
/// Most characters of a refused logo that the error repeats.
const MOST_SHOWN: usize = 60;

/// What people are told about the service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Service {
    /// `SERVICE_NAME`: a [visible] text of at most 60 characters.
    pub name: Option<String>,
    /// `SERVICE_LOGO`; `None` for the mark of `templates/brand.html`.
    pub logo: Option<ServiceLogo>,
    /// `SUPPORT_URL`: where people find help. On https, or on loopback.
    pub support_url: Option<String>,
    /// `ACCENT_COLOR`; `None` for the colors of `templates/style.css`.
    pub accent: Option<Accent>,
}

/// What the pages call a service without a `SERVICE_NAME`.
const PAGES: &str = "Device sign-in";

impl Service {
    /// Returns the name by which people know the service.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(PAGES)
    }
}

/// Where the logo of the service comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ServiceLogo {
    /// From the setting itself.
    Inside(Logo),
    /// From another server, which is asked once. Then the registry keeps the image.
    At {
        /// On https, or on loopback.
        url: String,
        /// SHA-256 of the URL, base64url. Another URL gives the image another address.
        name: String,
    },
}

impl ServiceLogo {
    fn parse(text: &str) -> Result<Self, LogoFlaw> {
        if is_web_address(text) {
            return Ok(Self::At {
                url: text.to_owned(),
                name: secret::encode(Digest::of(text.as_bytes()).bytes()),
            });
        }
        Logo::parse(text).map(Self::Inside)
    }

    /// Returns the last part of the address under which this server shows the image.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Inside(logo) => logo.hash(),
            Self::At { name, .. } => name,
        }
    }
}

pub(super) fn read(var: &dyn Fn(&str) -> Option<String>) -> Result<Service, BadSetting> {
    Ok(Service { name: name(var)?, logo: logo(var)?, support_url: support_url(var)?, accent: accent(var)? })
}

fn name(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, BadSetting> {
    const NAME: &str = "SERVICE_NAME";
    let Some(name) = var(NAME) else { return Ok(None) };
    if name.chars().count() > LONGEST_NAME {
        return Err(bad(NAME, &name, "must have at most 60 characters"));
    }
    match visible::check(&name) {
        Ok(()) => Ok(Some(name)),
        Err(flaw) => {
            Err(bad(NAME, &visible::escaped(&name), &format!("must be visible text, but it {flaw}")))
        }
    }
}

fn logo(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<ServiceLogo>, BadSetting> {
    const NAME: &str = "SERVICE_LOGO";
    let Some(text) = var(NAME) else { return Ok(None) };
    ServiceLogo::parse(&text).map(Some).map_err(|flaw| {
        let shown: String = text.chars().take(MOST_SHOWN).collect();
        bad(NAME, &shown, &flaw.to_string())
    })
}

fn support_url(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, BadSetting> {
    const NAME: &str = "SUPPORT_URL";
    const FORM: &str = "must be an https URL of at most 512 characters without user name and fragment (http on \
                        loopback only)";
    match var(NAME) {
        Some(url) if !is_web_address(&url) => Err(bad(NAME, &url, FORM)),
        url => Ok(url),
    }
}

fn accent(var: &dyn Fn(&str) -> Option<String>) -> Result<Option<Accent>, BadSetting> {
    const NAME: &str = "ACCENT_COLOR";
    let Some(text) = var(NAME) else { return Ok(None) };
    Accent::parse(&text).map(Some).map_err(|flaw| bad(NAME, &text, &flaw.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &'static str, value: &str) -> Result<Service, String> {
        read(&|other: &str| (other == name).then(|| value.to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_service_can_stay_without_name_and_color() {
        assert_eq!(read(&|_: &str| None), Ok(Service::default()));
        let named = reading("SERVICE_NAME", "Beispiel Fernsehen").unwrap();
        assert_eq!(named.name.as_deref(), Some("Beispiel Fernsehen"));
        assert!(reading("SERVICE_NAME", &"x".repeat(60)).is_ok(), "the longest");
        let drawn = reading("SERVICE_LOGO", "data:image/png;base64,iVBORw0KGgo=").unwrap();
        assert!(matches!(&drawn.logo, Some(ServiceLogo::Inside(logo)) if logo.bytes().len() == 8));
        let found = reading("SERVICE_LOGO", "https://cdn.example/logo.png").unwrap();
        assert!(
            matches!(&found.logo, Some(ServiceLogo::At { url, .. }) if url == "https://cdn.example/logo.png")
        );
        let other = reading("SERVICE_LOGO", "https://cdn.example/logo.png?v=2").unwrap();
        assert_ne!(found.logo.unwrap().name(), other.logo.unwrap().name(), "another URL has another address");
        let helped = reading("SUPPORT_URL", "https://help.example/tv").unwrap();
        assert_eq!(helped.support_url.as_deref(), Some("https://help.example/tv"));
        let colored = reading("ACCENT_COLOR", "#0A5878").unwrap();
        assert_eq!(colored.accent.map(|accent| accent.light.to_string()).as_deref(), Some("#0a5878"));
    }

    #[test]
    fn what_people_could_not_read_or_reach_is_refused_with_the_reason() {
        for (name, value, expected) in [
            (
                "SERVICE_NAME",
                "Bank\u{202e}",
                "SERVICE_NAME is \"Bank\\\\u{202e}\": must be visible text, but it has U+202E",
            ),
            ("SERVICE_NAME", " Bank", "begins or ends with a space"),
            ("SERVICE_NAME", &"x".repeat(61), "must have at most 60 characters"),
            ("SERVICE_LOGO", "http://cdn.example/logo.png", "must be the https URL of an image"),
            ("SERVICE_LOGO", "data:image/png;base64,R0lGODlh", "the bytes are not image/png"),
            ("SUPPORT_URL", "mailto:help@example.com", "must be an https URL"),
            ("SUPPORT_URL", "http://help.example/", "must be an https URL"),
            ("ACCENT_COLOR", "blue", "must be a color such as #0a5878"),
            ("ACCENT_COLOR", "#ffcc00", "has a contrast of 1.5 with white text"),
        ] {
            let error = reading(name, value).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
