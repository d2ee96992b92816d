//! `/scim/v2`: a provider says who may sign in with it (RFC 7644).
//!
//! The token in the request says which provider it is. A user is the account whose subject at the provider is the
//! `externalId`; nobody is ever matched by an e-mail address.

mod answer;
mod change;
mod create;
mod list;
mod names;
mod push;
mod token;

use percent_encoding::percent_decode_str;
use rand_core::CryptoRng;

use super::http::Response;
use super::platform::Platform;
use super::route::SCIM_PREFIX;
use super::server::Context;
use crate::identity::command::FindByPointer;
use crate::identity::pointer::Pointer;
use crate::scim::user::Pushed;
use crate::scim::{Refusal, documents, patch};
use crate::sub::Sub;
use crate::upstream::provider::ProviderId;
use answer::{Answer, Problem, WHAT, refused, scim};
use push::Push;

pub(crate) use answer::refuse;

/// The methods of `/Users` and of a user.
const OF_USERS: &str = "GET, HEAD, POST";
const OF_A_USER: &str = "GET, HEAD, PUT, PATCH, DELETE";

pub(super) async fn answer<P: Platform>(context: Context<'_, P>, rng: &mut impl CryptoRng) -> Response {
    let provider = match token::authenticate(context).await {
        Ok(provider) => provider,
        Err(problem) => return refused(&problem),
    };
    let response = match attend(context, provider.clone(), rng).await {
        Ok(Answer { response, outcome }) => response.noting(WHAT, None, outcome, outcome),
        Err(problem) => refused(&problem),
    };
    response.at(&provider)
}

async fn attend<P: Platform>(
    context: Context<'_, P>,
    provider: ProviderId,
    rng: &mut impl CryptoRng,
) -> Result<Answer, Problem> {
    let push = Push::read(context, provider)?;
    let path = context.request.path.strip_prefix(context.issuer.path());
    let path = path.and_then(|path| path.strip_prefix(SCIM_PREFIX)).unwrap_or_default();
    let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (segments.as_slice(), context.request.method.as_str()) {
        (["Users"], "GET" | "HEAD") => push.list().await,
        (["Users"], "POST") => push.create(rng).await,
        (["Users"], _) => Err(Refusal::Method(OF_USERS).into()),
        (["Users", id], method @ ("GET" | "HEAD" | "PUT" | "PATCH" | "DELETE")) => {
            let id = percent_decode_str(id).decode_utf8().map_err(|_| Refusal::Absent)?;
            push.user(&Sub::from(&*id), method).await
        }
        (["Users", _], _) => Err(Refusal::Method(OF_A_USER).into()),
        (names, "GET" | "HEAD") => push.document(names),
        (_, _) => Err(Refusal::NotFound.into()),
    }
}

impl<P: Platform> Push<'_, P> {
    fn document(&self, names: &[&str]) -> Result<Answer, Problem> {
        let base = &self.base;
        let body = match names {
            ["ServiceProviderConfig"] => documents::config(base),
            ["ResourceTypes"] => documents::list(&[documents::resource_type(base)], 1, 1),
            ["ResourceTypes", "User"] => documents::resource_type(base),
            ["Schemas"] => documents::list(&[documents::schema(base)], 1, 1),
            ["Schemas", id] if *id == crate::scim::user::SCHEMA => documents::schema(base),
            _ => return Err(Refusal::NotFound.into()),
        };
        Ok(Answer { response: scim(200, &body), outcome: "read" })
    }

    /// Answers a request about the user `id`.
    async fn user(&self, id: &Sub, method: &str) -> Result<Answer, Problem> {
        let pointer = Pointer::sub(id);
        let key = self.context.server.platform.accounts(pointer.shard(), FindByPointer { pointer }).await?;
        let account = match key {
            Some(key) => self.known(self.context.server.stored_account(&key).await?),
            None => None,
        };
        let account = account.ok_or(Refusal::Absent)?;
        match method {
            "PUT" => self.change(account, Pushed::read(&self.body()?)?, "user_replaced").await,
            "PATCH" => self.change(account, patch::read(&self.body()?)?, "user_changed").await,
            "DELETE" => self.delete(account).await,
            _ => Ok(self.answer(200, &account, "read")),
        }
    }
}
