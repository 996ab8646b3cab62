// A server whose wall clock is wrong, by libfaketime; its monotonic clock stays true.
// libfaketime and the sanitizers both replace libc's functions and do not mix.
import fs from 'node:fs';
import path from 'node:path';
import { SANITIZED, temporary } from './foyer.mjs';

const library = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'].map((dir) => path.join(dir, 'faketime/libfaketimeMT.so.1')).find((file) => fs.existsSync(file));

// Why tests with a wrong clock cannot run here; false: they can.
export const noFaketime = SANITIZED ? 'a sanitized binary does not run under libfaketime' : library ? false : 'libfaketime is not installed';

// For serve() and foyer(): the clock is off by so many seconds.
export const clockOff = (seconds) => ({ LD_PRELOAD: library, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME: `${seconds >= 0 ? '+' : ''}${seconds}s` });

// A clock that is set while the server runs: `env` for serve(), set(SECONDS).
export function movableClock(t) {
  const file = path.join(temporary(t), 'clock');
  const set = (seconds) => {
    fs.writeFileSync(`${file}.new`, `${seconds >= 0 ? '+' : ''}${seconds}s\n`);
    fs.renameSync(`${file}.new`, file);
  };
  set(0);
  return { env: { LD_PRELOAD: library, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' }, set };
}

export const DAY = 86_400;
