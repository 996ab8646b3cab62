// A receiver of webhooks, as an application writes one: node:http, the raw body, and npm standardwebhooks.
import http from 'node:http';
import { Webhook } from 'standardwebhooks';
import { atEnd } from './foyer.mjs';
import { Inbox } from './within.mjs';

export class Receiver {
  events = new Inbox('the receiver'); // verified: { id, type, data, timestamp, headers, body }
  requests = [];                       // all: { id, body, headers }
  faults = [];                         // why a request was not verified
  // What is answered: (request) → { status, headers, body }, or a promise of it.
  answer = () => ({ status: 204 });

  static async start(t, { secret, port = 0 } = {}) {
    const receiver = new Receiver();
    receiver.secret = secret;
    atEnd(t, () => receiver.stop());
    await receiver.listen(port);
    return receiver;
  }

  async listen(port) {
    this.server = http.createServer((request, response) => this.#take(request, response));
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/hook?from=foyer`;
  }

  async stop() {
    if (!this.server) return;
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    this.server.closeAllConnections();
    this.server = null;
    await closed;
  }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const seen = { id: request.headers['webhook-id'], body, headers: request.headers, method: request.method, url: request.url };
    this.requests.push(seen);
    const { status, headers = {}, body: words = '' } = await this.answer(seen);
    if (status >= 200 && status < 300) {
      try {
        const event = new Webhook(this.secret).verify(body, request.headers);
        this.events.push({ ...event, id: seen.id, headers: request.headers, body });
      } catch (error) {
        this.faults.push(`${error.message}: ${body}`);
      }
    }
    response.writeHead(status, headers).end(words);
  }
}
