//! Client certificates (RFC 8705 §2).

use core::ops::RangeInclusive;

use super::distinguished_name::DistinguishedName;
use crate::secret;
use crate::time::Timestamp;

/// A client certificate as the platform's mTLS saw it. The TLS handshake has proved that the client holds the
/// private key of the certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// Whether the platform verified the chain and knows of no revocation; always false for a self-signed
    /// certificate.
    pub verified: bool,
    /// In RFC 4514 form.
    pub subject_dn: String,
    /// SHA-256 of the DER encoding, base64url.
    pub sha256: String,
}

impl Certificate {
    /// Reads the certificate from the members of Cloudflare's `request.cf.tlsClientAuth`, which are strings.
    ///
    /// `None` if no certificate is presented, or if it is revoked, unreadable or outside its validity period.
    #[must_use]
    pub fn read(member: impl Fn(&str) -> Option<String>, now: Timestamp) -> Option<Self> {
        let is = |name: &str, text: &str| member(name).as_deref() == Some(text);
        // `certVerified` is `SUCCESS` for a revoked certificate, too, if its chain is good.
        if !is("certPresented", "1") || is("certRevoked", "1") {
            return None;
        }
        let verified = is("certVerified", "SUCCESS");
        // If the chain does not verify, the platform's verdict says nothing about the dates.
        if !verified && !is_of_this_time(&member("certNotBefore")?, &member("certNotAfter")?, now) {
            return None;
        }
        let sha256 = secret::encode(&sha256(&member("certFingerprintSHA256")?)?);
        Some(Self { verified, subject_dn: member("certSubjectDNRFC2253").unwrap_or_default(), sha256 })
    }

    /// Returns whether the subject is `subject_dn`, in any spelling (RFC 8705 §2.1.2).
    #[must_use]
    pub fn is_of(&self, subject_dn: &str) -> bool {
        let own = DistinguishedName::parse(&self.subject_dn);
        own.is_some() && own == DistinguishedName::parse(subject_dn)
    }
}

/// Returns whether `now` is between two dates.
fn is_of_this_time(not_before: &str, not_after: &str, now: Timestamp) -> bool {
    let (Some(from), Some(to)) = (seconds(not_before), seconds(not_after)) else { return false };
    (from..=to).contains(&now.seconds())
}

/// Parses a date as OpenSSL prints it: `Dec  2 05:39:00 2026 GMT`. Returns seconds since 1970; 0 if it is earlier.
///
/// `chrono` would bring a parser for every format that a date can have.
fn seconds(text: &str) -> Option<u64> {
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let &[month, day, clock, year, "GMT"] = words.as_slice() else { return None };
    let (day, year) = (number(day, 1..=31)?, number(year, 0..=9999)?);
    let month = MONTHS.iter().position(|(name, _)| *name == month)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = |month: usize, (_, days): &(&str, u64)| days + u64::from(month == 1 && is_leap);
    let mut months = MONTHS.iter().enumerate().map(|(month, length)| days(month, length));
    let before: u64 = months.by_ref().take(month).sum();
    if day > months.next()? {
        return None;
    }
    let parts: Vec<&str> = clock.split(':').collect();
    let &[hour, minute, second] = parts.as_slice() else { return None };
    let (hour, minute, second) = (number(hour, 0..=23)?, number(minute, 0..=59)?, number(second, 0..=59)?);
    // Days before the year, counted from the year 0.
    let until = |year: u64| 365 * year + year.div_ceil(4) - year.div_ceil(100) + year.div_ceil(400);
    let days = (until(year) + before + day - 1).saturating_sub(until(1970));
    Some(if year < 1970 { 0 } else { ((days * 24 + hour) * 60 + minute) * 60 + second })
}

