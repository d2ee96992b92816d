//! `openidconnect` judges the ID tokens that this server's relying party judges: sound ones, and ones with up to three
//! faults each.

mod cases;
mod keys;
mod ours;
mod theirs;

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use cases::{CASES, Case, Draft};
use keys::Keys;

const ISSUER: &str = "https://id.example";
const CLIENT_ID: &str = "rp";
const CLIENT_SECRET: &str = "rp-secret-of-thirty-two-characters";
const NONCE: &str = "n-0S6_WzA2Mj";
const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
/// Seconds since 1970.
const NOW: u64 = 1_795_262_400;
/// How many tokens with several faults are judged.
const COMBINED: usize = 3_000;

/// Who accepts a token that the other refuses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Lenient {
    We,
    They,
}

/// The faults about which we and `openidconnect` differ, and why.
const DIFFERENCES: &[(&str, Lenient, &str)] = &[
    (
        "typ JOSE",
        Lenient::They,
        "Only a JWT can be an ID token; `JOSE` says no more than that the text is a JWS or a JWE (RFC 7515 §4.1.9).",
    ),
    (
        "cty of a nested token",
        Lenient::We,
        "The claims of a nested token would be no JSON object, and that is refused.",
    ),
    ("sub empty", Lenient::They, "An empty `sub` identifies nobody."),
    ("sub of 256 bytes", Lenient::They, "A `sub` has at most 255 bytes (OpenID Connect Core §2)."),
    (
        "azp another client",
        Lenient::They,
        "An `azp` must be the client (§3.1.3.7 item 5); the crate leaves that to its user.",
    ),
    ("exp 59 seconds ago", Lenient::We, "We tolerate 60 s between the clocks; the crate tolerates nothing."),
    ("exp now", Lenient::We, "As above."),
    ("exp in the year 12000", Lenient::They, "We read dates before the year 10000."),
    ("iat in an hour", Lenient::They, "We refuse dates in the future; the crate leaves them to its user."),
    ("nbf in an hour", Lenient::They, "As above; the crate does not read `nbf` (RFC 7519 §4.1.5)."),
    ("nbf a text", Lenient::They, "The crate does not read `nbf`."),
    (
        "auth_time in an hour",
        Lenient::They,
        "A time in the future would count as recent for ever; the crate leaves it to its user.",
    ),
    (
        "name a number",
        Lenient::We,
        "A name that cannot be shown is no reason to turn a person away: the user name takes its place.",
    ),
    ("email_verified a text", Lenient::We, "Some providers write `\"true\"`, and we read it."),
    (
        "sid a number",
        Lenient::They,
        "The crate does not read `sid`, which names the session for back-channel logout.",
    ),
    (
        "name twice",
        Lenient::We,
        "The last one counts (RFC 7519 §4). Twice is refused for every claim that decides anything but the name.",
    ),
];

fn difference(keys: &Keys, draft: &Draft) -> Option<(Lenient, String)> {
    let token = draft.signed(keys);
    match (ours::judge(keys, &token), theirs::judge(keys, &token)) {
        (Ok(()), Err(their)) => Some((Lenient::We, their)),
        (Err(our), Ok(())) => Some((Lenient::They, our)),
        (Ok(()), Ok(())) | (Err(_), Err(_)) => None,
    }
}

fn explains(row: &(&str, Lenient, &str), case: &Case, who: Lenient) -> bool {
    row.0 == case.name && row.1 == who
}

#[test]
fn a_sound_token_is_sound_for_both() {
    for keys in [Keys::es256(), Keys::rs256()] {
        let token = Draft::sound(&keys).signed(&keys);
        assert_eq!((ours::judge(&keys, &token), theirs::judge(&keys, &token)), (Ok(()), Ok(())));
    }
}

#[test]
fn every_difference_about_one_fault_is_explained_and_every_explanation_is_needed() {
    let mut seen = BTreeSet::new();
    let mut unexplained = Vec::new();
    for keys in [Keys::es256(), Keys::rs256()] {
        for case in CASES {
            let mut draft = Draft::sound(&keys);
            (case.apply)(&mut draft);
            if let Some((who, why)) = difference(&keys, &draft) {
                seen.insert((case.name, who));
                if !DIFFERENCES.iter().any(|row| explains(row, case, who)) {
                    unexplained.push(format!("{}: lenient {who:?}, as the other says {why}", case.name));
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "\n{}", unexplained.join("\n"));
    let needed: BTreeSet<_> = DIFFERENCES.iter().map(|(name, who, _)| (*name, *who)).collect();
    assert_eq!(needed, seen);
    assert!(DIFFERENCES.iter().all(|(_, _, why)| why.ends_with('.')));
}

#[test]
fn several_faults_at_once_bring_no_other_differences() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let kinds = [Keys::es256(), Keys::rs256()];
    for _ in 0..COMBINED {
        let mut draw = |below: usize| usize::try_from(rng.next_u32()).expect("it fits") % below;
        let keys = &kinds[usize::from(draw(8) == 0)];
        let chosen: Vec<&Case> = (0..=draw(3)).map(|_| &CASES[draw(CASES.len())]).collect();
        let mut draft = Draft::sound(keys);
        chosen.iter().for_each(|case| (case.apply)(&mut draft));
        if let Some((who, why)) = difference(keys, &draft) {
            let known = |case: &&Case| DIFFERENCES.iter().any(|row| explains(row, case, who));
            let names: Vec<_> = chosen.iter().map(|case| case.name).collect();
            assert!(chosen.iter().any(known), "{names:?}: lenient {who:?}, as the other says {why}");
        }
    }
}
