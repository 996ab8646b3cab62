// A client that behaves as ours do: it comes back after every close, joins with the last
// gapless position and its time, takes a gap for a lost line, and sends what was not answered
// again under its key. Beside it stands what it has been told, for tests to look at.
import { Client } from './websocket.mjs';
import { until, within } from './within.mjs';

export class Listener {
  has = new Map();      // offset → text, of this epoch
  epoch = '';
  offset = 0;
  time;
  joins = [];           // { recovered, epoch, offset }
  closes = [];          // { code, reason }
  resets = [];
  live = false;
  #open;
  #features;
  #client = null;
  #stopped = false;
  #keys = 0;

  // open: (path) → a Client; features: as in ?features=
  constructor(name, room, open, { features = 'room_reset' } = {}) {
    Object.assign(this, { name, room });
    this.#open = open;
    this.#features = features;
    this.done = this.#run();
  }

  async #run() {
    while (!this.#stopped) {
      try {
        const client = await this.#open(`/ws/chat${this.#features ? `?features=${this.#features}` : ''}`);
        this.#client = client;
        await this.#join(client);
        await this.#listen(client);
      } catch (error) {
        if (!/refused|closed|ended|ECONN|socket/.test(String(error))) throw error;
      }
      this.live = false;
      this.#client = null;
      if (!this.#stopped) await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  async #join(client) {
    for (;;) {
      const since = this.epoch ? { since: { epoch: this.epoch, offset: this.offset, ...(this.time ? { time: this.time } : {}) } } : {};
      const answer = await client.join(this.room, { limit: 300, ...since });
      if (answer.type === 'joined') { this.#joined(answer); return; }
      await new Promise((resolve) => { setTimeout(resolve, 200); });
    }
  }

  #joined(m) {
    this.joins.push({ recovered: m.recovered, epoch: m.epoch, offset: m.offset });
    if (!m.recovered) this.has.clear();
    for (const row of m.messages) this.has.set(row.offset, row.message);
    Object.assign(this, { epoch: m.epoch, offset: m.offset, time: m.time, live: true });
  }

  // Until the connection has ended.
  async #listen(client) {
    const pushed = (m) => m.id === undefined && ['message', 'room_reset'].includes(m.type);
    client.ended(86_400_000).then((end) => { if (end.code !== 1006) this.closes.push(end); }, () => {});
    for (;;) {
      const m = await client.socket.messages.take('what comes', pushed, 86_400_000);
      if (m.type === 'room_reset') {
        this.resets.push(m);
        this.live = false;
        await this.#join(client);
      } else if (m.epoch !== this.epoch || m.offset !== this.offset + 1) {
        client.socket.destroy();
        throw new Error('closed: a gap');
      } else {
        this.has.set(m.offset, m.message);
        Object.assign(this, { offset: m.offset, time: m.time });
      }
    }
  }

  // Sends until it is answered by `sent`, which is returned. `tries` counts what was refused or lost.
  async say(text, ms = 60_000) {
    const key = `${this.name}-${(this.#keys += 1)}`;
    let tries = 0;
    return until(`${this.name} to be told that ${text} is stored`, async () => {
      const client = this.#client;
      if (!client) return null;
      tries += 1;
      const answer = await within('an answer', client.say(this.room, text, { key }), 30_000).catch(() => null);
      return answer?.type === 'sent' ? { ...answer, tries } : null;
    }, ms);
  }

  heard(texts, ms = 60_000) {
    return until(`${this.name} to hear ${texts}; it has ${JSON.stringify([...this.has])}`, () => this.live && texts.every((text) => [...this.has.values()].includes(text)), ms);
  }

  hangUp() { this.#client?.socket.destroy(); }
  async stop() {
    this.#stopped = true;
    this.hangUp();
    await this.done;
  }
}

export const listen = (t, name, room, open, options) => {
  const listener = new Listener(name, room, open, options);
  t.after(() => listener.stop());
  return listener;
};

export const opener = (node, token) => (path) => Client.open(node, { path, headers: { Authorization: `Bearer ${token}` } });
