//! The destinations of events: list, add, read, replace and delete them, change their secrets, and try them. Their secrets are
//! shown once, when they are made.

use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::body;
use super::done::Done;
use super::problem::Problem;
use super::registry::expected;
use crate::ask::Ask;
use crate::audit::change::Actor;
use crate::audit::webhook::Secret;
use crate::client::history::Expected;
use crate::counts::command::Command;
use crate::counts::destination_command::{
    CreateDestination, DeleteDestination, DestinationRefusal, ListDestinations, ReplaceDestination,
};
use crate::courier::command::{CourierState, ReadCourier, Wake};
use crate::courier::delivery::Outcome;
use crate::courier::destination::{Destination, MOST_DESTINATIONS, Receiver, Sealed};
use crate::courier::written::{Reading, parse};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::route::ADMIN_PREFIX;
use crate::endpoint::server::Context;
use crate::fault::Fault;
use crate::secret::random_id;
use crate::time::Timestamp;

/// Answers `GET /destinations`.
pub(super) async fn list<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let all = context.server.platform.counts(ListDestinations {}).await?;
    let all: Vec<_> = all.iter().map(Destination::view).collect();
    Ok(Done::read(Response::json(200, &json!({ "destinations": all }))))
}

/// Answers `POST /destinations`. The answer has the secret of a new webhook, which is not shown again.
pub(super) async fn create<P: Platform>(
    context: Context<'_, P>,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    let (destination, secret) = read_body(context, body::object(context.request)?, None, rng)?;
    let create = CreateDestination { destination: Box::new(destination), dry_run, by };
    let destination = change(context, create).await?;
    if dry_run {
        return Ok(done(shown(200, &destination, Map::new()), "destination_tried"));
    }
    let location = format!("{}{ADMIN_PREFIX}/destinations/{}", context.issuer.as_str(), destination.id);
    let more = secret.map(|secret| ("secret".to_owned(), secret.into()));
    let answer = shown(201, &destination, more.into_iter().collect()).with("location", location);
    Ok(done(answer, "destination_created"))
}

/// Answers `GET /destinations/{id}`, with what its courier does.
pub(super) async fn read<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let destination = find(context, id).await?;
    let state = context.server.platform.courier(&destination.courier(), ReadCourier {}).await?;
    let more = [("deliveries".to_owned(), state_view(&state))];
    Ok(Done::read(shown(200, &destination, more.into_iter().collect())))
}

fn state_view(CourierState { waiting, dead, oldest, condition }: &CourierState) -> Value {
    let mut view = json!({ "waiting": waiting, "dead": dead, "dropped": condition.dropped });
    if let Value::Object(members) = &mut view {
        for (name, at) in [("oldest_at", oldest), ("failing_since", &condition.failing_since)] {
            members.extend(at.map(|at: Timestamp| (name.to_owned(), at.seconds().into())));
        }
        members.extend(condition.last_error.clone().map(|why| ("last_error".to_owned(), why.into())));
    }
    view
}

/// Answers `PUT /destinations/{id}`. Members that are not sent get their defaults, except secrets, which stay.
pub(super) async fn replace<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    let (expected, mut members) = (expected(context)?, body::object(context.request)?);
    let before = current(context, id, &expected).await?;
    let dry_run = body::is_dry_run(&body::query(context.request, &["dry_run"])?)?;
    if members.get("id").is_none_or(Value::is_null) {
        members.insert("id".to_owned(), before.id.as_str().into());
    }
    let (destination, _) = read_body(context, members, Some(&before), rng)?;
    if destination.id != before.id {
        let detail = format!(
            "id is {:?}: it cannot be changed from {:?}",
            destination.id.as_str(),
            before.id.as_str()
        );
        return Err(Problem::Invalid(vec![Fault::at("id", detail)]));
    }
    store(context, &before, destination, dry_run, by).await
}

/// Answers `POST /destinations/{id}/secret`: a webhook gets a new secret, and keeps the one before it.
pub(super) async fn rotate<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let before = find(context, id).await?;
    let Receiver::Webhook { secrets } = &before.receiver else {
        return Err(Problem::Conflict("Only a webhook has secrets of this server.".to_owned()));
    };
    let (_, text) = Secret::draw(rng);
    let mut renewed = vec![Sealed::seal(&text, &context.server.settings.keyring, rng)];
    renewed.extend(secrets.first().cloned());
    let destination = Destination { receiver: Receiver::Webhook { secrets: renewed }, ..before.clone() };
    let replace = replacement(&before, destination, false, by);
    let destination = change(context, replace).await?;
    let more = [("secret".to_owned(), Value::from(text))];
    Ok(done(shown(200, &destination, more.into_iter().collect()), "destination_secret_rotated"))
}

