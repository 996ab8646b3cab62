// What is done to a cluster while people talk. Each fault ends with everything running again, and leaves marks in the record
// (marks.mjs).
import { setTimeout as pause } from 'node:timers/promises';
import { FAILOVERS } from './failovers.mjs';
import { anew, anyone, deaf, everyone, loss, mute, spare, spell } from './marks.mjs';

const OLD = process.env.FOYER_OLD_BIN;
const DELAY_MS = 300;
const IN_TRANSACTION = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'foyer%' AND state = 'idle in transaction' AND now() - state_change > interval '100 ms'";

// Silence on these lines. Afterwards what was under way arrives, or the connections are reset.
async function hold(c, relays, least = 3_000, more = 2_500) {
  for (const relay of relays) relay.hold();
  await spell(c, least, more);
  const cut = c.pick(2) === 0;
  for (const relay of relays) relay.release({ cut });
}
async function slow(c, relays) {
  for (const relay of relays) relay.delay(DELAY_MS);
  await spell(c, 2_500, 1_500);
  for (const relay of relays) relay.delay(0);
}
async function stop(c, node, least, more, act = async () => {}) {
  await mute(c, node, async () => {
    process.kill(c.gateways[node].pid, 'SIGSTOP');
    try {
      await act();
      await spell(c, least, more);
    } finally {
      process.kill(c.gateways[node].pid, 'SIGCONT');
    }
  });
}

// Stopped while it holds the row of a room, if it can be met there.
async function stopHolding(c) {
  const node = anyone(c);
  const [primary] = c.servers;
  for (const relay of c.databases[node]) relay.delay(20);      // transactions are open for longer
  try {
    for (let tries = 0; tries < 12; tries += 1) {
      await pause(c.pick(40));
      process.kill(c.gateways[node].pid, 'SIGSTOP');
      if (Number(await primary.sql(IN_TRANSACTION)) === 0) { process.kill(c.gateways[node].pid, 'SIGCONT'); continue; }
      c.recorder.mark('held');
      return await stop(c, node, 5_500, 1_500);
    }
  } finally {
    process.kill(c.gateways[node].pid, 'SIGCONT');
    for (const relay of c.databases[node]) relay.delay(0);
  }
  return stop(c, node, 2_000, 1_000);
}

// Its lines refuse from then on, as a machine does on which nothing listens.
async function die(c, server) {
  await (c.pick(2) === 0 ? server.kill9() : server.crash());
  for (const line of c.databases) line[c.servers.indexOf(server)].refuse();
}

async function killDatabase(c) {
  const [server] = c.servers;
  await die(c, server);
  await spell(c, 0, 2_500);
  await server.start();
  for (const [relay] of c.databases) await relay.welcome();
}

async function promote(c) {
  const [primary, standby] = c.servers;
  await standby.hasCaughtUp(primary);
  await standby.fallBehind();
  await spell(c, 500, 1_000);
  await die(c, primary);
  await standby.promote();
  await loss(c, 'durable');
}

async function loseSynchronous(c) {
  const [primary, standby] = c.servers;
  await primary.set('synchronous_standby_names', 'sync1');
  await spell(c, 500, 500);
  await standby.hasCaughtUp(primary);
  await standby.crash();
  const gone = c.pick(2) === 0;       // the primary, for good
  await spell(c, 1_000, 1_500);
  if (gone) await die(c, primary);
  await standby.start();
  if (!gone) return;
  await standby.promote();
  anew(c, 'durable');
}

async function roll(c) {
  await spare(c, 1, async () => {
    for (const node of everyone) {
      const { code } = await c.gateways[node].terminate();
      if (code !== 0) throw new Error(`node ${node} ended with ${code}`);
      await c.restart(node);
    }
  });
}

// From the release of FOYER_OLD_BIN to this one, under load: the auth services first.
async function upgrade(c) {
  c.wrap = undefined;
  for (const i of [0, 1]) await c.restartAuth(i);
  await roll(c);
}

