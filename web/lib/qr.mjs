// A QR code (ISO/IEC 18004) for the address of a second factor: bytes, error
// correction level M, versions 1 to 15 (up to 412 bytes), which is all that it needs.
//
// qr('otpauth://…') → rows of booleans, true is dark; null when the text is too long.

const ECC_PER_BLOCK = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10];
const FORMAT_LEVEL_M = 0;

// GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1
const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i += 1, x = (x << 1) ^ (x & 0x80 ? 0x11d : 0)) {
  EXP[i] = EXP[i + 255] = x;
  LOG[x] = i;
}
export const multiply = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

// Remainder of data·x^degree by (x-1)(x-2)(x-4)…
function errorCorrection(data, degree) {
  let generator = [1];
  for (let i = 0; i < degree; i += 1) generator = [...generator, 0].map((c, j) => c ^ multiply(generator[j - 1] ?? 0, EXP[i]));
  const rest = [...data, ...new Array(degree).fill(0)];
  for (let i = 0; i < data.length; i += 1) {
    const factor = rest[i];
    for (let j = 0; j <= degree; j += 1) rest[i + j] ^= multiply(generator[j], factor);
  }
  return rest.slice(data.length);
}

// Modules that carry data and error correction, in a symbol of this version.
function rawModules(version) {
  const aligns = version < 2 ? 0 : Math.floor(version / 7) + 2;
  return (16 * version + 128) * version + 64 - (aligns ? (25 * aligns - 10) * aligns - 55 : 0) - (version >= 7 ? 36 : 0);
}
export const codewords = (version) => Math.floor(rawModules(version) / 8);
export const layout = (version) => ({ blocks: BLOCKS[version], ecc: ECC_PER_BLOCK[version], data: codewords(version) - BLOCKS[version] * ECC_PER_BLOCK[version] });

export function alignments(version) {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const last = version * 4 + 10;
  const step = Math.ceil((last - 6) / (count - 1) / 2) * 2;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - step * (count - 2 - i))];
}

function packed(bytes, version, capacity) {
  const bits = [];
  const put = (value, length) => { for (let i = length - 1; i >= 0; i -= 1) bits.push((value >> i) & 1); };
  put(4, 4); // bytes
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, capacity * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const out = [];
  for (let i = 0; i < bits.length; i += 8) out.push(bits.slice(i, i + 8).reduce((byte, bit) => byte << 1 | bit, 0));
  for (let pad = 0xec; out.length < capacity; pad ^= 0xec ^ 0x11) out.push(pad);
  return out;
}

// Blocks of data, each with its error correction, one codeword of each in turn.
function interleaved(data, version) {
  const { blocks, ecc } = layout(version);
  const short = Math.floor(data.length / blocks);
  const firstLong = blocks - data.length % blocks;
  const parts = [];
  for (let i = 0, at = 0; i < blocks; i += 1) {
    const size = short + (i >= firstLong ? 1 : 0);
    parts.push(data.slice(at, at += size));
  }
  const checks = parts.map((part) => errorCorrection(part, ecc));
  const turns = (lists, length) => Array.from({ length }, (_, i) => lists.flatMap((list) => (i < list.length ? [list[i]] : []))).flat();
  return [...turns(parts, short + 1), ...turns(checks, ecc)];
}

