// The rule of delivery: who is in a room hears each message within the bound, or is told: by the end of the connection,
// or by room_reset.

// Spans in which the clients of a node can hear nothing, whatever it does: marks { what: 'mute', node } and 'unmute'. In rooms
// that live on the bus that is so, too, while the node is cut off from it: 'deaf' and 'heard'.
const ENDS = { mute: 'unmute', deaf: 'heard' };
function mutes(record) {
  const spans = [];
  for (const e of record) {
    if (e.kind !== 'mark') continue;
    if (ENDS[e.what]) spans.push({ what: e.what, node: e.node, from: e.t, to: Infinity });
    for (const span of spans) if (ENDS[span.what] === e.what && span.node === e.node && span.to === Infinity) span.to = e.t;
  }
  return spans;
}
const concerns = (span, { node, room }) => span.node === node && (span.what === 'mute' || room.startsWith('live-'));

// Who was in which room from when to when, with what was heard there.
export function seats(record) {
  const all = [];
  const live = new Map();     // conn, room → seat
  const nodes = new Map();
  const leave = (at, t) => {
    const seat = live.get(at);
    if (seat) seat.to = t;
    live.delete(at);
  };
  for (const e of record) {
    const at = `${e.conn} ${e.room}`;
    if (e.kind === 'open') nodes.set(e.conn, e.node);
    if (e.kind === 'joined') {
      leave(at, e.t);
      const seat = { conn: e.conn, node: nodes.get(e.conn), room: e.room, epoch: e.epoch, at: e.offset, from: e.t, to: Infinity, heard: new Map() };
      live.set(at, seat);
      all.push(seat);
    }
    if (e.kind === 'message') live.get(at)?.heard.set(e.offset, e.t);
    if (e.kind === 'reset') leave(at, e.t);
    if (e.kind === 'end') for (const each of [...live.keys()]) if (each.startsWith(`${e.conn} `)) leave(each, e.t);
  }
  return all;
}

// When each message was first known to be there: { room epoch → [{ offset, t }] }
function known(record) {
  const all = new Map();
  for (const e of record) {
    if (e.kind !== 'sent' && e.kind !== 'message') continue;
    const at = `${e.room} ${e.epoch}`;
    if (!all.has(at)) all.set(at, new Map());
    if (!all.get(at).has(e.offset)) all.get(at).set(e.offset, e.t);
  }
  return all;
}

export function deliveries(record, bounds) {
  const broken = [];
  let lag = 0;
  const silent = mutes(record);
  const truth = known(record);
  const last = record.at(-1)?.t ?? 0;
  for (const seat of seats(record)) {
    for (const [offset, t] of truth.get(`${seat.room} ${seat.epoch}`) ?? []) {
      if (offset <= seat.at) continue;
      let from = Math.max(t, seat.from);
      for (const span of silent) if (concerns(span, seat) && span.from < from + bounds.delivery && span.to > from) from = span.to;
      const told = Math.min(seat.heard.get(offset) ?? Infinity, seat.to, from === Infinity ? 0 : Infinity);
      if (Math.min(told, last) - from > lag) lag = Math.min(told, last) - from;
      if (Math.min(told, last) - from > bounds.delivery) broken.push(`${offset} of ${seat.room} came to ${seat.conn} at node ${seat.node} ${told === Infinity ? 'not at all' : `${Math.round(told - from)} ms late`}`);
    }
    let before = seat.at;
    for (const offset of seat.heard.keys()) {
      if (offset !== before + 1) broken.push(`${offset} of ${seat.room} came to ${seat.conn} behind ${before}`);
      before = offset;
    }
  }
  return { broken, lag: Math.round(lag) };
}
