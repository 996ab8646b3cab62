// What was observed in a history: an array of plain objects { t, kind, … } in the order of time (milliseconds).
// judge.mjs reads nothing else, so a record can be kept, and be changed to show that the judge notices.
//
//   { kind: 'open',    conn, who, node }                       a socket was admitted; who: the user's id
//   { kind: 'closing', conn, retry }                           the server announced its end
//   { kind: 'end',     conn, code, reason, own }               own: the client gave up, because it heard nothing
//   { kind: 'join',    conn, id, room, since }
//   { kind: 'joined',  conn, id, room, epoch, offset, recovered, more, messages }
//   { kind: 'reset',   conn, room, epoch }
//   { kind: 'message', conn, room, epoch, offset, text }
//   { kind: 'say',     who, room, text }                       once for each text, however often it is sent
//   { kind: 'sent',    who, room, text, epoch, offset }
//   { kind: 'present', node, asked, room, users }              asked: the time of the question
//   { kind: 'health',  node, http, status }                    http 0: no answer
//   { kind: 'mark',    what, … }                               of a fault: faults.mjs
//   { kind: 'final',   node, room, epoch, messages }           the whole history as this node tells it, at the end
//   { kind: 'whole',   node, room, users, expected }           who is there at the end, and who should be
export class Recorder {
  record = [];
  #begun = performance.now();

  get now() { return Math.round((performance.now() - this.#begun) * 10) / 10; }
  note(kind, fields = {}) { this.record.push({ t: this.now, kind, ...fields }); }
  mark(what, fields = {}) { this.note('mark', { what, ...fields }); }
}
