// What scripts/build knows only after it has made the wasm module.

/** Returns the SHA-256 digest of the twin of the module that has the names of its functions. */
export function namedWasm() {
  return NAMED_WASM;
}
