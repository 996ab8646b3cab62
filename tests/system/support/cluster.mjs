// A cluster of three primaries of one's own, each with a replica if asked for, on loopback.
import { freePort } from './foyer.mjs';
import { Redis } from './redis.mjs';
import { until } from './within.mjs';

export const SLOTS = 16_384;
const SHARDS = 3;
const first = (shard) => Math.floor((SLOTS * shard) / SHARDS);

export class Cluster {
  servers = [];   // the primaries, then a replica of each
  #scheme;

  // tls: of Redis.start().
  static async start(t, { replicas = false, tls = null } = {}) {
    const cluster = new Cluster();
    cluster.#scheme = tls ? 'rediss+cluster' : 'redis+cluster';
    const encrypted = tls ? ['--tls-cluster', 'yes', '--tls-replication', 'yes'] : [];
    const buses = [];
    for (let i = 0; i < (replicas ? 2 : 1) * SHARDS; i += 1) {
      buses.push(await freePort());
      cluster.servers.push(await Redis.start(t, { tls, args: [...encrypted, '--cluster-enabled', 'yes', '--cluster-port', buses[i], '--cluster-node-timeout', '2000', '--repl-diskless-sync-delay', '0'] }));
    }
    for (const [i, server] of cluster.servers.entries()) {
      await server.cli('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
      if (i < SHARDS) await server.cli('CLUSTER', 'ADDSLOTSRANGE', first(i), first(i + 1) - 1);
      if (i > 0) await server.cli('CLUSTER', 'MEET', '127.0.0.1', cluster.servers[0].port, buses[0]);
    }
    const info = (server) => server.cli('CLUSTER', 'INFO');
    await until('the nodes to know each other', async () => (await Promise.all(cluster.servers.map(info)))
      .every((text) => text.includes('cluster_state:ok') && text.includes(`cluster_known_nodes:${cluster.servers.length}`)), 60_000);
    for (const [i, server] of cluster.servers.entries()) {
      if (i < SHARDS) continue;
      await server.cli('CLUSTER', 'REPLICATE', await cluster.id(i - SHARDS));
      await until('the replica to have its copy', async () => /master_link_status:up/.test(await server.cli('INFO', 'replication')), 60_000);
    }
    return cluster;
  }

  get url() { return `${this.#scheme}://${this.servers.slice(0, SHARDS).map((s) => `127.0.0.1:${s.port}`).join(',')}`; }
  id(index) { return this.servers[index].cli('CLUSTER', 'MYID'); }
  // The shard, at the beginning, of a key.
  async shardOf(key) {
    const slot = Number(await this.servers[0].cli('CLUSTER', 'KEYSLOT', key));
    return [2, 1, 0].find((shard) => slot >= first(shard));
  }
  // A room whose keys and events are in that shard.
  async roomIn(shard, prefix) {
    for (let i = 0; ; i += 1) if (await this.shardOf(`{${prefix}-${i}}`) === shard) return `${prefix}-${i}`;
  }
  // By hand, with the keys that it has.
  async move(slot, from, to) {
    const [source, target] = [this.servers[from], this.servers[to]];
    await target.cli('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await this.id(from));
    await source.cli('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await this.id(to));
    for (;;) {
      const keys = (await source.cli('CLUSTER', 'GETKEYSINSLOT', slot, 100)).split('\n').filter((key) => key !== '');
      if (keys.length === 0) break;
      await source.cli('MIGRATE', '127.0.0.1', target.port, '', 0, 5000, 'KEYS', ...keys);
    }
    const id = await this.id(to);
    await target.cli('CLUSTER', 'SETSLOT', slot, 'NODE', id);
    await source.cli('CLUSTER', 'SETSLOT', slot, 'NODE', id);
  }
}
