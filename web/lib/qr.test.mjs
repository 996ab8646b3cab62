// The codes are read back as a scanner would, up to the error correction, which
// must find nothing to correct.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MASKS, alignments, codewords, formatBits, frame, layout, multiply, path, qr } from './qr.mjs';

function read(dark) {
  const version = (dark.length - 17) / 4;
  const { taken } = frame(version);
  let format = 0;
  for (let i = 0; i < 8; i += 1) format |= (dark[8][dark.length - 1 - i] ? 1 : 0) << i;
  for (let i = 8; i < 15; i += 1) format |= (dark[dark.length - 15 + i][8] ? 1 : 0) << i;
  const mask = MASKS.findIndex((_, m) => formatBits(m) === format);
  assert.notEqual(mask, -1, 'the format is one of level M');
  const bits = [...path(dark.length, taken)].map(([x, y]) => (dark[y][x] !== MASKS[mask](x, y) ? 1 : 0));
  const words = Array.from({ length: codewords(version) }, (_, i) => bits.slice(i * 8, i * 8 + 8).reduce((byte, bit) => byte << 1 | bit, 0));
  const { blocks, ecc, data } = layout(version);
  const sizes = Array.from({ length: blocks }, (_, b) => Math.floor(data / blocks) + (b >= blocks - data % blocks ? 1 : 0));
  const parts = sizes.map(() => []);
  for (let i = 0; i <= Math.floor(data / blocks); i += 1) for (let b = 0; b < blocks; b += 1) if (i < sizes[b]) parts[b].push(words.shift());
  const all = parts.map((part) => [...part]);
  for (let i = 0; i < ecc; i += 1) for (let b = 0; b < blocks; b += 1) all[b].push(words.shift());
  for (const block of all) {
    for (let i = 0, root = 1; i < ecc; i += 1, root = multiply(root, 2)) assert.equal(block.reduce((sum, word) => multiply(sum, root) ^ word, 0), 0, 'a syndrome is zero');
  }
  const stream = parts.flat();
  const nibbles = stream.flatMap((byte) => [byte >> 4, byte & 15]);
  assert.equal(nibbles.shift(), 4, 'bytes');
  let length = 0;
  for (let i = 0; i < (version < 10 ? 2 : 4); i += 1) length = length * 16 + nibbles.shift();
  return new TextDecoder().decode(Uint8Array.from({ length }, () => nibbles.shift() << 4 | nibbles.shift()));
}

test('what is written is read back without an error, in every version', () => {
  const seen = new Set();
  for (let length = 1; length <= 412; length += 7) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode(33 + (i * 31 + length) % 90)).join('');
    const dark = qr(text);
    seen.add((dark.length - 17) / 4);
    assert.equal(read(dark), text);
  }
  assert.deepEqual([...seen], Array.from({ length: 15 }, (_, i) => i + 1));
});

test('names in any script, and no code for what is too long', () => {
  const uri = 'otpauth://totp/Foyer:J%C3%B6rg?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Foyer';
  assert.equal(read(qr(uri)), uri);
  assert.equal(read(qr('Jörg – 山田')), 'Jörg – 山田');
  assert.equal(qr('x'.repeat(413)), null);
});

test('the tables of the standard: format of mask 5, alignment of version 7 and 14', () => {
  assert.equal(formatBits(5).toString(2).padStart(15, '0'), '100000011001110');
  assert.deepEqual([alignments(1), alignments(2), alignments(7), alignments(14)], [[], [6, 18], [6, 22, 38], [6, 26, 46, 66]]);
});
