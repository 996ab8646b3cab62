// Faults of a bus that has replicas: the sentinels or the cluster promote one, as planned or because its primary died or
// froze. What the old primary answered last may be lost, so rooms that live on the bus begin a new epoch.
import { NAME, listeners } from '../system/support/sentinel.mjs';
import { until } from '../system/support/within.mjs';
import { anew, deaf, everyone, loss, spare, spell } from './marks.mjs';

const SHARDS = 3;
const MOST_RED = 2;          // never all nodes for one outage of the bus
const FOLLOWS_MS = 60_000;

const replication = (server) => server.cli('INFO', 'replication').catch(() => '');
const isNow = (role, server) => until(`a server to be a ${role}`, async () => (await replication(server)).includes(`role:${role}`), FOLLOWS_MS);

// The primary fails, and comes back when the replica has its place. followed: what is waited for before that.
async function replaced(c, { primary, replica, fail, comeBack, followed = () => {} }) {
  await spare(c, MOST_RED, async () => {
    await deaf(c, everyone, async () => {
      await fail(primary);
      await isNow('master', replica);
    });
    await spell(c, 0, 2_000);
    await followed();
    await comeBack(primary);
    await isNow('slave', primary);
  });
  await loss(c, 'other');
}
const killed = { fail: (primary) => primary.kill9(), comeBack: (primary) => primary.start() };
const frozen = { fail: (primary) => primary.freeze(), comeBack: (primary) => primary.thaw() };

// ---- behind Sentinel: the first server is the primary

const watched = ({ bus }) => ({ primary: bus.watched.first, replica: bus.watched.second });

async function planned(c) {
  const { primary, replica } = watched(c);
  await spare(c, MOST_RED, async () => {
    const said = await c.bus.watched.sentinels[0].cli('SENTINEL', 'FAILOVER', NAME);
    if (said !== 'OK') throw new Error(`SENTINEL FAILOVER: ${said}`);
    await isNow('master', replica);
    await isNow('slave', primary);
  });
  await loss(c, 'other');
}

// A primary that is started again, empty, before the sentinels name the other one may be used until then: a second loss.
async function killWatched(c) {
  const { primary, replica } = watched(c);
  const early = c.pick(2) === 0;
  const followed = () => early || until('all nodes to listen at the new primary', async () => await listeners(replica) === everyone.length, FOLLOWS_MS);
  await replaced(c, { primary, replica, ...killed, followed });
  if (early) await loss(c, 'other');
}

// The replica was started again, empty, and has not got its first copy when the primary dies. The sentinels promote it all the same.
async function withoutCopy(c) {
  const { primary, replica } = watched(c);
  await primary.cli('CONFIG', 'SET', 'repl-diskless-sync-delay', 3_600);
  await replica.kill9();
  await replica.start();
  await until('the replica to wait for its copy', async () => /state=wait_bgsave/.test(await replication(primary)), FOLLOWS_MS);
  const sentinels = c.bus.watched.sentinels;
  await until('the sentinels to see the replica', async () => (await Promise.all(sentinels.map((s) => s.cli('SENTINEL', 'REPLICAS', NAME)))).every((text) => /^flags\nslave$/m.test(text)), FOLLOWS_MS);
  if (await replica.cli('DBSIZE') !== '0') throw new Error('the replica has a copy');
  await killWatched(c);
  anew(c, 'other');            // a primary that never had a replica takes a new replication id when its first one comes
}

// ---- in a cluster: a primary for each shard, and a replica of each behind them

const shardOf = (c, room) => c.bus.ring.shardOf(`{${room}}`);
const rooms = (c, prefix) => c.rooms.filter((room) => room.startsWith(prefix));
const oneOf = (c, all) => all[c.pick(all.length)];
async function shard(c) {
  const at = await shardOf(c, oneOf(c, c.rooms));
  return { primary: c.bus.ring.servers[at], replica: c.bus.ring.servers[at + SHARDS] };
}

// The slots of a room that lives there and of one that does not, each to another shard.
async function move(c) {
  anew(c, 'other');
  for (const room of [oneOf(c, rooms(c, 'live-')), oneOf(c, rooms(c, 'tea-'))]) {
    const from = await shardOf(c, room);
    const slot = await c.bus.ring.servers[0].cli('CLUSTER', 'KEYSLOT', `{${room}}`);
    await c.bus.ring.move(slot, from, (from + 1 + c.pick(SHARDS - 1)) % SHARDS);
    await spell(c, 500, 1_000);
  }
}

async function failover(c) {
  const { primary, replica } = await shard(c);
  await spare(c, MOST_RED, async () => {
    await replica.cli('CLUSTER', 'FAILOVER');
    await isNow('master', replica);
    await isNow('slave', primary);
  });
  anew(c, 'other');
}

const sentinel = ['sentinel'];
const cluster = ['cluster'];
export const FAILOVERS = {
  'sentinel-planned': { modes: sentinel, act: planned },
  'sentinel-kill': { modes: sentinel, act: killWatched },
  'sentinel-wake': { modes: sentinel, act: (c) => replaced(c, { ...watched(c), ...frozen }) },
  'sentinel-no-copy': { modes: sentinel, act: withoutCopy },
  'cluster-move': { modes: cluster, act: move },
  'cluster-failover': { modes: cluster, act: failover },
  'cluster-kill': { modes: cluster, act: async (c) => replaced(c, { ...await shard(c), ...killed }) },
  'cluster-freeze': { modes: cluster, act: async (c) => replaced(c, { ...await shard(c), ...frozen }) },
};
