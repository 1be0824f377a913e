/** One member by itself: what it asks for, what it lets through, what it drops (faults #45, #81). */
import { sameBytes } from '@warren/base';
import {
  type ArpMessage,
  decodeArp,
  decodeEthernet,
  EtherType,
  encodeArp,
  encodeEthernet,
  ipv4SourceAt,
  type PeerId,
} from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ECHOES_PER_SECOND,
  FINDS_BURST,
  FINDS_PER_SECOND,
  MISS_RETRY_MS,
  NO_OWNER_MS,
  OWNER_DOUBT_MS,
  OWNER_MS,
  OWNER_REFRESH_MS,
  PEER_FINDS_BURST,
  PENDING_MAX,
  PENDING_MS,
  PENDING_PER_ADDRESS,
  RETRY_ADDRESSES_MAX,
} from './constants.ts';
import { macOf } from './mac.ts';
import { ipFrame, peerOf, pingFrame, someone } from './testbed.ts';
import { Vpn } from './vpn.ts';
import type { VpnOutput } from './vpn-options.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);
const EVE = peerOf(0xe5);
const OURS = 0x0a800505;
const BOBS = 0x0a800606;
const NOBODYS = 0x0a800707;
const ZERO_MAC = new Uint8Array(6);
const T = 1_000;

describe('ARP from the TAP device', () => {
  test('is answered with the MAC of the owner, once the owner is known', () => {
    const vpn = member();
    vpn.fromTap(arp({}), T);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + 50);
    const [output, ...more] = drain(vpn);
    expect(more).toEqual([]);
    const frame = decodeEthernet(output?.kind === 'tap' ? output.frame : ZERO_MAC);
    expect(frame).toMatchObject({ destination: macOf(ADA), source: macOf(BOB), type: EtherType.arp });
    expect(decodeArp(frame?.payload ?? ZERO_MAC)).toEqual({
      operation: 'reply',
      senderMac: macOf(BOB),
      senderAddress: BOBS,
      targetMac: macOf(ADA),
      targetAddress: OURS,
    });
  });

  test('is answered at once while the answer is fresh', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(arp({}), T + OWNER_MS - 1);
    expect(drain(vpn).map(output => output.kind)).toEqual(['tap']);
    expect(vpn.stats.arpAnswers).toBe(1);
  });

  test('about an address of nobody is asked three times more while it waits, then not answered, nor asked at once', () => {
    const vpn = member();
    const asks = [{ kind: 'find-owner', address: NOBODYS }];
    vpn.fromTap(arp({ targetAddress: NOBODYS }), T);
    const nobodyAt = answerNobody(vpn, asks);
    expect(nobodyAt).toBe(T + MISS_RETRY_MS.reduce((sum, wait) => sum + wait, 0));
    vpn.fromTap(arp({ targetAddress: NOBODYS }), nobodyAt + NO_OWNER_MS - 1);
    vpn.tick(nobodyAt + NO_OWNER_MS - 1);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops['no-owner']).toBe(2);
    vpn.fromTap(arp({ targetAddress: NOBODYS }), nobodyAt + NO_OWNER_MS);
    expect(drain(vpn)).toEqual(asks);
  });

  test('that waits for an owner who is not found at first is answered when it is', () => {
    const vpn = member();
    vpn.fromTap(arp({ targetAddress: BOBS }), T);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: undefined }, T + 50);
    expect(drain(vpn)).toHaveLength(1);
    vpn.tick(vpn.wakeAt ?? 0);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + 200);
    expect(drain(vpn).map(output => output.kind)).toEqual(['tap']);
  });

  test('that probes the address of another member is answered: the address is in use', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(arp({ senderAddress: 0 }), T);
    expect(drain(vpn).map(output => output.kind)).toEqual(['tap']);
  });

  test.each<[string, Partial<ArpMessage>]>([
    ['probes our own address', { senderAddress: 0, targetAddress: OURS }],
    ['announces our own address', { senderAddress: OURS, targetAddress: OURS }],
    ['announces an address of another member', { senderAddress: BOBS, targetAddress: BOBS }],
    ['asks for an address outside the subnet', { targetAddress: 0xc0a80001 }],
    ['asks for the network', { targetAddress: 0x0a800000 }],
    ['asks for broadcast', { targetAddress: 0x0a80ffff }],
    ['is a reply', { operation: 'reply' }],
  ])('that %s is neither answered nor looked up', (_, question) => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(arp(question), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops.arp).toBe(1);
  });

  test('cut short is dropped', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(arp({}).subarray(0, 41), T);
    expect(drain(vpn)).toEqual([]);
  });
});

