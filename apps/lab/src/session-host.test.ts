/** Handshakes between hosts of the lab. */
import { cheapCrypto, realCrypto, SimInternet, World } from '@warren/sim';
import { expect, test } from 'vitest';
import { SessionHost } from './session-host.ts';
import { stranger } from './strangers.ts';

test.each([realCrypto, cheapCrypto])(
  'two hosts have a session after one and a half round trips, with $name cryptography',
  crypto => {
    const world = new World(1, { latencyMs: 20, jitterMs: 0 });
    const internet = new SimInternet(world);
    const host = (name: string, address: string) =>
      new SessionHost({ ...stranger(1, name, crypto), internet, address, suite: crypto.suite });
    const [a, b] = [host('a', '198.18.0.1:4000'), host('b', '198.18.0.2:4000')];
    a.connect(b);
    world.run(10_000);
    expect(a.establishedAt.get(b.peer)).toBe(40);
    expect(b.establishedAt.get(a.peer)).toBe(60);
    expect([a.sent, b.sent]).toEqual([2, 2]);
  },
);
