// Asking again after a failure that passes by itself: one wait at a time, each
// longer than the one before (1 s to 30 s, half of it chance), never shorter than
// the server asked for. No DOM; time and chance enter through `world`.

const FIRST_MS = 1_000;
const LAST_MS = 30_000;

export class Again {
  at = null;           // when it asks next; null: it does not
  #world;
  #act = null;
  #attempts = 0;
  #cancel = () => {};

  // world: now(), random(), after(ms, fn) → cancel
  constructor(world) { this.#world = world; }

  // Does `act` later; the refusal may say when at the earliest.
  later(refusal, act) {
    this.#cancel();
    const { now, random, after } = this.#world;
    const backoff = Math.min(LAST_MS, FIRST_MS * 2 ** this.#attempts) * (0.5 + random() / 2);
    this.#attempts += 1;
    const ms = Math.max(backoff, refusal.retryAfterMs ?? 0);
    this.#act = act;
    this.at = now() + ms;
    this.#cancel = after(ms, () => this.now());
  }

  // The reader's "Try now".
  now() {
    const act = this.#act;
    if (!act) return;
    this.#stand();
    act();
  }

  // It worked, or nobody waits for it any more.
  stop() {
    this.#stand();
    this.#attempts = 0;
  }

  #stand() {
    this.#cancel();
    this.#cancel = () => {};
    this.#act = null;
    this.at = null;
  }
}