describe('a frame from the TAP device', () => {
  test('goes to the owner of its destination, whatever MAC address the machine remembers', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(ipFrame(EVE, EVE, { source: OURS, destination: BOBS }), T);
    const expected = ipFrame(ADA, BOB, { source: OURS, destination: BOBS });
    expect(drain(vpn)).toEqual([{ kind: 'frame', to: BOB, frame: expected }]);
  });

  test('waits for the owner, with others for the same address, in order', () => {
    const vpn = member();
    const frames = [1, 2, 3].map(identification => outbound({ identification }));
    for (const frame of frames) vpn.fromTap(frame.slice(), T);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + 5);
    expect(drain(vpn)).toEqual(frames.map(frame => ({ kind: 'frame', to: BOB, frame })));
  });

  test('is dropped when its owner does not become known in two seconds', () => {
    const vpn = member();
    vpn.fromTap(outbound({}), T);
    expect(vpn.wakeAt).toBe(T + PENDING_MS);
    vpn.tick(T + PENDING_MS);
    expect(vpn.stats.outboundDrops['no-answer']).toBe(1);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + PENDING_MS);
    expect(drain(vpn).map(output => output.kind)).toEqual(['find-owner']);
  });

  test('waits in bounded number for one address and in all', () => {
    const vpn = member();
    for (let i = 0; i < 50; i++) vpn.fromTap(outbound({}), T);
    expect(vpn.stats.outboundDrops['queue-full']).toBe(50 - PENDING_PER_ADDRESS);
    for (let i = 0; i < 1_000; i++) vpn.fromTap(outbound({ destination: BOBS + 1 + i }), T);
    expect(drain(vpn)).toHaveLength(FINDS_BURST);
    vpn.tick(T + PENDING_MS);
    expect(vpn.stats.outboundDrops['no-answer']).toBe(PENDING_MAX);
  });

  test('to one address after another makes us ask so often and no more', () => {
    const vpn = member();
    let asked = 0;
    for (let now = T; now < T + 10_000; now++) {
      vpn.fromTap(outbound({ destination: BOBS + 1 + ((now - T) % 5_000) }), now);
      vpn.tick(now);
      for (const output of drain(vpn)) {
        if (output.kind !== 'find-owner') continue;
        asked++;
        vpn.handle({ kind: 'owner', address: output.address, peerId: undefined }, now);
      }
    }
    expect(asked).toBeLessThanOrEqual(FINDS_BURST + 10 * FINDS_PER_SECOND + 1);
    expect(asked).toBeGreaterThan(9 * FINDS_PER_SECOND);
  });

  test('to a member whose answer grows old goes on while others make us ask', () => {
    const vpn = member([[BOBS, BOB]]);
    for (let i = 1; i <= 200; i++) vpn.fromTap(outbound({ destination: BOBS + i }), T + OWNER_REFRESH_MS);
    drain(vpn);
    vpn.fromTap(outbound({}), T + OWNER_REFRESH_MS);
    expect(drain(vpn).map(output => output.kind)).toEqual(['find-owner', 'frame']);
  });

  test('that waits while too many ask is asked for a little later', () => {
    const vpn = member();
    for (let i = 1; i <= FINDS_BURST; i++) vpn.fromTap(outbound({ destination: BOBS + i }), T);
    drain(vpn);
    vpn.fromTap(outbound({}), T);
    expect(drain(vpn)).toEqual([]);
    const at = vpn.wakeAt ?? 0;
    expect(at).toBeLessThanOrEqual(T + 1000 / FINDS_PER_SECOND);
    vpn.tick(at);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
  });

  test('of which many wait has no answer doubted', () => {
    const vpn = member();
    for (let i = 0; i <= RETRY_ADDRESSES_MAX; i++) vpn.fromTap(outbound({ destination: NOBODYS + i }), T);
    drain(vpn);
    vpn.handle({ kind: 'owner', address: NOBODYS, peerId: undefined }, T + 10);
    vpn.tick(T + 10 + (MISS_RETRY_MS[0] ?? 0));
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops['no-owner']).toBe(1);
  });

  test('that follows an answer "nobody" does not shorten the pause before it is doubted', () => {
    const vpn = member();
    vpn.fromTap(outbound({}), T);
    drain(vpn);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: undefined }, T + 10);
    vpn.fromTap(outbound({}), T + 20);
    expect(drain(vpn)).toEqual([]);
    vpn.tick(T + 10 + (MISS_RETRY_MS[0] ?? 0));
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
  });

  test('asks again in the background before the answer lapses', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(outbound({}), T + OWNER_REFRESH_MS);
    vpn.fromTap(outbound({}), T + OWNER_REFRESH_MS + 1);
    expect(drain(vpn).map(output => output.kind)).toEqual(['find-owner', 'frame', 'frame']);
  });

  test.each([
    ['source', ipFrame(ADA, BOB, { source: OURS + 1, destination: BOBS })],
    ['destination', ipFrame(ADA, BOB, { source: OURS, destination: 0x08080808 })],
    ['destination', ipFrame(ADA, BOB, { source: OURS, destination: OURS })],
    ['group', withMac(outbound({}), 0xff)],
    ['ethertype', encodeEthernet({ destination: macOf(BOB), source: macOf(ADA), type: 0x8100, payload: ADA })],
    ['malformed', outbound({}).subarray(0, 33)],
    ['malformed', new Uint8Array(0)],
  ] as const)('is dropped and counted: %s', (reason, frame) => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromTap(frame, T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops[reason]).toBe(1);
  });

  test('is dropped while we hold no address', () => {
    const vpn = new Vpn({ ...someone(ADA), hasTap: true });
    vpn.fromTap(outbound({}), T);
    expect(vpn.stats.outboundDrops['no-address']).toBe(1);
  });
});

