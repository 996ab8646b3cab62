// An application that is asked, as one is written: node:http, the raw body, and npm standardwebhooks.
import http from 'node:http';
import { Webhook } from 'standardwebhooks';
import { atEnd } from './foyer.mjs';
import { Inbox } from './within.mjs';

export const ASK_SECRET = `whsec_${Buffer.from('a secret of the application, 32+').toString('base64')}`;
export const yes = (result = {}) => ({ json: { result } });
export const no = (code, message) => ({ json: { error: { code, message } } });

export class Application {
  questions = new Inbox('the application'); // verified: { event, user, channel, …, headers }
  faults = [];                               // why a question was not verified
  asked = 0;
  // What is answered: (question, response) → { status, headers, json, body }, or a promise of it; nothing: no answer.
  answer = () => yes();

  static async start(t, { port = 0 } = {}) {
    const application = new Application();
    atEnd(t, () => application.stop());
    await application.listen(port);
    return application;
  }

  async listen(port) {
    this.server = http.createServer((request, response) => this.#take(request, response));
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}/foyer?from=chat`;
  }

  async stop() {
    if (!this.server) return;
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    this.server.closeAllConnections();
    this.server = null;
    await closed;
  }

  // An [[ask]] table, as FOYER_ASK takes it.
  table(more = {}) { return { name: 'app', url: this.url, events: ['subscribe', 'publish'], secret: ASK_SECRET, ...more }; }

  async #take(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    this.asked += 1;
    let question;
    try {
      question = { ...new Webhook(ASK_SECRET).verify(text, request.headers), headers: request.headers, url: request.url };
    } catch (error) {
      this.faults.push(`${error.message}: ${text}`);
      return response.writeHead(401).end();
    }
    this.questions.push(question);
    const said = await this.answer(question, response);
    if (!said) return undefined;
    const { status = 200, headers = {}, json, body = JSON.stringify(json) } = said;
    return response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  }
}
