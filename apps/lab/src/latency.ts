/**
 * The latencies that scenarios run with, as a knob: measured matrices when their
 * files are at hand, else a synthetic Internet and a line that says so. The
 * files are read where they are; no copy of them belongs to the project.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type LatencyModel, matrixLatency, syntheticLatency } from '@warren/sim';

/** Names the folder with `NAME.u16.gz` files; without it, `../shared/data` beside the project is looked into. */
export const DATA_VARIABLE = 'WARREN_DATA';

const BESIDE = join(import.meta.dirname, '../../../../shared/data');

/** Round trips between measured hosts: PlanetLab's (Zhu et al. 2017), King's (Gummadi et al. 2002), WonderNetwork's cities. */
const MATRICES = { 'planetlab-490': 490, 'king-128': 128, 'wonder-239': 239 } as const;
const NAMES = ['planetlab-490', 'king-128', 'wonder-239', 'synthetic'] as const;

/** What `--latency` may be. */
export type LatencyName = (typeof NAMES)[number];

/** The knob. */
export const latencyKnob = {
  kind: 'choice',
  what: 'how far apart hosts are',
  initial: 'synthetic',
  of: NAMES,
} as const;

/**
 * The model of that name, with hosts as measured; the synthetic one has `hosts`. Tells `step` when a matrix is not there
 * and what stands in for it.
 */
export function latencyOf(
  name: LatencyName,
  hosts: number,
  seed: number,
  step: (line: string) => void,
  folder: string = process.env[DATA_VARIABLE] ?? BESIDE,
): LatencyModel {
  if (name === 'synthetic') return syntheticLatency(hosts, seed);
  const file = join(folder, `${name}.u16.gz`);
  if (existsSync(file)) return matrixLatency(name, readMatrix(file), MATRICES[name]);
  step(`${name} is not in ${folder} (${DATA_VARIABLE} names another folder): synthetic latencies instead`);
  return syntheticLatency(Math.min(hosts, MATRICES[name]), seed);
}

/** Little-endian 16-bit numbers, gzipped. */
function readMatrix(file: string): Uint16Array {
  const bytes = gunzipSync(readFileSync(file));
  return Uint16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16LE(2 * i));
}
