/** The host contract, kept by the host for Node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@warren/node';
import { afterEach, beforeEach, describe, test } from 'vitest';
import { extraSocketsContract } from './extra-sockets-contract.ts';
import { hostContract } from './host-contract.ts';

describe('the host for Node', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-contract-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  for (const { name, run } of [...hostContract, ...extraSocketsContract]) {
    test(name, { timeout: 30_000 }, () =>
      run(() => nodeHost({ kind: 'edge', stateDir: folder, udp: { host: '127.0.0.1' }, webrtcAddress: '127.0.0.1' })),
    );
  }
});
