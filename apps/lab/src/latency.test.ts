/** Where latencies come from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { latencyOf } from './latency.ts';

const folder = mkdtempSync(join(tmpdir(), 'warren-latency-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a matrix is read from its folder: little-endian tenths of a millisecond there and back', () => {
  const matrix = new Uint8Array(2 * 128 * 128);
  new DataView(matrix.buffer).setUint16(2 * (3 * 128 + 5), 600, true);
  writeFileSync(join(folder, 'king-128.u16.gz'), gzipSync(matrix));
  const lines: string[] = [];
  const model = latencyOf('king-128', 10, 1, line => lines.push(line), folder);
  expect(model).toMatchObject({ name: 'king-128', hosts: 128 });
  expect(model.oneWayMs(3, 5)).toBe(30);
  expect(lines).toEqual([]);
});

test('without the file the synthetic Internet stands in, and a line says so', () => {
  const lines: string[] = [];
  const model = latencyOf('planetlab-490', 10, 1, line => lines.push(line), folder);
  expect(model).toMatchObject({ name: 'synthetic', hosts: 10 });
  expect(lines).toEqual([expect.stringMatching(/^planetlab-490 is not in .*: synthetic latencies instead$/)]);
});
