//! The posture of a person's machine: which of its checks succeeded, as Cloudflare Access knows them.

use serde_json::Value;

use crate::json;

/// The most checks in a setting.
const MOST: usize = 20;
/// The groups of digits in the identifier of a check: a UUID (RFC 9562 §4).
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// The checks by which a machine counts as managed. All of the outer list must have succeeded; in the inner list, one is
/// enough.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Posture(Vec<Vec<String>>);

impl Posture {
    /// Parses identifiers of checks: with commas between those that must all have succeeded, and `|` between those of which
    /// one is enough. Returns `None` if that is not at most 20 UUIDs in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let one_of = |part: &str| part.split('|').map(|id| check(id.trim())).collect::<Option<Vec<_>>>();
        let all = text.split(',').map(one_of).collect::<Option<Vec<_>>>()?;
        (all.iter().map(Vec::len).sum::<usize>() <= MOST).then_some(Self(all))
    }

    /// Returns whether the response of Access about the identity of `subject` says that the machine is managed. Whatever is
    /// wrong with the response, the machine is not managed.
    #[must_use]
    pub fn is_met(&self, status: u16, body: &str, subject: &str) -> bool {
        let identity: Value = json::read(body).ok().filter(|_| status == 200).unwrap_or_default();
        let is_about = identity.get("user_uuid").and_then(Value::as_str) == Some(subject);
        let succeeded = |id: &String| {
            let check = identity.get("devicePosture").and_then(|checks| checks.get(id));
            check.and_then(|check| check.get("success")) == Some(&Value::Bool(true))
        };
        is_about && self.0.iter().all(|one_of| one_of.iter().any(succeeded))
    }
}

/// Returns the identifier of a check.
fn check(id: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let lengths = id.split('-').map(|group| group.bytes().all(is_digit).then_some(group.len()));
    lengths.eq(GROUPS.map(Some)).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DISK: &str = "f6f9391e-6776-4878-9c60-0cc807dc7dc8";
    const MAC: &str = "0c1b6e1e-1f0e-4c7e-8a36-7f6b7c9c6a11";
    const FIREWALL: &str = "a0a8e83d-be75-4aa6-bfa0-5791da6e9186";

    /// Returns what Access says about the machine of `u`, with these results.
    fn identity(checks: &[(&str, Value)]) -> String {
        let checks = checks.iter().map(|(id, success)| ((*id).to_owned(), json!({ "success": success })));
        json!({ "user_uuid": "u", "devicePosture": checks.collect::<serde_json::Map<_, _>>() }).to_string()
    }

    #[test]
    fn all_checks_must_have_succeeded_and_of_alternatives_one() {
        let posture = Posture::parse(&format!("{DISK} | {MAC}, {FIREWALL}")).unwrap();
        let is_met = |checks: &[(&str, bool)]| {
            let checks: Vec<_> = checks.iter().map(|(id, success)| (*id, json!(success))).collect();
            posture.is_met(200, &identity(&checks), "u")
        };
        assert!(is_met(&[(DISK, true), (FIREWALL, true)]));
        assert!(is_met(&[(MAC, true), (FIREWALL, true)]));
        assert!(is_met(&[(DISK, false), (MAC, true), (FIREWALL, true)]));
        assert!(!is_met(&[(DISK, true), (MAC, true)]));
        assert!(!is_met(&[(DISK, true), (FIREWALL, false)]));
        assert!(!is_met(&[(DISK, false), (FIREWALL, true)]));
        assert!(!is_met(&[]));
    }

    #[test]
    fn a_response_about_somebody_else_or_in_another_shape_proves_nothing() {
        let posture = Posture::parse(DISK).unwrap();
        let good = identity(&[(DISK, json!(true))]);
        assert!(posture.is_met(200, &good, "u"));
        for status in [201, 400, 401, 500] {
            assert!(!posture.is_met(status, &good, "u"), "{status}");
        }
        assert!(!posture.is_met(200, &good, "other"));
        for body in [
            identity(&[(DISK, json!("true"))]),
            identity(&[(DISK, json!(1))]),
            json!({ "devicePosture": { DISK: { "success": true } } }).to_string(),
            json!({ "user_uuid": "u", "devicePosture": [{ "id": DISK, "success": true }] }).to_string(),
            json!({ "user_uuid": "u", "devicePosture": { DISK: true } }).to_string(),
            "[]".to_owned(),
            "<html>".to_owned(),
            String::new(),
        ] {
            assert!(!posture.is_met(200, &body, "u"), "{body}");
        }
    }

    #[test]
    fn a_check_is_named_by_its_uuid() {
        assert!(Posture::parse(&[DISK; 20].join(",")).is_some());
        for text in [
            "",
            ",",
            "|",
            "Disk Encryption",
            &DISK.to_uppercase(),
            DISK.trim_start_matches('f'),
            &format!("{DISK},"),
            &format!("{DISK}-"),
            &format!("{DISK} {FIREWALL}"),
            &[DISK; 21].join("|"),
        ] {
            assert_eq!(Posture::parse(text), None, "{text}");
        }
    }
}
