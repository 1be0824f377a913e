/**
 * What hosts keep that say `can.sockets`: extra UDP sockets, each with a port
 * of its own (see `Datagrams` in `peer`). Tabs have none.
 */
import type { Host } from '@warren/peer';
import type { HostPromise } from './host-contract.ts';
import { check, checkBytes, Ear, eventually, pattern, pause } from './host-contract-tools.ts';

export const extraSocketsContract: readonly HostPromise[] = [
  paired('extra sockets have ports of their own, and hear what comes to them', async (a, b) => {
    check(a.datagrams.can.sockets, 'the host does not say that it has extra sockets');
    const [heardA, heardB] = [new Ear(a.datagrams), new Ear(b.datagrams)];
    const [toB = ''] = b.datagrams.localAddresses();
    const paths = [`udp/${toB}`, `udp/${toB}~1`, `udp/${toB}~2`, `udp/${toB}~256`];
    for (const [i, path] of paths.entries()) a.datagrams.send(path, pattern(10, i));
    await eventually('four datagrams', () => heardB.datagrams().length >= 4);
    const sources = new Map(
      heardB.events.flatMap(event => (event.kind === 'datagram' ? [[event.bytes[0], event.path] as const] : [])),
    );
    check(new Set(sources.values()).size === 4, `they came from ${[...sources.values()].join()}`);
    check(sources.get(0) === `udp/${a.datagrams.localAddresses()[0]}`, 'the main socket has another address');
    for (const [first = 0, path] of sources) b.datagrams.send(path, pattern(20, first));
    await eventually('four answers', () => heardA.datagrams().length >= 4);
    for (const event of heardA.events) {
      if (event.kind !== 'datagram') continue;
      check(paths.includes(event.path), `an answer came on ${event.path}`);
      checkBytes(event.bytes, pattern(20, paths.indexOf(event.path)), 'the answer');
    }
  }),
  paired('numbers that are none are dropped', async (a, b) => {
    const heard = new Ear(b.datagrams);
    const [toB = ''] = b.datagrams.localAddresses();
    for (const number of ['', '0', '257', '-1', '01', 'x', '1~1']) a.datagrams.send(`udp/${toB}~${number}`, pattern(9));
    await pause(50);
    check(heard.events.length === 0, `events came: ${heard.kinds()}`);
  }),
];

/** A promise of two hosts that can reach each other over UDP. */
function paired(name: string, run: (a: Host, b: Host) => Promise<void>): HostPromise {
  return {
    name,
    run: async make => {
      const hosts = [await make(), await make()] as const;
      try {
        await run(...hosts);
      } finally {
        await Promise.all(hosts.map(host => host.datagrams.stop()));
      }
    },
  };
}
