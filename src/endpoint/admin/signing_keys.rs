//! Signing keys: seen, rotated, retired, and brought by the operator.

use serde::Serialize;
use serde_json::{Map, Value};

use super::body::{object, object_if_any, query, sound};
use super::problem::Problem;
use super::{Done, Response};
use crate::client::registration::json_members::Members;
use crate::endpoint::{Context, Platform};
use crate::fault::Fault;
use crate::registry::key_schedule::State;
use crate::registry::signing_keys::{Command, KeyView, Reply};
use crate::token::private_jwk::PrivateJwk;

/// `GET /keys`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    query(context.request, &[])?;
    ask(context, Command::List, "read").await
}

/// `POST /keys`: a key that the operator made.
pub(super) async fn bring<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    query(context.request, &[])?;
    ask(context, import(object(context.request)?)?, "key_imported").await
}

/// `POST /keys/rotate`.
pub(super) async fn rotate<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    query(context.request, &[])?;
    ask(context, rotation(object_if_any(context.request)?)?, "keys_rotated").await
}

/// `POST /keys/{kid}/retire`.
pub(super) async fn retire<P: Platform>(context: Context<'_, P>, kid: &str) -> Result<Done, Problem> {
    query(context.request, &[])?;
    ask(context, Command::Retire { kid: kid.to_owned() }, "key_retired").await
}

async fn ask<P: Platform>(
    context: Context<'_, P>,
    command: Command,
    outcome: &'static str,
) -> Result<Done, Problem> {
    let reply = context.server.change_keys(&command).await?;
    let response = told(&command, reply)?;
    Ok(Done { response, client: None, outcome })
}

#[derive(Serialize)]
struct KeyList {
    keys: Vec<KeyView>,
}

fn told(command: &Command, reply: Reply) -> Result<Response, Problem> {
    match (reply, command) {
        (Reply::Keys(keys), Command::Import { key, .. }) => {
            let brought = keys.into_iter().find(|view| view.kid == key.public.kid);
            Ok(Response::json(201, &brought.ok_or(Problem::Unavailable)?))
        }
        (Reply::Keys(keys), Command::List | Command::Rotate { .. } | Command::Retire { .. }) => {
            Ok(Response::json(200, &KeyList { keys }))
        }
        (Reply::Unknown, _) => Err(Problem::NotFound),
        (Reply::Known(State::Retired), _) => {
            Err(Problem::Conflict("This key was here and was retired; it does not come back.".to_owned()))
        }
        (Reply::Known(_), _) => Err(Problem::Conflict("This key is here already.".to_owned())),
        (Reply::Misfit, _) => Err(faulty("jwk", "the private half does not belong to the public half")),
        (Reply::Unmade, _) => Err(Problem::Unavailable),
    }
}

fn rotation(members: Map<String, Value>) -> Result<Command, Problem> {
    let mut members = Members::of(members);
    let (alg, at_once) = (members.algorithm("alg"), members.flag("at_once", false));
    sound(members)?;
    Ok(Command::Rotate { alg, at_once })
}

fn import(members: Map<String, Value>) -> Result<Command, Problem> {
    let mut members = Members::of(members);
    let jwk = members.take("jwk").ok_or("jwk is missing: send a private JWK");
    let (alg, at_once) = (members.algorithm("alg"), members.flag("at_once", false));
    // Why, and never what it is: the key may well be private where it is refused.
    let key = jwk.and_then(|jwk| PrivateJwk::parse(&jwk, alg));
    // Without the algorithm there is no telling which key would do.
    if let (Err(why), false) = (&key, members.is_refused("alg")) {
        members.refuse("jwk", *why);
    }
    sound(members)?;
    let key = key.map_err(|why| faulty("jwk", why))?;
    Ok(Command::Import { key: Box::new(key), at_once })
}

fn faulty(name: &str, detail: &str) -> Problem {
    Problem::Invalid(vec![Fault::at(name, detail)])
}
