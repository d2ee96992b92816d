//! A person as a provider describes them, and whether they may sign in here.

use serde_json::Value;

use super::provider::{ClaimPaths, Provider};
use crate::visible;

/// Longest name that is kept, in characters.
pub(super) const LONGEST_NAME: usize = 100;
/// Longest user name that is kept, in characters.
const LONGEST_USERNAME: usize = 128;
/// Longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;

/// What an account of this server takes over from a provider at every sign-in.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the names of the other fields say it all")]
pub struct Profile {
    /// What identifies the person at the provider, by the claim that the provider's entry names.
    pub subject: String,
    pub name: String,
    pub username: String,
    pub email: Option<String>,
    /// Whether the provider says that it has verified the address.
    pub email_verified: bool,
    /// As the provider names them.
    pub groups: Vec<String>,
}

/// Why a person who has signed in at a provider may not sign in here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProfileFlaw {
    /// The ID token lacks the claim that identifies people.
    NoSubject,
    /// The person is in none of the allowed groups.
    OtherGroups,
    /// The person has no verified e-mail address in an allowed domain.
    OtherDomain,
}

impl ProfileFlaw {
    /// Returns the reason as the log states it.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSubject => "profile_without_subject",
            Self::OtherGroups => "profile_group_not_allowed",
            Self::OtherDomain => "profile_domain_not_allowed",
        }
    }
}

/// Returns whether `claims` lack something that userinfo may have.
#[must_use]
pub fn is_incomplete(paths: &ClaimPaths, claims: &Value) -> bool {
    [&paths.name, &paths.email, &paths.username, &paths.groups].iter().any(|path| path.find(claims).is_none())
}

impl Profile {
    /// Reads the claims of an ID token and, where it lacks some, those of userinfo. The subject is only taken from the
    /// token, which is signed.
    ///
    /// # Errors
    ///
    /// Why the person may not sign in here.
    pub fn read(
        provider: &Provider,
        id_token: &Value,
        userinfo: Option<&Value>,
    ) -> Result<Self, ProfileFlaw> {
        let paths = &provider.claims;
        let sources = || core::iter::once(id_token).chain(userinfo);
        let text = |path: &super::provider::claim_path::ClaimPath| {
            sources().find_map(|claims| path.find(claims)?.as_str())
        };
        let subject = paths.subject.find(id_token).and_then(Value::as_str).filter(|text| !text.is_empty());
        let subject = subject.ok_or(ProfileFlaw::NoSubject)?.to_owned();
        let (email, email_verified) = sources().find_map(|claims| verified_address(paths, claims)).unzip();
        let username = text(&paths.username).and_then(|text| visible::cleaned(text, LONGEST_USERNAME));
        let name = text(&paths.name).and_then(|text| visible::cleaned(text, LONGEST_NAME));
        let username = username.or_else(|| email.clone()).unwrap_or_else(|| subject.clone());
        let profile = Self {
            name: name.unwrap_or_else(|| username.clone()),
            username,
            email,
            email_verified: email_verified.unwrap_or_default(),
            groups: sources().find_map(|claims| paths.groups.find(claims)).map(texts).unwrap_or_default(),
            subject,
        };
        profile.check(provider)?;
        Ok(profile)
    }

    fn check(&self, provider: &Provider) -> Result<(), ProfileFlaw> {
        let (groups, domains) = (&provider.allowed_groups, &provider.allowed_email_domains);
        if !groups.is_empty() && !self.groups.iter().any(|group| groups.contains(group)) {
            return Err(ProfileFlaw::OtherGroups);
        }
        let is_allowed = |email: &String| {
            let domain = email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
            domain.is_some_and(|domain| domains.contains(&domain))
        };
        let is_in_domain = self.email_verified && self.email.as_ref().is_some_and(is_allowed);
        if domains.is_empty() || is_in_domain { Ok(()) } else { Err(ProfileFlaw::OtherDomain) }
    }
}

/// Returns the e-mail address in `claims`, and whether the same claims call it verified. Some providers write that as
/// text.
fn verified_address(paths: &ClaimPaths, claims: &Value) -> Option<(String, bool)> {
    let email = address(paths.email.find(claims)?)?;
    let verified = claims.get("email_verified").is_some_and(|said| said == true || said == "true");
    Some((email, verified))
}

/// Returns the e-mail address in a claim.
pub(super) fn address(claim: &Value) -> Option<String> {
    let is_address =
        |email: &&str| email.len() <= LONGEST_EMAIL && email.contains('@') && visible::check(email).is_ok();
    claim.as_str().filter(is_address).map(str::to_owned)
}

