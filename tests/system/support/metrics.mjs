// What a server says of itself under /metrics, over one connection that stays open: it
// can be read when nobody new comes in any more.
import { atEnd } from './foyer.mjs';
import { connected, head, readAnswer } from './http.mjs';
import { until, within } from './within.mjs';

// For a server with --metrics-listen 127.0.0.1:PORT.
export async function watch(t, port) {
  const node = { host: '127.0.0.1', port };
  const socket = await connected(node);
  atEnd(t, () => socket.destroy());
  const read = async () => {
    socket.write(head(node, 'GET', '/metrics'));
    const { status, text } = await within('the metrics', readAnswer(socket));
    if (status !== 200) throw new Error(`/metrics: ${status} ${text}`);
    return Object.fromEntries(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }));
  };
  // { used, max, refused } of a limit
  const limit = async (name) => {
    const all = await read();
    return { used: all[`foyer_limit_used{limit="${name}"}`], max: all[`foyer_limit_max{limit="${name}"}`], refused: all[`foyer_limit_refused_total{limit="${name}"}`] };
  };
  await read(); // who has said nothing yet is cut off after header_timeout
  return { read, limit, untilUsed: (name, count) => until(`${name} at ${count}`, async () => (await limit(name)).used === count) };
}
