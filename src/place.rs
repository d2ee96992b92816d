//! Where a request came from: the place that pages show to people, which never includes an IP address.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What the edge knows about the origin of a request. An unknown field is `None`; nothing is guessed.
#[expect(missing_docs, reason = "the name of the other field says it all")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Place {
    /// Two-letter code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// State, province or similar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// The operator of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// Autonomous system number of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Three-letter code of the data center that received the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colo: Option<String>,
}

impl Place {
    /// Returns a name such as `Lyon, Auvergne-Rhône-Alpes, FR`, or as much of it as is known.
    #[must_use]
    pub fn name(&self) -> String {
        let parts = [&self.city, &self.region, &self.country];
        let known: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        if known.is_empty() { "Unknown place".to_owned() } else { known.join(", ") }
    }

    /// Returns a name such as `Example Telecom (AS64500)`, or as much of it as is known.
    #[must_use]
    pub fn network(&self) -> String {
        match (&self.operator, self.asn) {
            (Some(operator), Some(asn)) => format!("{operator} (AS{asn})"),
            (Some(operator), None) => operator.clone(),
            (None, Some(asn)) => format!("AS{asn}"),
            (None, None) => "Unknown network".to_owned(),
        }
    }
}

/// Where, when and with what kind of device a grant was requested.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Origin {
    /// Place and network.
    pub place: Place,
    /// A kind of device, from [`device_kind`].
    pub device: String,
    /// When the grant was requested.
    pub at: Timestamp,
}

/// Returns the kind of device behind a `User-Agent`, in words that its owner understands.
///
/// The header is the device's own claim, so the kind is shown as a hint and never decides anything.
#[must_use]
pub fn device_kind(user_agent: Option<&str>) -> String {
    let agent = user_agent.unwrap_or_default();
    let known = KINDS.iter().find(|(token, _)| agent.contains(token));
    match known {
        Some((_, kind)) => (*kind).to_owned(),
        None => "Unknown device".to_owned(),
    }
}

/// The first match wins. Televisions and consoles come first, because they also claim to be browsers.
const KINDS: &[(&str, &str)] = &[
    ("PlayStation", "PlayStation console"),
    ("Xbox", "Xbox console"),
    ("Nintendo", "Nintendo console"),
    ("AppleTV", "Apple TV"),
    ("Apple TV", "Apple TV"),
    ("Roku", "Roku TV"),
    ("Tizen", "Samsung TV or device"),
    ("Web0S", "LG TV"),
    ("webOS", "LG TV"),
    ("BRAVIA", "Sony TV"),
    ("AFT", "Fire TV"),
    ("CrKey", "Chromecast"),
    ("Android TV", "Android TV"),
    ("SMART-TV", "Smart TV"),
    ("SmartTV", "Smart TV"),
    ("HbbTV", "Smart TV"),
    ("ipp/", "Printer"),
    ("CUPS", "Printer"),
    ("curl/", "Command line (curl)"),
    ("Wget/", "Command line (Wget)"),
    ("git/", "Command line (Git)"),
    ("aws-cli", "Command line (AWS CLI)"),
    ("python", "Command-line tool (Python)"),
    ("Python", "Command-line tool (Python)"),
    ("Go-http-client", "Command-line tool (Go)"),
    ("okhttp", "App (Android or Java)"),
    ("Java/", "App (Java)"),
    ("node", "Command-line tool (Node.js)"),
    ("undici", "Command-line tool (Node.js)"),
    ("openid-client", "Command-line tool (Node.js)"),
    ("oauth4webapi", "Command-line tool (Node.js)"),
    ("Deno/", "Command-line tool (Deno)"),
    ("reqwest", "Command-line tool (Rust)"),
    ("device-grant", "device-grant's own example"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android phone or tablet"),
    ("Windows", "Windows computer"),
    ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux computer"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_place_or_network_is_called_unknown() {
        let place = Place { country: Some("FR".to_owned()), asn: Some(64500), ..Place::default() };

        assert_eq!((place.name().as_str(), place.network().as_str()), ("FR", "AS64500"));
        assert_eq!(Place::default().name(), "Unknown place");
        assert_eq!(Place::default().network(), "Unknown network");
    }

    #[test]
    fn a_television_that_claims_to_be_a_browser_is_a_television() {
        let agent = "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Chrome/76.0 Safari/537.36";

        assert_eq!(device_kind(Some(agent)), "Samsung TV or device");
        assert_eq!(device_kind(None), "Unknown device");
    }
}
