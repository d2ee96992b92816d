//! wasm-bindgen with the options of `scripts/build`, and no others: see `Cargo.toml`.

use std::env::args;

use anyhow::{Result, bail};
use wasm_bindgen_cli_support::Bindgen;

/// What `scripts/build` writes between the program's name and `--out-dir DIRECTORY INPUT`.
const OPTIONS: [&str; 7] = [
    "--target",
    "module",
    "--no-typescript",
    "--out-name",
    "index",
    "--experimental-reset-state-function",
    "--force-enable-abort-handler",
];

fn main() -> Result<()> {
    let arguments: Vec<String> = args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--version"] => println!("wasm-bindgen {}", env!("CARGO_PKG_VERSION")),
        [options @ .., "--out-dir", directory, input] if *options == OPTIONS => bind(directory, input)?,
        _ => bail!("usage: wasm-bindgen --version, or {} --out-dir DIRECTORY INPUT", OPTIONS.join(" ")),
    }
    Ok(())
}

fn bind(directory: &str, input: &str) -> Result<()> {
    Bindgen::new()
        .module(true)?
        .typescript(false)
        .out_name("index")
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .input_path(input)
        .generate(directory)
}
