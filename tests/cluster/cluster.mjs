// Three gateways and two auth services on one database, with a relay on every line between them and to their clients.
//
//     people ── doors[i] ── gateways[i] ── databases[i] ── PostgreSQL (and its standby)
//                                  │  └─── bus.lines[i] ── Redis (behind Sentinel, or in a cluster: without relays)
//                                  └─── a door that takes turns ── auths[0], auths[1] ── PostgreSQL
import { SANITIZED, atEnd, freePort } from '../system/support/foyer.mjs';
import { ask } from '../system/support/http.mjs';
import { STORE_KEY } from '../system/support/nodes.mjs';
import { again, startAuth, startGateway } from '../system/support/pair.mjs';
import { register, resign } from '../system/support/people.mjs';
import { Relay } from '../system/support/relay.mjs';
import { Client } from '../system/support/websocket.mjs';
import { until } from '../system/support/within.mjs';
import { Person } from './person.mjs';

export const NODES = 3;
export const TICK_MS = 100;
const SOCKETS_OF_ONE = 2;    // of each person, at different nodes
const WHOLE_MS = SANITIZED ? 20_000 : 6_000;  // to be gone after a death, and back after a bus that was lost
const RULES = [{ match: 'live-*', durable: false }];

export class Cluster {
  gateways = [];
  auths = [];
  doors = [];
  databases = [];          // of each gateway: one relay for each server
  people = [];
  drain = '1200ms';        // long enough for every client to answer the Close; how fast a deaf node closes depends on it, too
  wrap = undefined;        // in front of the binary, of what is started from now on

  // bus: as in buses.mjs.
  constructor(t, { fault, recorder, pick, clients, servers, database, bus }) {
    Object.assign(this, { t, fault, recorder, pick, clients, servers, database, bus });
  }

  get rooms() { return ['tea-0', 'tea-1', 'tea-2', 'tea-3', ...(this.bus ? ['live-0', 'live-1'] : [])]; }

