//! The steps that every endpoint with client authentication shares: read the form, authenticate the client,
//! answer, and write one log line.

use serde::Serialize;

use super::{Caller, Unauthenticated};
use crate::client::authentication::Requirement;
use crate::endpoint::error::Error;
use crate::endpoint::form::Form;
use crate::endpoint::http::{Afterwards, Response};
use crate::endpoint::once;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;

/// How an endpoint authenticates its clients.
#[derive(Clone, Copy)]
pub(crate) struct Envelope {
    /// Name of the request in the log.
    pub what: &'static str,
    /// Whether a client with credentials must use them.
    pub required: Requirement,
    /// When the client's assertion is used up.
    pub assertion: AssertionUse,
}

/// When an assertion is used up (RFC 7523 §3).
#[derive(Clone, Copy)]
pub(crate) enum AssertionUse {
    /// Before the endpoint answers. This costs a hop.
    First,
    /// After the response, unless the endpoint has used it up by then. A pending poll hands out nothing, so
    /// its response need not wait for the limiter.
    Afterwards,
}

/// A successful response (200).
pub(crate) struct Answered<T> {
    pub body: T,
    /// Such as `issued`, for the log. `None` writes no line.
    pub outcome: Option<&'static str>,
}

impl Envelope {
    /// Authenticates the client of the request, and lets `act` answer it. A pending poll, of which there are far more than
    /// of anything else, is not logged: its shard counts it. Of forged codes, some are. A start may have no line either.
    pub(crate) async fn answer<P: Platform, T: Serialize>(
        self,
        context: Context<'_, P>,
        act: impl AsyncFnOnce(&Caller, &Form) -> Result<Answered<T>, Error>,
    ) -> Response {
        match Form::of(context.request) {
            Ok(form) => self.answer_form(context, form, act).await,
            Err(error) => self.refuse(None, &error),
        }
    }

    /// Does the same with the form of the request.
    pub(crate) async fn answer_form<P: Platform, T: Serialize>(
        self,
        context: Context<'_, P>,
        form: Form,
        act: impl AsyncFnOnce(&Caller, &Form) -> Result<Answered<T>, Error>,
    ) -> Response {
        let caller = match self.authenticate(context, &form).await {
            Ok(caller) => caller,
            Err(Unauthenticated { client, error }) => return self.refuse(client.as_deref(), &error),
        };
        let reply = act(&caller, &form).await;
        let is_answered = !matches!(reply, Err(Error::Unavailable));
        let client_id = Some(caller.client.client_id.as_str());
        let response = match reply {
            Ok(Answered { body, outcome: None }) => Response::json(200, &body),
            Ok(Answered { body, outcome: Some(outcome) }) => {
                Response::json(200, &body).noting(self.what, client_id, outcome, outcome)
            }
            Err(error @ Error::Pending(_)) if !context.server.settings.log_pending_polls => error.response(),
            Err(error @ Error::ForgedDeviceCode) => self.refuse_forged(context, client_id, &error),
            Err(error) => self.refuse(client_id, &error),
        };
        // If `act` has used up the assertion, this isolate remembers it.
        let unused = caller.assertion().filter(|name| is_answered && !once::was_used(context, name));
        let left = unused.map(|name| Afterwards::UseUp(once::take_afterwards(context, &name)));
        Response { afterwards: left.into_iter().collect(), ..response }
    }

    async fn authenticate<P: Platform>(
        self,
        context: Context<'_, P>,
        form: &Form,
    ) -> Result<Caller, Unauthenticated> {
        let caller = Caller::identify(context, form, self.required).await?;
        match self.assertion {
            AssertionUse::First => {
                caller.use_up(context).await.map_err(|error| caller.unauthenticated(error))?;
            }
            AssertionUse::Afterwards => {}
        }
        Ok(caller)
    }

    /// Builds the error response for a forged code. Of many, only some have a log line.
    fn refuse_forged<P>(self, context: Context<'_, P>, client: Option<&str>, error: &Error) -> Response {
        let Some(unlogged) = context.server.cache.forged_codes.note(context.now) else {
            return error.response();
        };
        let mut response = self.refuse(client, error);
        for line in &mut response.decisions {
            line.unlogged = (unlogged > 0).then_some(unlogged);
        }
        response
    }

    /// Builds the error response, with its log line.
    pub(crate) fn refuse(self, client: Option<&str>, error: &Error) -> Response {
        let mut response = error.response().noting(self.what, client, error.code(), error.reason());
        if let (Error::UnknownKeyPair(pair), Some(line)) = (error, response.decisions.last_mut()) {
            line.key_pair = Some(*pair);
        }
        if let Some(record) = error.policy() {
            response = response.deciding(Some(record));
        }
        response
    }
}
