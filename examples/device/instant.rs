//! Waits for the person's decision on a WebSocket, if the server offers one (`docs/instant.md`). Without one, the device
//! polls as often as it may.

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::thread;
use std::time::Duration;

use oauth2::http::{HeaderMap, Uri};
use oauth2::url::Url;
use oauth2::{DeviceAuthorizationResponse, ExtraDeviceAuthorizationFields, HttpRequest};
use serde::{Deserialize, Serialize};
use tungstenite::client::IntoClientRequest as _;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Error, Message, WebSocket, client_tls};

use crate::http::Http;

/// The message that says that the device should ask for its tokens.
const ASK_NOW: &str = "ask now";
/// The longest that a connection may take.
const LIMIT: Duration = Duration::from_secs(5);
/// A device that listens polls only this often, in case that the connection is dead.
const SELDOM: Duration = Duration::from_secs(30);

/// The response of the server to a device that asks for codes, with our extension.
pub(crate) type Codes = DeviceAuthorizationResponse<Offer>;

/// What the server offers to a device that wants to hear of the decision at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Offer {
    devicegrant_instant_uri: Option<String>,
}

impl ExtraDeviceAuthorizationFields for Offer {}

/// A device that waits.
pub(crate) struct Waiting {
    line: RefCell<Option<Line>>,
    told: Cell<bool>,
}

impl Waiting {
    /// Opens the WebSocket that the server offers. Whatever keeps it from opening, the device then polls.
    pub(crate) fn start(codes: &Codes, http: &Http, token_endpoint: &Url) -> Self {
        Self { line: RefCell::new(Line::open(codes, http, token_endpoint)), told: Cell::default() }
    }

    /// Returns whether the server has said when to ask.
    pub(crate) fn was_told(&self) -> bool {
        self.told.get()
    }

    /// Returns how long to wait until the next poll, if the server wants at least `interval` between two.
    pub(crate) fn pause(&self, interval: Duration) -> Duration {
        if self.line.borrow().is_some() { interval.max(SELDOM) } else { interval }
    }

    /// Sleeps for at most `span`. Returns whether the server has said that the device should ask now.
    pub(crate) fn sleep(&self, span: Duration) -> bool {
        let mut line = self.line.borrow_mut();
        let Some(open) = line.as_mut() else {
            thread::sleep(span);
            return false;
        };
        match open.wait(span) {
            Heard::Nothing => return false,
            Heard::AskNow => self.told.set(true),
            Heard::End => {}
        }
        *line = None;
        self.told.get()
    }
}

struct Line(WebSocket<MaybeTlsStream<TcpStream>>);

/// What came over the WebSocket.
enum Heard {
    Nothing,
    AskNow,
    End,
}

impl Line {
    fn open(codes: &Codes, http: &Http, token_endpoint: &Url) -> Option<Self> {
        let address: Uri = codes.extra_fields().devicegrant_instant_uri.as_ref()?.parse().ok()?;
        // The device code belongs to the server that issued it, and to nobody else.
        if address.authority()?.as_str() != token_endpoint.authority() {
            return None;
        }
        let secure = address.scheme_str() == Some("wss");
        if secure != (token_endpoint.scheme() == "https") {
            return None;
        }
        let headers = headers(codes, http, &address)?;
        let mut request = address.clone().into_client_request().ok()?;
        request.headers_mut().extend(headers);
        let (socket, _) = client_tls(request, connect(&address, if secure { 443 } else { 80 })?).ok()?;
        Some(Self(socket))
    }

    /// Waits for a message for at most `span`.
    fn wait(&mut self, span: Duration) -> Heard {
        let stream = match self.0.get_ref() {
            MaybeTlsStream::Plain(stream) => stream,
            MaybeTlsStream::Rustls(stream) => &stream.sock,
            _ => return Heard::End,
        };
        if stream.set_read_timeout(Some(span)).is_err() {
            return Heard::End;
        }
        match self.0.read() {
            Ok(Message::Text(text)) if text.as_str() == ASK_NOW => Heard::AskNow,
            Ok(Message::Close(_)) => Heard::End,
            Ok(_) => Heard::Nothing,
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Heard::Nothing
            }
            Err(_) => Heard::End,
        }
    }
}

/// Returns the headers of the upgrade: the device code, and a proof if the device has a key. To a proof, the address is an
/// ordinary one.
fn headers(codes: &Codes, http: &Http, address: &Uri) -> Option<HeaderMap> {
    let mut request = HttpRequest::new(Vec::new());
    *request.uri_mut() = address.to_string().replacen("ws", "http", 1).parse().ok()?;
    http.prove(&mut request, None).ok()?;
    let code = format!("DeviceCode {}", codes.device_code().secret());
    request.headers_mut().insert("authorization", code.parse().ok()?);
    Some(request.into_parts().0.headers)
}

fn connect(address: &Uri, usual: u16) -> Option<TcpStream> {
    let host = address.host()?.trim_matches(['[', ']']);
    let mut found = (host, address.port_u16().unwrap_or(usual)).to_socket_addrs().ok()?;
    let stream = found.find_map(|at| TcpStream::connect_timeout(&at, LIMIT).ok())?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    Some(stream)
}
