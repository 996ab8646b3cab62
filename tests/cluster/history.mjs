// One history: a cluster, people who talk, a fault in between, and what everybody observed.
import { setTimeout as pause } from 'node:timers/promises';
import { SANITIZED } from '../system/support/foyer.mjs';
import { ask } from '../system/support/http.mjs';
import { Postgres } from '../system/support/postgres.mjs';
import { random } from '../system/support/random.mjs';
import { within } from '../system/support/within.mjs';
import { BUSES } from './buses.mjs';
import { Cluster, NODES, TICK_MS } from './cluster.mjs';
import { FAULTS } from './faults.mjs';
import { judge } from './judge.mjs';
import { Recorder } from './record.mjs';

// The bounds of the specification are for ticks of a second. What a machine with other work needs is added.
// What is promised, and `slack` ms for a busy machine.
export const boundsWith = (slack) => ({ delivery: 5 * TICK_MS + slack, ghost: 15 * TICK_MS + slack, health: 5 * TICK_MS + slack });
export const BOUNDS = boundsWith(SANITIZED ? 8_000 : 3_500);
const LOOK_MS = 150;
const END_MS = SANITIZED ? 120_000 : 40_000;

// What a test would be to the helpers.
export function stage() {
  const ends = [];
  return { after: (end) => ends.unshift(end), async end() { for (const end of ends.splice(0)) await end(); } };
}

// Looks at every node, over and over, until it is stopped.
function watch(c) {
  let over = false;
  const look = async (node) => {
    while (!over) {
      const t = c.recorder.now;
      const away = { status: 0, json: { status: 'away' } };
      const answer = await Promise.race([ask(c.gateways[node], 'GET', '/health/ready').catch(() => away), pause(2_000).then(() => null)]);
      if (answer) c.recorder.note('health', { asked: t, node, http: answer.status, status: answer.json.status }); // late: nothing is known
      await pause(LOOK_MS);
    }
  };
  const present = async () => {
    while (!over) {
      await pause(LOOK_MS);
      const person = c.people[c.pick(c.people.length)];
      const room = c.rooms.filter((each) => person.seats.get(each)?.live)[0];
      if (!room) continue;
      const { node } = person;
      const asked = c.recorder.now;
      const answer = await Promise.race([person.ask('presence', { room }), pause(1_000).then(() => null)]);
      if (answer?.type === 'presence') c.recorder.note('present', { node, asked, room, users: answer.members.map((m) => m.id) });
    }
  };
  const all = [...Array.from({ length: NODES }, (_, node) => look(node)), present()];
  return async () => { over = true; await Promise.all(all); };
}

// Everybody has everything, and each node tells the same.
async function end(c) {
  for (const person of c.people) person.quiet();
  for (let node = 0; node < NODES; node += 1) await c.well(node);
  await within('what was being said to be stored', Promise.all(c.people.map((person) => person.silent)), END_MS);
  await c.allHere();
  await c.everybodyHasAll(END_MS);
  for (let node = 0; node < NODES; node += 1) await c.readAll(node);
}

// { broken, … } as judge(), with the record. kept: gets the record and the cluster, also of a history that fails. seed determines the people and the fault.
export async function play(t, { fault, mode, seed, clients = 40, server = null, kept = {} }) {
  const pick = random(seed * 7919 + Object.keys(FAULTS).indexOf(fault));
  const recorder = new Recorder();
  const { standby, wrap, drain, redis, act } = FAULTS[fault];
  const primary = standby || !server ? await Postgres.start(t) : server;
  const database = /@\/(\w+)/.exec(await primary.fresh())[1];
  const servers = [primary, ...(standby ? [await primary.standby(t, standby)] : [])];
  const bus = await BUSES[mode](t, { nodes: NODES, args: redis });
  const c = new Cluster(t, { fault, recorder, pick, clients, servers, database, bus });
  Object.assign(c, { wrap, ...(drain ? { drain } : {}) });
  Object.assign(kept, { record: recorder.record, cluster: c });
  await c.start();
  await c.open();
  const done = watch(c);
  try {
    await pause(1_000 + pick(500));
    recorder.mark('begin');
    await act(c);
    recorder.mark('end');
    await pause(1_500);
    await end(c);
  } finally {
    await done();
    for (const person of c.people) await person.stop();
  }
  const { record } = recorder;
  return { record, seconds: Math.round(recorder.now / 1_000), held: record.some((e) => e.what === 'held') || undefined, ...judge(record, BOUNDS) };
}
