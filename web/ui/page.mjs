// The composition root of the page: session, connection, chat and views, and which
// of them is on the screen. The address names the room (`#tea`), never a credential.
import { $, closeDialog, h, timeOf } from '../lib/dom.mjs';
import { AccountPanel } from './account_panel.mjs';
import { Arrival } from './arrival.mjs';
import { Chat } from '../page/chat.mjs';
import { FoyerError, connect } from '../core/index.mjs';
import { Hall, hrefOf } from './hall.mjs';
import { atHome } from '../page/home.mjs';
import { Notice, loginHelps } from './notice.mjs';
import { isPassing } from '../core/refusal.mjs';
import { openRelogin } from './relogin.mjs';
import { RoomView } from './room_view.mjs';
import { Session } from '../page/session.mjs';
import { awayWords } from '../lib/words.mjs';

const session = new Session();
const client = connect({
  url: atHome('/'), start: false,
  token: async ({ again }) => {
    const refused = again || !session.token() ? await session.renew() : null;
    if (refused) throw new FoyerError(refused);
    return session.token();
  },
});
const { connection, world } = client;
const chat = new Chat(client, {
  ...world,
  remembered: (id) => { try { return JSON.parse(localStorage.getItem(`foyer.rooms.${id}`)) ?? []; } catch { return []; } },
  remember: (id, names) => { try { localStorage.setItem(`foyer.rooms.${id}`, JSON.stringify(names)); } catch { /* private mode */ } },
});

const arrival = new Arrival(session, world, () => enter());
const hall = new Hall(chat, { go: (name) => { if (name) location.hash = hrefOf(name); else if (location.hash) location.hash = ''; else route(); } });
const panel = new AccountPanel(session, world, {
  signOut: async () => { connection.stop(); const unheard = await session.end(); forgetAddress(); leave(); arrival.unheard(unheard); },
  signOutEverywhere: async (account) => {
    connection.stop(); // its end is not news to this window
    const { refusal } = await account.endAll();
    if (refusal && refusal.status !== 401) { connection.start(); return refusal; }
    session.forget();
    forgetAddress();
    leave();
    arrival.tell('You have been signed out everywhere.');
    return null;
  },
  leaveWindow: () => { session.leaveWindow(); forgetAddress(); leave(); },
});
const notice = new Notice({
  login: () => logInAgain(),
  leave: () => { session.forget(); leave(); },
  again: () => connection.start(),
  now: () => (connection.phase === 'online' ? connection.renewNow() : connection.retryNow()),
});
const logInAgain = () => {
  if (!session.byToken) return openRelogin(session, world, { done: () => connection.restart(), leave: () => { session.forget(); leave(); } });
  const { over } = session; // only another token goes on
  session.forget();
  leave(over);
};
$('account').addEventListener('click', () => (session.over ? logInAgain() : panel.open()));

const view = new RoomView(chat, connection, {
  person: (user) => hall.person(user),
  invite: (room) => hall.invite(room),
  delete: (room, message) => hall.confirmDelete(room, message),
});

function enter() {
  arrival.hide();
  $('hall').hidden = false;
  $('account-name').textContent = session.user.name;
  connection.start();
  hall.drawRooms();
  route();
}

function leave(refusal = null) {
  connection.stop();
  chat.forget();
  view.clear();
  $('hall').hidden = true;
  if ($('dialog').open) closeDialog();
  notice.draw(connection);
  arrival.show(refusal);
}

// The next person in this window does not begin in the room of the one before.
function forgetAddress() { history.replaceState(null, '', location.pathname); }

