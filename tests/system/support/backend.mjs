// An HTTP server of an application, for the receivers and applications of tests: begins, and ends with its test.
import http from 'node:http';
import { atEnd } from './foyer.mjs';

export class Backend {
  // `begin(t, backend, port)`: listens; `take(request, text, response)` gets each request with its body.
  static async begin(t, backend, port) {
    atEnd(t, () => backend.stop());
    await backend.listen(port);
    return backend;
  }

  async listen(port) {
    this.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      await this.take(request, Buffer.concat(chunks).toString('utf8'), response);
    });
    await new Promise((resolve, reject) => this.server.once('error', reject).listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }

  async stop() {
    if (!this.server) return;
    const closed = new Promise((resolve) => { this.server.close(resolve); });
    this.server.closeAllConnections();
    this.server = null;
    await closed;
  }
}
