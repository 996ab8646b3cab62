// The server's catalogue of causes, asked for one code at a time: what it adds to a refusal is who
// must act and the next step.

const ASK_MS = 3_000; // nobody waits longer for an explanation

export class Causes {
  #home;
  #fetch;
  #known = new Map(); // code → its row

  // home: where the server is (ends in a slash)
  constructor(home, fetch = globalThis.fetch) {
    this.#home = home;
    this.#fetch = fetch;
  }

  async #row(code) {
    if (!this.#known.has(code)) {
      try {
        const answer = await this.#fetch.call(globalThis, new URL(`causes/${encodeURIComponent(code)}`, this.#home).href,
          { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(ASK_MS) });
        if (answer.ok) this.#known.set(code, await answer.json());
      } catch { /* it is done without */ }
    }
    return this.#known.get(code);
  }

  // What the catalogue says about trying again.
  async retryOf(code) { return (await this.#row(code))?.retry; }

  // Adds the catalogue's sentence, who and next step to what the server said.
  async explain(r) {
    if (!r.code || r.code.startsWith('CLIENT_') || (r.who && r.next && r.message)) return r;
    const row = await this.#row(r.code);
    if (!row) return r;
    // Where the server reveals more than it says to everybody (in development), that comes behind.
    const said = r.message.startsWith(row.client) ? row.client : r.message;
    return { ...r, message: said || row.client, more: r.message.slice(said.length).trim(), who: r.who || row.who, next: r.next || row.next, step: r.step || row.step || '' };
  }
}
