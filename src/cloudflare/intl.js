// Formatters of the runtime's `Intl`. To make one takes a hundred times as long as to use it.

/** Formatters by class, language and options. */
const formatters = new Map();
/** How many to remember. Each may take tens of kilobytes, and there are hundreds of time zones. */
const MOST = 50;

/**
 * Calls a method of `new Intl[name](tag, options)`. `options` has names and values by turns. Returns `undefined` if the
 * runtime does not know an option or a value.
 */
export function formatted(name, tag, options, method, values) {
  try {
    const text = formatter(name, tag, options)[method](...values);
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}

function formatter(name, tag, options) {
  const key = [name, tag, ...options].join('/');
  let found = formatters.get(key);
  if (!found) {
    const pairs = options.flatMap((option, i) => (i % 2 ? [] : [[option, options[i + 1]]]));
    found = new Intl[name](tag, Object.fromEntries(pairs));
    if (formatters.size >= MOST) formatters.clear();
    formatters.set(key, found);
  }
  return found;
}
