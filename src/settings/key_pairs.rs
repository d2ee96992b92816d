//! The key pairs: those that the server holds, and those that it has retired.

use serde::Serialize;

use super::variable::{BadSetting, Environment, bad, missing, number};
use crate::derived_keys::{Keyring, Keys, MOST_RETIRED, MasterKey, RetiredPair};
use crate::order;
use crate::sharding::MAX_SHARDS;

const RETIRED: &str = "RETIRED_KEY_PAIRS";

pub(super) fn keyring(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
) -> Result<Keyring, BadSetting> {
    const SHARDS: u64 = 32;
    const MISSING: &str = "must be set: 32 random bytes or more in base64 (openssl rand -base64 32), \
                           stored with `wrangler secret put MASTER_KEY`";
    let key = master_key(var, "MASTER_KEY", environment)?.ok_or_else(|| missing("MASTER_KEY", MISSING))?;
    let shards = shards(var, "SHARDS_PER_REGION", SHARDS)?;
    let current = Keys::derive(&key, shards);
    let previous = previous(var, environment, (&key, shards))?;
    if let Some((name, why)) = previous.as_ref().and_then(|previous| previous.clash(&key, &current)) {
        return Err(missing(name, why));
    }
    let retired = retired(var, current.pair)?;
    Ok(Keyring { current, previous: previous.map(|previous| previous.keys), retired })
}

/// The previous pair, with what it was made of.
struct Previous {
    /// `None` if `MASTER_KEY_PREVIOUS` is not set.
    key: Option<MasterKey>,
    keys: Keys,
}

fn previous(
    var: &dyn Fn(&str) -> Option<String>,
    environment: Environment,
    (current, shards): (&MasterKey, u8),
) -> Result<Option<Previous>, BadSetting> {
    let key = master_key(var, "MASTER_KEY_PREVIOUS", environment)?;
    let shards_before = shards_if_set(var, "SHARDS_PER_REGION_PREVIOUS")?;
    if key.is_none() && shards_before.is_none() {
        return Ok(None);
    }
    let keys = Keys::derive(key.as_ref().unwrap_or(current), shards_before.unwrap_or(shards));
    Ok(Some(Previous { key, keys }))
}

impl Previous {
    /// Returns the setting to change, and how, if this pair cannot be told from the current one.
    fn clash(&self, master: &MasterKey, current: &Keys) -> Option<(&'static str, &'static str)> {
        const BY_CHANCE: &str = "makes a key pair with the same 16-bit number as the previous one \
                                 (a chance of one in 65,536): choose another value";
        if self.keys.pair != current.pair {
            return None;
        }
        let is_same_key = self.key.as_ref().is_none_or(|key| key == master);
        let is_same_number = self.keys.shards_per_region == current.shards_per_region;
        Some(match (is_same_key, is_same_number, &self.key) {
            (true, true, None) => {
                ("SHARDS_PER_REGION_PREVIOUS", "is the same number as SHARDS_PER_REGION: unset it")
            }
            (true, true, Some(_)) => {
                ("MASTER_KEY_PREVIOUS", "is the same key as MASTER_KEY, with as many shards: unset it")
            }
            (true, false, _) => ("SHARDS_PER_REGION", BY_CHANCE),
            (false, ..) => ("MASTER_KEY", BY_CHANCE),
        })
    }
}

fn retired(var: &dyn Fn(&str) -> Option<String>, current: u16) -> Result<Vec<RetiredPair>, BadSetting> {
    let Some(text) = var(RETIRED) else { return Ok(Vec::new()) };
    let pairs: Option<Vec<RetiredPair>> = text.split(',').map(retired_pair).collect();
    let pairs = pairs.filter(|pairs| pairs.len() <= MOST_RETIRED).ok_or_else(|| {
        let form = format!(
            "must be at most {MOST_RETIRED} of pair:shards with commas between them, such as 48213:8, with a pair \
             from 0 to 65535 and shards from 1 to {MAX_SHARDS}"
        );
        bad(RETIRED, &text, &form)
    })?;
    let mut numbers: Vec<u16> = pairs.iter().map(|retired| retired.pair).collect();
    order::sort(&mut numbers);
    let is_twice = |two: &[u16]| matches!(two, [left, right] if left == right);
    if numbers.contains(&current) {
        return Err(bad(RETIRED, &text, &format!("{current} is the current pair: leave it out")));
    }
    if numbers.windows(2).any(is_twice) {
        return Err(bad(
            RETIRED,
            &text,
            "a pair is listed twice: list it once, with its larger number of shards",
        ));
    }
    Ok(pairs)
}

fn retired_pair(text: &str) -> Option<RetiredPair> {
    let (pair, shards) = text.trim().split_once(':')?;
    let shards_per_region = shards.parse().ok().filter(|shards| (1..=MAX_SHARDS).contains(shards))?;
    Some(RetiredPair { pair: pair.parse().ok()?, shards_per_region })
}