describe('a frame from a peer', () => {
  test('reaches the TAP device under our own MAC address when the peer owns its source', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromPeer(BOB, ipFrame(BOB, EVE, { source: BOBS, destination: OURS }), T);
    expect(drain(vpn)).toEqual([{ kind: 'tap', frame: ipFrame(BOB, ADA, { source: BOBS, destination: OURS }) }]);
  });

  test('waits until the owner of its source is known, then passes or not', () => {
    const vpn = member();
    vpn.fromPeer(BOB, inbound(BOB), T);
    vpn.fromPeer(EVE, inbound(EVE), T);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + 5);
    expect(drain(vpn)).toEqual([{ kind: 'tap', frame: inbound(BOB) }]);
    expect(vpn.stats.inboundDrops['spoofed-source']).toBe(1);
  });

  test('from an address of nobody is dropped', () => {
    const vpn = member();
    vpn.handle({ kind: 'owner', address: BOBS, peerId: undefined }, T);
    vpn.fromPeer(BOB, inbound(BOB), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.inboundDrops['spoofed-source']).toBe(1);
  });

  test("from an address that was another peer's makes us ask again, but not at once and not for each frame", () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromPeer(EVE, inbound(EVE), T + OWNER_DOUBT_MS - 1);
    expect(drain(vpn)).toEqual([]);
    for (let i = 0; i < 5; i++) vpn.fromPeer(EVE, inbound(EVE), T + OWNER_DOUBT_MS);
    expect(drain(vpn)).toEqual([{ kind: 'find-owner', address: BOBS }]);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: EVE }, T + OWNER_DOUBT_MS + 1);
    vpn.fromPeer(EVE, inbound(EVE), T + OWNER_DOUBT_MS + 2);
    expect(drain(vpn)).toHaveLength(1);
  });

  test('cannot make us doubt owner after owner', () => {
    const owners = Array.from({ length: 100 }, (_, i): [number, PeerId] => [BOBS + i, BOB]);
    const vpn = member(owners);
    for (const [source] of owners) {
      vpn.fromPeer(EVE, ipFrame(EVE, ADA, { source, destination: OURS }), T + OWNER_DOUBT_MS);
    }
    expect(drain(vpn)).toHaveLength(PEER_FINDS_BURST);
  });

  test('has its source asked for again in the background before the answer lapses', () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.fromPeer(BOB, inbound(BOB), T + OWNER_REFRESH_MS);
    vpn.fromPeer(BOB, inbound(BOB), T + OWNER_REFRESH_MS + 1);
    expect(drain(vpn).map(output => output.kind)).toEqual(['find-owner', 'tap', 'tap']);
  });

  test('cannot make us ask for address after address', () => {
    const vpn = member();
    for (let i = 0; i < 1_000; i++) {
      vpn.fromPeer(EVE, ipFrame(EVE, ADA, { source: BOBS + i, destination: OURS }), T + i);
    }
    expect(drain(vpn).length).toBeLessThanOrEqual(PEER_FINDS_BURST + 1);
    expect(vpn.stats.inboundDrops['find-rate']).toBeGreaterThan(990);
    vpn.fromPeer(BOB, inbound(BOB), T + 1_000);
    expect(vpn.stats.inboundDrops['queue-full']).toBe(0);
  });

  test('that comes while the owner of its source stays unknown is dropped after two seconds', () => {
    const vpn = member();
    vpn.fromPeer(BOB, inbound(BOB), T);
    vpn.tick(T + PENDING_MS);
    expect(vpn.stats.inboundDrops['no-answer']).toBe(1);
  });

  test('never reaches the TAP device, whatever it holds, unless the peer owns its source (faults #81)', () => {
    const address = fc.constantFrom(BOBS, BOBS, BOBS, OURS, NOBODYS, 0x0a800001, 0x08080808);
    const sent = fc.record({
      by: fc.constantFrom(BOB, BOB, EVE),
      mac: fc.constantFrom(BOB, BOB, EVE, ADA),
      source: address,
      destination: fc.constantFrom(OURS, OURS, OURS, BOBS),
      bytes: fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 2 }),
      learn: fc.option(fc.constantFrom<[number, PeerId | undefined]>([BOBS, BOB], [NOBODYS, undefined])),
      afterMs: fc.nat(3_000),
    });
    let passed = 0;
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 20, size: 'max' }), frames => {
        const vpn = member();
        let now = T;
        for (const { by, mac, source, destination, bytes, learn, afterMs } of frames) {
          now += afterMs;
          const frame = ipFrame(mac, ADA, { source, destination });
          for (const [at, to] of bytes) if (at < frame.length) frame[at] = to;
          vpn.fromPeer(by, frame, now);
          if (learn !== null) vpn.handle({ kind: 'owner', address: learn[0], peerId: learn[1] }, now);
          vpn.tick(now);
          for (const output of drain(vpn)) {
            if (output.kind !== 'tap') continue;
            passed++;
            expect(ipv4SourceAt(output.frame, 14)).toBe(BOBS);
            expect(output.frame.slice(0, 12)).toEqual(Uint8Array.of(...macOf(ADA), ...macOf(BOB)));
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(passed).toBeGreaterThan(200);
  });

  test('of random bytes never throws and never passes', () => {
    const vpn = member([[BOBS, BOB]]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1_400, size: 'max' }), bytes => {
        vpn.fromPeer(BOB, bytes, T);
        vpn.fromTap(bytes, T);
        expect(drain(vpn)).toEqual([]);
      }),
    );
  });
});

