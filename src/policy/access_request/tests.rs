use super::exception::MOST_SCOPES;
use super::*;
use crate::policy::document::Policy;
use crate::verdict::Verdict;

const AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn days(days: u64) -> Timestamp {
    AT + Duration::from_secs(days * 86_400)
}

fn request() -> AccessRequest {
    AccessRequest {
        format: Format,
        id: id_of(AT, 7),
        asker: Asker { account: AccountKey::local("bob"), sub: Sub::from("sub-bob"), name: "Bob".to_owned() },
        client_id: "cli".to_owned(),
        client_name: "Photo CLI".to_owned(),
        scope: Scope::parse("openid deploy").unwrap(),
        reason: "I release on Friday.".to_owned(),
        denied_by: vec![Name::parse("abroad").unwrap(), Name::parse("gone").unwrap()],
        places: Places::Person(Spot::default()),
        asked_at: AT,
        state: State::Open,
    }
}

fn grant(at: Timestamp) -> Grant {
    let exception = Name::parse("access-1").unwrap();
    Grant { by: Actor::Operator("9f86d081".to_owned()), at, until: days(10), exception }
}

fn no(at: Timestamp) -> Refusal {
    Refusal { by: Actor::Operator("9f86d081".to_owned()), at, message: None }
}

#[test]
fn an_open_request_is_answered_once_within_a_week_and_lapses_afterwards() {
    let last = days(7).before(Duration::from_millis(1));
    let granted = request().granted(grant(last)).expect("the week is not over");
    let refused = request().refused(no(last)).expect("the week is not over");

    assert!(request().lapsed(last).is_none() && request().is_open(last));
    assert!(request().granted(grant(days(7))).is_none() && request().refused(no(days(7))).is_none());
    let lapsed = request().lapsed(days(7)).expect("the week is over");
    assert_eq!((request().standing(days(7)), lapsed.standing(days(7))), (Standing::Lapsed, Standing::Lapsed));
    for over in [granted, refused, lapsed] {
        assert!(over.clone().granted(grant(last)).is_none(), "{over:?}");
        assert!(over.clone().refused(no(last)).is_none(), "{over:?}");
        assert!(over.clone().lapsed(days(20)).is_none(), "{over:?}");
    }
}

#[test]
fn a_request_is_kept_for_400_days_after_its_end() {
    assert_eq!(request().due(), days(7));
    assert_eq!(request().granted(grant(days(1))).unwrap().due(), days(410), "after that of the exception");
    assert_eq!(request().refused(no(days(1))).unwrap().due(), days(401));
    assert_eq!(request().lapsed(days(7)).unwrap().due(), days(407));
}

#[test]
fn the_exception_is_narrow_and_lifts_only_rules_that_still_deny() {
    let rules = serde_json::json!({ "default": "enforced", "rules": [
        { "id": "abroad", "description": "A", "effect": "deny" },
    ]});
    let serde_json::Value::Object(members) = rules else { panic!("it is an object") };
    let policy = super::super::written::parse(members, AT).unwrap();
    let terms = Terms { owner: "alice".to_owned(), reason: None, ticket: None, expires_at: days(2) };

    let exception = request().exception(terms, &policy, Actor::Registration, AT);

    assert!(!exception.is_wide());
    assert!(exception.profits(&AccountKey::local("bob"), &[]));
    assert!(!exception.profits(&AccountKey::local("alice"), &[]));
    assert_eq!(exception.when.clients, ["cli"]);
    assert_eq!(exception.when.only_scopes, ["deploy", "openid"]);
    assert_eq!(exception.lifts, [Name::parse("abroad").unwrap()]);
    assert_eq!(exception.id.as_str(), format!("access-{}", request().id));
    assert_eq!((exception.reason.as_str(), exception.expires_at), ("I release on Friday.", days(2)));
    assert_eq!(exception.ticket, format!("access request {}", request().id));
}

#[test]
fn an_exception_for_every_scope_and_a_device_at_an_unknown_place_are_warned_of() {
    let policy = Policy::without_document(false);
    let (every, unseen) = ("for every scope of the client", "asked without a code");
    let has = |request: &AccessRequest, text| {
        request.warnings(&policy).iter().any(|warning| warning.contains(text))
    };

    let without_code = AccessRequest { scope: Scope::default(), ..request() };
    assert!(has(&without_code, every) && has(&without_code, unseen));
    let many: Vec<String> = (0..=MOST_SCOPES).map(|number| format!("s{number}")).collect();
    let many = AccessRequest { scope: Scope::parse(&many.join(" ")).unwrap(), ..request() };
    assert!(has(&many, every));
    let (device, person) = (Spot::default(), Spot::default());
    let places = Places::Code(Comparison { verdict: Verdict::Far, kilometers: None, device, person });
    let narrow = AccessRequest { places, denied_by: Vec::new(), ..request() };
    assert_eq!(narrow.warnings(&policy), [""; 0]);
}

#[test]
fn identifiers_are_in_the_order_of_time() {
    assert!(id_of(AT, u32::MAX) < id_of(days(1), 0));
    assert_ne!(id_of(AT, 1), id_of(AT, 2));
}