// The hash names the room; without one a phone shows the list, a desktop the first room.
function route() {
  if (!session.user) return;
  let name = '';
  try { name = decodeURIComponent(location.hash.slice(1)); } catch { /* not a name of ours */ }
  const wide = matchMedia('(min-width: 720px)').matches;
  if (!name && wide && chat.rooms.size) {
    const rooms = [...chat.rooms.values()];
    name = (rooms.find((r) => r.kind === 'public') ?? rooms.find((r) => r.kind !== 'own') ?? rooms[0]).name;
    history.replaceState(null, '', hrefOf(name)); // a reload opens the same one
  }
  $('hall').dataset.pane = name ? 'room' : 'list';
  document.title = 'Foyer';
  if (!name || !chat.me) {
    chat.current = name;
    view.clear();
    $('room-title').textContent = '';
    $('messages').replaceChildren();
    drawLine();
    return;
  }
  const known = chat.rooms.get(name);
  if (known && chat.current === name && shown === known) return;
  chat.current = name;
  if (!known) {
    chat.join(name); // creates the row at once; the verdict follows
  }
  const room = chat.rooms.get(name);
  shown = room;
  view.show(room);
  hall.drawPeople(room);
  hall.drawRooms();
  drawLine();
}
let shown = null;

window.addEventListener('hashchange', route);
$('back').addEventListener('click', () => { location.hash = ''; });

chat.onChange((name, what) => {
  if (!session.user || !chat.me) return;
  if (name === null) {
    hall.drawRooms();
    if (!shown) route();
    return;
  }
  // Only a room that was on the screen and left the list changes the address: one that is not in
  // the list yet is still to come.
  if (what === 'gone') {
    if (shown?.name === name) {
      shown = null;
      location.hash ? location.hash = '' : route();
    }
    return;
  }
  if (what === 'state' || what === 'people' || what === 'joined') hall.drawRooms();
  if (name !== chat.current) return;
  const room = chat.rooms.get(name);
  if (room && (what === 'people' || what === 'joined' || what === 'state')) hall.drawPeople(room);
  view.changed(what);
});

// The line: what the connection does, always to be seen.
let countdown = null;
function lineWords() {
  const { phase, because, retryAt } = connection;
  switch (phase) {
    case 'online': return ['good', 'Connected'];
    case 'connecting': case 'authenticating': case 'renewing': return ['half', because ? 'Reconnecting' : 'Connecting'];
    case 'waiting': return ['', retryAt === null ? 'Disconnected' : `Retrying in ${Math.max(0, Math.ceil((retryAt - Date.now()) / 1_000))} s`];
    case 'refused': return ['', session.over ? 'Session ended' : 'Refused'];
    default: return ['', 'Not connected'];
  }
}

function drawLine() {
  const [look, words] = lineWords();
  const now = () => connection.phase === 'waiting' && connection.retryAt !== null ? [' ', h('button', { type: 'button', class: 'link', onclick: () => connection.retryNow() }, 'Try now')] : [];
  const line = $('line');
  line.setAttribute('aria-live', connection.phase === 'waiting' ? 'off' : 'polite');
  line.replaceChildren(h('span', { class: `state ${look}` }, words), ...now());
  const strip = $('strip');
  if (connection.phase === 'online') {
    if (strip.dataset.line) { strip.replaceChildren(); delete strip.dataset.line; }
  } else {
    strip.dataset.line = 'yes';
    strip.setAttribute('aria-live', 'off');
    const why = connection.because;
    const because = connection.phase === 'waiting' && why ? ` ${awayWords(why, connection.lostAt, Date.now(), timeOf)}` : '';
    strip.replaceChildren(...now(), h('span', {}, `${words}.${because}`));
  }
}

connection.onPhase(({ phase, because }) => {
  clearInterval(countdown);
  if (phase === 'refused') {
    if (!session.user) return leave(because);
    if (loginHelps(because)) session.close(because);
  }
  if (phase === 'waiting') countdown = setInterval(drawLine, 1_000);
  drawLine();
  notice.draw(connection);
  if (chat.current && chat.rooms.has(chat.current)) view.update();
});

// The cookie of an earlier visit; while nobody can be asked about it, it is asked about again.
async function resume() {
  const { resumed, refusal } = await session.resume();
  if (resumed) enter();
  else arrival.show(refusal, refusal && isPassing(refusal) ? resume : null);
}
await resume();
