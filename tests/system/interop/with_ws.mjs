// The npm package `ws`; plans and events as in standard.mjs.
import crypto from 'node:crypto';
import fs from 'node:fs';
import WebSocket from 'ws';

export async function play(url, plan) {
  const events = [];
  const inbox = [];
  let wake = () => {};
  let end = null;
  let pongs = 0;
  const socket = new WebSocket(url, plan.protocols, { headers: plan.headers, perMessageDeflate: plan.compression, maxPayload: 32 << 20, ca: plan.ca && fs.readFileSync(plan.ca) });
  socket.on('open', () => { events.push(['open', socket.protocol, socket.extensions]); wake(); });
  socket.on('message', (data, isBinary) => { inbox.push([isBinary ? 'binary' : 'text', data]); wake(); });
  socket.on('pong', (data) => { if (data.toString() === 'are you there') pongs += 1; wake(); });
  socket.on('unexpected-response', (_, response) => { end = ['refused', response.statusCode]; socket.on('error', () => {}); socket.terminate(); wake(); });
  socket.on('error', (error) => { end ??= ['failed', error.message]; wake(); });
  socket.on('close', (code, reason) => { end ??= ['closed', code, reason.toString().split(' ')[0]]; wake(); });
  const until = async (ready) => { while (!ready() && !end) await new Promise((resolve) => { wake = resolve; }); };
  const next = async () => { await until(() => inbox.length); return inbox.shift(); };

  await until(() => socket.readyState === WebSocket.OPEN);
  for (const [what, ...args] of plan.steps) {
    if (end && !inbox.length) break;
    if (what === 'send') {
      const [kind, base64, size] = args;
      const bytes = Buffer.from(base64, 'base64');
      const binary = kind === 'binary';
      if (!size) socket.send(bytes, { binary });
      for (let at = 0; size && at < bytes.length; at += size) socket.send(bytes.subarray(at, at + size), { binary, fin: at + size >= bytes.length });
    } else if (what === 'receive') {
      const got = await next();
      if (got) events.push([got[0], got[1].length, crypto.createHash('sha256').update(got[1]).digest('hex')]);
    } else if (what === 'until') {
      let got;
      do got = await next(); while (got && !got[1].includes(args[0]));
      if (got) events.push(['said', got[1].toString()]);
    } else if (what === 'ping') {
      socket.ping('are you there');
      await until(() => pongs > 0);
      if (pongs-- > 0) events.push(['pong']);
    } else if (what === 'close') {
      socket.close(...args);
    }
  }
  await until(() => false);
  events.push(end);
  return events;
}
