// Things of the account in words: a device, a session's times, a time that is left.
// Pure functions; `now` and the formats enter as arguments.

// A User-Agent in words that its owner recognises.
export function deviceWords(agent = '') {
  const first = (table) => table.find(([mark]) => agent.includes(mark))?.[1];
  const browser = first([['Edg/', 'Edge'], ['EdgA/', 'Edge'], ['OPR/', 'Opera'], ['SamsungBrowser/', 'Samsung Internet'], ['Firefox/', 'Firefox'], ['FxiOS/', 'Firefox'], ['CriOS/', 'Chrome'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari'], ['Version/', 'Safari'], ['Mozilla/', 'A browser']]);
  const system = first([['iPhone', 'iPhone'], ['iPad', 'iPad'], ['Android', 'Android'], ['Windows', 'Windows'], ['CrOS', 'ChromeOS'], ['Mac OS', 'Mac'], ['Linux', 'Linux']]);
  if (browser) return system ? `${browser} on ${system}` : browser;
  if (agent.startsWith('foyer')) return 'foyer chat in a terminal';
  return agent.slice(0, 60) || 'A program';
}

// "just now", "5 minutes ago", "3 hours ago"; older than a day: the date.
export function agoWords(date, now, dateWords) {
  const minutes = Math.floor((now - date) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours === 1 ? 'an hour ago' : `${hours} hours ago`;
  return dateWords(date);
}

// What is left of a wait or of a session: "4 min 5 s", "42 s".
export function leftWords(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
}

// Why there is no connection. What a server says as it goes is news for a minute: after that it is
// simply away, and since when is what helps.
export function awayWords(because, lostAt, now, timeWords) {
  const away = because.heard === 'nothing' || because.code === 'DRAINING' || because.status === 1001;
  if (away && now - lostAt >= 60_000) return `The server has not been reachable since ${timeWords(new Date(lostAt))}.`;
  if (because.code === 'DRAINING') return 'The server is about to restart.';
  return because.message || because.code;
}

// A secret as people copy it by hand: groups of four.
export const inGroups = (secret) => secret.replace(/\s+/g, '').match(/.{1,4}/g)?.join(' ') ?? '';

// A code as it was typed: authenticators show "123 456", people type it so.
export const plainCode = (typed) => (/^[\d\s]+$/.test(typed) ? typed.replace(/\s+/g, '') : typed.trim());

export const codesLeftWords = (count) => (count === 0 ? 'No recovery codes left' : count === 1 ? 'One recovery code left' : `${count} recovery codes left`);