  async start() {
    const { t } = this;
    for (let i = 0; i < NODES; i += 1) {
      this.databases.push(await Promise.all(this.servers.map((server) => Relay.open(t, { path: server.socket }))));
    }
    this.auths = await Promise.all([0, 1].map(() => startAuth(t, { ...this.#ofAuth(), wrap: this.wrap })));
    this.auth = await Relay.open(t, ...this.auths.map(({ host, port }) => ({ host, port })));
    this.gateways = await Promise.all(Array.from({ length: NODES }, (_, i) => this.#gateway(i)));
    for (const { host, port } of this.gateways) this.doors.push(await Relay.open(t, { host, port }));
  }

  #store(hosts, ports) {
    return { DATABASE_URL: `postgresql://postgres@/${this.database}?host=${hosts}${ports ? `&port=${ports}` : ''}`, STORE_KEY };
  }

  #ofAuth() {
    const folders = this.servers.map((server) => server.socket.replace(/\/[^/]*$/, '')).join(',');
    return { env: this.#store(folders, ''), args: ['--access-token-ttl', '1d'] };
  }

  #settings(i) {
    const line = this.databases[i];
    return {
      env: { ...this.#store(line.map((r) => r.host).join(','), line.map((r) => r.port).join(',')), FOYER_NODES: 'many',
        ...(this.bus ? { FOYER_ROOMS: JSON.stringify(RULES), BUS_URL: this.bus.url(i) } : {}) },
      args: ['--cluster-tick', `${TICK_MS}ms`, '--presence-grace', '100ms', '--drain-timeout', this.drain, '--heartbeat-interval', '1s', '--heartbeat-timeout', SANITIZED ? '5s' : '2s',
        '--room-messages-per-s', '100000', '--room-messages-burst', '100000', '--revocation-max-age', '60s'],
    };
  }
  async #gateway(i) {
    return startGateway(this.t, { to: this.auth, listen: `127.0.0.1:${await freePort()}`, ...this.#settings(i), wrap: this.wrap });
  }

  // After its end, at the same place.
  async restart(i) {
    this.gateways[i] = await again(this.t, this.gateways[i], startGateway, { to: this.auth, ...this.#settings(i), wrap: this.wrap, wait: false });
    await this.well(i);
  }
  async restartAuth(i) {
    await this.auths[i].terminate();
    this.auths[i] = await again(this.t, this.auths[i], startAuth, { ...this.#ofAuth(), wrap: this.wrap });
  }
  async well(i) {
    await until(`node ${i} to be well`, async () => {
      const asked = this.recorder.now;
      const answer = await ask(this.gateways[i], 'GET', '/health/ready').catch(() => null);
      if (answer?.status !== 200 || answer.json.status !== 'ok') return null;
      this.recorder.note('health', { asked, node: i, http: 200, status: 'ok' });
      return answer;
    }, SANITIZED ? 120_000 : 40_000);
  }

  async open() {
    const accounts = await Promise.all(Array.from({ length: Math.ceil(this.clients / SOCKETS_OF_ONE) }, (_, n) => register(this.auths[n % 2], `person-${n}`)));
    for (let n = 0; n < this.clients; n += 1) {
      const { access_token: token, user } = accounts[Math.floor(n / SOCKETS_OF_ONE)];
      const rooms = this.rooms.filter((_, i) => (i + Math.floor(n / SOCKETS_OF_ONE)) % 2 === 0);
      const person = new Person({ name: `p${n}`, account: user.id, token: resign(token), doors: this.doors, node: n % NODES, rooms, pick: this.pick, recorder: this.recorder });
      atEnd(this.t, () => person.stop());
      this.people.push(person);
    }
    await this.allHere();
  }
  async everybodyHasAll(ms) {
    const heads = () => {
      const all = new Map();
      for (const person of this.people) for (const [room, { epoch, offset }] of person.seats) {
        const head = all.get(room);
        if (!head || offset > head.offset) all.set(room, { epoch, offset });
      }
      return all;
    };
    await until('everybody to be at the head of their rooms', () => {
      const all = heads();
      return this.people.every((person) => [...person.seats].every(([room, seat]) => seat.live && seat.epoch === all.get(room).epoch && seat.offset === all.get(room).offset));
    }, ms);
  }

  // The history of every room and who is there, as this node tells it to somebody who comes now.
  async readAll(node) {
    const { host, port } = this.gateways[node];
    const headers = { Authorization: `Bearer ${this.people[0].token}` };
    const reader = await until('somebody new to be admitted', () => Client.open({ host, port }, { headers }).catch(() => null));
    for (const room of this.rooms) {
      const pages = [];
      let epoch;
      for (let before; ;) {
        const page = await until(`the history of ${room} at node ${node}`, async () => {
          const answer = await reader.ask('history', { room, limit: 300, ...(before ? { before } : {}) });
          return answer.type === 'history' ? answer : null;
        });
        epoch = page.epoch;
        pages.unshift(...page.messages);
        if (!page.more) break;
        before = page.messages[0].offset;
      }
      this.recorder.note('final', { node, room, epoch, messages: pages.map((m) => ({ epoch: m.epoch, offset: m.offset, text: m.message })) });
      await this.#whole(reader, node, room);
    }
    reader.socket.destroy();
  }
  async #whole(reader, node, room) {
    const expected = [...new Set(this.people.filter((person) => person.seats.has(room)).map((person) => person.account))].sort();
    let users = [];
    await until('the presence to be whole', async () => {
      const answer = await reader.ask('presence', { room });
      users = answer.members?.map((m) => m.id).sort() ?? [];
      return JSON.stringify(users) === JSON.stringify(expected);
    }, WHOLE_MS).catch(() => {});
    this.recorder.note('whole', { node, room, users, expected });
  }
  allHere() {
    return until('everybody to be in their rooms', () => this.people.every((person) => person.here), SANITIZED ? 120_000 : 40_000);
  }
}
