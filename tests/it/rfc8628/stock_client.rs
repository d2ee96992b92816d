//! Runs the polling loop of the unmodified `oauth2` crate (RFC 8628 §3.5), which the example device uses too,
//! against the server in memory. The loop's sleep function moves the server's clock instead of waiting.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use device_grant::endpoint::http::Request;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponse, DeviceCodeErrorResponseType, HttpRequest,
    HttpResponse, RequestTokenError, Scope, StandardDeviceAuthorizationResponse, TokenResponse as _,
    TokenUrl,
};

use crate::support::person::Person;
use crate::support::{ISSUER, World, post_raw};

/// The error of a request that got no answer.
#[derive(Debug, PartialEq)]
struct TimedOut;

impl core::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("timed out")
    }
}

impl core::error::Error for TimedOut {}

type Outcome = Result<BasicTokenResponse, RequestTokenError<TimedOut, DeviceCodeErrorResponse>>;

/// A device on a network that loses its first `lost` polls.
struct Device {
    world: World,
    lost: Cell<usize>,
    polls: Cell<usize>,
    /// The lengths of its waits, in seconds.
    waits: RefCell<Vec<u64>>,
}

impl Device {
    fn new(lost: usize) -> Self {
        Self { world: World::new(), lost: Cell::new(lost), polls: Cell::default(), waits: RefCell::default() }
    }

    fn send(&self, request: &HttpRequest) -> Result<HttpResponse, TimedOut> {
        let path = request.uri().path().to_owned();
        if path == "/token" {
            self.polls.set(self.polls.get() + 1);
            if self.polls.get() <= self.lost.get() {
                return Err(TimedOut);
            }
        }
        let authorization = request
            .headers()
            .get("authorization")
            .map(|value| value.to_str().expect("the header is ASCII").to_owned());
        let answer = self.world.send(&Request { authorization, ..post_raw(&path, request.body()) });
        let response = oauth2::http::Response::builder().status(answer.status);
        let response =
            response.header("content-type", answer.header("content-type").expect("every response has one"));
        Ok(response.body(answer.body.into_bytes()).expect("the response is well formed"))
    }

    /// Asks for codes and polls. Alice decides at the end of wait number `before`, counted from 1.
    fn sign_in(&self, decision: &str, before: usize) -> Outcome {
        let client = BasicClient::new(ClientId::new("demo-tv".to_owned()))
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(format!("{ISSUER}/device_authorization")).expect("an address"),
            )
            .set_token_uri(TokenUrl::new(format!("{ISSUER}/token")).expect("an address"));
        let http = |request: HttpRequest| self.send(&request);
        let codes: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scope(Scope::new("email".to_owned()))
            .request(&http)
            .expect("codes");
        let wait = |duration: Duration| {
            self.waits.borrow_mut().push(duration.as_secs());
            self.world.wait(duration.as_secs());
            if self.waits.borrow().len() == before {
                let alice = Person::of(&self.world);
                alice.enter_as("alice", "wonderland-8787", codes.user_code().secret());
                alice.decide(decision);
            }
        };
        client
            .exchange_device_access_token(&codes)
            .set_max_backoff_interval(Duration::from_secs(60))
            .request(&http, wait, None)
    }
}

#[test]
fn t12_a_device_that_is_refused_stops_polling() {
    let device = Device::new(0);

    let outcome = device.sign_in("deny", 2);

    let Err(RequestTokenError::ServerResponse(refusal)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.error(), &DeviceCodeErrorResponseType::AccessDenied);
    assert_eq!((device.polls.get(), device.waits.take()), (3, vec![5, 5]));
}

#[test]
fn t12_a_device_that_gets_no_answer_waits_longer_each_time_and_goes_on() {
    let device = Device::new(3);

    let tokens = device.sign_in("approve", 5).unwrap();

    assert_eq!(tokens.scopes().unwrap().len(), 1);
    assert_eq!(device.waits.take(), [10, 20, 40, 40, 40]);
}
