//! Feeds input that libFuzzer makes up to one part of the server, and checks what must hold for every input.
//!
//! `scripts/fuzz` runs it. `FUZZ_TARGET` names the part; `fuzz/corpus/` has a folder of inputs for each.

#![no_main]

mod codes;
mod commands;
mod documents;
mod json;
mod names;
mod passkeys;
mod policies;
mod requests;
mod signed;
#[allow(dead_code, unused_imports, reason = "the fuzz targets use only part of what the native tests share")]
#[path = "../../tests/it/support/mod.rs"]
mod support;
mod upstream;

use std::sync::OnceLock;

type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("forms", requests::forms),
    ("cookies", requests::cookies),
    ("admin", requests::admin),
    ("scim", requests::scim),
    ("user_codes", codes::user_codes),
    ("device_codes", codes::device_codes),
    ("refresh_tokens", codes::refresh_tokens),
    ("json", json::json),
    ("jws", signed::jws),
    ("jwk", signed::jwk),
    ("dpop", signed::dpop),
    ("htu", signed::htu),
    ("assertions", signed::assertions),
    ("discovery", upstream::discovery),
    ("id_tokens", upstream::id_tokens),
    ("provider_events", upstream::provider_events),
    ("callbacks", upstream::callbacks),
    ("document_urls", documents::urls),
    ("documents", documents::documents),
    ("distinguished_names", names::distinguished_names),
    ("mapping_rules", names::mapping_rules),
    ("policies", policies::policies),
    ("passkeys", passkeys::passkeys),
    ("attestations", passkeys::attestations),
    ("authenticator_data", passkeys::authenticator_data),
    ("client_data", passkeys::client_data_json),
    ("cbor", passkeys::cbor),
    ("der", passkeys::der_signatures),
    ("grant_commands", commands::grant),
    ("account_commands", commands::account),
    ("limiter_commands", commands::limiter),
    ("registry_commands", commands::registry),
    ("ledger_commands", commands::ledger),
];

libfuzzer_sys::fuzz_target!(|input: &[u8]| target()(input));

fn target() -> Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|(other, _)| *other == name);
        found.unwrap_or_else(|| panic!("FUZZ_TARGET is {name:?}: there is no such target")).1
    })
}

/// Returns the input as text, and cuts off what is not UTF-8.
fn text(input: &[u8]) -> &str {
    let end = std::str::from_utf8(input).map_or_else(|bad| bad.valid_up_to(), str::len);
    std::str::from_utf8(&input[..end]).expect("it was cut to what is valid")
}
