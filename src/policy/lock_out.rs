//! Finds a policy that lets somebody in, but none of the administrators.
//!
//! Policy never decides who may manage the server, so such a policy can be changed back. But administrators whose own
//! devices are shut out notice a mistake last. A policy that lets nobody in is a decision, and no mistake.

use super::Point;
use super::evaluation::decide;
use super::facts::{Facts, Groups};
use super::governance::Governance;
use super::window::Span;
use crate::identity::group::Group;
use crate::time::Timestamp;

/// Returns whether the policy could let somebody in, but certainly nobody who is in one of the groups of administrators.
#[must_use]
pub fn shuts_out_administrators(governance: &Governance, administrators: &[Group], now: Timestamp) -> bool {
    let anybody = Facts::unknown(Point::SignIn, Span { from: now, until: Timestamp::from_millis(u64::MAX) });
    let is_open_to = |groups| decide(governance, &Facts { groups, ..anybody }).is_allowed();
    let one = |group| Some(Groups::at_least(core::slice::from_ref(group)));
    is_open_to(None) && !administrators.iter().any(|group| is_open_to(one(group)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::policy::sample::{NOW, governance, rule};

    fn shuts_out(rules: &Value) -> bool {
        let administrators = ["local:administrators", "corp:admins"].map(|name| Group::parse(name).unwrap());
        shuts_out_administrators(&governance(rules), &administrators, NOW)
    }

    #[test]
    fn a_policy_that_lets_in_somebody_but_no_administrator_is_found() {
        let of = |group: &str| json!({ "when": { "groups": [group] } });
        let staff = || rule("staff", "allow", of("local:staff"));
        let one = || rule("one", "deny", of("local:administrators"));
        let other = || rule("other", "deny", of("corp:admins"));
        let mut reports = other();
        reports["state"] = "report_only".into();

        assert!(shuts_out(&json!([staff(), one(), other()])));
        assert!(!shuts_out(&json!([staff()])), "administrators can be staff");
        assert!(!shuts_out(&json!([staff(), one()])), "the others get in");
        assert!(!shuts_out(&json!([staff(), one(), reports])));
        assert!(!shuts_out(&json!([])), "nobody gets in");
        assert!(!shuts_out(&json!([staff(), rule("all", "deny", json!({}))])), "nobody gets in");
    }
}
