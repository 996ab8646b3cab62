// Nothing of one person reaches another.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from './support/foyer.mjs';
import { arrive } from './support/people.mjs';
import { Client } from './support/websocket.mjs';

const fast = ['--messages-per-s', '1000000', '--messages-burst', '1000000', '--outbox-bytes', '64MiB'];

test('two users whose rooms interleave for 10,000 messages on two loops: nothing of one reaches the other', async (t) => {
  const node = await serve(t, { args: ['--loops', '2', ...fast] });
  // Each has several connections, so that both loops serve both.
  const sides = [];
  for (const name of ['ann', 'bob']) {
    const first = await arrive(node, name);
    const others = await Promise.all(Array.from({ length: 5 }, () => Client.open(node, { token: first.token })));
    const rooms = [`user:${first.user.id}`, `private:${name}`];
    await first.ask('create', { room: rooms[1] });
    const connections = [first, ...others];
    for (const c of connections) for (const room of rooms) assert.equal((await c.join(room)).type, 'joined');
    sides.push({ name, user: first.user, rooms, connections });
  }
  const PER_SIDE = 5_000;
  const write = async ({ name, rooms, connections }) => {
    for (let i = 0; i < PER_SIDE; i += 100) {
      const answers = await Promise.all(Array.from({ length: 100 }, (_, k) => connections[(i + k) % connections.length].say(rooms[(i + k) % 2], `${name} ${i + k}`)));
      for (const a of answers) assert.equal(a.type, 'sent', JSON.stringify(a));
    }
  };
  await Promise.all(sides.map(write));
  for (const side of sides) for (const c of side.connections) await c.barrier();
  for (const side of sides) {
    for (const c of side.connections) {
      const heard = c.socket.received.filter((m) => m.type === 'message');
      assert.equal(heard.length, PER_SIDE);
      for (const room of side.rooms) {
        const offsets = heard.filter((m) => m.room === room).map((m) => m.offset);
        assert.deepEqual(offsets, offsets.map((_, i) => i + 1), `${room}: one order, no gap`);
      }
      assert.ok(heard.every((m) => m.from.id === side.user.id && m.message.startsWith(`${side.name} `) && side.rooms.includes(m.room)));
      const strangers = c.socket.received.filter((m) => JSON.stringify(m).includes(sides.find((s) => s !== side).user.id));
      assert.deepEqual(strangers, []);
    }
  }
});

test('one public room on two loops has one order for everybody', async (t) => {
  const node = await serve(t, { args: ['--loops', '2', ...fast] });
  const crowd = [];
  for (let i = 0; i < 8; i += 1) crowd.push(await arrive(node, `p${i}`));
  for (const c of crowd) await c.join('tea');
  await Promise.all(crowd.map(async (c) => { for (let i = 0; i < 100; i += 1) await c.say('tea', `${c.user.name} ${i}`); }));
  for (const c of crowd) await c.barrier();
  const orders = [];
  for (const c of crowd) {
    while (c.socket.received.filter((m) => m.type === 'message').length < 800) await c.next('message');
    orders.push(c.socket.received.filter((m) => m.type === 'message').map((m) => `${m.offset} ${m.message}`).join('\n'));
  }
  assert.equal(new Set(orders).size, 1);
  assert.equal(orders[0].split('\n').length, 800);
});

test('a connection that misbehaves harms nobody else', async (t) => {
  const node = await serve(t, { args: ['--loops', '1'] });
  const [ann, bob] = [await arrive(node, 'ann'), await arrive(node, 'bob')];
  await ann.join('tea');
  await bob.join('tea');
  for (let i = 0; i < 20; i += 1) {
    const bad = await Client.open(node, { token: bob.token });
    bad.socket.sendBytes(Buffer.from(Array.from({ length: 200 }, (_, k) => (k * 37 + i * 11) & 0xff)));
    bad.socket.destroy();
    assert.equal((await ann.say('tea', `still ${i}`)).type, 'sent');
    assert.equal((await bob.next('message', { message: `still ${i}` })).from.name, 'ann');
  }
});
