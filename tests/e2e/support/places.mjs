// Where requests come from, as Cloudflare would say: headers that the harness turns into `request.cf`.

/** The headers of a request from a place; JSON in a header has to be ASCII. */
export function at(cf) {
  const escaped = (symbol) => `\\u${symbol.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return { 'x-test-cf': JSON.stringify(cf).replace(/[^\x20-\x7e]/g, escaped) };
}

/** The headers of a request from an address, which counters go by. */
export const from = (address) => ({ 'cf-connecting-ip': address });
