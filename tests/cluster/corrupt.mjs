// Records that were changed in one thing, each of which the rule that it belongs to has to notice. `change` returns the
// changed record, or null if there is nothing in this one that could be changed so.
import { RULES } from './judge.mjs';
import { seats } from './judge_delivery.mjs';

const copy = (record) => structuredClone(record);
const marked = (record, what) => record.find((e) => e.kind === 'mark' && e.what === what);

// The end of a room's history that several people heard.
function lastOf(record) {
  const end = record.find((e) => e.kind === 'final' && e.messages.length > 1);
  return end && { room: end.room, ...end.messages.at(-1) };
}
const is = (m) => (e) => e.kind === 'message' && e.room === m.room && e.epoch === m.epoch && e.offset === m.offset;

export const CORRUPTIONS = [
  { rule: 'lost', name: 'an acknowledged message is in no history at the end', change(record) {
    const m = lastOf(record);
    const out = copy(record);
    for (const e of out) if (e.kind === 'final' && e.room === m.room) e.messages.pop();
    return out;
  } },
  { rule: 'twice', name: 'one client hears another text', change(record) {
    const out = copy(record);
    out.find(is(lastOf(record))).text = 'another';
    return out;
  } },
  { rule: 'order', name: 'one node tells a shorter history', change(record) {
    const out = copy(record);
    out.findLast((e) => e.kind === 'final').messages.pop();
    return out;
  } },
  { rule: 'order', name: 'what somebody says later stands before it', change(record) {
    const out = copy(record);
    const [end] = out.filter((e) => e.kind === 'final');
    const [who] = end.messages[0].text.split('-');
    const other = end.messages.findLast((m) => m.text.startsWith(`${who}-`));
    if (other === end.messages[0]) return null;
    const texts = { [other.text]: end.messages[0].text, [end.messages[0].text]: other.text };
    for (const e of out) for (const m of e.messages ?? [e]) if (texts[m.text] && e.kind !== 'say') m.text = texts[m.text];
    return out;
  } },
  { rule: 'recovered', name: 'recovered:true misses a message', change(record) {
    const out = copy(record);
    const joined = out.find((e) => e.kind === 'joined' && e.recovered && e.messages.length);
    joined?.messages.shift();
    return joined ? out : null;
  } },
  { rule: 'recovered', name: 'recovered:true from an old head', change(record) {
    const out = copy(record);
    const joined = out.find((e) => e.kind === 'joined' && e.recovered && e.messages.length);
    if (!joined) return null;
    joined.offset -= joined.messages.length;
    joined.messages = [];
    return out;
  } },
  { rule: 'epochs', name: 'a room begins anew for no reason', change(record) {
    const excused = record.filter((e) => ['loss', 'anew'].includes(e.what)).map((e) => e.rooms);
    const out = copy(record);
    const m = out.findLast((e) => e.kind === 'message' && !excused.includes(e.room.startsWith('live-') ? 'other' : 'durable'));
    if (m) m.epoch = 'another';
    return m ? out : null;
  } },
  { rule: 'delivery', name: 'a client that stays is not told', change(record, bounds) {
    const span = (seat) => Math.min(seat.to, record.at(-1).t) - seat.from;
    const m = seats(record).sort((x, y) => span(y) - span(x))[0];
    const out = copy(record).filter((e) => e.kind !== 'message' || e.conn !== m.conn || e.room !== m.room);
    for (const e of new Set([out.find((e) => e.kind === 'end' && e.conn === m.conn), out.at(-1)])) if (e) e.t += bounds.delivery + 1_000;
    return out.sort((a, b) => a.t - b.t);
  } },
  { rule: 'delivery', name: 'a message comes late', change(record, bounds) {
    const out = copy(record);
    const m = out.filter(is(lastOf(record)))[1];
    if (!m) return null;
    const end = out.find((e) => e.kind === 'end' && e.conn === m.conn);
    for (const e of [m, end, out.at(-1)]) if (e) e.t += bounds.delivery + 1_000;
    return out.sort((a, b) => a.t - b.t);
  } },
  { rule: 'ghosts', name: 'somebody is shown who never came', change(record) {
    const shown = record.find((e) => e.kind === 'present' && e.users.length);
    return shown ? record.filter((e) => e.kind !== 'open' || e.who !== shown.users[0]) : null;
  } },
  { rule: 'wholes', name: 'somebody who is there is not shown at the end', change(record) {
    const out = copy(record);
    const whole = out.find((e) => e.kind === 'whole');
    whole?.users.pop();
    return whole ? out : null;
  } },
  { rule: 'health', name: 'a deaf node calls itself well', change(record, bounds) {
    const mark = marked(record, 'deaf');
    if (!mark || marked(record, 'heard').t - mark.t < bounds.health) return null;
    const out = copy(record);
    for (const e of out) if (e.kind === 'health') Object.assign(e, { http: 200, status: 'ok' });
    return out;
  } },
  { rule: 'health', name: 'all nodes are red at once', change(record) {
    if (!marked(record, 'spare')) return null;
    const out = copy(record);
    for (const e of out) if (e.kind === 'health') Object.assign(e, { http: 503, status: 'failing' });
    return out;
  } },
];

// [{ rule, name, noticed }] of what can be changed in this record.
export function tried(record, bounds) {
  const found = (rule, of) => RULES[rule](of, bounds).length;
  return CORRUPTIONS.map(({ rule, name, change }) => ({ rule, name, changed: change(record, bounds) })).filter(({ changed }) => changed)
    .map(({ rule, name, changed }) => ({ rule, name, noticed: found(rule, changed) > found(rule, record) }));
}
