// A receiver of webhooks, as an application writes one: node:http, the raw body, and npm standardwebhooks.
import { Webhook } from 'standardwebhooks';
import { Backend } from './backend.mjs';
import { Inbox } from './within.mjs';

export class Receiver extends Backend {
  events = new Inbox('the receiver'); // verified: { id, type, data, timestamp, headers, body }
  requests = [];                       // all: { id, body, headers }
  faults = [];                         // why a request was not verified
  // What is answered: (request) → { status, headers, body }, or a promise of it.
  answer = () => ({ status: 204 });

  static start(t, { secret, port = 0 } = {}) { return Backend.begin(t, Object.assign(new Receiver(), { secret }), port); }

  get url() { return `http://127.0.0.1:${this.port}/hook?from=foyer`; }

  async take(request, body, response) {
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
