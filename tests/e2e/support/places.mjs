// Headers that say where a request comes from, in place of Cloudflare's own data.

/** Returns headers that the harness turns into `request.cf`. JSON in a header has to be ASCII. */
export function at(cf) {
  const escaped = (symbol) => `\\u${symbol.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return { 'x-test-cf': JSON.stringify(cf).replace(/[^\x20-\x7e]/g, escaped) };
}

/** Returns the headers of a request from an IP address. Limits count per network. */
export const from = (address) => ({ 'cf-connecting-ip': address });
