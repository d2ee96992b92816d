//! A provider's request, and what all answers to it have in common.

use serde_json::{Map, Value};

use super::answer::{Answer, scim};
use crate::audit::change::Actor;
use crate::endpoint::accounts::Changer;
use crate::endpoint::form::Form;
use crate::endpoint::platform::Platform;
use crate::endpoint::route::SCIM_PREFIX;
use crate::endpoint::server::Context;
use crate::identity::account::{Account, Authority};
use crate::json;
use crate::scim::Refusal;
use crate::scim::selection::Selection;
use crate::scim::user::view;
use crate::upstream::provider::ProviderId;

/// A provider's request.
pub(super) struct Push<'a, P> {
    pub(super) context: Context<'a, P>,
    pub(super) provider: ProviderId,
    /// The URL of `/scim/v2`.
    pub(super) base: String,
    pub(super) query: Form,
    /// The attributes that the answer is to have.
    selection: Selection,
}

impl<'a, P: Platform> Push<'a, P> {
    pub(super) fn read(context: Context<'a, P>, provider: ProviderId) -> Result<Self, Refusal> {
        let base = format!("{}{SCIM_PREFIX}", context.issuer.as_str());
        let query = Form::parse(context.request.query.as_bytes())
            .map_err(|_| Refusal::Syntax("the query repeats a parameter or is not UTF-8"))?;
        let selection = Selection::read(query.get("attributes"), query.get("excludedAttributes"));
        Ok(Self { context, provider, base, query, selection })
    }

    /// Returns an account if it is a user of this provider.
    pub(super) fn known(&self, account: Option<Account>) -> Option<Account> {
        account.filter(|account| {
            account.scim_name.is_some() && account.key.provider() == Some(self.provider.as_str())
        })
    }

    pub(super) fn body(&self) -> Result<Map<String, Value>, Refusal> {
        const RULE: Refusal = Refusal::Syntax("the body must be a JSON object");
        let body = self.context.request.body.as_deref().ok_or(Refusal::TooLarge)?;
        match json::read_bytes(body) {
            Ok(Value::Object(members)) => Ok(members),
            Ok(_) | Err(_) => Err(RULE),
        }
    }

    fn location(&self, account: &Account) -> String {
        format!("{}/Users/{}", self.base, account.sub.as_str())
    }

    pub(super) fn shown(&self, account: &Account) -> Value {
        self.selection.of(view(account, &self.location(account)))
    }

    pub(super) fn answer(&self, status: u16, account: &Account, outcome: &'static str) -> Answer {
        let response = scim(status, &self.shown(account)).with("location", self.location(account));
        Answer { response, outcome }
    }

    pub(super) fn changer(&self) -> Changer {
        let provider = self.provider.as_str().to_owned();
        Changer { authority: Authority::Provider(provider.clone()), actor: Actor::Provider(provider) }
    }
}
