//! The accounts of a development server; never present in production.

use super::account::{Account, Standing};
use super::account_key::AccountKey;
use super::group::Group;
use crate::format::Format;
use crate::sub::Sub;
use crate::time::Timestamp;

/// Returns `alice` (password `wonderland-8787`, group `local:developers`), `bob` (`builder-8787`, no group), and `nora`
/// (`keeper-8787`), who is an administrator.
#[must_use]
pub fn accounts() -> Vec<Account> {
    vec![
        account("alice", "Alice Liddell", "acct-7f3a51c2", &["local:developers"], ALICE),
        account("bob", "Bob Builder", "acct-b42c9e07", &[], BOB),
        account("nora", "Nora Keeper", "acct-c5d81e34", &["local:administrators"], NORA),
    ]
}

fn account(username: &str, name: &str, sub: &str, groups: &[&str], password: &str) -> Account {
    Account {
        format: Format,
        key: AccountKey::local(username),
        version: 1,
        sub: Sub::from(sub),
        username: username.to_owned(),
        name: name.to_owned(),
        email: Some(format!("{username}@example.com")),
        email_verified: true,
        groups: groups.iter().filter_map(|group| Group::parse(group)).collect(),
        password: Some(password.to_owned()),
        standing: Standing::Active,
        passkeys: Vec::new(),
        created_at: Timestamp::default(),
        last_sign_in: None,
        scim_name: None,
    }
}

const ALICE: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$qYSnrQmEBtzM4Ed+UDNIEA$Id83esN4Tz04I1geeR4IlWRGyeDJP4Y5fRcl6mplJO8";
const BOB: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$jvbLNkHotyN2Vj1CMfQ74w$UIBixulkdC79GfusxN3w+zzKKdTwzyM+f1BVbFlQIQo";
const NORA: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$99eS5PiZwR3zLbbbtyaHkg$SNla6b0IWxUKCeyCXI+KNsyCR2MOq8dINHyM4yzGlsI";
