//! The admin API, as an administrator at the console calls it.

use rand_core::CryptoRng;
use serde_json::Value;

use super::gate::Visitor;
use super::value::encoded;
use crate::endpoint::admin;
use crate::endpoint::admin::done::Done;
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::http::{Request, Response};
use crate::endpoint::platform::Platform;
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::json;
use crate::sharding::Replica;

/// The most pages on which nothing was found that are read for one page of the console.
const MOST_EMPTY: u32 = 50;

/// The API for one request of a browser.
pub(super) struct Api<'a, P, R> {
    pub(super) context: Context<'a, P>,
    pub(super) visitor: &'a Visitor<'a>,
    pub(super) rng: &'a mut R,
    /// The replicas of the registry that have not confirmed a change.
    pub(super) unconfirmed: Vec<Replica>,
}

/// What the API has answered.
pub(super) struct Answer {
    /// The body; `null` if there is none.
    pub(super) body: Value,
    /// The version of the thing, for a change that must not overwrite another one.
    pub(super) etag: Option<String>,
}

impl<'a, P: Platform, R: CryptoRng> Api<'a, P, R> {
    pub(super) const fn new(context: Context<'a, P>, visitor: &'a Visitor<'a>, rng: &'a mut R) -> Self {
        Self { context, visitor, rng, unconfirmed: Vec::new() }
    }

    /// Reads. `path` begins after `/admin/api`, and may have a query.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, Problem> {
        self.call(Request { method: "GET".to_owned(), ..Request::default() }, path).await
    }

    /// Reads a page of a list, `name`, that may begin with pages on which nothing was found, because each looks at a bounded
    /// number of rows. `path` may have a query.
    pub(super) async fn first(&mut self, path: &str, name: &str) -> Result<Value, Problem> {
        let mut page = self.get(path).await?.body;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let conditions: Vec<&str> = query.split('&').filter(|part| !part.starts_with("cursor=")).collect();
        for _ in 0..MOST_EMPTY {
            let Some(cursor) = page["next_cursor"].as_str().filter(|_| !has_any(&page, name)) else { break };
            let query = [conditions.join("&"), format!("cursor={}", encoded(cursor))].join("&");
            page = self.get(&format!("{path}?{}", query.trim_start_matches('&'))).await?.body;
        }
        Ok(page)
    }

    /// Changes something. With an `etag`, only if the thing still has this version.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Answer, Problem> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let request = Request {
            method: method.to_owned(),
            content_type: body.map(|_| "application/merge-patch+json".to_owned()),
            if_match: Some(etag.unwrap_or("*").to_owned()),
            body: Some(text.into_bytes()),
            ..Request::default()
        };
        self.call(request, path).await
    }

    async fn call(&mut self, request: Request, path: &str) -> Result<Answer, Problem> {
        let Context { issuer, request: outer, .. } = self.context;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Request {
            secure: outer.secure,
            host: outer.host.clone(),
            path: format!("{}{ADMIN_PREFIX}{path}", issuer.path()),
            query: query.to_owned(),
            address: outer.address.clone(),
            place: outer.place.clone(),
            ..request
        };
        let context = Context { request: &request, ..self.context };
        let done = admin::serve(context, &self.visitor.caller, self.rng).await?;
        let Done { response, unconfirmed, .. } = done;
        self.unconfirmed.extend(unconfirmed);
        Ok(Answer::of(&response))
    }
}

fn has_any(page: &Value, name: &str) -> bool {
    page[name].as_array().is_some_and(|entries| !entries.is_empty())
}

impl Answer {
    fn of(response: &Response) -> Self {
        let etag = response.headers.iter().find(|(name, _)| *name == "etag").map(|(_, value)| value.clone());
        Self { body: json::read(&response.body).unwrap_or_default(), etag }
    }
}
