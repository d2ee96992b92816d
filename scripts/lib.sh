# What the other scripts share. They `cd` to the project's root, then source this file. POSIX sh.

set -eu

cargo_deny_version=0.20.2
cargo_mutants_version=27.1.0
schemathesis_version=4.32.5

logs=$PWD/target/logs
# Compiled tools are cached by version, outside the clone, so that the next clone does not compile them again.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/device-grant

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# step LABEL LOG COMMAND...: runs a long command quietly. Its output goes to a file, and is shown only if it fails.
step() {
  label=$1 log=$logs/$2.log
  shift 2
  mkdir -p "$logs"
  printf '%s... ' "$label"
  step_started=$(date +%s)
  if "$@" >"$log" 2>&1 </dev/null; then
    say "$(($(date +%s) - step_started)) s"
  else
    say "failed"
    tail -n 200 "$log" >&2
    die "The full output is in ${log#"$PWD"/}."
  fi
}

# Runs a command in the example of a protected API, a package of its own that shares the server's compiled dependencies.
in_api() {
  (CARGO_TARGET_DIR=$PWD/target && export CARGO_TARGET_DIR && cd examples/api && "$@")
}

sha256() {
  if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# locked_version CRATE: prints its version in Cargo.lock.
locked_version() {
  sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p;q;}" Cargo.lock
}

tool() {
  printf '%s' "$cache/$1-$2/bin/$1"
}

# wasm-bindgen in the version of Cargo.lock, downloaded, or compiled from what the sum is of.
wasm_bindgen() {
  sum=$(cat scripts/wasm-bindgen/Cargo.toml scripts/wasm-bindgen/Cargo.lock scripts/wasm-bindgen/src/main.rs | cksum | cut -d ' ' -f 1)
  printf '%s' "$cache/wasm-bindgen-$(locked_version wasm-bindgen)-$sum/bin/wasm-bindgen"
}

# wrangler needs Node 22.12. npm's platform package brings one, so the system's Node can be older.
pinned_node() {
  set -- node_modules/node-*/bin/node
  if [ -x "$1" ]; then
    printf '%s' "$PWD/$1"
  elif node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'; then
    command -v node
  else
    die "Node 22.12 or newer is missing, and npm has none for this machine. Install it from https://nodejs.org/en/download."
  fi
}

# Puts the project's Node and tools first in PATH, and stops wrangler from reporting home.
use_node() {
  node=$(pinned_node)
  PATH=$(dirname "$node"):$PWD/node_modules/.bin:$PATH
  export PATH WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true
}
