//! A simulated day of logins, and of the refreshes of their devices, over the limits of the platform.
//!
//!     make scale
//!
//! It sends nothing: what an operation costs is counted by `tests/e2e/cost.test.mjs`, and how many there are follows from a
//! model of devices, people and networks. It prints the table of `docs/performance.md`.

mod bounds;
mod costs;
mod courier;
mod day;
mod demand;
mod limits;
mod report;
mod rows;
mod source;

use costs::Costs;
use day::{Day, Deployment};
use device_grant::settings::Settings;
use rows::Column;

/// The same seed gives the same table.
const SEED: u64 = 8_628;
const MILLION: f64 = 1e6;

/// Returns the columns of the table: what each is called, and its day.
fn columns(costs: &Costs, seed: u64) -> Vec<Column> {
    let settings = default_settings();
    let (shards, lease) = (settings.keyring.current.shards_per_region.into(), settings.replicas.lease);
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let default = Deployment { shards, replicas: 4, lease: lease as f64 };
    let largest = Deployment { shards: 64, replicas: 16, ..default };
    [
        ("10 million", 10.0, default),
        ("100 million", 100.0, default),
        ("100 million, largest settings", 100.0, largest),
    ]
    .map(|(name, millions, deployment)| (name, Day::simulate(millions * MILLION, deployment, costs, seed)))
    .into()
}

fn default_settings() -> Settings {
    let base = [("ENVIRONMENT", "development"), ("MASTER_KEY", device_grant::derived_keys::DEVELOPMENT_KEY)];
    let find = |name: &str| base.iter().find(|(other, _)| *other == name);
    let settings = Settings::read(|name| find(name).map(|(_, value)| (*value).to_owned()));
    settings.unwrap_or_else(|bad| panic!("{bad}"))
}

fn main() {
    let costs = Costs::counted();
    println!("{}", report::table(&columns(&costs, SEED), &costs, &default_settings()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(costs: &Costs, seed: u64) -> String {
        report::table(&columns(costs, seed), costs, &default_settings())
    }

    #[test]
    fn the_same_seed_and_counts_give_the_same_table_and_others_do_not() {
        let costs = Costs::counted();
        let table = printed(&costs, SEED);

        assert_eq!(printed(&Costs::counted(), SEED), table);
        assert_ne!(printed(&costs, SEED + 1), table);
        let text = costs::COUNTED.replacen(r#""requests": 1"#, r#""requests": 9"#, 1);
        assert_ne!(text, costs::COUNTED);
        assert_ne!(printed(&Costs::parse(&text), SEED), table);
    }

    #[test]
    fn the_document_has_the_table() {
        let document = include_str!("../../docs/performance.md");

        assert!(document.contains(&printed(&Costs::counted(), SEED)), "run `make scale`");
    }

    #[test]
    fn nothing_of_the_deployment_is_near_its_limit_at_ten_million() {
        let costs = Costs::counted();

        let rows = rows::rows(&columns(&costs, SEED), &costs, &default_settings());
        for row in rows.iter().filter(|row| !row.is_aside) {
            let share = row.shares().next().expect("a column");
            assert!(share < 0.8, "{} is at {:.0} %", row.what, share * 100.0);
        }
    }

    /// A courier is for some events, and a whole stream is for an export. One registry alone is for fewer logins.
    #[test]
    fn what_falls_at_ten_million_if_it_is_set_is_known() {
        let costs = Costs::counted();

        let rows = rows::rows(&columns(&costs, SEED), &costs, &default_settings());
        let falls = rows.iter().filter(|row| row.shares().next().is_some_and(|share| share > 1.0));
        let falls: Vec<_> = falls.map(|row| row.what).collect();
        assert_eq!(
            falls,
            [
                "Registry, without replicas: reads a second",
                "Courier, everything wanted: events a second",
                "Courier, everything wanted: events in an hour in which its receiver is down",
                "Courier, approvals wanted: events a second",
                "Courier, approvals wanted: events in an hour in which its receiver is down",
            ]
        );
    }
}
