//! What holds for any choice of resources (RFC 8707).

use device_grant::scope::Scope;
use device_grant::token::resource::Own;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn narrowing_never_widens(
        granted in proptest::collection::vec(0..4_usize, 0..4),
        asked in proptest::collection::vec(0..5_usize, 0..4),
        audience in proptest::collection::vec(0..4_usize, 0..4),
        openid in any::<bool>(),
    ) {
        let names = ["https://i.example", "https://a.example", "https://b.example", "urn:c", "https://i.example/userinfo"];
        let list = |picked: &[usize]| picked.iter().map(|at| names[*at].to_owned()).collect::<Vec<_>>();
        let own = Own::of(names[0]);
        let (granted, audience) = (list(&granted), list(&audience));
        let asked: Vec<&str> = asked.iter().map(|at| names[*at]).collect();
        let scope = Scope::parse(if openid { "openid" } else { "email" }).expect("a scope");
        let narrowed = |asked: &[&str]| own.narrowed(asked, &granted, &scope, &audience);
        let Ok(whole) = narrowed(&[]) else {
            prop_assert!(narrowed(&asked).is_err());
            return Ok(());
        };
        prop_assert!(!whole.is_empty());
        let allowed = |resource: &String| own.has(resource) || granted.contains(resource) && audience.contains(resource);
        prop_assert!(whole.iter().all(allowed));
        if let Ok(less) = narrowed(&asked) {
            prop_assert!(less.iter().all(|resource| whole.contains(resource) || resource == names[4]));
            prop_assert!(asked.is_empty() || less.iter().all(|resource| asked.contains(&resource.as_str())));
        }
    }
}
