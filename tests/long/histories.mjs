// Seeded histories over real servers of PostgreSQL: see README.md.
import assert from 'node:assert/strict';
import { serve } from '../system/support/foyer.mjs';
import { Listener, opener } from '../system/support/listener.mjs';
import { register } from '../system/support/people.mjs';
import { Postgres } from '../system/support/postgres.mjs';
import { random } from '../system/support/random.mjs';
import { until } from '../system/support/within.mjs';

const STORE_KEY = 'qG7r0c2Jm1Yb8wZ4xK9tPd3nVh6sLf5u';
const PEOPLE = ['ann', 'bob', 'eve'];
const ROOM = 'tea';

// What a test would be to the helpers.
function stage() {
  const ends = [];
  return { after: (end) => ends.unshift(end), async end() { for (const end of ends) await end(); } };
}

class Story {
  acknowledged = new Map(); // text → { epoch, offset }
  listeners = [];
  count = 0;

  constructor(t, node, pick) { Object.assign(this, { t, node, pick }); }

  async begin() {
    for (const [i, name] of PEOPLE.entries()) {
      const person = await register(this.node, name);
      const listener = new Listener(name, ROOM, opener(this.node, person.access_token), { features: i === 2 ? '' : 'room_reset' });
      this.t.after(() => listener.stop());
      this.listeners.push(listener);
    }
  }

  // Some messages by anybody, and now and then somebody hangs up in between.
  async talk(messages) {
    const under = [];
    for (let i = 0; i < messages; i += 1) {
      const text = `m${(this.count += 1)}`;
      const speaker = this.listeners[this.pick(this.listeners.length)];
      under.push(speaker.say(text, 120_000).then((sent) => this.acknowledged.set(text, sent)));
      if (this.pick(3) === 0) await under.at(-1);
      if (this.pick(8) === 0) this.listeners[this.pick(this.listeners.length)].hangUp();
    }
    return Promise.all(under);
  }

  async check() {
    await this.talk(3);
    const last = Math.max(...[...this.acknowledged.values()].slice(-3).map((sent) => sent.offset));
    for (const listener of this.listeners) {
      await until(`${listener.name} to be at ${last}; it is at ${listener.offset} of ${listener.epoch}, ${listener.live}`, () => listener.live && listener.offset >= last, 60_000);
    }
    const { epoch, offset } = this.listeners[0];
    const texts = new Map();
    for (const listener of this.listeners) {
      assert.deepEqual([listener.epoch, listener.offset], [epoch, offset], listener.name);
      for (const [at, text] of listener.has) {
        assert.equal(texts.get(at) ?? text, text, `${listener.name} at ${at}`);
        texts.set(at, text);
      }
    }
    for (const [text, sent] of this.acknowledged) {
      if (sent.epoch === epoch) assert.equal(texts.get(sent.offset) ?? text, text, `${text} was acknowledged at ${sent.offset}`);
    }
    this.node.invariants.verdict();
    const joins = this.listeners.flatMap((listener) => listener.joins);
    const resets = this.listeners.flatMap((l) => l.resets).length + this.listeners.flatMap((l) => l.closes).filter((c) => c.reason.startsWith('ROOM_RESET')).length;
    return { acknowledged: this.acknowledged.size, recovered: joins.filter((j) => j.recovered).length, not: joins.filter((j) => !j.recovered).length, resets };
  }
}

const withDatabase = (url) => ({ env: { DATABASE_URL: url, STORE_KEY }, args: ['--messages-per-s', '100000', '--messages-burst', '100000', '--address-handshakes', '100000'] });

const kinds = {
  async lagging(t, pick) {
    const primary = await Postgres.start(t);
    const url = await primary.fresh();
    const standby = await primary.standby(t);
    const story = new Story(t, await serve(t, withDatabase(primary.urlWith([standby], url))), pick);
    await story.begin();
    await story.talk(1 + pick(10));
    await standby.hasCaughtUp(primary);
    await standby.fallBehind();
    const before = new Set(story.acknowledged.values());
    const talking = story.talk(1 + pick(10));
    if (pick(2) === 0) await talking;
    if (pick(2) === 0) await primary.kill9(); else await primary.crash();
    await standby.promote();
    await talking;
    const sum = await story.check();
    const { epoch } = story.listeners[0];
    for (const sent of before) assert.notEqual(sent.epoch, epoch, 'a new epoch after the promotion');
    return sum;
  },

  async synchronous(t, pick) {
    const primary = await Postgres.start(t);
    const url = await primary.fresh();
    const standby = await primary.standby(t, 'sync1');
    const story = new Story(t, await serve(t, withDatabase(primary.urlWith([standby], url))), pick);
    await story.begin();
    await story.talk(1 + pick(6));
    await primary.set('synchronous_standby_names', 'sync1');
    await story.talk(1 + pick(6));
    await standby.hasCaughtUp(primary);
    await standby.crash();
    const talking = story.talk(1 + pick(6));
    const lost = pick(2) === 0; // the primary, for good
    await until('the commit to wait', async () => Number(await primary.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) > 0, 30_000);
    const until_now = new Map(story.acknowledged);
    if (lost) await primary.kill9();
    await standby.start();
    if (lost) await standby.promote();
    await talking;
    const sum = await story.check();
    // Nothing that was acknowledged with the standby is missing, whichever server it is.
    const kept = (await (lost ? standby : primary).sql('SELECT text FROM foyer.messages', (lost ? standby : primary).url(/@\/(\w+)/.exec(url)[1]))).split('\n');
    for (const text of until_now.keys()) assert.ok(kept.includes(text), `${text} was acknowledged and is not in the database`);
    return sum;
  },

  async commit(t, pick) {
    const server = await (kinds.shared ??= Postgres.start(kinds.scope));
    const relay = await server.relay(t, await server.fresh());
    const story = new Story(t, await serve(t, withDatabase(relay.url)), pick);
    await story.begin();
    await story.talk(1 + pick(6));
    for (let round = 1 + pick(2); round > 0; round -= 1) {
      relay.lose(`m${story.count + 1 + pick(3)}`);
      const talking = story.talk(4 + pick(6));
      if (pick(2) === 0) {
        await new Promise((resolve) => { setTimeout(resolve, pick(400)); });
        relay.goAway();
        await new Promise((resolve) => { setTimeout(resolve, pick(3_000)); });
        relay.comeBack();
      }
      await talking;
    }
    return story.check();
  },
};

const [kind = 'lagging', count = '100', first = '1'] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind)) throw new Error(`histories.mjs ${Object.keys(kinds).join('|')} COUNT [FIRST]`);
const play = kinds[kind];
kinds.scope = stage();
const sum = {};
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  const t = stage();
  try {
    const figures = await play(t, random(seed));
    for (const [name, value] of Object.entries(figures)) sum[name] = (sum[name] ?? 0) + value;
    console.log(`${kind} ${seed}: ${JSON.stringify(figures)}`);
  } catch (error) {
    console.error(`${kind} ${seed} broke: ${error.stack}`);
    process.exitCode = 1;
  }
  await t.end().catch((error) => { console.error(`${kind} ${seed} ended badly: ${error.stack}`); process.exitCode = 1; });
  if (process.exitCode) break;
}
await kinds.scope.end();
console.log(`${kind}: ${count} histories from ${first}: ${JSON.stringify(sum)}${process.exitCode ? ' BROKEN' : ''}`);
process.exit();
