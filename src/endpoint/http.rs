//! Requests and responses, reduced to what the endpoints read and write.

use core::cell::RefCell;

use serde::Serialize;

use super::socket::Socket;
use crate::audit::policy_record::PolicyRecord;
use crate::client::certificate::Certificate;
use crate::counts::command::{NoteRefusedStarts, NoteWrongCodes};
use crate::grant::command::NoteRefusal;
use crate::identity::command::{EndSession, NoteRefusedSignIn};
use crate::limiter::command::{GiveBack, UseOnce};
use crate::place::LazyPlace;
use crate::sharding::{AccountShard, Shard};
use crate::upstream::provider::ProviderId;
use crate::verdict::Verdict;

/// Size of the largest body that the server reads, in bytes.
pub const MAX_BODY: usize = 16_384;
/// Largest policy as a request body, in bytes: 288 KiB, of which 256 KiB can be stored.
pub const MAX_POLICY: usize = 294_912;

/// A request. It has no `Debug`, because nearly every field may hold a secret.
#[derive(Clone, Default)]
#[expect(missing_docs, reason = "a field without a docstring is the request header of the same name")]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Whether it came over https.
    pub secure: bool,
    /// Host and port, as in the `Host` header.
    pub host: String,
    /// Starts with a slash and does not include the query.
    pub path: String,
    /// Without the question mark; empty if there is no query.
    pub query: String,
    pub authorization: Option<String>,
    /// The header `Cf-Access-Jwt-Assertion`.
    pub access_assertion: Option<String>,
    pub content_type: Option<String>,
    /// The `DPoP` header. Several such headers are joined with commas (RFC 9110 §5.3).
    pub dpop: Option<String>,
    /// The `Content-Encoding` header, which makes [`super::coding`] refuse the request.
    pub content_coding: Option<String>,
    pub if_match: Option<String>,
    pub accept_language: Option<String>,
    pub accept: Option<String>,
    /// The client certificate, as the platform reports it.
    pub certificate: Option<Certificate>,
    pub cookie: Option<String>,
    pub origin: Option<String>,
    pub sec_fetch_site: Option<String>,
    pub upgrade: Option<String>,
    pub user_agent: Option<String>,
    /// The IP address of the client, as the platform reports it.
    pub address: Option<String>,
    /// Where the request came from, as the platform reports it.
    pub place: LazyPlace,
    /// `None` if it is larger than [`MAX_BODY`], or a policy larger than [`MAX_POLICY`], or if the method is not POST, PUT or PATCH.
    pub body: Option<Vec<u8>>,
    /// What the answer leaves to do besides [`Response::afterwards`].
    pub left: RefCell<Vec<Afterwards>>,
}

/// Returns the value of a cookie.
#[must_use]
pub fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let pairs = request.cookie.as_deref()?.split(';').map(str::trim);
    pairs.filter_map(|pair| pair.split_once('=')).find(|(other, _)| *other == name).map(|(_, value)| value)
}

/// Returns whether a `CF-Ray` header has the form that Cloudflare gives it. Elsewhere anybody may send any text, which
/// must not get into the log.
#[must_use]
pub fn is_ray(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Request {
    /// Returns the URL of the request without its query. It is in normal form: requests whose scheme and host
    /// are not this server's own never get here.
    #[must_use]
    pub fn uri(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    /// Returns whether `Content-Type` is `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn is_form(&self) -> bool {
        let essence = self.content_type.as_deref().and_then(|value| value.split(';').next());
        essence
            .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }
}

/// A response, with the log lines that go with it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "`status` and `body` need no docstring")]
pub struct Response {
    pub status: u16,
    /// Names are in lower case.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// The body if it is not text; `body` is then empty.
    pub bytes: Option<Vec<u8>>,
    /// One log line for each decision that was made.
    pub decisions: Vec<LogLine>,
    /// What [`Server::finish`](super::server::Server::finish) does after the response.
    pub afterwards: Vec<Afterwards>,
    /// The WebSocket that the client gets, if the status is 101.
    pub socket: Option<Socket>,
    /// Path and query of the rest of the body: a GET with the headers of the same request.
    pub rest: Option<String>,
}

/// Work that is left after a response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Afterwards {
    /// Using up a name at the limiter.
    UseUp(UseOnce),
    /// Giving back an attempt to each of its budgets.
    GiveBack(Vec<GiveBack>),
    /// Making the first signing keys.
    MakeKeys,
    /// Reporting live codes to the limiter, which says whether new codes should be longer.
    Expose,
    /// Writing the event of an approval that was refused, in a shard.
    NoteRefusal(Shard, NoteRefusal),
    /// Ending the session that another one has replaced in its browser, which does not know it any more.
    EndSession(AccountShard, EndSession),
    /// Writing the event of a sign-in that was refused. Only after the response, whose time must not tell whether there is
    /// such an account.
    NoteRefusedSignIn(NoteRefusedSignIn),
    /// Reporting wrong codes to the object that counts.
    NoteWrongCodes(NoteWrongCodes),
    /// Reporting refused requests for codes to the object that counts.
    NoteRefusedStarts(NoteRefusedStarts),
}