describe('a member without a TAP device', () => {
  test('answers echo requests, at most a hundred a second of each peer', () => {
    const vpn = member([[BOBS, BOB]], false);
    for (let i = 0; i < 3 * ECHOES_PER_SECOND; i++) vpn.fromPeer(BOB, ping(BOB), T);
    expect(drain(vpn)).toHaveLength(ECHOES_PER_SECOND);
    expect(vpn.stats.inboundDrops['echo-rate']).toBe(2 * ECHOES_PER_SECOND);
    vpn.fromPeer(BOB, ping(BOB), T + 1_000);
    const [output] = drain(vpn);
    const addresses = { source: OURS, destination: BOBS };
    const frame = pingFrame(ADA, BOB, addresses, { operation: 'reply' });
    expect(output).toMatchObject({ kind: 'frame', to: BOB });
    expect(output?.kind === 'frame' && sameBytes(output.frame.slice(34), frame.slice(34))).toBe(true);
  });

  test('answers nothing else, and nobody whose address is not proven', () => {
    const vpn = member([[BOBS, BOB]], false);
    vpn.fromPeer(BOB, inbound(BOB), T);
    vpn.fromPeer(BOB, pingFrame(BOB, ADA, { source: BOBS, destination: OURS }, { operation: 'reply' }), T);
    expect(vpn.stats.inboundDrops['not-echo']).toBe(2);
    vpn.fromPeer(EVE, ping(EVE), T);
    expect(drain(vpn)).toEqual([]);
  });
});

