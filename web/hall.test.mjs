import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceWords } from './hall.mjs';

test('a User-Agent becomes what its owner would say', () => {
  assert.equal(deviceWords('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36'), 'Chrome on Linux');
  assert.equal(deviceWords('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'), 'Safari on iPhone');
  assert.equal(deviceWords('a telephone'), 'a telephone');
  assert.equal(deviceWords(''), 'A program');
});
