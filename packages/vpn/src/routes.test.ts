/** What lies behind members: where packets go, from whom they may come (#81), and how much fits. */
import { clampSegment, decodeIpv4, type Ipv4Packet } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GROUP_FRAMES_BURST, TAP_MTU_BYTES } from './constants.ts';
import { inRange, parseRange, printRange, type Range, Routes } from './routes.ts';
import { ipFrame, peerOf, someone } from './testbed.ts';
import { Vpn } from './vpn.ts';
import type { VpnOptions, VpnOutput } from './vpn-options.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);
const EVE = peerOf(0xe5);
const OURS = 0x0a800505;
const BOBS = 0x0a800606;
const LAN: Range = { network: 0xc0a80500, prefixBits: 24 };
const ALL: Range = { network: 0, prefixBits: 0 };
const PRINTER = 0xc0a80509;
const T = 1_000;

describe('a range', () => {
  test('is read and printed', () => {
    expect(parseRange('192.168.5.0/24')).toEqual(LAN);
    expect(printRange(LAN)).toBe('192.168.5.0/24');
    expect(parseRange('0.0.0.0/0')).toEqual(ALL);
    for (const bad of ['192.168.5.1/24', '192.168.5.0', '192.168.5.0/33', '192.168.5.0/24/1', 'x/8', '10.0.0.0/08']) {
      expect(parseRange(bad), bad).toBeUndefined();
    }
  });
});

describe('routes', () => {
  test('lead to the narrowest range that has the address, as a slow search does', () => {
    const range = fc
      .tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }))
      .map(([address, prefixBits]) => ({ network: address - (address % 2 ** (32 - prefixBits)), prefixBits }));
    const route = fc.record({ range, peerId: fc.constantFrom(ADA, BOB, EVE) });
    fc.assert(
      fc.property(fc.array(route), fc.nat(0xffffffff), (table, anywhere) => {
        const routes = new Routes();
        routes.set(table);
        for (const address of [anywhere, ...table.map(each => each.range.network)]) {
          const fitting = table.filter(each => inRange(each.range, address));
          const bits = Math.max(-1, ...fitting.map(each => each.range.prefixBits));
          const best = fitting.filter(each => each.range.prefixBits === bits).map(each => each.peerId);
          expect(routes.next(address)).toBe(best[0]);
          for (const peer of [ADA, BOB, EVE]) expect(routes.mayComeFrom(address, peer)).toBe(best.includes(peer));
        }
      }),
    );
  });
});

describe('a member that uses what lies behind another', () => {
  test('sends packets there, and takes them from there', () => {
    const vpn = member();
    vpn.handle({ kind: 'routes', routes: [{ range: LAN, peerId: BOB }] }, T);
    vpn.fromTap(ipFrame(ADA, ADA, { source: OURS, destination: PRINTER }), T);
    vpn.fromPeer(BOB, ipFrame(BOB, ADA, { source: PRINTER, destination: OURS }), T);
    expect(drain(vpn).map(kindOf)).toEqual(['frame', 'tap']);
  });

  test.each<[string, Range, Uint8Array]>([
    ['of somebody else', LAN, ipFrame(EVE, ADA, { source: PRINTER, destination: OURS })],
    ['from outside the range', LAN, ipFrame(BOB, ADA, { source: 0xc0a80609, destination: OURS })],
    ['from loopback', ALL, ipFrame(BOB, ADA, { source: 0x7f000001, destination: OURS })],
    ['from a group', ALL, ipFrame(BOB, ADA, { source: 0xe0000001, destination: OURS })],
    ['from the services', ALL, ipFrame(BOB, ADA, { source: 0x0a800001, destination: OURS })],
    ['from our own address', ALL, ipFrame(BOB, ADA, { source: OURS, destination: OURS })],
  ])('#81 drops what comes %s', (_, range, frame) => {
    const vpn = member();
    vpn.handle({ kind: 'routes', routes: [{ range, peerId: BOB }] }, T);
    vpn.fromPeer(frame[7] === 0xe5 ? EVE : BOB, frame, T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.inboundDrops['spoofed-source']).toBe(1);
  });

  test('sends nothing there once the route is gone', () => {
    const vpn = member();
    vpn.handle({ kind: 'routes', routes: [{ range: LAN, peerId: BOB }] }, T);
    vpn.handle({ kind: 'routes', routes: [] }, T);
    vpn.fromTap(ipFrame(ADA, ADA, { source: OURS, destination: PRINTER }), T);
    expect(vpn.stats.outboundDrops.destination).toBe(1);
  });
});

describe('a router', () => {
  test('takes packets to what it announces, and sends those from there', () => {
    const vpn = member({ announced: [LAN] });
    vpn.fromPeer(BOB, ipFrame(BOB, ADA, { source: BOBS, destination: PRINTER }), T);
    vpn.fromTap(ipFrame(ADA, ADA, { source: PRINTER, destination: BOBS }), T);
    expect(drain(vpn).map(kindOf)).toEqual(['tap', 'frame']);
  });

  test('takes nothing to elsewhere, nor to others of the subnet, even where it announces all', () => {
    const vpn = member({ announced: [ALL] });
    for (const destination of [0x0a800607, 0x0a800001, 0x0a80ffff, 0xe00000fb, 0x7f000001]) {
      vpn.fromPeer(BOB, ipFrame(BOB, ADA, { source: BOBS, destination }), T);
    }
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.inboundDrops.destination).toBe(5);
  });
});

