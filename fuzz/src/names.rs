//! Distinguished names and claim mappings.

use device_grant::client::distinguished_name::DistinguishedName;
use device_grant::token::mapping::written;
use serde_json::Value;

use crate::text;

/// White space before a part of a name, and the case of hexadecimal digits, do not matter.
pub fn distinguished_names(input: &[u8]) {
    let text = text(input);
    let name = DistinguishedName::parse(text);
    assert_eq!(DistinguishedName::parse(&format!(" {text}")), name);
    if name.is_some() {
        let doubled = DistinguishedName::parse(&format!("CN=x,{text}"));
        assert!(doubled.is_some() && doubled != name);
        assert_eq!(DistinguishedName::parse(&format!("CN=x, {text}")), doubled);
        assert!(DistinguishedName::parse(&format!("{text}\\")).is_none() || text.ends_with('\\'));
    }
}

/// Rules that are read are written as JSON that is read as the same rules; a refusal names every fault.
pub fn mapping_rules(input: &[u8]) {
    let Ok(rules) = serde_json::from_slice::<Value>(input) else { return };
    match written::read("claims", rules) {
        Ok(rules) => {
            let again = serde_json::to_value(&rules).expect("rules are JSON");
            let read = written::read("claims", again.clone()).expect("written rules are sound");
            assert_eq!(serde_json::to_value(&read).expect("rules are JSON"), again);
            assert_eq!(read.weight(), rules.weight());
        }
        Err(faults) => {
            assert!(!faults.is_empty() && faults.iter().all(|fault| fault.pointer.starts_with("/claims")))
        }
    }
}
