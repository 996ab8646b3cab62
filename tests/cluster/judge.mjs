// What a record (record.mjs) says about the promises of several nodes. Each rule is a function of the record; what it
// returns is broken. No rule looks at the server.
import { deliveries } from './judge_delivery.mjs';
import { ghosts, health, wholes } from './judge_nodes.mjs';

const durable = (room) => !room.startsWith('live-');
const key = (...parts) => parts.join(' ');

// { epoch, offset } → the texts that anybody was told to be there.
function contents(record) {
  const all = new Map();
  const add = (room, m, where, t) => {
    const at = key(room, m.epoch, m.offset);
    if (!all.has(at)) all.set(at, []);
    all.get(at).push({ text: m.text, where, t });
  };
  for (const e of record) {
    if (e.kind === 'message' || e.kind === 'sent') add(e.room, e, `${e.kind} (${e.conn ?? e.who})`, e.t);
    if (e.kind === 'joined') for (const m of e.messages) add(e.room, m, `joined (${e.conn})`, e.t);
    if (e.kind === 'final') for (const m of e.messages) add(e.room, m, `the history at node ${e.node}`, e.t);
  }
  return all;
}

// No offset twice with another content.
function twice(record) {
  const out = [];
  for (const [at, told] of contents(record)) {
    const other = told.find((m) => m.text !== told[0].text);
    if (other) out.push(`${at} is ${told[0].text} (${told[0].where}) and ${other.text} (${other.where})`);
  }
  return out;
}

// Nothing that was acknowledged is missing at the end, unless the fault takes it: `loss` marks say from when on (`before`)
// and in which rooms.
function lost(record) {
  const ends = new Map(record.filter((e) => e.kind === 'final').map((e) => [e.room, e]));
  const losses = record.filter((e) => e.kind === 'mark' && e.what === 'loss');
  const out = [];
  for (const e of record) {
    if (e.kind !== 'sent') continue;
    const end = ends.get(e.room);
    const forgiven = losses.some((loss) => loss.rooms === (durable(e.room) ? 'durable' : 'other') && e.t <= loss.t);
    if (!end) continue;
    const there = end.messages.some((m) => m.text === e.text && (end.epoch !== e.epoch || m.offset === e.offset));
    if (!there && !(forgiven && e.epoch !== end.epoch)) out.push(`${e.text} was acknowledged in ${e.room} at ${e.offset} of ${e.epoch}, and is not in its history of ${end.epoch}`);
  }
  return out;
}

// One order: offsets without a hole, the same history at all nodes, what one person said in the order of saying, and
// nothing stored twice.
function order(record) {
  const out = [];
  const first = new Map();
  const said = new Map(record.filter((e) => e.kind === 'say').map((e, i) => [e.text, i]));
  for (const e of record) {
    if (e.kind !== 'final') continue;
    const text = JSON.stringify([e.epoch, e.messages]);
    if (first.has(e.room) && first.get(e.room) !== text) out.push(`${e.room} has another history at node ${e.node}`);
    const known = first.has(e.room);
    first.set(e.room, text);
    if (known) continue;
    const last = new Map();
    e.messages.forEach((m, i) => {
      if (i > 0 && m.offset !== e.messages[i - 1].offset + 1) out.push(`${e.room}: ${m.offset} follows ${e.messages[i - 1].offset}`);
      const [who] = m.text.split('-');
      if (last.has(who) && !(said.get(m.text) > last.get(who))) out.push(`${e.room}: ${m.text} stands behind what ${who} said later, or is stored twice`);
      last.set(who, said.get(m.text) ?? -1);
    });
  }
  return out;
}

// `recovered:true` brought all that was missed, from a head that was not older than what had been acknowledged.
function recovered(record) {
  const out = [];
  const asked = new Map();
  const heads = new Map();     // room, epoch → [{ t, offset }] of acknowledgements
  const newest = new Map();    // room → { epoch, t }: the first sign of each next epoch
  for (const e of record) {
    if (e.kind === 'join') asked.set(key(e.conn, e.id), e);
    if (e.kind === 'sent') {
      const at = key(e.room, e.epoch);
      if (!heads.has(at)) heads.set(at, []);
      heads.get(at).push(e);
      const seen = newest.get(e.room) ?? [];
      if (!seen.some((n) => n.epoch === e.epoch)) newest.set(e.room, [...seen, { epoch: e.epoch, t: e.t }]);
    }
    if (e.kind !== 'joined' || !e.recovered) continue;
    const join = asked.get(key(e.conn, e.id));
    const say = (what) => out.push(`recovered:true in ${e.room} to ${e.conn} ${what}`);
    if (join?.since?.epoch !== e.epoch) { say('that showed no position of this epoch'); continue; }
    const whole = e.messages.length === e.offset - join.since.offset && e.messages.every((m, i) => m.offset === join.since.offset + 1 + i);
    if (!whole) say(`without all that followed ${join.since.offset}`);
    const known = Math.max(0, ...(heads.get(key(e.room, e.epoch)) ?? []).filter((sent) => sent.t < join.t).map((sent) => sent.offset));
    if (e.offset < known) say(`up to ${e.offset}, and ${known} was acknowledged before it asked`);
    const epochs = newest.get(e.room) ?? [];
    const mine = epochs.findIndex((n) => n.epoch === e.epoch);
    if (mine >= 0 && epochs.slice(mine + 1).some((n) => n.t < join.t)) say('of an epoch that had ended before it asked');
  }
  return out;
}

// A room begins a new epoch once for each time that its history may have changed (marks `loss`, `anew`), and not else.
function epochs(record) {
  const out = [];
  const seen = new Map();
  const marks = record.filter((e) => e.kind === 'mark' && ['loss', 'anew'].includes(e.what)).map((e) => e.rooms);
  for (const e of record) {
    if (!['message', 'sent', 'joined'].includes(e.kind)) continue;
    if (!seen.has(e.room)) seen.set(e.room, new Set());
    seen.get(e.room).add(e.epoch);
  }
  for (const [room, all] of seen) {
    const reasons = marks.filter((rooms) => rooms === (durable(room) ? 'durable' : 'other')).length;
    if (all.size > 1 + reasons) out.push(`${room} had ${all.size} epochs (${[...all].join(', ')}), and its history changed ${reasons} times`);
  }
  return out;
}

export const RULES = { lost, twice, order, recovered, epochs, delivery: (record, bounds) => deliveries(record, bounds).broken, ghosts, wholes, health };

// bounds: milliseconds { delivery, ghost, health }. { broken: { rule: [sentence] }, compared, lag }
export function judge(record, bounds) {
  const broken = {};
  for (const [name, rule] of Object.entries(RULES)) {
    const found = rule(record, bounds);
    if (found.length) broken[name] = found;
  }
  const { lag } = deliveries(record, bounds);
  const count = (kind) => record.filter((e) => e.kind === kind).length;
  return { broken, lag, compared: count('message') + record.filter((e) => e.kind === 'joined').reduce((sum, e) => sum + e.messages.length, 0), sent: count('sent'), joins: count('joined') };
}
