//! Requests and responses, as little of them as the endpoints read and write.

use serde::Serialize;

use crate::client::certificate::Certificate;
use crate::limiter;
use crate::place::Place;

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 16_384;

/// A request. It has no `Debug`: nearly everything in it is somebody's secret.
#[derive(Clone, Default)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Whether it came by https.
    pub secure: bool,
    /// Host and port.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `DPoP` header; several are joined by commas, as HTTP has it (RFC 9110 §5.3).
    pub dpop: Option<String>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The certificate the client showed, as the platform tells it.
    pub certificate: Option<Certificate>,
    /// The `Cookie` header.
    pub cookie: Option<String>,
    /// The `Origin` header.
    pub origin: Option<String>,
    /// The `Sec-Fetch-Site` header.
    pub sec_fetch_site: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The address of the client, as the platform tells it.
    pub address: Option<String>,
    /// Where the request came from, as the platform tells it.
    pub place: Place,
    /// The body; `None` if it is larger than [`MAX_BODY`].
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// The address it was sent to, without the query. Host and scheme are one of this server's own by then, which are
    /// in normal form.
    #[must_use]
    pub fn uri(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.host, self.path)
    }

    /// Whether the body says that it is a form.
    #[must_use]
    pub fn is_form(&self) -> bool {
        let essence = self.content_type.as_deref().and_then(|value| value.split(';').next());
        essence
            .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }
}

/// A response.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
    /// What was decided, for the log: a line each.
    pub decisions: Vec<LogLine>,
    /// What the limiter is told once this was sent; nobody waits for it.
    pub afterwards: Option<limiter::Command>,
}

/// What was decided: one line of the log. Holds no code, token or secret.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LogLine {
    /// What was asked for.
    pub what: &'static str,
    /// The registered client that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// How it ended, as the asker was told.
    pub outcome: &'static str,
    /// Why, in our words.
    pub reason: &'static str,
}

impl Response {
    /// JSON that no cache keeps (RFC 6749 §5.1).
    #[must_use]
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).unwrap_or_default();
        Self::new(status, "application/json", body)
            .with("cache-control", "no-store".to_owned())
            .with("pragma", "no-cache".to_owned())
    }

    /// Plain text that no cache keeps.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{body}\n"))
            .with("cache-control", "no-store".to_owned())
    }

    /// Nothing to say: 204.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            status: 204,
            headers: vec![("cache-control", "no-store".to_owned())],
            body: String::new(),
            decisions: Vec::new(),
            afterwards: None,
        }
    }

    /// A response that nothing guesses the type of.
    #[must_use]
    pub fn new(status: u16, content_type: &str, body: String) -> Self {
        let headers =
            vec![("content-type", content_type.to_owned()), ("x-content-type-options", "nosniff".to_owned())];
        Self { status, headers, body, decisions: Vec::new(), afterwards: None }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a header replaced or added.
    #[must_use]
    pub fn with_only(self, name: &'static str, value: String) -> Self {
        self.without(name).with(name, value)
    }

    /// Without a header.
    #[must_use]
    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    /// With one more line for the log.
    #[must_use]
    pub fn noting(
        mut self,
        what: &'static str,
        client: Option<&str>,
        outcome: &'static str,
        reason: &'static str,
    ) -> Self {
        self.decisions.push(LogLine { what, client: client.map(str::to_owned), outcome, reason });
        self
    }

    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}
