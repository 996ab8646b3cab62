// The command line of the checker: see README.md.
import fs from 'node:fs';
import { parseArgs } from 'node:util';
import { BIN } from '../system/support/foyer.mjs';
import { Postgres } from '../system/support/postgres.mjs';
import { tried } from './corrupt.mjs';
import { FAULTS } from './faults.mjs';
import { BOUNDS, play, stage } from './history.mjs';

const OFTEN = (fault) => ['kill-gateway', 'promote'].includes(fault) || fault.startsWith('sentinel-');
const { values: options } = parseArgs({ options: {
  all: { type: 'boolean' }, corrupt: { type: 'boolean' }, summary: { type: 'boolean' }, fault: { type: 'string' }, mode: { type: 'string' }, seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '5' }, often: { type: 'string', default: '20' }, file: { type: 'string', default: 'build/cluster.jsonl' }, clients: { type: 'string', default: '40' },
} });

const lines = () => (fs.existsSync(options.file) ? fs.readFileSync(options.file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line)) : []);

function wanted() {
  const out = [];
  const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);
  const deepest = Number(options.often);
  for (const seed of range(1, Math.max(deepest, Number(options.seeds)))) {
    for (const [fault, { modes }] of Object.entries(FAULTS)) {
      if (seed > Number(OFTEN(fault) ? options.often : options.seeds)) continue;
      for (const mode of modes) out.push({ fault, mode, seed });
    }
  }
  return out.filter((each) => (!options.fault || each.fault === options.fault) && (!options.mode || each.mode === options.mode));
}

function summary() {
  const rows = new Map();
  for (const line of lines()) {
    const name = `${line.fault} | ${line.mode}`;
    const row = rows.get(name) ?? { histories: 0, messages: 0, compared: 0, lag: 0, broken: 0, failed: 0 };
    row.histories += 1;
    row.messages += line.sent ?? 0;
    row.compared += line.compared ?? 0;
    row.lag = Math.max(row.lag, line.lag ?? 0);
    row.broken += Object.values(line.broken ?? {}).flat().length;
    row.failed += line.error ? 1 : 0;
    rows.set(name, row);
  }
  const all = [...rows.values()].reduce((sum, row) => ({ histories: sum.histories + row.histories, messages: sum.messages + row.messages, compared: sum.compared + row.compared, lag: Math.max(sum.lag, row.lag), broken: sum.broken + row.broken, failed: sum.failed + row.failed }),
    { histories: 0, messages: 0, compared: 0, lag: 0, broken: 0, failed: 0 });
  console.log('| fault | mode | histories | acknowledged | deliveries compared | longest delay, ms | violations | without an end |\n|---|---|---|---|---|---|---|---|');
  for (const [name, r] of [...rows, ['all |', all]]) console.log(`| ${name} | ${r.histories} | ${r.messages} | ${r.compared} | ${r.lag} | ${r.broken} | ${r.failed} |`);
}

// The record, and what the gateways logged since they were last started.
function keep(folder, { record, cluster }) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(`${folder}/record`, record.map((e) => JSON.stringify(e)).join('\n'));
  cluster.gateways.forEach((node, i) => fs.writeFileSync(`${folder}/${i}.log`, node.text));
}

async function one(shared, { fault, mode, seed }) {
  const t = stage();
  const kept = {};
  let line;
  try {
    const { record, ...seen } = await play(t, { fault, mode, seed, clients: Number(options.clients), server: shared, kept });
    line = { fault, mode, seed, bin: BIN, ...seen };
    if (options.corrupt) for (const { rule, name, noticed } of tried(record, BOUNDS)) console.log(`${noticed ? 'noticed' : 'UNNOTICED'} ${rule}: ${name}`);
  } catch (error) {
    line = { fault, mode, seed, bin: BIN, error: String(error.stack).slice(0, 2_000) };
  }
  const good = !line.error && Object.keys(line.broken).length === 0;
  if (!good) keep(`${options.file}.${fault}.${mode}.${seed}`, kept);
  await t.end().catch((error) => { line.error = `${line.error ?? ''} at the end: ${error.stack}`; });
  for (const rule of Object.keys(line.broken ?? {})) line.broken[rule] = line.broken[rule].slice(0, 10);
  fs.appendFileSync(options.file, `${JSON.stringify(line)}\n`);
  console.log(`${good ? 'good ' : 'WRONG'} --fault ${fault} --mode ${mode} --seed ${seed}: ${good ? `${line.sent} acknowledged, ${line.compared} deliveries, longest ${line.lag} ms, ${line.seconds} s` : JSON.stringify(line.error ?? line.broken).slice(0, 1_500)}`);
  return good;
}

async function main() {
  if (options.summary) return summary();
  const done = new Set(lines().map((line) => `${line.fault} ${line.mode} ${line.seed}`));
  const fault = options.fault ?? 'none';
  const single = { fault, mode: options.mode ?? (FAULTS[fault].modes.includes('redis') ? 'redis' : FAULTS[fault].modes[0]), seed: Number(options.seed) };
  const histories = options.all ? wanted().filter((h) => !done.has(`${h.fault} ${h.mode} ${h.seed}`)) : [single];
  console.log(`${histories.length} histories with ${BIN}, into ${options.file}`);
  const scope = stage();
  const shared = await Postgres.start(scope);
  let wrong = 0;
  for (const each of histories) wrong += (await one(shared, each)) ? 0 : 1;
  await scope.end();
  process.exitCode = wrong ? 1 : 0;
  return undefined;
}

await main();
process.exit();