describe('ping', () => {
  test('asks for the owner, sends an echo request and reports the reply instead of giving it to the device', () => {
    const vpn = member();
    const { id, sequence } = vpn.ping(BOBS, T);
    vpn.handle({ kind: 'owner', address: BOBS, peerId: BOB }, T + 30);
    const [find, sent] = drain(vpn);
    expect(find).toEqual({ kind: 'find-owner', address: BOBS });
    const request = sent?.kind === 'frame' ? sent.frame : ZERO_MAC;
    const echo = {
      identifier: (request[38] as number) * 256 + (request[39] as number),
      data: request.slice(42),
      sequence,
    };
    const reply = pingFrame(BOB, ADA, { source: BOBS, destination: OURS }, { ...echo, operation: 'reply' });
    vpn.fromPeer(BOB, reply.slice(), T + 80);
    expect(drain(vpn)).toEqual([{ kind: 'pong', id, sequence, rttMs: 80, from: BOBS }]);
    vpn.fromPeer(BOB, reply.slice(), T + 81);
    expect(drain(vpn)).toEqual([{ kind: 'tap', frame: reply }]);
  });

  test("leaves replies to the machine's own pings to the device", () => {
    const vpn = member([[BOBS, BOB]]);
    vpn.ping(BOBS, T);
    drain(vpn);
    const reply = pingFrame(BOB, ADA, { source: BOBS, destination: OURS }, { operation: 'reply', sequence: 1 });
    vpn.fromPeer(BOB, reply.slice(), T);
    expect(drain(vpn)).toEqual([{ kind: 'tap', frame: reply }]);
  });

  test.each([
    ['outside the subnet', 0x08080808, 'destination'],
    ['to the address of services', 0x0a800001, 'destination'],
    ['to an address of nobody', NOBODYS, 'no-owner'],
  ] as const)('%s goes nowhere and is counted', (_, to, reason) => {
    const vpn = member();
    vpn.handle({ kind: 'owner', address: NOBODYS, peerId: undefined }, T);
    vpn.ping(to, T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops[reason]).toBe(1);
  });

  test('without an address of our own goes nowhere and is counted', () => {
    const vpn = new Vpn({ ...someone(ADA), hasTap: false });
    vpn.ping(BOBS, T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops['no-address']).toBe(1);
  });
});