/// The numbers of the key pairs, for a log line when an isolate starts: each as in `RETIRED_KEY_PAIRS`. They are
/// not secret, because every refresh token and device code names its pair.
#[derive(Serialize)]
pub struct PairNumbers {
    what: &'static str,
    current: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

impl PairNumbers {
    /// Returns the numbers of the pairs that the server holds.
    #[must_use]
    pub fn of(keyring: &Keyring) -> Self {
        let number = |keys: &Keys| format!("{}:{}", keys.pair, keys.shards_per_region);
        Self {
            what: "key_pairs",
            current: number(&keyring.current),
            previous: keyring.previous.as_ref().map(number),
        }
    }
}

fn master_key(
    var: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    environment: Environment,
) -> Result<Option<MasterKey>, BadSetting> {
    const FORM: &str = "must be 32 random bytes or more in base64, as `openssl rand -base64 32` prints them";
    const PUBLIC: &str = "is the development key, which is public; make one with `openssl rand -base64 32`";
    let Some(text) = var(name) else { return Ok(None) };
    let key = MasterKey::parse(&text).ok_or_else(|| missing(name, FORM))?;
    match environment {
        Environment::Preview | Environment::Production if key.is_for_development() => {
            Err(missing(name, PUBLIC))
        }
        Environment::Development | Environment::Preview | Environment::Production => Ok(Some(key)),
    }
}

fn shards(var: &dyn Fn(&str) -> Option<String>, name: &'static str, default: u64) -> Result<u8, BadSetting> {
    let number = number(var, name, default, 1..=u64::from(MAX_SHARDS))?;
    Ok(u8::try_from(number).unwrap_or(u8::MAX))
}

fn shards_if_set(var: &dyn Fn(&str) -> Option<String>, name: &'static str) -> Result<Option<u8>, BadSetting> {
    var(name).map(|_| shards(var, name, 1)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived_keys::DEVELOPMENT_KEY;

    const OTHER_KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";

    fn read(vars: &[(&str, &str)]) -> Result<Keyring, String> {
        let vars = [&[("MASTER_KEY", DEVELOPMENT_KEY)], vars].concat();
        let find = |name: &str| {
            vars.iter().rev().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
        };
        keyring(&find, Environment::Development).map_err(|error| error.to_string())
    }

    fn error(vars: &[(&str, &str)]) -> String {
        read(vars).err().unwrap_or_default()
    }

    #[test]
    fn retired_pairs_are_listed_with_their_shards() {
        let keyring = read(&[("RETIRED_KEY_PAIRS", "1:8, 65535:64")]).unwrap();

        assert_eq!(keyring.retired(1), Some(RetiredPair { pair: 1, shards_per_region: 8 }));
        assert_eq!(keyring.retired(65_535), Some(RetiredPair { pair: 65_535, shards_per_region: 64 }));
        assert_eq!(keyring.retired(2), None);
    }

    #[test]
    fn a_list_of_retired_pairs_that_cannot_be_meant_is_refused() {
        let nine = ["1:8"; 9].join(",");
        for list in ["1", "1:0", "1:65", "65536:8", "-1:8", "1:8,", "a:8", "1:8:8", &nine] {
            let error = error(&[("RETIRED_KEY_PAIRS", list)]);
            assert!(error.contains("must be at most 8 of pair:shards"), "{list}: {error}");
        }
        assert!(error(&[("RETIRED_KEY_PAIRS", "1:8,1:4")]).contains("listed twice"));
        let current = read(&[]).unwrap().current.pair;
        let list = format!("{current}:32");
        assert!(error(&[("RETIRED_KEY_PAIRS", &list)]).contains("is the current pair: leave it out"));
    }

    #[test]
    fn a_previous_pair_that_is_the_current_one_is_named_by_its_own_setting() {
        assert_eq!(
            error(&[("SHARDS_PER_REGION_PREVIOUS", "32")]),
            "SHARDS_PER_REGION_PREVIOUS: is the same number as SHARDS_PER_REGION: unset it"
        );
        assert_eq!(
            error(&[("MASTER_KEY_PREVIOUS", DEVELOPMENT_KEY)]),
            "MASTER_KEY_PREVIOUS: is the same key as MASTER_KEY, with as many shards: unset it"
        );
        let both = [("MASTER_KEY_PREVIOUS", DEVELOPMENT_KEY), ("SHARDS_PER_REGION_PREVIOUS", "4")];
        assert_eq!(read(&both).unwrap().previous.unwrap().shards_per_region, 4);
    }

    #[test]
    fn the_log_names_pairs_as_the_setting_lists_them() {
        let keyring = read(&[("MASTER_KEY", OTHER_KEY), ("MASTER_KEY_PREVIOUS", DEVELOPMENT_KEY)]).unwrap();
        let (current, old) = (keyring.current.pair, read(&[]).unwrap().current.pair);

        let line = serde_json::to_string(&PairNumbers::of(&keyring)).unwrap();

        let expected = format!(r#"{{"what":"key_pairs","current":"{current}:32","previous":"{old}:32"}}"#);
        assert_eq!(line, expected);
        assert!(read(&[("MASTER_KEY", OTHER_KEY), ("RETIRED_KEY_PAIRS", &format!("{old}:32"))]).is_ok());
    }
}
