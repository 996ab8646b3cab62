// Small words for building nodes. Text is always text: nothing here parses HTML.

export const $ = (id) => document.getElementById(id);

// h('p', { class: 'note', onclick: fn, hidden: true }, 'text', node, …)
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== 'string') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// A sentence as nodes: what stands between back quotes is what one types.
export function prose(text) {
  const parts = text.split('`');
  if (parts.length % 2 === 0) return [text];
  return parts.map((part, i) => (i % 2 === 1 ? h('code', {}, part) : part));
}

export function copyButton(text, label = 'Copy', look = 'link') {
  const button = h('button', { type: 'button', class: look }, label);
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select and copy it';
    }
    setTimeout(() => { button.textContent = label; }, 2_000);
  });
  return button;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const timeOf = (date) => clock.format(date);
export const fullTimeOf = (date) => full.format(date);
export function dayOf(date, today = new Date()) {
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return date.getFullYear() === today.getFullYear() ? day.format(date) : dayYear.format(date);
}

// Words that change with the time, for as long as they stand on the page. A screen
// reader reads them when it comes there, not every second.
export function ticking(words, properties = {}) {
  const node = h('span', { class: 'figures', role: 'timer', 'aria-live': 'off', ...properties }, words());
  const timer = setInterval(() => {
    if (!node.isConnected) clearInterval(timer);
    else node.textContent = words();
  }, 1_000);
  return node;
}

// Hands a text to the person as a file.
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// rows of booleans (qr.mjs) as a picture, with the quiet zone that scanners need.
export function qrPicture(rows, label) {
  const space = 'http://www.w3.org/2000/svg';
  const size = rows.length + 8;
  const svg = document.createElementNS(space, 'svg');
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': label, class: 'qr', 'shape-rendering': 'crispEdges' })) svg.setAttribute(name, value);
  const cells = document.createElementNS(space, 'path');
  cells.setAttribute('d', rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x + 4} ${y + 4}h1v1h-1z`] : []))).join(''));
  svg.append(cells);
  return svg;
}

// One dialog at a time; Escape and the backdrop close it, focus goes back.
export function openDialog(title, ...content) {
  const dialog = $('dialog');
  if (dialog.open) dialog.close();
  dialog.className = '';
  dialog.oncancel = null;
  dialog.onclose = () => { if (!dialog.open) dialog.replaceChildren(); }; // nothing secret stays behind
  dialog.replaceChildren(h('h2', { id: 'dialog-title' }, title), ...content.flat().filter(Boolean));
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };
  dialog.showModal();
  return dialog;
}
export const closeDialog = () => $('dialog').close();
