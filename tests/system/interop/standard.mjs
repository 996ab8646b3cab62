// A client in terms of the standard's WebSocket alone, so that Node, Chromium and Firefox run
// the same: this function is sent into pages as its text, and uses nothing of this file.
//
// A plan is { headers, protocols, compression, ca, steps }; ca is the file of an authority, for wss. A step is one of
//   ['send', 'text' | 'binary', BASE64, FRAGMENT]   FRAGMENT: bytes of each fragment, 0 for one frame
//   ['receive']          the next message
//   ['until', TEXT]      messages until one holds TEXT; it alone is reported, in full
//   ['ping']             a Ping, and its Pong
//   ['close', CODE, REASON]
//   ['closed']           wait until the server closes
// What happened comes back as a list of
//   ['open', SUBPROTOCOL, EXTENSIONS]   ['text' | 'binary', LENGTH, SHA256]   ['said', TEXT]
//   ['pong']   ['closed', CODE, FIRST WORD OF REASON]   ['refused', HTTP STATUS]
// A step that an interface does not have is left out by whoever makes the plan.
export async function play(url, plan) {
  const events = [];
  const inbox = [];
  let wake = () => {};
  const socket = plan.headers ? new WebSocket(url, { protocols: plan.protocols, headers: plan.headers }) : new WebSocket(url, plan.protocols);
  socket.binaryType = 'arraybuffer';
  let end = null;
  let failed = false;
  socket.onopen = () => { events.push(['open', socket.protocol, socket.extensions]); wake(); };
  socket.onmessage = ({ data }) => { inbox.push(data); wake(); };
  socket.onerror = () => { failed = true; if (!events.length) end = ['closed', 1006, '']; wake(); }; // of a failed handshake Node says no more than this
  socket.onclose = ({ code, reason }) => { end = ['closed', code, reason.split(' ')[0]]; wake(); };
  const until = async (ready) => { while (!ready() && !end) await new Promise((resolve) => { wake = resolve; }); };
  const next = async () => { await until(() => inbox.length); return inbox.shift(); };
  const digest = async (bytes) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

  await until(() => socket.readyState === 1);
  for (const [what, ...args] of plan.steps) {
    if (end && !inbox.length) break;
    if (what === 'send') {
      const bytes = Uint8Array.from(atob(args[1]), (c) => c.charCodeAt(0));
      socket.send(args[0] === 'text' ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) : bytes);
    } else if (what === 'receive') {
      const data = await next();
      if (data === undefined) break;
      const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
      events.push([typeof data === 'string' ? 'text' : 'binary', bytes.length, await digest(bytes)]);
    } else if (what === 'until') {
      let data;
      do data = await next(); while (data !== undefined && !data.includes(args[0]));
      if (data !== undefined) events.push(['said', data]);
    } else if (what === 'close') {
      socket.close(...args);
    }
  }
  await until(() => false);
  // Why a handshake failed is told to nobody here (WHATWG); it is 1006 after an error.
  events.push(failed && events.length === 0 ? ['refused', null] : end);
  return events;
}
