//! The inputs that fuzzing starts from: each target has some, and they stay few and short.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// What `choose` in `scripts/fuzz` keeps for each target.
const MOST_INPUTS: usize = 60;
const MOST_BYTES: u64 = 64 * 1024;
/// Of all targets together, because every clone has them.
const MOST_BYTES_IN_ALL: u64 = 1024 * 1024;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Returns the names in the list `TARGETS`.
fn targets() -> BTreeSet<String> {
    let source = read_to_string(fuzz().join("src/main.rs")).expect("the targets are there");
    let names = source.lines().filter_map(|line| line.strip_prefix("    (\"")?.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = read_dir(directory).expect("the directory is there");
    entries.map(|entry| entry.expect("the entry is readable").path()).collect()
}

#[test]
fn every_fuzz_target_has_a_few_short_inputs_and_nothing_else_has() {
    let (mut seen, mut all) = (BTreeSet::new(), 0);
    for folder in entries(&fuzz().join("corpus")) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let inputs = entries(&folder);
        let bytes: u64 = inputs.iter().map(|input| input.metadata().expect("a file").len()).sum();

        assert!((1..=MOST_INPUTS).contains(&inputs.len()), "{name} has {} inputs", inputs.len());
        assert!(bytes <= MOST_BYTES, "the inputs of {name} have {bytes} bytes");
        seen.insert(name);
        all += bytes;
    }

    assert_eq!(seen, targets());
    assert!(all <= MOST_BYTES_IN_ALL, "all inputs have {all} bytes");
}
