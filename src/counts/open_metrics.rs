//! The counts as text in the format of `OpenMetrics` 1.0.

use core::fmt::Write as _;

use super::command::Totals;
use super::day::{ABOVE, BOUNDS, SUM};
use super::kind::{Kind, Tallied};
use crate::audit::ledger::OutboxReport;
use crate::courier::command::CourierState;
use crate::time::Timestamp;

/// The media type of the text.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How logins end, with the kind of count.
const OUTCOMES: [(&str, Kind); 6] = [
    ("contested", Kind::Contested),
    ("denied", Kind::Denied),
    ("expired", Kind::Expired),
    ("redeemed", Kind::Redeemed),
    ("refused", Kind::Refused),
    ("reported", Kind::Reported),
];
/// The steps of a login, with the kind of count.
const STEPS: [(&str, Kind); 4] = [
    ("started", Kind::Started),
    ("entered", Kind::Entered),
    ("approved", Kind::Approved),
    ("redeemed", Kind::Redeemed),
];

/// A text that is being written.
struct Text<'a> {
    text: String,
    counts: &'a [Tallied],
}

/// Writes all metrics.
#[must_use]
pub fn text(
    totals: &Totals,
    reports: &[OutboxReport],
    couriers: &[(String, CourierState)],
    now: Timestamp,
) -> String {
    let mut text = Text { text: String::new(), counts: &totals.counts };
    text.logins();
    text.funnel();
    text.latency();
    text.by(
        "device_grant_approvals",
        "Approvals by the verdict about the distance.",
        "verdict",
        Kind::Verdict,
    );
    text.by(
        "device_grant_wrong_codes",
        "Wrong codes by the AS number of the network.",
        "asn",
        Kind::WrongCode,
    );
    text.by("device_grant_sign_ins", "Sign-ins by their way.", "how", Kind::SignedIn);
    text.by(
        "device_grant_refused_starts",
        "Refused requests for codes by client.",
        "client",
        Kind::RefusedStart,
    );
    text.by("device_grant_policy_decisions", "Decisions of the policy by verdict.", "verdict", Kind::Policy);
    text.by("device_grant_alerts", "Alerts by detection.", "detection", Kind::Alert);
    text.head("device_grant_open_alerts", "gauge", "", "Open alerts by detection.");
    for (detection, open) in &totals.open_alerts {
        text.line("device_grant_open_alerts", &[("detection", detection.name())], *open);
    }
    let live: u64 = reports.iter().filter_map(|report| report.live_codes).sum();
    text.head("device_grant_live_codes", "gauge", "", "Codes that have not ended, as shards last reported.");
    text.line("device_grant_live_codes", &[], live);
    let waiting: u64 = reports.iter().map(|report| report.waiting).sum();
    text.head("device_grant_outbox_events", "gauge", "", "Events that are in no ledger.");
    text.line("device_grant_outbox_events", &[], waiting);
    let age =
        reports.iter().filter_map(|report| report.oldest).map(|oldest| now.since(oldest).as_secs()).max();
    text.head("device_grant_outbox_age_seconds", "gauge", "seconds", "Age of the oldest of them.");
    text.line("device_grant_outbox_age_seconds", &[], age.unwrap_or_default());
    text.deliveries(couriers, now);
    text.text + "# EOF\n"
}

