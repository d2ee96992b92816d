use crate::client::document::address::AddressFlaw;
use std::collections::BTreeSet;

use super::*;
use crate::client::assertion::Flaw;

#[test]
fn an_attacker_cannot_tell_one_refusal_from_another() {
    let body = |error: Error| error.response().body;

    for refusal in
        [ClientRefusal::NoProof, ClientRefusal::WrongSecret, ClientRefusal::Assertion(Flaw::Replayed)]
    {
        assert_eq!(body(Error::UnknownClient), body(Error::Unproven(refusal)));
    }
    assert_eq!(body(Error::ForgedDeviceCode), body(Error::UnknownDeviceCode));
    assert_eq!(body(Error::SpentDeviceCode), body(Error::ReplayedDeviceCode));
    assert_eq!(body(Error::UnknownDeviceCode), body(Error::WithoutKey));
    assert_eq!(body(Error::DeadRefreshToken), body(Error::RefreshWithoutKey));
    assert_eq!(body(Error::Denied), body(Error::Contested));
    assert_eq!(body(Error::Denied), body(Error::Elsewhere));
    assert_eq!(body(Error::Denied), body(Error::Withdrawn));
    assert_eq!(body(Error::ForgedRefreshToken), body(Error::ReusedRefreshToken));
    let of = |point| Error::Policy(point, Box::new(Refused { uri: None, ..by_policy() }));
    assert_eq!(body(Error::Denied), body(of(Point::Redemption)));
    assert_eq!(body(Error::DeadRefreshToken), body(of(Point::Refresh)));
}

/// Lists every variant once. A missing variant is a compile error, because the same names make up the
/// `match`.
macro_rules! every {
    ($enum:ident: $($variant:ident $(($($holds:expr),+))?),+ $(,)?) => {{
        let _ = |one: $enum| match one { $($enum::$variant { .. } => {})+ };
        [$($enum::$variant $(($($holds),+))?),+]
    }};
}

fn by_policy() -> Refused {
    Refused {
        reason: "policy",
        description: "No \"servers\" here.".to_owned(),
        uri: Some("https://example.com/".to_owned()),
        record: None,
    }
}

fn all() -> Vec<Error> {
    use crate::token::dpop::Flaw;

    let sent = || "x".to_owned();
    let flaws =
        every!(Flaw: Several, Malformed, Type, Algorithm, Key, Signature, Method, Uri, AccessToken, Replayed);
    let errors = every!(Error:
        NotAForm(None), TooLarge, ContentCoding(sent()), NotUtf8, ForeignPage(None), Repeated(sent()), Missing("client_id"), Malformed("dpop_jkt"), TwoMethods, TwoClients,
        MalformedAuthorization, UnknownClient, Unproven(ClientRefusal::NoProof), NoCertificate, UnknownGrantType(sent()),
        DocumentNotAllowed(sent()), DocumentAddress(AddressFlaw::Query), DocumentFlawed(sent()), DocumentUnreachable(NotFetched::Unreachable),
        GrantNotAllowed, MalformedScope(sent()), ChallengeMethod, ScopeNotAllowed(Scope::default(), None), MalformedTarget(sent()),
        TargetNotAllowed(sent()), TargetsLost, ForgedDeviceCode,
        NoDeviceCode, UnknownDeviceCode, SpentDeviceCode, ReplayedDeviceCode, ForgedRefreshToken, UnknownKeyPair(7), BadProof(Flaw::Several),
        NonceNeeded, ProofRequired, TwoKeys, WithoutKey, RefreshWithoutKey, TokenWithoutKey, WrongVerifier,
        DeadRefreshToken, ReusedRefreshToken, LostRefresh, RefreshRefused("client_disabled"), ForeignToken, Pending(5), TooSoon(10),
        Denied, Reported, Contested, Elsewhere, Withdrawn, Ended, RedemptionRefused("client_disabled"), Policy(Point::Redemption, Box::new(by_policy())), KeyRequired(None), VerificationUnsupported(None), IdentifierRequired(None), Misidentified,
        DigitsNeeded(5), WrongDigits(2), Mistyped, Expired, NothingToWaitFor, TooMany(Limit::Requests, 60), Unavailable,
    );
    errors.into_iter().chain(flaws.map(Error::BadProof)).collect()
}

#[test]
fn errors_of_features_that_are_not_supported_are_never_sent() {
    let codes: BTreeSet<_> = all().iter().map(Error::code).collect();

    // Not `invalid_authorization_details` (RFC 9396 §5), nor `unsupported_token_type` (RFC 7009 §2.2.1).
    let sent = [
        "access_denied",
        "authorization_pending",
        "expired_token",
        "initiation_verification_incorrect",
        "initiation_verification_required",
        "invalid_client",
        "invalid_dpop_proof",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "invalid_token",
        "slow_down",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "use_dpop_nonce",
    ];
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), sent);
}

#[test]
fn a_refusal_that_depends_on_the_registration_says_what_to_do() {
    assert_eq!(
        Error::GrantNotAllowed.description(),
        "The client is disabled, or may not use this grant: see its grant_types."
    );
    assert_eq!(
        Error::TargetsLost.description(),
        "Nothing that was granted is in the audience of this client any more: start again."
    );
    for name in [
        "acr_values",
        "code_challenge",
        "code_verifier",
        "dpop_jkt",
        "initiation_verification_code",
        "initiation_verification_supported",
        "max_age",
        "nonce",
    ] {
        let description = Error::Malformed(name).description();
        assert!(!description.ends_with("one of those that this server knows."), "{description}");
    }
}

#[test]
fn a_description_has_only_characters_that_rfc_6749_allows() {
    // RFC 6749 §5.2: %x20-21 / %x23-5B / %x5D-7E.
    let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    for error in all() {
        let description = error.description();
        assert!(!description.is_empty() && description.bytes().all(allowed), "{error:?}");
    }
}
