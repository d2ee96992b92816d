//! What policy has to know of an approval when the device redeems its code, and at every refresh.

use serde::{Deserialize, Serialize};

use super::facts::{FirstTimes, Nearness, SideFacts, Start};
use super::name::Name;
use super::place::Country;
use crate::device_kind::DeviceClass;
use crate::format::is_false;
use crate::network::{Network, Width};
use crate::provenance::Provenance;
use crate::verdict::Side;

/// Facts about an approval that nobody can find out later, as the approval and its family store them.
#[expect(missing_docs, reason = "the names of the other fields say it all")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Recorded {
    pub nearness: Nearness,
    /// Whether device and person seemed to be the same machine.
    #[serde(default, skip_serializing_if = "is_false")]
    pub same_device: bool,
    #[serde(default, skip_serializing_if = "FirstTimes::is_empty")]
    pub first: FirstTimes,
    /// Whether a web page requested the code.
    #[serde(default, skip_serializing_if = "is_false")]
    pub web_page: bool,
    /// Where the code was requested, as live codes are counted.
    pub network: Network,
    /// The networks of the policy that the person came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub person_networks: Vec<Name>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub person_managed: bool,
    /// The authentication context class that the sign-in met, whatever was requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// Whether the sign-in resists phishing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub phishing_resistant: bool,
    /// Whether the device is assigned to the person, who has typed the end of its identifier.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bound: bool,
}

impl Recorded {
    /// Returns the facts of the request for the code.
    #[must_use]
    pub fn start<'a>(&'a self, provenance: &'a Provenance) -> Start<'a> {
        let started = &provenance.started;
        let (country, asn) = (Country::of(started.spot.country.as_deref()), started.spot.asn);
        Start { at: started.at, country, asn, network: &self.network }
    }

    /// Returns the facts of the approval's side.
    #[must_use]
    pub fn person<'a>(&'a self, provenance: &'a Provenance) -> SideFacts<'a> {
        SideFacts::recorded(&provenance.approved.spot, &self.person_networks, self.person_managed)
    }
}

/// Returns whether two requests seem to come from the same machine: from the same address, and from the same kind of
/// device, or from a program and from the browser of a computer. A household shares an address, so that is a guess.
#[must_use]
pub fn seem_same(device: &Side, person: &Side) -> bool {
    let classes = [device, person].map(|side| DeviceClass::from(side.origin.device));
    let fits = match classes {
        [DeviceClass::Unknown, _] | [_, DeviceClass::Unknown] => false,
        [DeviceClass::CommandLine | DeviceClass::App, DeviceClass::Computer] => true,
        [_, _] => device.origin.device == person.origin.device,
    };
    fits && share_address(&device.network, &person.network)
}

/// Returns whether both addresses are known and, as far as they are kept, the same.
fn share_address(one: &Network, other: &Network) -> bool {
    let narrowest = one.prefixes().last().filter(|prefix| prefix.width != Width::Unknown);
    narrowest.is_some() && narrowest == other.prefixes().last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device_kind::DeviceKind;
    use crate::place::Origin;

    fn side(agent: &str, address: &str) -> Side {
        let network = Network::of(Some(address), |prefix| prefix.replace(['/', '.'], "_"));
        Side { origin: Origin { device: DeviceKind::of(Some(agent)), ..Origin::default() }, network }
    }

    #[test]
    fn a_program_and_a_browser_on_one_computer_seem_the_same_machine_and_a_television_and_a_phone_do_not() {
        for (device, person, expected) in [
            (("curl/8", "192.0.2.7"), ("Linux", "192.0.2.7"), true),
            (("curl/8", "2001:db8::1"), ("Linux", "2001:db8::2"), true),
            (("Windows", "192.0.2.7"), ("Windows", "192.0.2.7"), true),
            (("curl/8", "192.0.2.7"), ("Linux", "192.0.2.8"), false),
            (("curl/8", "192.0.2.7"), ("iPhone", "192.0.2.7"), false),
            (("Tizen", "192.0.2.7"), ("iPhone", "192.0.2.7"), false),
            (("?", "192.0.2.7"), ("?", "192.0.2.7"), false),
            (("curl/8", "?"), ("Linux", "?"), false),
        ] {
            assert_eq!(
                seem_same(&side(device.0, device.1), &side(person.0, person.1)),
                expected,
                "{device:?}"
            );
        }
    }
}
