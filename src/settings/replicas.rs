//! Where the registry is, and where it is read: `REGISTRY_LOCATION`, `REGISTRY_REPLICAS` and `REGISTRY_LEASE_SECONDS`.

use super::variable::{BadSetting, bad, number};
use crate::registry::leases::LONGEST_LEASE;
use crate::sharding::{MAX_REPLICAS, Region};

/// The registry and its replicas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Replicas {
    /// `REGISTRY_REPLICAS`: how many replicas each region has.
    pub per_region: u8,
    /// `REGISTRY_LEASE_SECONDS`: how long a replica answers with a reply of the source.
    pub lease: u64,
    /// `REGISTRY_LOCATION`: where the platform creates the source; `None` for where its first caller is.
    pub location: Option<Region>,
}

/// Reads `REGISTRY_LOCATION` alone, for replicas, which need no other setting. One that cannot be used stops the Worker, which
/// says so.
pub fn registry_location(var: impl Fn(&str) -> Option<String>) -> Option<Region> {
    location(&|name: &str| var(name).filter(|value| !value.is_empty())).ok().flatten()
}

pub(super) fn read(var: &impl Fn(&str) -> Option<String>) -> Result<Replicas, BadSetting> {
    let per_region = number(var, "REGISTRY_REPLICAS", 0, 0..=u64::from(MAX_REPLICAS))?;
    Ok(Replicas {
        per_region: u8::try_from(per_region).unwrap_or(MAX_REPLICAS),
        lease: number(var, "REGISTRY_LEASE_SECONDS", 30, 5..=LONGEST_LEASE)?,
        location: location(var)?,
    })
}

fn location(var: &impl Fn(&str) -> Option<String>) -> Result<Option<Region>, BadSetting> {
    const NAME: &str = "REGISTRY_LOCATION";
    let Some(text) = var(NAME) else { return Ok(None) };
    let region = Region::ALL.into_iter().find(|region| region.hint() == text);
    region.map(Some).ok_or_else(|| bad(NAME, &text, "must be wnam, enam, weur, eeur, apac or oc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &'static str, value: &str) -> Result<Replicas, String> {
        read(&|other: &str| (other == name).then(|| value.to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn a_deployment_has_no_replicas_unless_it_asks_for_them() {
        let default = Replicas { per_region: 0, lease: 30, location: None };

        assert_eq!(read(&|_: &str| None), Ok(default));
        assert_eq!(reading("REGISTRY_REPLICAS", "16"), Ok(Replicas { per_region: 16, ..default }));
        assert_eq!(reading("REGISTRY_LEASE_SECONDS", "5"), Ok(Replicas { lease: 5, ..default }));
        let asian = Replicas { location: Some(Region::Apac), ..default };
        assert_eq!(reading("REGISTRY_LOCATION", "apac"), Ok(asian));
    }

    #[test]
    fn a_replica_reads_the_place_of_the_registry_alone() {
        let read =
            |value: &str| registry_location(|name| (name == "REGISTRY_LOCATION").then(|| value.to_owned()));

        assert_eq!(read("apac"), Some(Region::Apac));
        assert_eq!((read(""), read("europe")), (None, None));
    }

    #[test]
    fn other_numbers_and_places_are_refused_with_what_is_allowed() {
        for (name, value, allowed) in [
            ("REGISTRY_REPLICAS", "17", "must be a whole number from 0 to 16"),
            ("REGISTRY_LEASE_SECONDS", "4", "must be a whole number from 5 to 60"),
            ("REGISTRY_LEASE_SECONDS", "61", "must be a whole number from 5 to 60"),
            ("REGISTRY_LOCATION", "europe", "must be wnam, enam, weur, eeur, apac or oc"),
        ] {
            assert_eq!(reading(name, value), Err(format!("{name} is {value:?}: {allowed}")));
        }
    }
}