impl Text<'_> {
    fn head(&mut self, name: &str, kind: &str, unit: &str, help: &str) {
        let unit = if unit.is_empty() { String::new() } else { format!("# UNIT {name} {unit}\n") };
        self.text.extend([format!("# TYPE {name} {kind}\n"), unit, format!("# HELP {name} {help}\n")]);
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }

    fn of(&self, kind: Kind) -> Vec<(String, u64)> {
        let own = self.counts.iter().filter(|tallied| tallied.kind == kind);
        own.map(|tallied| (tallied.key.clone(), tallied.count)).collect()
    }

    fn sum(&self, kind: Kind) -> u64 {
        self.of(kind).iter().map(|(_, count)| count).sum()
    }

    fn by(&mut self, name: &str, help: &str, label: &str, kind: Kind) {
        self.head(name, "counter", "", help);
        for (key, count) in self.of(kind) {
            self.line(&format!("{name}_total"), &[(label, &key)], count);
        }
    }

    fn deliveries(&mut self, couriers: &[(String, CourierState)], now: Timestamp) {
        self.head(
            "device_grant_deliveries",
            "gauge",
            "",
            "Events that wait for a destination, or were given up.",
        );
        for (id, state) in couriers {
            for (name, count) in [("waiting", state.waiting), ("dead", state.dead)] {
                let labels = [("destination", id.as_str()), ("state", name)];
                self.line("device_grant_deliveries", &labels, u64::from(count));
            }
        }
        let name = "device_grant_destination_failing_seconds";
        self.head(name, "gauge", "seconds", "Since the first failure after the last success.");
        for (id, state) in couriers {
            let failing = state.condition.failing_since.map_or(0, |since| now.since(since).as_secs());
            self.line(name, &[("destination", id)], failing);
        }
    }

    fn logins(&mut self) {
        self.head("device_grant_logins", "counter", "", "Ends of logins by client and outcome.");
        for (outcome, kind) in OUTCOMES {
            for (client, count) in self.of(kind) {
                let labels = [("client", client.as_str()), ("outcome", outcome)];
                self.line("device_grant_logins_total", &labels, count);
            }
        }
    }

    fn funnel(&mut self) {
        self.head("device_grant_steps", "counter", "", "Steps that logins reached.");
        for (step, kind) in STEPS {
            let count = self.sum(kind);
            self.line("device_grant_steps_total", &[("step", step)], count);
        }
    }

    fn latency(&mut self) {
        const NAME: &str = "device_grant_approval_seconds";
        self.head(NAME, "histogram", "seconds", "Time from the start of a login to its approval.");
        let counts = self.of(Kind::Latency);
        let count = |key: &str| {
            counts.iter().find(|(other, _)| other == key).map(|(_, count)| *count).unwrap_or_default()
        };
        let mut within = 0;
        for bound in BOUNDS {
            within += count(&bound.to_string());
            self.line(&format!("{NAME}_bucket"), &[("le", &format!("{bound}.0"))], within);
        }
        within += count(ABOVE);
        self.line(&format!("{NAME}_bucket"), &[("le", ABOVE)], within);
        self.line(&format!("{NAME}_count"), &[], within);
        self.line(&format!("{NAME}_sum"), &[], count(SUM));
    }
}

/// Writes the value of a label: backslash, quotation mark and line feed are escaped.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_written_as_open_metrics_says() {
        let tallied = |kind, key: &str, count| Tallied { kind, key: key.to_owned(), count };
        let counts = vec![
            tallied(Kind::Started, "tv", 4),
            tallied(Kind::Redeemed, "a\"b\\c\n", 2),
            tallied(Kind::Latency, "20", 1),
            tallied(Kind::Latency, "+Inf", 1),
            tallied(Kind::Latency, "sum", 999),
        ];
        let at = Timestamp::from_millis(9_000);
        let report = OutboxReport {
            object: "weur/3".to_owned(),
            at,
            waiting: 2,
            oldest: Some(Timestamp::from_millis(2_000)),
            set_aside: 0,
            live_codes: Some(3),
        };

        let text = text(&Totals { counts, open_alerts: Vec::new() }, &[report], &[], at);

        for line in [
            "# TYPE device_grant_logins counter",
            r#"device_grant_logins_total{client="a\"b\\c\n",outcome="redeemed"} 2"#,
            r#"device_grant_steps_total{step="started"} 4"#,
            "# UNIT device_grant_approval_seconds seconds",
            r#"device_grant_approval_seconds_bucket{le="10.0"} 0"#,
            r#"device_grant_approval_seconds_bucket{le="600.0"} 1"#,
            r#"device_grant_approval_seconds_bucket{le="+Inf"} 2"#,
            "device_grant_approval_seconds_sum 999",
            "device_grant_live_codes 3",
            "device_grant_outbox_age_seconds 7",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"));
    }
}
