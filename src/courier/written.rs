//! Reads a destination as an operator writes it.

use rand_core::CryptoRng;
use serde_json::{Map, Value};

use super::destination::{Destination, Receiver, Sealed};
use super::filter::Filter;
use crate::audit::outcome::Outcome;
use crate::audit::warning::is_kind;
use crate::audit::webhook::Secret;
use crate::client::document::address::DocumentUrl;
use crate::client::history::History;
use crate::client::registration::json_members::Members;
use crate::derived_keys::{Keyring, same};
use crate::fault::Fault;
use crate::format::Format;
use crate::policy::name::{ALLOWED, Name};

/// The most entries of a list.
const MOST: usize = 100;
/// Longest audience and `Authorization`, in bytes.
const LONGEST: usize = 1_000;

/// What reading a destination depends on.
pub struct Reading<'a> {
    /// The issuer of this server.
    pub issuer: &'a str,
    /// Whether receivers may be on this machine.
    pub has_loopback: bool,
    /// The destination that is replaced; `None` for a new one.
    pub before: Option<&'a Destination>,
    /// The keys that seal secrets.
    pub keyring: &'a Keyring,
}

/// Reads the members of a destination. Returns also the secret of a new webhook, which is shown once.
///
/// # Errors
///
/// Every fault of the members.
pub fn parse(
    members: Map<String, Value>,
    reading: &Reading<'_>,
    rng: &mut impl CryptoRng,
) -> Result<(Destination, Option<String>), Vec<Fault>> {
    let mut members = Members::of(members);
    let id = members.text("id", ALLOWED, |text| Name::parse(text).is_some());
    let url = url(&mut members, reading.has_loopback);
    let filter = filter(&mut members);
    let enabled = members.flag("enabled", true);
    let (receiver, secret) = receiver(&mut members, url.as_deref(), reading, rng).unzip();
    for (name, is_missing) in [("id", id.is_none()), ("url", url.is_none())] {
        if is_missing && !members.is_refused(name) {
            members.refuse(name, format!("{name} is missing"));
        }
    }
    let history = reading.before.map_or_else(History::default, |before| before.history);
    match (id.as_deref().and_then(Name::parse), url, receiver, members.finish(true)) {
        (Some(id), Some(url), Some(receiver), faults) if faults.is_empty() => {
            let destination = Destination { format: Format, id, url, receiver, filter, enabled, history };
            Ok((destination, secret.flatten()))
        }
        (_, _, _, faults) => Err(faults),
    }
}

fn url(members: &mut Members, has_loopback: bool) -> Option<String> {
    let url = members.text("url", "an https URL", |_| true)?;
    match DocumentUrl::parse(&url, has_loopback) {
        Ok(url) => Some(url.as_str().to_owned()),
        Err(flaw) => {
            members.refuse("url", format!("the url {flaw}: it must be an https URL of a public server"));
            None
        }
    }
}

fn filter(members: &mut Members) -> Filter {
    let is_outcome = |text: &str| Outcome::ALL.iter().any(|(name, _)| *name == text);
    let is_client = |text: &str| {
        (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    Filter {
        what: members.texts("what", MOST, "a kind of event", is_kind).unwrap_or_default(),
        outcomes: members.texts("outcomes", 5, "an outcome of events", is_outcome).unwrap_or_default(),
        clients: members.texts("clients", MOST, "a client_id", is_client).unwrap_or_default(),
        warnings: members.flag("warnings", false),
    }
}

/// Reads what the receiver understands, with the secret of a new webhook.
fn receiver(
    members: &mut Members,
    url: Option<&str>,
    reading: &Reading<'_>,
    rng: &mut impl CryptoRng,
) -> Option<(Receiver, Option<String>)> {
    let kind = members.choice("kind", &[("webhook", true), ("shared_signals", false)]);
    if kind.is_none() && !members.is_refused("kind") {
        members.refuse("kind", "kind is missing: it is webhook or shared_signals");
    }
    if kind? {
        return Some(webhook(reading, rng));
    }
    let audience = members.text("audience", "1 to 1000 visible ASCII characters", is_plain);
    let authorization =
        members.text("authorization", "the Authorization header that the receiver wants", is_header);
    if audience.is_none() && !members.is_refused("audience") {
        members
            .refuse("audience", "audience is missing: it is the aud of the tokens, which the receiver names");
    }
    let authorization = authorization
        .map(|text| kept(&text, reading).unwrap_or_else(|| Sealed::seal(&text, reading.keyring, rng)));
    let authorization = authorization.or_else(|| at_this_receiver(members, url, reading));
    Some((
        Receiver::SharedSignals { issuer: reading.issuer.to_owned(), audience: audience?, authorization },
        None,
    ))
}

/// Keeps the secrets of a webhook, or draws the first.
fn webhook(reading: &Reading<'_>, rng: &mut impl CryptoRng) -> (Receiver, Option<String>) {
    if let Some(Destination { receiver: Receiver::Webhook { secrets }, .. }) = reading.before {
        return (Receiver::Webhook { secrets: secrets.clone() }, None);
    }
    let (_, text) = Secret::draw(rng);
    (Receiver::Webhook { secrets: vec![Sealed::seal(&text, reading.keyring, rng)] }, Some(text))
}

/// Returns the sealed header of before, unless the URL is now another receiver's, who must not learn it.
fn at_this_receiver(members: &mut Members, url: Option<&str>, reading: &Reading<'_>) -> Option<Sealed> {
    let sealed = before(reading)?;
    let receiver = |url: &str| url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let was = receiver(&reading.before?.url);
    if url.is_none_or(|url| receiver(url) == was) {
        return Some(sealed.clone());
    }
    members.refuse("authorization", format!("authorization is missing: the one that is stored is for {was}"));
    None
}

fn before<'a>(reading: &Reading<'a>) -> Option<&'a Sealed> {
    match &reading.before?.receiver {
        Receiver::SharedSignals { authorization, .. } => authorization.as_ref(),
        Receiver::Webhook { .. } => None,
    }
}

/// Returns the sealed header of before if it is the same, so that applying a file twice changes nothing.
fn kept(text: &str, reading: &Reading<'_>) -> Option<Sealed> {
    let sealed = before(reading)?;
    let is_same = sealed.open(reading.keyring).is_some_and(|opened| same(opened.as_bytes(), text.as_bytes()));
    is_same.then(|| sealed.clone())
}

fn is_plain(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_header(text: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    (1..=LONGEST).contains(&text.len()) && text.trim() == text && text.bytes().all(is_in)
}
