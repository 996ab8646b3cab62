import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agoWords, codesLeftWords, deviceWords, inGroups, leftWords, plainCode, awayWords } from './words.mjs';

test('a User-Agent becomes what its owner would say', () => {
  for (const [agent, words] of [
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36', 'Chrome on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0', 'Edge on Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1', 'Safari on iPhone'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/150.0 Mobile/15E148 Safari/604.1', 'Chrome on iPhone'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Mac'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mob', 'Safari on iPhone'], // cut off by the server
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64)', 'A browser on Windows'],
    ['foyer/0.1.0', 'foyer chat in a terminal'],
    ['a telephone', 'a telephone'],
    ['', 'A program'],
  ]) assert.equal(deviceWords(agent), words);
});

test('what was a while ago is told in minutes and hours, what is older by its date', () => {
  const now = new Date('2030-05-05T12:00:00Z');
  const ago = (ms) => agoWords(new Date(now - ms), now, () => 'the date');
  assert.deepEqual([0, 61_000, 600_000, 3_600_000, 10_800_000, 86_400_000].map(ago), ['just now', 'a minute ago', '10 minutes ago', 'an hour ago', '3 hours ago', 'the date']);
  assert.equal(ago(-5_000), 'just now', 'the clocks of two machines differ');
});

test('what is left counts down to nothing and never below', () => {
  assert.deepEqual([3_900_000, 245_000, 120_000, 41_200, 0, -5_000].map(leftWords), ['1 h 5 min', '4 min 5 s', '2 min', '42 s', '0 s', '0 s']);
});

test('a server that announced a restart is just away when it stays away', () => {
  const time = () => '14:03';
  const draining = { code: 'DRAINING', message: 'The server is shutting down for a restart; reconnect in a moment.', heard: 'foyer', status: 1001 };
  const silent = { code: '', message: 'The server does not answer.', heard: 'nothing', status: 0 };
  const full = { code: 'CONNECTION_LIMIT', message: 'The server is full at the moment.', heard: 'foyer', status: 4503 };
  assert.equal(awayWords(draining, 0, 59_000, time), 'The server is about to restart.');
  assert.equal(awayWords(draining, 0, 60_000, time), 'The server has not been reachable since 14:03.');
  assert.equal(awayWords(silent, 0, 1_000, time), 'The server does not answer.');
  assert.equal(awayWords(silent, 0, 90_000, time), 'The server has not been reachable since 14:03.');
  assert.equal(awayWords(full, 0, 90_000, time), 'The server is full at the moment.');
});

test('a secret in groups; a code without its gap, a recovery code as it is', () => {
  assert.equal(inGroups('JBSWY3DPEHPK3PXPJB'), 'JBSW Y3DP EHPK 3PXP JB');
  assert.equal(plainCode(' 123 456 '), '123456');
  assert.equal(plainCode(' abcd-efgh '), 'abcd-efgh');
  assert.deepEqual([0, 1, 7].map(codesLeftWords), ['No recovery codes left', 'One recovery code left', '7 recovery codes left']);
});
