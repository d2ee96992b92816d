# Shared by the scripts beside it: POSIX sh, sourced after `cd` to the project's root.

set -eu

worker_build_version=0.8.7
cargo_deny_version=0.20.2

logs=$PWD/target/logs
# Compiled tools are kept per version outside the clone, so that the next clone is fast.
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

# step LABEL LOG COMMAND...: runs a long command quietly. Its output goes to a file, and to the terminal only if it fails.
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
    # Of an error in the source the compiler's words matter, not those of worker-build around them.
    sed -e '/^\[INFO\]/d' -e '/^Error: Compiling your crate/,$d' "$log" | tail -n 200 >&2
    die "The whole output is in ${log#"$PWD"/}."
  fi
}

# The example of a protected API is a package of its own; what is compiled of its dependencies is shared with the server.
in_api() {
  (CARGO_TARGET_DIR=$PWD/target && export CARGO_TARGET_DIR && cd examples/api && "$@")
}

# The version of a crate in Cargo.lock.
locked_version() {
  sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p;q;}" Cargo.lock
}

tool() {
  printf '%s' "$cache/$1-$2/bin/$1"
}

compiled_wasm_bindgen() {
  printf '%s' "$cache/wasm-bindgen-cli-$(locked_version wasm-bindgen)/bin/wasm-bindgen"
}

# wrangler wants Node 22.12; npm's platform package has one whatever the system's Node is.
pinned_node() {
  set -- node_modules/node-*/bin/node
  if [ -x "$1" ]; then
    printf '%s' "$PWD/$1"
  elif node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) ? 0 : 1)'; then
    command -v node
  else
    die "Node 22.12 or newer is missing, and npm has none for this machine: see https://nodejs.org/en/download."
  fi
}

# Puts the project's Node and its tools first, and keeps wrangler to itself.
use_node() {
  node=$(pinned_node)
  PATH=$(dirname "$node"):$PWD/node_modules/.bin:$PATH
  export PATH WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false WRANGLER_HIDE_BANNER=true
}