describe('packets that are too large', () => {
  test('are answered with the MTU that fits', () => {
    const vpn = member();
    vpn.fromTap(ipFrame(ADA, BOB, { source: OURS, destination: BOBS, payload: new Uint8Array(1400) }), T);
    const [output] = drain(vpn);
    const packet = decodeIpv4(output?.kind === 'tap' ? output.frame.subarray(14) : ADA) as Ipv4Packet;
    expect(packet).toMatchObject({ source: 0x0a800001, destination: OURS, protocol: 1 });
    expect([...packet.payload.slice(0, 2), ...packet.payload.slice(6, 8)]).toEqual([3, 4, 5, 0]);
    expect(vpn.stats).toMatchObject({ tooBigs: 1, outboundDrops: { 'too-large': 1 } });
  });

  test('of TCP are not made in the first place: both directions ask for segments that fit', () => {
    const syn = (): Uint8Array =>
      Uint8Array.of(0, 1, 0, 2, ...new Uint8Array(8), 0x60, 2, 0, 0, 0, 0, 0, 0, 2, 4, 0x05, 0xb4);
    const vpn = member();
    vpn.fromTap(ipFrame(ADA, BOB, { source: OURS, destination: BOBS, payload: syn() }), T);
    vpn.fromPeer(BOB, ipFrame(BOB, ADA, { source: BOBS, destination: OURS, payload: syn() }), T);
    const lowered = syn();
    clampSegment(lowered, 0, lowered.length, TAP_MTU_BYTES - 40);
    for (const output of drain(vpn)) {
      expect('frame' in output && output.frame.slice(34)).toEqual(lowered);
    }
  });
});

describe('multicast and broadcast', () => {
  const mdns = (from = ADA, source = OURS): Uint8Array => {
    const frame = ipFrame(from, ADA, { source, destination: 0xe00000fb, protocol: 17, payload: new Uint8Array(12) });
    frame.set([0x01, 0, 0x5e, 0, 0, 0xfb]);
    return frame;
  };

  test('goes to those who asked, within a rate', () => {
    const vpn = member({}, [BOB, EVE]);
    for (let i = 0; i < GROUP_FRAMES_BURST + 5; i++) vpn.fromTap(mdns(), T);
    const sent = drain(vpn);
    expect(sent).toHaveLength(2 * GROUP_FRAMES_BURST);
    expect(sent.slice(0, 2).map(output => output.kind === 'frame' && output.to)).toEqual([BOB, EVE]);
    expect(vpn.stats.outboundDrops['group-rate']).toBe(5);
  });

  test('goes nowhere where nobody asked, and does not come where we did not', () => {
    const vpn = member();
    vpn.fromTap(mdns(), T);
    vpn.fromPeer(BOB, mdns(BOB, BOBS), T);
    expect(drain(vpn)).toEqual([]);
    expect([vpn.stats.outboundDrops.group, vpn.stats.inboundDrops.group]).toEqual([1, 1]);
  });

  test('comes with its own MAC address where we asked, within a rate; #81 not from the address of another', () => {
    const vpn = member({ hearsGroups: true });
    for (let i = 0; i < GROUP_FRAMES_BURST + 5; i++) vpn.fromPeer(BOB, mdns(BOB, BOBS), T);
    const [first, ...more] = drain(vpn);
    expect(first?.kind === 'tap' && [...first.frame.slice(0, 6)]).toEqual([0x01, 0, 0x5e, 0, 0, 0xfb]);
    expect(more).toHaveLength(GROUP_FRAMES_BURST - 1);
    vpn.fromPeer(EVE, mdns(EVE, BOBS), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.inboundDrops).toMatchObject({ 'group-rate': 5, 'spoofed-source': 1 });
  });
});

describe('a peer that a rule shuts out', () => {
  test('is not heard, and nothing is sent to it', () => {
    const vpn = member({}, [], peer => peer !== BOB);
    vpn.fromPeer(BOB, ipFrame(BOB, ADA, { source: BOBS, destination: OURS }), T);
    vpn.fromTap(ipFrame(ADA, BOB, { source: OURS, destination: BOBS }), T);
    expect(drain(vpn)).toEqual([]);
    expect([vpn.stats.inboundDrops.refused, vpn.stats.outboundDrops.refused]).toEqual([1, 1]);
  });
});

/** A member that holds `OURS` and knows that Bob has `BOBS`. */
function member(
  options: Partial<VpnOptions> = {},
  listeners: readonly (typeof ADA)[] = [],
  allows: (peer: typeof ADA) => boolean = () => true,
): Vpn {
  const members = { memberWith: () => undefined, listeners: () => listeners, allows };
  const vpn = new Vpn({ ...someone(ADA), hasTap: true, preferred: OURS, members, ...options });
  vpn.handle({ kind: 'ready' }, T);
  vpn.handle({ kind: 'claim-result', address: OURS, result: 'held' }, T);
  vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T);
  drain(vpn);
  return vpn;
}

function drain(vpn: Vpn): VpnOutput[] {
  const outputs: VpnOutput[] = [];
  for (let output = vpn.poll(); output !== undefined; output = vpn.poll()) outputs.push(output);
  return outputs;
}

function kindOf(output: VpnOutput): string {
  return output.kind;
}