fn number(text: &str, range: RangeInclusive<u64>) -> Option<u64> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// Decodes 64 hexadecimal digits.
fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).map(|pair| pair.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
    (text.len() == 64).then(|| bytes.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T12:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_262_400_000);

    fn read(changes: &[(&str, &str)]) -> Option<Certificate> {
        let usual = [
            ("certPresented", "1"),
            ("certRevoked", "0"),
            ("certVerified", "SUCCESS"),
            ("certNotBefore", "Dec  2 05:39:00 2025 GMT"),
            ("certNotAfter", "Dec 12 05:39:00 2026 GMT"),
            ("certSubjectDNRFC2253", "CN=device,O=Example"),
            ("certFingerprintSHA256", "00000000000000000000000000000000000000000000000000000000000000ff"),
        ];
        let members = [&usual, changes].concat();
        let find = |name: &str| members.iter().rev().find(|(other, _)| *other == name);
        Certificate::read(
            |name| find(name).map(|(_, value)| (*value).to_owned()).filter(|v| v != "absent"),
            NOW,
        )
    }

    #[test]
    fn a_certificate_is_read_with_its_fingerprint_as_base64url() {
        let certificate = read(&[]).unwrap();

        assert!(certificate.verified && certificate.is_of("CN=device, O=Example"));
        assert!(!certificate.is_of("CN=device"));
        assert_eq!(certificate.sha256, secret::encode(&[&[0; 31][..], &[0xff]].concat()));
    }

    #[test]
    fn any_outcome_but_success_means_unverified() {
        for outcome in ["FAILED:self signed certificate", "FAILED", "NONE", "success", "absent"] {
            assert!(!read(&[("certVerified", outcome)]).unwrap().verified, "{outcome}");
        }
    }

    #[test]
    fn an_absent_revoked_outdated_or_unreadable_certificate_is_none() {
        let unverified = ("certVerified", "FAILED:self signed certificate");
        for changes in [
            &[("certPresented", "0")][..],
            &[("certPresented", "absent")],
            &[("certRevoked", "1")],
            &[("certFingerprintSHA256", "absent")],
            &[("certFingerprintSHA256", "00ff")],
            &[("certFingerprintSHA256", "zz000000000000000000000000000000000000000000000000000000000000ff")],
            &[unverified, ("certNotAfter", "Nov 20 05:39:00 2026 GMT")],
            &[unverified, ("certNotBefore", "Nov 22 05:39:00 2026 GMT")],
            &[unverified, ("certNotAfter", "soon")],
        ] {
            assert_eq!(read(changes), None, "{changes:?}");
        }
        assert!(read(&[unverified]).is_some());
    }

    #[test]
    fn a_date_is_read_as_another_parser_reads_it() {
        for day in (0..60_000).step_by(17) {
            let date = chrono::DateTime::from_timestamp(day * 86_400 + day * 3_607 % 86_400, 0).unwrap();
            let text = date.format("%b %e %H:%M:%S %Y GMT").to_string();
            assert_eq!(seconds(&text), u64::try_from(date.timestamp()).ok(), "{text}");
        }
        assert_eq!(seconds("Dec 31 23:59:59 1969 GMT"), Some(0));
        assert_eq!(seconds("Feb 29 00:00:00 2028 GMT"), Some(1_835_395_200));
        for bad in [
            "Feb 29 00:00:00 2026 GMT",
            "Apr 31 00:00:00 2026 GMT",
            "Dec  0 00:00:00 2026 GMT",
            "dec  2 00:00:00 2026 GMT",
            "Dec  2 24:00:00 2026 GMT",
            "Dec  2 00:60:00 2026 GMT",
            "Dec  2 00:00 2026 GMT",
            "Dec  2 00:00:00 2026",
            "Dec  2 00:00:00 2026 CET",
            "Dec  2 00:00:00 99999 GMT",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_empty_subject_matches_nothing() {
        let nameless = Certificate { subject_dn: String::new(), ..read(&[]).unwrap() };

        assert!(!nameless.is_of(""));
    }
}