describe('what is known of owners', () => {
  test('can be asked both ways, ourselves included', () => {
    const vpn = member([[BOBS, BOB]]);
    expect([vpn.knownOwner(BOBS), vpn.knownOwner(OURS), vpn.knownOwner(NOBODYS)]).toEqual([BOB, ADA, undefined]);
    expect([vpn.addressOf(BOB), vpn.addressOf(ADA), vpn.addressOf(EVE)]).toEqual([BOBS, OURS, undefined]);
  });

  test('does not include addresses that no member can own, nor our own old ones', () => {
    const vpn = member([
      [0x0a800001, BOB],
      [0x08080808, BOB],
      [NOBODYS, ADA],
    ]);
    expect([0x0a800001, 0x08080808, NOBODYS].map(address => vpn.knownOwner(address))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    vpn.fromTap(outbound({ destination: NOBODYS }), T);
    expect(vpn.stats.outboundDrops['no-owner']).toBe(1);
  });
});

/** A member that holds `OURS` and knows some owners since time `T`. */
/** Answers "nobody" as often as it is asked; gives the time of the last answer. */
function answerNobody(vpn: Vpn, asks: readonly object[]): number {
  let now = T;
  for (let times = 0; times <= MISS_RETRY_MS.length; times++) {
    vpn.tick(now);
    expect(drain(vpn)).toEqual(asks);
    vpn.handle({ kind: 'owner', address: NOBODYS, peerId: undefined }, now);
    now += MISS_RETRY_MS[times] ?? 0;
  }
  return now;
}

function member(owners: readonly [number, PeerId][] = [], hasTap = true): Vpn {
  const vpn = new Vpn({ ...someone(ADA), hasTap, preferred: OURS });
  vpn.handle({ kind: 'ready' }, T);
  vpn.handle({ kind: 'claim-result', address: OURS, result: 'held' }, T);
  for (const [address, peerId] of owners) vpn.handle({ kind: 'owner', address, peerId }, T);
  expect(drain(vpn)).toEqual([
    { kind: 'claim', address: OURS },
    { kind: 'configured', address: OURS, prefixBits: 16 },
  ]);
  return vpn;
}

function drain(vpn: Vpn): VpnOutput[] {
  const outputs: VpnOutput[] = [];
  for (let output = vpn.poll(); output !== undefined; output = vpn.poll()) outputs.push(output);
  return outputs;
}

/** An ARP request of our own machine for Bob's address, with some fields changed. */
function arp(message: Partial<ArpMessage>): Uint8Array {
  const usual = { senderMac: macOf(ADA), senderAddress: OURS, targetMac: ZERO_MAC, targetAddress: BOBS };
  const payload = encodeArp({ operation: 'request', ...usual, ...message });
  return encodeEthernet({ destination: ZERO_MAC.map(() => 255), source: macOf(ADA), type: EtherType.arp, payload });
}

function outbound(packet: Parameters<typeof ipFrame>[2]): Uint8Array {
  return ipFrame(ADA, BOB, { source: OURS, destination: BOBS, ...packet });
}

/** A frame from Bob's address to ours, sent by `peer`. */
function inbound(peer: PeerId): Uint8Array {
  return ipFrame(peer, ADA, { source: BOBS, destination: OURS });
}

function ping(peer: PeerId): Uint8Array {
  return pingFrame(peer, ADA, { source: BOBS, destination: OURS });
}

function withMac(frame: Uint8Array, byte: number): Uint8Array {
  return frame.fill(byte, 0, 6);
}
