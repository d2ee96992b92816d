// A clock of the Worker that can be put forward, and alarms that ring by it: a code ends without anybody waiting for it.

/** Milliseconds. */
let ahead = 0;

globalThis.Date = class extends Date {
  static now() {
    return super.now() + ahead;
  }

  constructor(...values) {
    super(...(values.length ? values : [globalThis.Date.now()]));
  }
};

/** Lets the alarms of all objects follow the clock. `storage` is that of any object. */
export function follow(storage) {
  const home = Object.getPrototypeOf(storage);
  if (home.hasOwnProperty('setUnchanged')) return;
  const { setAlarm, getAlarm } = home;
  home.setUnchanged = setAlarm;
  home.setAlarm = function (at, ...rest) {
    return setAlarm.call(this, Number(at) - ahead, ...rest);
  };
  home.getAlarm = async function (...rest) {
    const at = await getAlarm.apply(this, rest);
    return at === null ? null : at + ahead;
  };
}

/** Puts the clock forward, and then tells each object, by its `id` and the bindings in `env`, to let its alarm `follow`. */
export async function putForward(milliseconds, ids, env) {
  ahead += milliseconds;
  await Promise.all(ids.map((id) => namespace(env, id).get(id).hurry(milliseconds)));
}

/** In an object whose alarm was set before the clock was put forward. */
export async function hurry(storage, milliseconds) {
  const at = await storage.getAlarm();
  if (at !== null) await storage.setUnchanged(at - ahead - milliseconds);
}

/** An id belongs to one of the namespaces, and the others refuse it. */
function namespace(env, id) {
  return Object.values(env).find((binding) => {
    try {
      return binding.idFromString(String(id));
    } catch {
      return false;
    }
  });
}