export const MASKS = [
  (x, y) => (x + y) % 2 === 0, (x, y) => y % 2 === 0, (x) => x % 3 === 0, (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0, (x, y) => (x * y) % 2 + (x * y) % 3 === 0,
  (x, y) => ((x * y) % 2 + (x * y) % 3) % 2 === 0, (x, y) => ((x + y) % 2 + (x * y) % 3) % 2 === 0,
];

// value followed by its BCH remainder
const withRemainder = (value, generator, degree) => {
  let rest = value << degree;
  for (let bit = 31 - Math.clz32(rest | 1); bit >= degree; bit = 31 - Math.clz32(rest | 1)) rest ^= generator << (bit - degree);
  return value << degree | rest;
};
export const formatBits = (mask) => withRemainder(FORMAT_LEVEL_M << 3 | mask, 0x537, 10) ^ 0x5412;

// The patterns that carry no data: { dark, taken }, each size × size.
export function frame(version) {
  const size = version * 4 + 17;
  const dark = Array.from({ length: size }, () => new Array(size).fill(false));
  const taken = Array.from({ length: size }, () => new Array(size).fill(false));
  const set = (x, y, value) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return;
    dark[y][x] = value;
    taken[y][x] = true;
  };
  for (let i = 0; i < size; i += 1) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy += 1) for (let dx = -4; dx <= 4; dx += 1) {
      const ring = Math.max(Math.abs(dx), Math.abs(dy));
      set(cx + dx, cy + dy, ring !== 2 && ring !== 4);
    }
  }
  const at = alignments(version);
  for (const cy of at) for (const cx of at) {
    const corner = (cx === 6 && cy === 6) || (cx === 6 && cy === size - 7) || (cx === size - 7 && cy === 6);
    if (corner) continue;
    for (let dy = -2; dy <= 2; dy += 1) for (let dx = -2; dx <= 2; dx += 1) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
  }
  if (version >= 7) {
    const bits = withRemainder(version, 0x1f25, 12);
    for (let i = 0; i < 18; i += 1) {
      const [a, b] = [size - 11 + i % 3, Math.floor(i / 3)];
      set(a, b, (bits >> i & 1) === 1);
      set(b, a, (bits >> i & 1) === 1);
    }
  }
  const format = (mask) => {
    const bits = formatBits(mask);
    const bit = (i) => (bits >> i & 1) === 1;
    for (let i = 0; i < 6; i += 1) set(8, i, bit(i));
    set(8, 7, bit(6));
    set(8, 8, bit(7));
    set(7, 8, bit(8));
    for (let i = 9; i < 15; i += 1) set(14 - i, 8, bit(i));
    for (let i = 0; i < 8; i += 1) set(size - 1 - i, 8, bit(i));
    for (let i = 8; i < 15; i += 1) set(8, size - 15 + i, bit(i));
    set(8, size - 8, true);
  };
  format(0);
  return { size, dark, taken, format };
}

// The cells of the data, in the order of its bits: pairs of columns, up and down.
export function* path(size, taken) {
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    const upward = ((right + 1) & 2) === 0;
    for (let i = 0; i < size; i += 1) for (const x of [right, right - 1]) {
      const y = upward ? size - 1 - i : i;
      if (!taken[y][x]) yield [x, y];
    }
  }
}

// What makes a symbol hard to read: runs, blocks, false finders, imbalance (§7.8.3).
function penalty(dark) {
  const size = dark.length;
  let points = 0;
  const lines = [...dark, ...dark.map((_, x) => dark.map((row) => row[x]))];
  for (const line of lines) {
    const text = line.map((d) => (d ? '1' : '0')).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2;
    for (const finder of ['10111010000', '00001011101']) for (let at = text.indexOf(finder); at >= 0; at = text.indexOf(finder, at + 1)) points += 40;
  }
  for (let y = 1; y < size; y += 1) for (let x = 1; x < size; x += 1) {
    const d = dark[y][x];
    if (d === dark[y][x - 1] && d === dark[y - 1][x] && d === dark[y - 1][x - 1]) points += 3;
  }
  const share = dark.flat().filter(Boolean).length / (size * size);
  return points + Math.floor(Math.abs(share * 20 - 10)) * 10;
}

export function qr(text) {
  const bytes = new TextEncoder().encode(text);
  const fits = (version) => 4 + (version < 10 ? 8 : 16) + bytes.length * 8 <= layout(version).data * 8;
  const version = BLOCKS.findIndex((_, v) => v > 0 && fits(v));
  if (version < 0) return null;
  const words = interleaved(packed(bytes, version, layout(version).data), version);
  const { size, dark, taken, format } = frame(version);
  let index = 0;
  const cells = [...path(size, taken)];
  for (const [x, y] of cells) {
    dark[y][x] = index < words.length * 8 && (words[index >> 3] >> (7 - (index & 7)) & 1) === 1;
    index += 1;
  }
  const masked = (mask) => { for (const [x, y] of cells) if (MASKS[mask](x, y)) dark[y][x] = !dark[y][x]; };
  let best = { points: Infinity, mask: 0 };
  for (let mask = 0; mask < 8; mask += 1) {
    masked(mask);
    format(mask);
    const points = penalty(dark);
    if (points < best.points) best = { points, mask };
    masked(mask);
  }
  masked(best.mask);
  format(best.mask);
  return dark;
}
