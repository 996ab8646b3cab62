// What is between the gateways, by mode: null, or { url(node), lines, … }. `lines` are relays, one for each gateway, where a
// gateway is not told of addresses by the bus itself.
import { Cluster as Ring } from '../system/support/cluster.mjs';
import { Redis } from '../system/support/redis.mjs';
import { Relay } from '../system/support/relay.mjs';
import { Watched } from '../system/support/sentinel.mjs';

// nodes: how many gateways there are. args: of redis-server.
export const BUSES = {
  async pg() { return null; },
  async redis(t, { nodes, args = [] }) {
    const server = await Redis.start(t, { args });
    const lines = [];
    while (lines.length < nodes) lines.push(await Relay.open(t, { host: '127.0.0.1', port: server.port }));
    return { server, lines, url: (node) => `redis://127.0.0.1:${lines[node].port}` };
  },
  async sentinel(t) {
    const watched = await Watched.start(t);
    return { watched, lines: [], url: () => watched.url };
  },
  async cluster(t) {
    const ring = await Ring.start(t, { replicas: true });
    return { ring, lines: [], url: () => ring.url };
  },
};
