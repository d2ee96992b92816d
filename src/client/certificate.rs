//! Client certificates (RFC 8705 §2).

use chrono::NaiveDateTime;

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
        if !verified && !is_of_this_time(member("certNotBefore")?, member("certNotAfter")?, now) {
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

/// Returns whether `now` is between two dates, written as OpenSSL prints them: `Dec  2 05:39:00 2026 GMT`.
fn is_of_this_time(not_before: String, not_after: String, now: Timestamp) -> bool {
    let seconds = |text: String| {
        let instant = NaiveDateTime::parse_from_str(&text, "%b %e %H:%M:%S %Y GMT").ok()?;
        Some(u64::try_from(instant.and_utc().timestamp()).unwrap_or_default())
    };
    let (Some(from), Some(to)) = (seconds(not_before), seconds(not_after)) else { return false };
    (from..=to).contains(&now.seconds())
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
    fn an_empty_subject_matches_nothing() {
        let nameless = Certificate { subject_dn: String::new(), ..read(&[]).unwrap() };

        assert!(!nameless.is_of(""));
    }
}
