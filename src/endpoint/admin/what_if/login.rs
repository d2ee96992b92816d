//! A login that is described: what would policy decide at each of its points?

use core::time::Duration;

use futures_util::future::{OptionFuture, join};
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::endpoint::admin::problem::Problem;
use crate::endpoint::client_auth::document::NoClient;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::identity::account::Account;
use crate::order;
use crate::policy::Point;
use crate::policy::described::{Described, POINTS};
use crate::policy::governance::Governance;
use crate::policy::judgment::{Judgment, judge};
use crate::scope::OFFLINE_ACCESS;

/// Judges the login by the present governance and by the draft. A client and an account that exist are judged, too, and
/// tell the scope and the groups that were not described.
pub(super) async fn answer<P: Platform>(
    context: Context<'_, P>,
    (present, draft): (&Governance, Option<&Governance>),
    mut login: Described,
) -> Result<Map<String, Value>, Problem> {
    let (client, account) = known(context, &login).await?;
    let scope = client.as_ref().map(|client| client.scope.without(OFFLINE_ACCESS));
    login.scope = login.scope.or(scope);
    login.groups = login.groups.or_else(|| account.as_ref().map(|account| account.groups.clone()));
    let lifetime = client.as_ref().and_then(|client| client.codes.code_lifetime);
    let lifetime = Duration::from_secs(lifetime.unwrap_or(context.server.settings.code_lifetime));
    let judged = |governance: &Governance| -> Vec<Judgment> {
        let here = login.whereabouts(&governance.policy.networks);
        let at = |point: Point| {
            let facts = login.facts(point, &here, (context.now, lifetime));
            let client = client.as_ref().filter(|_| facts.client.is_some());
            let account = account.as_ref().filter(|_| facts.account.is_some());
            judge(governance, (client, account), &facts)
        };
        POINTS.into_iter().map(at).collect()
    };
    let mut answer = order::object([("present".to_owned(), json!(judged(present)))]);
    answer.extend(draft.map(|draft| ("draft".to_owned(), json!(judged(draft)))));
    Ok(answer)
}

async fn known<P: Platform>(
    context: Context<'_, P>,
    login: &Described,
) -> Result<(Option<Client>, Option<Account>), Problem> {
    let client = login.client_id.as_ref().map(|client_id| context.server.client_at_source(client_id));
    let account = login.account.as_ref().map(|account| context.server.account(account));
    let (client, account) = join(OptionFuture::from(client), OptionFuture::from(account)).await;
    let client = client.unwrap_or(Ok(None)).or_else(NoClient::known)?;
    Ok((client, account.unwrap_or(Ok(None))?))
}