/// Answers `DELETE /destinations/{id}`.
pub(super) async fn delete<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    by: Actor,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let expected = expected(context)?;
    let before = current(context, id, &expected).await?;
    change(context, DeleteDestination { id: before.id.clone(), expected, by }).await?;
    // If that fails, which is logged, the courier finds out at its next alarm.
    let _ = context.server.platform.courier(&before.courier(), Wake {}).await;
    Ok(done(Response::empty(), "destination_deleted"))
}

/// Answers `POST /destinations/{id}/test`: sends a message that only tests the way, and says what the receiver answered.
pub(super) async fn test<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    rng: &mut impl CryptoRng,
) -> Result<Done, Problem> {
    body::query(context.request, &[])?;
    let destination = find(context, id).await?;
    let message = format!("test/{}", random_id(rng));
    let (status, outcome) = context.server.try_destination(&destination, &message, context.now).await;
    let (delivered, error) = match outcome {
        Outcome::Delivered => (true, None),
        Outcome::Again(why) | Outcome::Refused(why) => (false, Some(why)),
    };
    let mut members = Map::new();
    members.insert("id".to_owned(), message.into());
    members.insert("delivered".to_owned(), delivered.into());
    members.extend(status.map(|status| ("status".to_owned(), status.into())));
    members.extend(error.map(|why| ("error".to_owned(), why.into())));
    Ok(done(Response::json(200, &members), "destination_tested"))
}

/// Finds a destination.
pub(super) async fn find<P: Platform>(context: Context<'_, P>, id: &str) -> Result<Destination, Problem> {
    let all = context.server.platform.counts(ListDestinations {}).await?;
    all.into_iter().find(|destination| destination.id.as_str() == id).ok_or(Problem::NotFound)
}

/// Returns the destination if it has the expected version.
async fn current<P: Platform>(
    context: Context<'_, P>,
    id: &str,
    expected: &Expected,
) -> Result<Destination, Problem> {
    let destination = find(context, id).await?;
    if expected.holds(&destination.history) { Ok(destination) } else { Err(Problem::PreconditionFailed) }
}

/// Stores a destination, if it still is what was read `before`.
async fn store<P: Platform>(
    context: Context<'_, P>,
    before: &Destination,
    destination: Destination,
    dry_run: bool,
    by: Actor,
) -> Result<Done, Problem> {
    let destination = change(context, replacement(before, destination, dry_run, by)).await?;
    let is_other = authorization(before) != authorization(&destination);
    let more = is_other.then(|| ("authorization_changed".to_owned(), true.into()));
    let outcome = if dry_run { "destination_tried" } else { "destination_changed" };
    Ok(done(shown(200, &destination, more.into_iter().collect()), outcome))
}

fn authorization(destination: &Destination) -> Option<&Sealed> {
    match &destination.receiver {
        Receiver::SharedSignals { authorization, .. } => authorization.as_ref(),
        Receiver::Webhook { .. } => None,
    }
}

fn replacement(
    before: &Destination,
    destination: Destination,
    dry_run: bool,
    by: Actor,
) -> ReplaceDestination {
    let expected = Expected::OneOf(vec![before.history.etag()]);
    ReplaceDestination { destination: Box::new(destination), expected, dry_run, by }
}

fn read_body<P>(
    context: Context<'_, P>,
    members: Map<String, Value>,
    before: Option<&Destination>,
    rng: &mut impl CryptoRng,
) -> Result<(Destination, Option<String>), Problem> {
    let settings = &context.server.settings;
    let (issuer, has_loopback) = (context.issuer.as_str(), settings.is_development());
    let reading = Reading { issuer, has_loopback, before, keyring: &settings.keyring };
    parse(members, &reading, rng).map_err(Problem::Invalid)
}

async fn change<P, A, T>(context: Context<'_, P>, ask: A) -> Result<T, Problem>
where
    P: Platform,
    A: Ask<Command = Command, Reply = Result<T, DestinationRefusal>>,
{
    context.server.platform.counts(ask).await?.map_err(refused)
}

fn refused(refusal: DestinationRefusal) -> Problem {
    match refusal {
        DestinationRefusal::Missing => Problem::NotFound,
        DestinationRefusal::Stale => Problem::PreconditionFailed,
        DestinationRefusal::Exists => {
            Problem::Conflict("A destination with this id already exists.".to_owned())
        }
        DestinationRefusal::Full => {
            Problem::Conflict(format!("There are {MOST_DESTINATIONS} destinations, which is the most."))
        }
        DestinationRefusal::OtherKind => Problem::Conflict(
            "The kind of a destination cannot be changed: delete it, and create another.".to_owned(),
        ),
    }
}

/// Builds the response that shows a destination, with its `ETag` and further members.
fn shown(status: u16, destination: &Destination, more: Map<String, Value>) -> Response {
    let mut members = destination.view();
    members.extend(more);
    Response::json(status, &members).with("etag", destination.history.etag())
}

fn done(response: Response, outcome: &'static str) -> Done {
    Done { outcome, ..Done::read(response) }
}
