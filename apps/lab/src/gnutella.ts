/**
 * Sessions of real hosts: Gnutella in 2001, 17,125 of them over 60.7 hours
 * (Saroiu, Gummadi, Gribble, Multimedia Systems 9(2), 2003). Read where the
 * data lie beside the repository; nothing of them is in it. Hosts were probed
 * every seven minutes, so shorter sessions are mostly missed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DATA_VARIABLE } from './latency.ts';

const BESIDE = join(import.meta.dirname, '../../../../shared/data');
const FILE = 'gnutella-2001-sessions.txt.gz';

/** Sessions of one host: from and to, in milliseconds from the start of the measurement. */
export type Sessions = readonly (readonly [fromMs: number, toMs: number])[];

/** The sessions of each host that was ever seen; `undefined` where the trace is not there. */
export function gnutellaSessions(folder: string = process.env[DATA_VARIABLE] ?? BESIDE): Sessions[] | undefined {
  const file = join(folder, FILE);
  if (!existsSync(file)) return undefined;
  const lines = gunzipSync(readFileSync(file)).toString('latin1').trim().split('\n');
  return lines.map(sessionsOf).filter(sessions => sessions.length > 0);
}

/** What is left of sessions in a window, counted from its beginning. */
export function within(sessions: Sessions, fromMs: number, toMs: number): Sessions {
  return sessions
    .filter(([start, end]) => end > fromMs && start < toMs)
    .map(([start, end]) => [Math.max(0, start - fromMs), end - fromMs] as const);
}

/** `n s1 e1 ... sn en`, seconds. */
function sessionsOf(line: string): Sessions {
  const [count = 0, ...times] = line.split(' ').map(Number);
  return Array.from({ length: count }, (_, i) => [1000 * (times[2 * i] ?? 0), 1000 * (times[2 * i + 1] ?? 0)] as const);
}