/// A decision, as one line of the log. Never contains a code, token or secret.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LogLine {
    /// What the request asked for, such as `token`.
    pub what: &'static str,
    /// The `client_id` of the registered client that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The outcome that the requester was shown.
    pub outcome: &'static str,
    /// The precise reason, which the requester might not be shown.
    pub reason: &'static str,
    /// The number of the key pair that the refused refresh token names. The sender may have made it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_pair: Option<u16>,
    /// How many refusals like this one were not logged before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlogged: Option<u64>,
    /// The identifier of the provider at which somebody signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// How the place of a device relates to that of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What policy decided, for a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Box<PolicyRecord>>,
}

impl Response {
    /// Returns a JSON response that caches must not store (RFC 6749 §5.1).
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body =
            serde_json::to_string(body).expect("response bodies have text keys and no fallible serializer");
        Self::new(status, "application/json", body)
            .with("cache-control", "no-store".to_owned())
            .with("pragma", "no-cache".to_owned())
    }

    /// Returns a plain-text response that caches must not store.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{body}\n"))
            .with("cache-control", "no-store".to_owned())
    }

    /// Returns a response without content (204).
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: 204,
            headers: vec![("cache-control", "no-store".to_owned())],
            body: String::new(),
            bytes: None,
            decisions: Vec::new(),
            afterwards: Vec::new(),
            socket: None,
            rest: None,
        }
    }

    /// Returns the response that makes the connection a WebSocket (101).
    #[must_use]
    pub fn switching(socket: Socket) -> Self {
        Self { status: 101, socket: Some(socket), ..Self::empty() }
    }

    /// Returns a redirect that is always followed with GET (303). The caller has checked `location`: this server
    /// sends nobody to an address that a stranger chose.
    #[must_use]
    pub fn empty_redirect(location: String) -> Self {
        Self { status: 303, ..Self::empty() }
            .with("location", location)
            .with("referrer-policy", "no-referrer".to_owned())
    }

    /// Returns a response whose content type browsers must not guess (`nosniff`).
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: String) -> Self {
        let headers =
            vec![("content-type", content_type.to_owned()), ("x-content-type-options", "nosniff".to_owned())];
        Self {
            status,
            headers,
            body,
            bytes: None,
            decisions: Vec::new(),
            afterwards: Vec::new(),
            socket: None,
            rest: None,
        }
    }

    /// Returns a response whose body is not text, with the same `nosniff`.
    #[must_use]
    pub fn of_bytes(content_type: &str, bytes: Vec<u8>) -> Self {
        Self { bytes: Some(bytes), ..Self::new(200, content_type, String::new()) }
    }

    /// Removes the body, as for HEAD.
    #[must_use]
    pub fn without_body(self) -> Self {
        Self { body: String::new(), bytes: None, rest: None, ..self }
    }

    /// Leaves work to be done after the response.
    #[must_use]
    pub fn leaving(mut self, work: Option<Afterwards>) -> Self {
        self.afterwards.extend(work);
        self
    }

    /// Adds a header, beside others of the same name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Replaces a header, or adds it.
    #[must_use]
    pub fn with_only(self, name: &'static str, value: String) -> Self {
        self.without(name).with(name, value)
    }

    /// Removes all headers of that name.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    /// Adds a line to the log.
    #[must_use]
    pub fn noting(
        mut self,
        what: &'static str,
        client: Option<&str>,
        outcome: &'static str,
        reason: &'static str,
    ) -> Self {
        self.decisions.push(LogLine {
            what,
            client: client.map(str::to_owned),
            outcome,
            reason,
            key_pair: None,
            unlogged: None,
            provider: None,
            verdict: None,
            policy: None,
        });
        self
    }

    /// Adds a verdict to the last line of the log.
    #[must_use]
    pub fn judging(mut self, verdict: Verdict) -> Self {
        if let Some(line) = self.decisions.last_mut() {
            line.verdict = Some(verdict);
        }
        self
    }

    /// Adds what policy decided to the last line of the log, without the facts about a person.
    #[must_use]
    pub fn deciding(mut self, record: Option<Box<PolicyRecord>>) -> Self {
        if let Some(line) = self.decisions.last_mut() {
            line.policy = record.map(|record| Box::new(record.without_facts()));
        }
        self
    }

    /// Adds a provider to the last line of the log.
    #[must_use]
    pub fn at(mut self, provider: &ProviderId) -> Self {
        if let Some(line) = self.decisions.last_mut() {
            line.provider = Some(provider.clone());
        }
        self
    }

    /// Returns the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_ray_id_gets_into_the_log() {
        assert!(is_ray("8f2a1c0d9b7e6f5a-CDG"));
        for other in ["", "a b", "8f2a\n{}", "é", &"a".repeat(33)] {
            assert!(!is_ray(other), "{other:?}");
        }
    }
}
