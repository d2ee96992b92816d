//! The names of well-known authenticators, by which people recognize their passkeys.
//!
//! A name is only a hint for the owner. Nothing attests it, so nothing may depend on it.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The AAGUID: 16 bytes that say which product an authenticator is (WebAuthn §6.5.1), as text a UUID. All zeros if the
/// browser does not say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Aaguid([u8; 16]);

impl Aaguid {
    /// Takes the bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads a UUID in lower case with its hyphens.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|symbol| *symbol != '-').collect();
        let number = u128::from_str_radix(&digits, 16).ok()?;
        let read = Self(number.to_be_bytes());
        (read.to_string() == text).then_some(read)
    }

    /// Returns the name of the product, if it is in the list.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let number = u128::from_be_bytes(self.0);
        NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
    }
}

impl fmt::Display for Aaguid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let hyphen = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

impl Serialize for Aaguid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Aaguid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("an AAGUID must be a UUID"))
    }
}

/// Those of the community's list that most people have: `passkeydeveloper/passkey-authenticator-aaguids` on GitHub, as of
/// August 2026.
const NAMES: [(u128, &str); 22] = [
    (0xea9b8d66_4d01_1d21_3ce4_b6b48cb575d4, "Google Password Manager"),
    (0xadce0002_35bc_c60a_648b_0b25f1f05503, "Chrome on Mac"),
    (0xb5397666_4885_aa6b_cebf_e52262a439a2, "Chromium"),
    (0x771b48fd_d3d4_4f74_9232_fc157ab0507a, "Edge on Mac"),
    (0xfbfc3007_154e_4ecc_8c0b_6e020557d7bd, "Apple Passwords"),
    (0xdd4ec289_e01d_41c9_bb89_70fa845d4bf2, "iCloud Keychain (managed)"),
    (0x08987058_cadc_4b81_b6e1_30de50dcbe96, "Windows Hello"),
    (0x9ddd1817_af5a_4672_a2b9_3e3dd95000a9, "Windows Hello"),
    (0x6028b017_b1d4_4c02_b4b3_afcdafc96bb2, "Windows Hello"),
    (0xd3452668_01fd_4c12_926c_83a4204853aa, "Microsoft Password Manager"),
    (0x53414d53_554e_4700_0000_000000000000, "Samsung Pass"),
    (0xbada5566_a7aa_401f_bd96_45619a55120d, "1Password"),
    (0xd548826e_79b4_db40_a3d8_11116f7e8349, "Bitwarden"),
    (0x531126d6_e717_415c_9320_3d9aa6981239, "Dashlane"),
    (0xb78a0a55_6ef8_d246_a042_ba0f6d55050c, "LastPass"),
    (0xb84e4048_15dc_4dd0_8640_f4f60813c8af, "NordPass"),
    (0x0ea242b4_43c4_4a1b_8b17_dd6d0b6baec6, "Keeper"),
    (0xf3809540_7f14_49c1_a8b3_8f813b225541, "Enpass"),
    (0x50726f74_6f6e_5061_7373_50726f746f6e, "Proton Pass"),
    (0xfdb141b2_5d84_443e_8a35_4698c205a502, "KeePassXC"),
    (0xeaecdef2_1c31_5634_8639_f1cbd9c00a08, "KeePassDX"),
    (0xb35a26b2_8f6e_4697_ab1d_d44db4da28c6, "Zoho Vault"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aaguid_is_a_uuid_and_some_have_names() {
        let bitwarden = "d548826e-79b4-db40-a3d8-11116f7e8349";

        assert_eq!(Aaguid::parse(bitwarden).unwrap().name(), Some("Bitwarden"));
        assert_eq!(Aaguid::parse(bitwarden).unwrap().to_string(), bitwarden);
        assert_eq!(Aaguid::new([0; 16]).name(), None);
        for bad in ["", "d548826e79b4db40a3d811116f7e8349", "D548826E-79b4-db40-a3d8-11116f7e8349", "+1"] {
            assert_eq!(Aaguid::parse(bad), None, "{bad}");
        }
    }
}
