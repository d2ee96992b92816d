//! What happened lately, in numbers.

use serde::Serialize;
use serde_json::{Map, Value};

use super::body;
use super::done::Done;
use super::events::number;
use super::problem::Problem;
use crate::counts::command::ReadOverview;
use crate::counts::day::{BOUNDS, day};
use crate::counts::detection::Detection;
use crate::counts::overview::{DayCounts, MOST_DAYS, Overview, STEPS};
use crate::endpoint::http::Response;
use crate::endpoint::platform::Platform;
use crate::endpoint::server::Context;
use crate::order;

/// Default number of days.
const DAYS: u64 = 14;
/// The most clients, and the most countries.
const MOST: u32 = 10;

#[derive(Serialize)]
struct View {
    days: Vec<Map<String, Value>>,
    clients: Vec<Client>,
    countries: Vec<Country>,
    approval_seconds: Vec<Waits>,
    /// The least bound, in seconds, within which half of the approvals were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    half_approved_within: Option<u64>,
    open_alerts: Vec<Open>,
}

#[derive(Serialize)]
struct Client {
    client_id: String,
    logins: u64,
}

#[derive(Serialize)]
struct Country {
    country: String,
    starts: u64,
}

/// Approvals that took more than the bound before, and no more than this one.
#[derive(Serialize)]
struct Waits {
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to: Option<u64>,
    approvals: u64,
}

#[derive(Serialize)]
struct Open {
    detection: Detection,
    alerts: u64,
}

/// Answers `GET /overview` with the counts of the last days, today included.
pub(super) async fn read<P: Platform>(context: Context<'_, P>) -> Result<Done, Problem> {
    let query = body::query(context.request, &["days"])?;
    let days = number(&query, "days", DAYS, 1, u64::from(MOST_DAYS))?;
    let last_day = day(context.now);
    let first_day = (last_day + 1).saturating_sub(u32::try_from(days).unwrap_or(MOST_DAYS));
    let overview = context.server.platform.counts(ReadOverview { first_day, last_day, most: MOST }).await?;
    Ok(Done::read(Response::json(200, &View::from(overview))))
}

impl From<Overview> for View {
    fn from(Overview { days, clients, countries, latency, open_alerts }: Overview) -> Self {
        Self {
            days: days.iter().map(of_day).collect(),
            clients: clients.into_iter().map(|(client_id, logins)| Client { client_id, logins }).collect(),
            countries: countries.into_iter().map(|(country, starts)| Country { country, starts }).collect(),
            half_approved_within: half(&latency),
            approval_seconds: waits(&latency),
            open_alerts: open_alerts
                .into_iter()
                .map(|(detection, alerts)| Open { detection, alerts })
                .collect(),
        }
    }
}

/// Returns a day with a member for each step, named as the step.
fn of_day(of: &DayCounts) -> Map<String, Value> {
    let counts = STEPS.iter().zip(&of.counts).map(|(step, count)| (step.name(), Value::from(*count)));
    order::object([("day".to_owned(), Value::from(of.day))].into_iter().chain(counts))
}

fn waits(latency: &[u64]) -> Vec<Waits> {
    let bounds = BOUNDS.into_iter().map(Some).chain([None]);
    bounds.zip(latency).map(|(up_to, approvals)| Waits { up_to, approvals: *approvals }).collect()
}

/// Returns the least bound within which half of the approvals were made; `None` if there were none, or if it took longer.
fn half(latency: &[u64]) -> Option<u64> {
    let all: u64 = latency.iter().sum();
    let mut within = 0;
    let found = BOUNDS.into_iter().zip(latency).find(|(_, approvals)| {
        within += **approvals;
        2 * within >= all
    });
    found.filter(|_| all > 0).map(|(bound, _)| bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_approvals_were_made_within_a_bound_that_is_known() {
        assert_eq!(half(&[0; 8]), None, "there were none");
        assert_eq!(half(&[1, 1, 0, 0, 0, 0, 0, 0]), Some(10));
        assert_eq!(half(&[1, 0, 2, 0, 0, 0, 0, 0]), Some(30));
        assert_eq!(half(&[1, 0, 0, 0, 0, 0, 0, 2]), None, "it took longer than the highest bound");
    }
}
