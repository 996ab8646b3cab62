// Are two lists of times, taken in pairs, from one distribution?

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// The area of the normal distribution beyond ±z (Abramowitz and Stegun 26.2.17).
function twoSided(z) {
  const x = Math.abs(z);
  const t = 1 / (1 + 0.2316419 * x);
  const tail = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.min(1, 2 * tail);
}

// By the normal approximation, with ties; for twenty values each and more.
export function mannWhitney(a, b) {
  const all = [...a.map((value) => ({ value, first: true })), ...b.map((value) => ({ value, first: false }))].sort((x, y) => x.value - y.value);
  let ranks = 0;
  let ties = 0;
  for (let i = 0; i < all.length; ) {
    let j = i;
    while (j < all.length && all[j].value === all[i].value) ++j;
    const rank = (i + j + 1) / 2;
    for (let k = i; k < j; ++k) if (all[k].first) ranks += rank;
    ties += (j - i) ** 3 - (j - i);
    i = j;
  }
  const n = all.length;
  const u = ranks - (a.length * (a.length + 1)) / 2;
  const deviation = Math.sqrt(((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1))));
  return { p: deviation === 0 ? 1 : twoSided((u - (a.length * b.length) / 2) / deviation), superiority: u / (a.length * b.length) };
}

// Within each pair it is a coin that says which is which: how often is the difference of the medians as large?
export function permutation(a, b, rounds = 2000, random = Math.random) {
  const seen = Math.abs(median(a) - median(b));
  let asLarge = 0;
  for (let round = 0; round < rounds; ++round) {
    const x = [];
    const y = [];
    for (let i = 0; i < a.length; ++i) {
      const swap = random() < 0.5;
      x.push(swap ? b[i] : a[i]);
      y.push(swap ? a[i] : b[i]);
    }
    if (Math.abs(median(x) - median(y)) >= seen) ++asLarge;
  }
  return (asLarge + 1) / (rounds + 1);
}

export function compare(a, b) {
  const { p, superiority } = mannWhitney(a, b);
  return { medianA: median(a), medianB: median(b), difference: median(a) - median(b), mannWhitney: p, superiority, permutation: permutation(a, b) };
}