// A server that keeps its file, and has everything again unless it was killed while it wrote.
async function restartBus(c) {
  const { server } = c.bus;
  const orderly = c.pick(2) === 0;
  await spare(c, 2, () => deaf(c, everyone, async () => {
    await (orderly ? server.stop() : server.kill9());
    await spell(c, 0, 2_500);
    await server.start();
  }));
  if (orderly) anew(c, 'other');
  else await loss(c, 'other');
}

const both = ['pg', 'redis'];
const all = ['pg', 'redis', 'sentinel', 'cluster'];
const bus = ['redis'];
// standby: the name of one, which follows a server of its own. wrap: of the processes at the beginning. redis: arguments of redis-server.
export const FAULTS = {
  'none': { modes: all, act: (c) => spell(c, 1_500, 500) },
  'kill-gateway': { modes: all, async act(c) { const node = anyone(c); await c.gateways[node].kill9(); await spell(c, 500, 2_500); await c.restart(node); } },
  'stop-gateway': { modes: both, act: (c) => stop(c, anyone(c), 1_500, 3_000) },
  'stop-holding': { modes: both, act: stopHolding },
  'part-database': { modes: both, async act(c) { const node = anyone(c); await deaf(c, c.bus ? [] : [node], () => hold(c, c.databases[node], 4_500)); } }, // with a bus it hears
  'part-bus': { modes: bus, async act(c) { const node = anyone(c); await deaf(c, [node], () => spare(c, 1, () => hold(c, [c.bus.lines[node]]))); } },
  'part-gateway': { modes: both, async act(c) { const node = anyone(c); await deaf(c, [node], () => hold(c, [...c.databases[node], ...(c.bus?.lines.slice(node, node + 1) ?? [])])); } },
  'part-clients': { modes: both, async act(c) { const node = anyone(c); await mute(c, node, () => hold(c, [c.doors[node]])); } },
  'slow-database': { modes: both, act: (c) => slow(c, c.pick(2) ? c.databases[anyone(c)] : c.databases.flat()) },
  'slow-bus': { modes: bus, act: (c) => slow(c, c.pick(2) ? [c.bus.lines[anyone(c)]] : c.bus.lines) },
  'slow-gateway': { modes: both, act: (c) => slow(c, [c.doors[anyone(c)]]) },
  'kill-database': { modes: both, act: killDatabase },
  'stop-database': { modes: both, async act(c) { c.servers[0].freeze(); await spell(c, 1_500, 3_000); c.servers[0].thaw(); } },
  'part-all-database': { modes: both, act: (c) => hold(c, c.databases.flat()) },
  'kill-bus': { modes: bus, act: (c) => spare(c, 2, () => deaf(c, everyone, async () => { await c.bus.server.kill9(); await spell(c, 0, 4_000); await c.bus.server.start(); })).then(() => loss(c, 'other')) },
  'stop-bus': { modes: bus, act: (c) => spare(c, 2, () => deaf(c, everyone, async () => { c.bus.server.freeze(); await spell(c, 2_000, 3_000); c.bus.server.thaw(); })) },
  'part-all-bus': { modes: bus, act: (c) => spare(c, 2, () => deaf(c, everyone, () => hold(c, c.bus.lines))) },
  'flush-bus': { modes: bus, act: (c) => spare(c, 0, async () => { await c.bus.server.cli('FLUSHALL'); await loss(c, 'other'); await spell(c, 500, 1_000); }) },
  'promote': { modes: both, standby: 'standby', act: promote },
  'lose-synchronous': { modes: both, standby: 'sync1', act: loseSynchronous },
  'roll': { modes: both, drain: '4s', act: roll },
  'upgrade': { modes: OLD ? both : [], wrap: ['sh', '-c', `shift; exec ${OLD} "$@"`, 'old'], drain: '4s', act: upgrade },
  'kill-auth': { modes: both, async act(c) { await c.auths[c.pick(2)].kill9(); await spell(c, 1_500, 1_000); } },
  'restart-bus': { modes: bus, redis: ['--appendonly', 'yes'], act: restartBus },
  ...FAILOVERS,
};