/// Returns the texts in a claim: a list, or one text, as some providers write a list of one.
fn texts(claim: &Value) -> Vec<String> {
    let list = claim.as_array().map_or(core::slice::from_ref(claim), Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::history::History;
    use crate::format::Format;
    use crate::scope::Scope;
    use crate::token::signing_key::Algorithm;
    use crate::upstream::provider::claim_path::ClaimPath;
    use crate::upstream::provider::issuer::ProviderIssuer;
    use crate::upstream::provider::{ProviderAuthentication, ProviderId};
    use serde_json::json;

    fn provider() -> Provider {
        let path = |text| ClaimPath::parse(text).unwrap();
        Provider {
            format: Format,
            id: ProviderId::parse("corp").unwrap(),
            name: "Corp".to_owned(),
            issuer: ProviderIssuer::parse("https://id.example", "https://login.example.com").unwrap(),
            client_id: "rp".to_owned(),
            authentication: ProviderAuthentication::PrivateKeyJwt { alg: Algorithm::Es256 },
            id_token_signed_response_alg: Algorithm::Rs256,
            scope: Scope::parse("openid").unwrap(),
            claims: ClaimPaths {
                subject: path("sub"),
                name: path("name"),
                email: path("email"),
                username: path("preferred_username"),
                groups: path("/realm/roles"),
            },
            allowed_groups: Vec::new(),
            allowed_email_domains: Vec::new(),
            acr_values: Vec::new(),
            strong_amr: Vec::new(),
            strong_acr: Vec::new(),
            end_families_on_logout: false,
            recheck_seconds: None,
            scim_token: None,
            enabled: true,
            order: 0,
            history: History::default(),
        }
    }

    fn read(claims: &Value) -> Profile {
        Profile::read(&provider(), claims, None).unwrap()
    }

    #[test]
    fn a_person_is_read_from_the_token_and_completed_by_userinfo() {
        let token = json!({ "sub": "1", "name": "Alice", "email": "a@b.example", "realm": { "roles": ["x", 7, "y"] } });
        let userinfo =
            json!({ "sub": "1", "name": "Mallory", "preferred_username": "alice", "email_verified": true });

        assert!(is_incomplete(&provider().claims, &token) && is_incomplete(&provider().claims, &userinfo));
        let person = Profile::read(&provider(), &token, Some(&userinfo)).unwrap();

        assert_eq!(
            (person.subject.as_str(), person.name.as_str(), person.username.as_str()),
            ("1", "Alice", "alice")
        );
        assert_eq!(person.groups, ["x", "y"]);
        assert_eq!(person.email.as_deref(), Some("a@b.example"));
        assert!(!person.email_verified, "userinfo verifies its own address, not that of the token");
    }

    #[test]
    fn a_person_of_whom_little_is_known_has_a_name_all_the_same() {
        let bare = read(&json!({ "sub": "1" }));
        assert_eq!((bare.name.as_str(), bare.username.as_str(), bare.email), ("1", "1", None));
        let mailed = read(
            &json!({ "sub": "1", "email": "a@b.example", "email_verified": "true", "name": "\u{202e}" }),
        );
        assert_eq!((mailed.name.as_str(), mailed.email_verified), ("a@b.example", true));
        let long = read(&json!({ "sub": "1", "name": "x".repeat(500), "email": "no address" }));
        assert_eq!((long.name.len(), long.email), (LONGEST_NAME, None));
    }

    #[test]
    fn one_group_may_be_written_without_a_list() {
        assert_eq!(read(&json!({ "sub": "1", "realm": { "roles": "x" } })).groups, ["x"]);
        assert!(read(&json!({ "sub": "1", "realm": { "roles": { "x": true } } })).groups.is_empty());
    }

    #[test]
    fn only_a_signed_subject_identifies_a_person() {
        let userinfo = json!({ "sub": "1" });
        for token in [json!({}), json!({ "sub": "" }), json!({ "sub": 1 })] {
            assert_eq!(
                Profile::read(&provider(), &token, Some(&userinfo)),
                Err(ProfileFlaw::NoSubject),
                "{token}"
            );
        }
    }

    #[test]
    fn groups_and_verified_domains_let_people_in() {
        let groups = Provider { allowed_groups: vec!["staff".to_owned()], ..provider() };
        let domains = Provider { allowed_email_domains: vec!["b.example".to_owned()], ..provider() };
        let judge = |provider: &Provider, claims: Value| Profile::read(provider, &claims, None).err();

        assert_eq!(judge(&groups, json!({ "sub": "1", "realm": { "roles": ["x", "staff"] } })), None);
        for roles in [json!(["Staff"]), json!([]), json!(null), json!("x")] {
            let claims = json!({ "sub": "1", "realm": { "roles": roles } });
            assert_eq!(judge(&groups, claims), Some(ProfileFlaw::OtherGroups), "{roles}");
        }
        assert_eq!(
            judge(&domains, json!({ "sub": "1", "email": "a@B.example", "email_verified": true })),
            None
        );
        for (email, verified) in [
            ("a@b.example", json!(false)),
            ("a@b.example", json!(null)),
            ("a@b.example", json!(1)),
            ("a@sub.b.example", json!(true)),
            ("a@b.example@c.example", json!(true)),
        ] {
            let claims = json!({ "sub": "1", "email": email, "email_verified": verified });
            assert_eq!(judge(&domains, claims), Some(ProfileFlaw::OtherDomain), "{email} {verified}");
        }
        assert_eq!(judge(&domains, json!({ "sub": "1" })), Some(ProfileFlaw::OtherDomain));
    }
}
