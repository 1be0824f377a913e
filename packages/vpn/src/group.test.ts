/** Whole members of one group on virtual time: how they come to addresses and reach each other. */
import { sameBytes } from '@warren/base';
import { decodeArp, decodeEthernet, EtherType, encodeArp, encodeEthernet } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { readEcho } from './echo.ts';
import { macOf } from './mac.ts';
import { Group, ipFrame, type Member, outputsOf, peerOf, pingFrame } from './testbed.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);

describe('two tabs', () => {
  test('come to addresses and ping each other by hand of their own VPN', () => {
    const { group, ada, bob } = pair({ ada: false, bob: false });
    const ping = ada.vpn.ping(addressOf(bob), group.now);
    group.run(1_000);
    const [pong, ...more] = outputsOf(ada, 'pong');
    expect(pong).toEqual({ kind: 'pong', ...ping, rttMs: 40, from: addressOf(bob) });
    expect(more).toEqual([]);
  });

  test('learn an address once for many pings', () => {
    const { group, ada, bob } = pair({ ada: false, bob: false });
    for (let i = 0; i < 20; i++) {
      ada.vpn.ping(addressOf(bob), group.now);
      group.run(100);
    }
    expect(outputsOf(ada, 'pong')).toHaveLength(20);
    expect(outputsOf(ada, 'pong').at(-1)?.rttMs).toBe(20);
    expect(outputsOf(ada, 'find-owner')).toHaveLength(1);
    expect(outputsOf(bob, 'find-owner')).toHaveLength(1);
  });
});

describe('a tab and an edge', () => {
  test('the tab pings the edge: the machine behind the TAP device answers', () => {
    const { group, ada: tab, bob: edge } = pair({ ada: false, bob: true });
    kernelOf(edge, group);
    tab.vpn.ping(addressOf(edge), group.now);
    group.run(1_000);
    expect(outputsOf(tab, 'pong')).toHaveLength(1);
  });

  test('the machine behind the TAP device pings the tab, beginning with ARP', () => {
    const { group, ada: tab, bob: edge } = pair({ ada: false, bob: true });
    edge.vpn.fromTap(arpRequest(edge, addressOf(tab)), group.now);
    group.run(100);
    const reply = decodeArp(outputsOf(edge, 'tap')[0]?.frame.subarray(14) ?? new Uint8Array());
    expect(reply?.senderMac).toEqual(macOf(tab.self));
    edge.vpn.fromTap(
      pingFrame(edge.self, tab.self, { source: addressOf(edge), destination: addressOf(tab) }),
      group.now,
    );
    group.run(100);
    const answer = readEcho(outputsOf(edge, 'tap')[1]?.frame ?? new Uint8Array());
    expect(answer).toMatchObject({ source: addressOf(tab), echo: { operation: 'reply', identifier: 7, sequence: 1 } });
  });
});

describe('two edges', () => {
  test('exchange frames, each under its own MAC addresses', () => {
    const { group, ada, bob } = pair({ ada: true, bob: true });
    const frame = ipFrame(ADA, BOB, { source: addressOf(ada), destination: addressOf(bob) });
    ada.vpn.fromTap(frame.slice(), group.now);
    group.run(100);
    expect(outputsOf(bob, 'tap').map(output => output.frame)).toEqual([frame]);
  });

  test('an edge pings itself without a frame', () => {
    const { group, ada } = pair({ ada: true, bob: true });
    const ping = ada.vpn.ping(addressOf(ada), group.now);
    group.run(0);
    expect(outputsOf(ada, 'pong')).toEqual([{ kind: 'pong', ...ping, rttMs: 0, from: addressOf(ada) }]);
    expect(outputsOf(ada, 'frame')).toEqual([]);
  });
});

test('twenty members in a subnet of 29 addresses all come to addresses of their own (faults #45)', () => {
  const group = new Group();
  const subnet = { network: 0x0a000000, prefixBits: 27 };
  const members = Array.from({ length: 20 }, (_, i) => group.join(peerOf(i + 1), { hasTap: false, subnet }));
  group.run(600_000);
  const addresses = members.map(addressOf);
  expect(new Set(addresses).size).toBe(20);
  for (const member of members) expect(sameBytes(group.claims.get(addressOf(member)) ?? BOB, member.self)).toBe(true);
});

test('after a partition the loser moves to a new address and the winner stays (faults #45)', () => {
  const group = new Group();
  const address = 0x0a800505;
  const winner = group.join(ADA, { hasTap: false, preferred: address });
  group.run(100);
  group.claims.clear();
  const loser = group.join(BOB, { hasTap: false, preferred: address });
  group.run(100);
  group.claims.set(address, ADA);
  loser.vpn.handle({ kind: 'claim-lost', address }, group.now);
  group.run(100);
  expect(outputsOf(loser, 'conflict')).toEqual([{ kind: 'conflict', address }]);
  expect(addressOf(winner)).toBe(address);
  expect(addressOf(loser)).not.toBe(address);
  winner.vpn.ping(addressOf(loser), group.now);
  group.run(100);
  expect(outputsOf(winner, 'pong')).toHaveLength(1);
});

function pair(taps: { readonly ada: boolean; readonly bob: boolean }): { group: Group; ada: Member; bob: Member } {
  const group = new Group();
  const ada = group.join(ADA, { hasTap: taps.ada });
  const bob = group.join(BOB, { hasTap: taps.bob });
  group.run(100);
  return { group, ada, bob };
}

function addressOf(member: Member): number {
  const address = member.vpn.address;
  if (address === undefined) throw new Error('the member holds no address');
  return address;
}

/** A machine that answers echo requests behind a member's TAP device. */
function kernelOf(member: Member, group: Group): void {
  const poll = member.vpn.poll.bind(member.vpn);
  member.vpn.poll = () => {
    const output = poll();
    const packet = output?.kind === 'tap' ? readEcho(output.frame) : undefined;
    const frame = output?.kind === 'tap' ? decodeEthernet(output.frame) : undefined;
    if (packet?.echo.operation !== 'request' || frame === undefined) return output;
    expect(frame.destination).toEqual(macOf(member.self));
    const back = { source: packet.destination, destination: packet.source };
    member.vpn.fromTap(pingFrame(member.self, ADA, back, { ...packet.echo, operation: 'reply' }), group.now);
    return output;
  };
}

function arpRequest(member: Member, targetAddress: number): Uint8Array {
  const mac = macOf(member.self);
  const payload = encodeArp({
    operation: 'request',
    senderMac: mac,
    senderAddress: addressOf(member),
    targetMac: new Uint8Array(6),
    targetAddress,
  });
  return encodeEthernet({ destination: new Uint8Array(6).fill(255), source: mac, type: EtherType.arp, payload });
}
