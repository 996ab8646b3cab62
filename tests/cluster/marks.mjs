// What the faults write into the record beside what they do, so that the judge knows what they excuse, and what has to be
// noticed:
//
//     mute, unmute { node }       the clients of this node can hear nothing
//     deaf, heard { node }        this node misses what others do
//     spare, spared { most }      in between, at most so many nodes are red at once
//     loss { rooms }              what was acknowledged until now may be gone: 'durable' or 'other' rooms
//     anew { rooms }              these may begin a new epoch, and lose nothing
import { setTimeout as pause } from 'node:timers/promises';
import { NODES } from './cluster.mjs';

const SETTLED_MS = 300;     // for answers that were under way
const SEEN_MS = 600;        // for a look at each node, however short the fault was

export const everyone = [...Array(NODES).keys()];
export const anyone = (c) => c.pick(NODES);
export const spell = (c, least, more) => pause(least + c.pick(more));

export async function deaf(c, nodes, act) {
  for (const node of nodes) c.recorder.mark('deaf', { node });
  await act();
  for (const node of nodes) c.recorder.mark('heard', { node });
}
export async function mute(c, node, act) {
  c.recorder.mark('mute', { node });
  await act();
  c.recorder.mark('unmute', { node });
}
export async function spare(c, most, act) {
  c.recorder.mark('spare', { most, fault: c.fault });
  await act();
  await pause(SEEN_MS);
  c.recorder.mark('spared');
}
export async function loss(c, rooms) {
  await pause(SETTLED_MS);
  c.recorder.mark('loss', { rooms });
}
export const anew = (c, rooms) => c.recorder.mark('anew', { rooms });
