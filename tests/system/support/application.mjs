// An application that is asked, as one is written: node:http, the raw body, and npm standardwebhooks.
import { Webhook } from 'standardwebhooks';
import { Backend } from './backend.mjs';
import { Inbox } from './within.mjs';

export const ASK_SECRET = `whsec_${Buffer.from('a secret of the application, 32+').toString('base64')}`;
export const yes = (result = {}) => ({ json: { result } });
export const no = (code, message) => ({ json: { error: { code, message } } });

export class Application extends Backend {
  questions = new Inbox('the application'); // verified: { event, user, channel, …, headers }
  faults = [];                               // why a question was not verified
  asked = 0;
  // What is answered: (question, response) → { status, headers, json, body }, or a promise of it; nothing: no answer.
  answer = () => yes();

  static start(t, { port = 0 } = {}) { return Backend.begin(t, new Application(), port); }

  get url() { return `http://127.0.0.1:${this.port}/foyer?from=chat`; }

  // An [[ask]] table, as FOYER_ASK takes it.
  table(more = {}) { return { name: 'app', url: this.url, events: ['subscribe', 'publish'], secret: ASK_SECRET, ...more }; }

  async take(request, text, response) {
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
