// The watcher of every system test can fail: each promise, broken in a few messages, is a
// fault, and the same messages as they should be are none.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Invariants } from './support/invariants.mjs';

const row = (offset, text, fields = {}) => ({ type: 'message', room: 'tea', epoch: 'e1', offset, from: { id: 'ann', name: 'Ann' }, message: text, time: `t-${text}`, ...fields });
const joined = (offset, recovered, messages = [], fields = {}) => ({ type: 'joined', id: 1, room: 'tea', epoch: 'e1', offset, recovered, more: false, messages, ...fields });
function scene() {
  const all = new Invariants();
  const client = (since) => {
    const watched = all.connection();
    watched.said(JSON.stringify({ type: 'join', id: 1, room: 'tea', ...(since === undefined ? {} : { since: { epoch: 'e1', offset: since } }) }));
    return watched;
  };
  const here = () => { const watched = client(); watched.heard(joined(0, false)); return watched; };
  return { all, client, here };
}
const breaks = (name, pattern, play) => test(`${name} is a fault`, () => {
  const s = scene();
  play(s);
  assert.throws(() => s.all.verdict(), pattern);
});

test('an ordinary conversation has no fault, nor has a gap that a close follows or a rejoin from before it makes good', () => {
  const { all, client, here } = scene();
  const bob = here();
  bob.heard(row(1, 'one'));
  bob.heard(row(3, 'three'));
  bob.closed();
  const again = client(1);
  again.heard(joined(3, true, [row(2, 'two'), row(3, 'three')]));
  again.heard(row(4, 'four'));
  const ann = all.connection();
  ann.said(JSON.stringify({ type: 'chat', id: 5, room: 'tea', message: 'five' }));
  ann.heard({ type: 'sent', id: 5, room: 'tea', epoch: 'e1', offset: 5, time: 't-five', duplicate: false });
  again.heard(row(5, 'five'));
  all.deleted('tea', 5);
  client(4).heard(joined(5, true, [row(5, '', { deleted: true, time: 't-five' })]));
  all.wentBack('tea', 4);
  client(4).heard(joined(5, true, [row(5, 'another')]));
  all.verdict();
});

breaks('an offset with two contents', /two contents/, ({ here, client }) => { here().heard(row(1, 'one')); client(0).heard(joined(1, true, [row(1, 'another')])); });
breaks('an acknowledgement of what others hear otherwise', /two contents/, ({ all, here }) => {
  here().heard(row(1, 'one'));
  const ann = all.connection();
  ann.said(JSON.stringify({ type: 'chat', id: 5, room: 'tea', message: 'another' }));
  ann.heard({ type: 'sent', id: 5, room: 'tea', epoch: 'e1', offset: 1, time: 't-one', duplicate: false });
});
breaks('a gap that nothing makes good', /a gap in tea/, ({ here }) => { const bob = here(); bob.heard(row(1, 'one')); bob.heard(row(3, 'three')); });
breaks('a recovery from behind the gap', /a gap in tea/, ({ here }) => {
  const bob = here();
  bob.heard(row(1, 'one'));
  bob.heard(row(3, 'three'));
  bob.said(JSON.stringify({ type: 'join', id: 1, room: 'tea', since: { epoch: 'e1', offset: 3 } }));
  bob.heard(joined(3, true));
});
breaks('a message twice', /a message that it has/, ({ here }) => { const bob = here(); bob.heard(row(1, 'one')); bob.heard(row(1, 'one')); });
breaks('a message of a room that was not joined', /not in/, ({ all }) => all.connection().heard(row(1, 'one')));
breaks('a message behind room_reset', /not in/, ({ here }) => { const bob = here(); bob.heard({ type: 'room_reset', room: 'tea', epoch: 'e2', offset: 0 }); bob.heard(row(1, 'one', { epoch: 'e2' })); });
breaks('a message of another epoch', /another epoch/, ({ here }) => here().heard(row(1, 'one', { epoch: 'e2' })));
breaks('a recovery with a hole', /without all that was missed/, ({ client }) => client(1).heard(joined(3, true, [row(3, 'three')])));
breaks('a recovery of another epoch', /no position of this epoch/, ({ client }) => client(1).heard(joined(1, true, [], { epoch: 'e2' })));
