// The package foyer-client as an application gets it: packed by npm, and installed into a project
// that has nothing else.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT, cleanEnv, temporary } from './foyer.mjs';
import { within } from './within.mjs';

export const VERSION = fs.readFileSync(path.join(ROOT, 'VERSION'), 'utf8').trim();
export const SOURCE = path.join(ROOT, 'web/core');

async function npm(cwd, ...args) {
  const env = cleanEnv({ npm_config_cache: path.join(cwd, '.npm'), npm_config_update_notifier: 'false' });
  const { stdout } = await within(`npm ${args.join(' ')}`, promisify(execFile)('npm', args, { cwd, env }), 60_000);
  return stdout;
}

// An empty project with the packed file installed, offline: { dir, tarball, list (of the files in it), module() }.
export async function project(t) {
  const dir = temporary(t);
  const [packed] = JSON.parse(await npm(dir, 'pack', SOURCE, '--json', '--pack-destination', dir));
  fs.writeFileSync(path.join(dir, 'package.json'), '{"name":"empty","version":"1.0.0","private":true,"type":"module"}');
  const tarball = `./foyer-client-${VERSION}.tgz`;
  await npm(dir, 'install', '--offline', '--no-audit', '--no-fund', tarball);
  const entry = createRequire(path.join(dir, 'index.js')).resolve('foyer-client');
  return { dir, tarball, entry, list: packed.files.map((file) => file.path).sort(), module: () => import(pathToFileURL(entry).href) };
}
