// axe-core over a page as it stands: what a screen reader, a keyboard or weak eyes would stumble over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './foyer.mjs';

const source = fs.readFileSync(path.join(ROOT, 'tests/system/node_modules/axe-core/axe.min.js'), 'utf8');

// Fails with the rules that are broken and where. `state` says what is on the screen.
export async function accessible(page, state) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(source);
  const violations = await page.evaluate(async () => (await globalThis.axe.run(document, { resultTypes: ['violations'] })).violations
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`));
  assert.deepEqual(violations, [], state);
}
