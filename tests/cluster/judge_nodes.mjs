// The rules about who is there, and about /health/ready.

// For each user: the spans in which a node may take a connection of theirs for open. A connection that the client gave up
// while its line was mute ends for the server when it is not mute any more.
function spans(record) {
  const users = new Map();
  const open = new Map();
  const muted = new Set();
  const hanging = [];
  for (const e of record) {
    if (e.kind === 'open') {
      const span = { node: e.node, from: e.t, to: Infinity };
      if (!users.has(e.who)) users.set(e.who, []);
      users.get(e.who).push(span);
      open.set(e.conn, span);
    }
    if (e.kind === 'end' && open.has(e.conn)) {
      const span = open.get(e.conn);
      if (muted.has(span.node)) hanging.push(span); else span.to = e.t;
    }
    if (e.kind === 'mark' && e.what === 'mute') muted.add(e.node);
    if (e.kind === 'mark' && e.what === 'unmute') {
      muted.delete(e.node);
      for (const span of hanging) if (span.node === e.node && span.to === Infinity) span.to = e.t;
    }
  }
  return users;
}

// Nobody is shown who has not been connected for longer than the bound.
export function ghosts(record, bounds) {
  const users = spans(record);
  const out = [];
  for (const e of record) {
    if (e.kind !== 'present') continue;
    for (const user of e.users) {
      const there = (users.get(user) ?? []).some((span) => span.from <= e.t && span.to >= e.asked - bounds.ghost);
      if (!there) out.push(`${user} was shown in ${e.room} at node ${e.node}, and had no connection for ${bounds.ghost} ms`);
    }
  }
  return out;
}

// At the end exactly those are shown who are there.
export function wholes(record) {
  return record.filter((e) => e.kind === 'whole' && JSON.stringify([...e.users].sort()) !== JSON.stringify([...e.expected].sort()))
    .map((e) => `${e.room} at node ${e.node} shows ${e.users.length} at the end, and ${e.expected.length} are there`);
}

// A node that is deaf says so within the bound (marks 'deaf' { node } to 'heard'), and nodes that have one of two ways
// left are not all red (marks 'spare' to 'spared').
export function health(record, bounds) {
  const out = [];
  const marks = record.filter((e) => e.kind === 'mark');
  const seen = record.filter((e) => e.kind === 'health');
  const nodes = [...new Set(seen.map((e) => e.node))];
  const until = (mark, what) => marks.find((e) => e.what === what && e.t >= mark.t && e.node === mark.node)?.t ?? Infinity;
  for (const mark of marks.filter((e) => e.what === 'deaf')) {
    const end = until(mark, 'heard');
    if (end - mark.t < bounds.health) continue;
    const told = seen.some((e) => e.node === mark.node && e.t > mark.t && e.t <= mark.t + bounds.health && e.status !== 'ok');
    if (!told) out.push(`node ${mark.node} was deaf for ${bounds.health} ms and called itself well`);
  }
  for (const mark of marks.filter((e) => e.what === 'spare')) {
    const end = until(mark, 'spared');
    const red = new Map(nodes.map((node) => [node, false]));
    const newest = new Map(nodes.map((node) => [node, -1])); // when what is known of a node was asked
    for (const e of seen) {
      if (e.t < mark.t || e.t > end || e.asked < newest.get(e.node)) continue;
      newest.set(e.node, e.asked);
      red.set(e.node, e.http !== 200);
      const count = [...red.values()].filter(Boolean).length;
      if (count > mark.most) { out.push(`${count} nodes were red at once during ${mark.fault}`); break; }
    }
  }
  return out;
}
