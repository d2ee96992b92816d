//! Measures how long the policy takes to decide: 200 rules, each with most conditions, and 50 exceptions.
//!
//! ```text
//! cargo run --release --example policy
//! ```

mod policy_sample;

use std::time::{Duration, Instant};

use device_grant::policy::Point;
use device_grant::policy::evaluation::decide;
use device_grant::policy::governance::Governance;
use policy_sample::{Login, governance};

/// Decisions in a batch, and number of batches.
const DECISIONS: u32 = 2_000;
const BATCHES: usize = 21;

fn main() {
    let governance = governance();
    let text = serde_json::to_string(&governance).expect("it is JSON");
    println!(
        "{} rules, {} exceptions, {} bytes",
        governance.policy.rules.len(),
        governance.exceptions.len(),
        text.len()
    );
    let parse =
        time(20, || serde_json::from_str::<Governance>(&text).map(|read| read.revision).unwrap_or_default());
    println!("read once per snapshot   {:>8.1} µs", micros(parse));
    for (what, point) in [("device authorization", Point::DeviceAuthorization), ("approval", Point::Approval)]
    {
        let login = Login::new();
        let facts = login.facts(point);
        let took = time(DECISIONS, || u64::from(decide(&governance, &facts).is_allowed()));
        println!("{what:<24} {:>8.2} µs", micros(took));
    }
}

/// Returns the median time of one call, over all batches of `count` calls.
#[expect(clippy::disallowed_methods, reason = "a bench reads the clock")]
fn time(count: u32, mut call: impl FnMut() -> u64) -> Duration {
    let mut sum = 0;
    let mut batches: Vec<Duration> = (0..BATCHES)
        .map(|_| {
            let begin = Instant::now();
            (0..count).for_each(|_| sum += call());
            begin.elapsed() / count
        })
        .collect();
    assert!(sum < u64::MAX, "the calls cannot be left out");
    batches.sort();
    batches.swap_remove(BATCHES / 2)
}

fn micros(took: Duration) -> f64 {
    took.as_secs_f64() * 1e6
}
