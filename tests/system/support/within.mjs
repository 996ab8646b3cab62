// Waiting for things, never for time: every wait has a name and a deadline.

export const PATIENCE_MS = Number(process.env.FOYER_TEST_PATIENCE_MS ?? 60_000);

export async function within(what, promise, ms = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms); });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Looks again and again until there is something to see, for what nobody announces.
export async function until(what, look, ms = PATIENCE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`looked for ${ms} ms for ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

// A list that can be waited on: what comes is kept until somebody takes it.
export class Inbox {
  #items = [];
  #takers = new Set();
  #ended = null;

  constructor(name) { this.name = name; }

  push(item) {
    for (const taker of this.#takers) {
      if (taker.wanted(item)) {
        this.#takers.delete(taker);
        taker.resolve(item);
        return;
      }
    }
    this.#items.push(item);
  }

  // Nothing will come any more; those who wait are told why.
  end(why) {
    this.#ended = why;
    for (const taker of this.#takers) taker.reject(new Error(`${this.name}: ${why} while waiting for ${taker.what}; kept: ${JSON.stringify(this.#items).slice(0, 2_000)}`));
    this.#takers.clear();
  }

  get items() { return [...this.#items]; }

  // The first that `wanted` accepts, now or later; it is taken out.
  take(what = 'anything', wanted = () => true, ms = PATIENCE_MS) {
    const at = this.#items.findIndex(wanted);
    if (at >= 0) return Promise.resolve(this.#items.splice(at, 1)[0]);
    if (this.#ended !== null) return Promise.reject(new Error(`${this.name}: ${this.#ended}; no ${what}; kept: ${JSON.stringify(this.#items).slice(0, 2_000)}`));
    return within(`${what} on ${this.name}; kept: ${JSON.stringify(this.#items).slice(0, 2_000)}`, new Promise((resolve, reject) => this.#takers.add({ what, wanted, resolve, reject })), ms);
  }
}
