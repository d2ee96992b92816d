//! What would the policy decide, or a draft of another one? About a login that is described, an approval of the past, or all
//! approvals of the last days. Writes nothing.

mod days;
mod login;
mod past;
mod question;

use std::rc::Rc;

use serde_json::{Map, Value};

use super::body;
use super::caller::Caller;
use super::done::Done;
use super::problem::Problem;
use crate::endpoint::http::Response;
use crate::endpoint::platform::{Platform, Unavailable};
use crate::endpoint::server::Context;
use crate::order;
use crate::policy::governance::Governance;
use crate::registry::admin_token::AdminScope;
pub(crate) use question::{About, Question};

/// Answers `POST /policy/what-if`.
pub(super) async fn run<P: Platform>(context: Context<'_, P>, caller: &Caller) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let members = body::large_object(context.request)?;
    let present = present(context).await?;
    let question = Question::read(members, &present, (caller.by.clone(), context.now))?;
    match question.about {
        About::Login(_) => {}
        // The answer tells of events, which say what people did and where.
        About::Event { .. } | About::Days { .. } => caller.require(&[AdminScope::Events])?,
    }
    let answer = answer(context, &present, question).await?;
    Ok(Done { outcome: "policy_tried", ..Done::read(Response::json(200, &answer)) })
}

/// Answers a question. `present` is the governance as it is now.
pub(crate) async fn answer<P: Platform>(
    context: Context<'_, P>,
    present: &Governance,
    question: Question,
) -> Result<Map<String, Value>, Problem> {
    let Question { draft, about } = question;
    let mut answer = order::object([
        ("version".to_owned(), present.version.into()),
        ("revision".to_owned(), present.revision.into()),
    ]);
    answer.extend(match about {
        About::Login(login) => login::answer(context, (present, draft.as_ref()), *login).await?,
        About::Event { id, at } => past::answer(context, (present, draft.as_ref()), (&id, at)).await?,
        About::Days { days, cursor } => {
            days::answer(context, draft.as_ref().unwrap_or(present), (days, cursor)).await?
        }
    });
    Ok(answer)
}

/// Returns the governance as the registry has it now.
pub(crate) async fn present<P: Platform>(context: Context<'_, P>) -> Result<Rc<Governance>, Unavailable> {
    // The outline comes first because, in development, reading it stores the demo clients.
    context.server.outline(context.now).await?;
    context.server.registered_client("").await?;
    context.server.governance_at_source()
}
