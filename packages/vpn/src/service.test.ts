/** The services of a member for its own machine (faults #45): ARP, echo, DHCP and who asks for names. */
import {
  type ArpMessage,
  type DhcpMessage,
  decodeArp,
  decodeDhcp,
  decodeEthernet,
  decodeIcmpEcho,
  decodeIcmpv6Echo,
  decodeIpv4,
  decodeIpv6,
  decodeNeighbour,
  decodeUdpPacket,
  EtherType,
  encodeArp,
  encodeDhcp,
  encodeEthernet,
  encodeIcmpv6Echo,
  encodeNeighbour,
  type Ipv4Packet,
  type PeerId,
} from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipv4Frame, ipv6Frame, udp4, udp6 } from './frames.ts';
import { memberAddress6, prefixOf, serviceAddress6 } from './ipv6-address.ts';
import { macOf } from './mac.ts';
import { SERVICE_MAC } from './service.ts';
import { GROUP, peerOf, pingFrame, someone } from './testbed.ts';
import { Vpn } from './vpn.ts';
import type { VpnOutput } from './vpn-options.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);
const OURS = 0x0a800505;
const SERVICE = 0x0a800001;
const BROADCAST = 0xffffffff;
const NO_MAC = new Uint8Array(6);
const ALL_MAC = new Uint8Array(6).fill(0xff);
const T = 1_000;
const PREFIX = prefixOf(GROUP);
const OURS_6 = memberAddress6(PREFIX, ADA);
const BOBS_6 = memberAddress6(PREFIX, BOB);
const SERVICE_6 = serviceAddress6(PREFIX);

describe('the address of services', () => {
  test('answers ARP with a MAC address that is no member’s', () => {
    const vpn = member();
    const question: ArpMessage = {
      ...{ operation: 'request', senderMac: macOf(ADA), senderAddress: OURS },
      ...{ targetMac: NO_MAC, targetAddress: SERVICE },
    };
    const payload = encodeArp(question);
    vpn.fromTap(encodeEthernet({ destination: ALL_MAC, source: macOf(ADA), type: EtherType.arp, payload }), T);
    const reply = decodeEthernet(onlyTap(vpn));
    expect(decodeArp(reply?.payload ?? NO_MAC)).toMatchObject({ operation: 'reply', senderMac: SERVICE_MAC });
  });

  test('answers echo over IPv4', () => {
    const vpn = member();
    vpn.fromTap(pingFrame(ADA, ADA, { source: OURS, destination: SERVICE }, { sequence: 7 }), T);
    const packet = packet4(onlyTap(vpn));
    expect(packet).toMatchObject({ source: SERVICE, destination: OURS });
    expect(decodeIcmpEcho(packet.payload)).toMatchObject({ operation: 'reply', sequence: 7 });
  });

  test('says that nobody listens at other ports, to TCP too', () => {
    for (const protocol of [6, 17]) {
      const vpn = member();
      const payload = Uint8Array.of(0x30, 0x39, 0, 80, 0, 20, 0, 0, ...new Uint8Array(12));
      vpn.fromTap(ipv4Frame(MACS, { source: OURS, destination: SERVICE, protocol, payload }), T);
      expect([...packet4(onlyTap(vpn)).payload.slice(0, 2)]).toEqual([3, 3]);
    }
  });

  test('hands out DNS queries, and gives the answer to whoever asked', () => {
    const vpn = member();
    const query = Uint8Array.of(1, 2, 3);
    const udp = { sourcePort: 5353, destinationPort: 53, data: query };
    vpn.fromTap(ipv4Frame(MACS, udp4(OURS, SERVICE, udp)), T);
    vpn.fromTap(ipv6Frame(MACS, udp6({ source: OURS_6, destination: SERVICE_6 }, udp)), T);
    const [four, six, ...more] = drain(vpn);
    expect(four).toEqual({ kind: 'dns', client: { address: OURS, port: 5353 }, query });
    expect(six).toEqual({ kind: 'dns', client: { address: OURS_6, port: 5353 }, query });
    expect(more).toEqual([]);
    for (const asked of [four, six]) if (asked?.kind === 'dns') vpn.answerDns(asked.client, Uint8Array.of(9));
    const [a, b] = drain(vpn).map(output => (output.kind === 'tap' ? output.frame : NO_MAC)) as [
      Uint8Array,
      Uint8Array,
    ];
    expect(decodeUdpPacket(packet4(a).payload)).toMatchObject({ sourcePort: 53, destinationPort: 5353 });
    expect(decodeUdpPacket(decodeIpv6(b.subarray(14))?.payload ?? NO_MAC)?.data).toEqual(Uint8Array.of(9));
  });

  test.each([
    ['from an address that is not ours', 'source', { source: OURS + 1 }],
    ['in fragments', 'service', { moreFragments: true }],
    ['with a protocol that nobody speaks', 'service', { protocol: 47 }],
  ])('does not take packets %s', (_, reason, packet: Partial<Ipv4Packet>) => {
    const vpn = member();
    const whole = decodeEthernet(pingFrame(ADA, ADA, { source: OURS, destination: SERVICE }));
    const inner = { ...decodeIpv4(whole?.payload ?? NO_MAC), ...packet } as Ipv4Packet;
    vpn.fromTap(reframed(inner), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops[reason as 'source']).toBe(1);
  });
});

describe('DHCP', () => {
  test('offers the address that is claimed, with names, MTU and no way to the Internet', () => {
    const offer = dhcp(member(), { type: 'discover' });
    expect(offer).toMatchObject({ type: 'offer', yourAddress: OURS, transactionId: 0x1234 });
    const options = Object.fromEntries([...(offer?.options ?? [])].map(([code, value]) => [code, [...value]]));
    expect(options).toMatchObject({
      1: [255, 255, 0, 0],
      6: [10, 128, 0, 1],
      26: [5, 0],
      28: [10, 128, 255, 255],
      51: [0, 0, 1, 44],
      54: [10, 128, 0, 1],
    });
    expect(text(options[15])).toBe('home.warren');
    expect(text(options[119])).toBe('\x03ada\x04home\x06warren\0\x04home\x06warren\0');
    expect([options[3], options[121]]).toEqual([undefined, undefined]);
  });

  test('names ranges behind routers, and the way to the Internet where one is given', () => {
    const vpn = member();
    const routes = [
      { range: { network: 0xc0a80500, prefixBits: 24 }, peerId: BOB },
      { range: { network: 0, prefixBits: 0 }, peerId: BOB },
    ];
    vpn.handle({ kind: 'routes', routes }, T);
    const { options } = dhcp(vpn, { type: 'discover' }) as DhcpMessage;
    expect([...(options.get(121) ?? [])]).toEqual([24, 192, 168, 5, 10, 128, 0, 1, 0, 10, 128, 0, 1]);
    expect([...(options.get(3) ?? [])]).toEqual([10, 128, 0, 1]);
  });

  test.each<[string, Partial<DhcpMessage>, string | undefined, number]>([
    ['selecting our offer', { options: asking(OURS, SERVICE) }, 'ack', OURS],
    ['selecting another server', { options: asking(OURS, SERVICE + 1) }, undefined, 0],
    ['restarting with the same address', { options: asking(OURS) }, 'ack', OURS],
    ['restarting with another address', { options: asking(OURS + 1) }, 'nak', 0],
    ['renewing', { clientAddress: OURS }, 'ack', OURS],
    ['renewing an address that moved', { clientAddress: OURS + 1 }, 'nak', 0],
    ['through a relay', { clientAddress: OURS, relayAddress: 1 }, undefined, 0],
  ])('a request %s', (_, message, type, yourAddress) => {
    const answer = dhcp(member(), { type: 'request', ...message });
    expect([answer?.type, answer?.yourAddress ?? 0]).toEqual([type, yourAddress]);
  });

  test('informs without a lease', () => {
    const answer = dhcp(member(), { type: 'inform', clientAddress: OURS });
    expect(answer).toMatchObject({ type: 'ack', yourAddress: 0 });
    expect(answer?.options.has(51)).toBe(false);
  });

  test('goes by broadcast where asked for, else to the address that it gives', () => {
    for (const [broadcast, to, mac] of [
      [true, BROADCAST, ALL_MAC],
      [false, OURS, macOf(ADA)],
    ] as const) {
      const vpn = member();
      vpn.fromTap(discover({ broadcast }), T);
      const frame = onlyTap(vpn);
      expect(packet4(frame).destination).toBe(to);
      expect(frame.slice(0, 6)).toEqual(mac);
    }
  });

  test('is silent while no address is claimed, and to releases', () => {
    const vpn = new Vpn({ ...someone(ADA), hasTap: true });
    vpn.fromTap(discover({}), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops['no-address']).toBe(1);
    expect(dhcp(member(), { type: 'release', clientAddress: OURS })).toBeUndefined();
    expect(dhcp(member(), { type: 'decline', options: asking(OURS) })).toBeUndefined();
  });

  test('#45 #81 answers the device of its own member only', () => {
    const vpn = member();
    vpn.fromTap(discover({ clientMac: macOf(BOB) }), T);
    vpn.fromTap(discover({}, macOf(BOB)), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops).toMatchObject({ dhcp: 1, source: 1 });
  });

  test('of hostile bytes never throws and answers only what it can read', () => {
    const vpn = member();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400, size: 'max' }), data => {
        const udp = { sourcePort: 68, destinationPort: 67, data };
        vpn.fromTap(ipv4Frame({ from: macOf(ADA), to: ALL_MAC }, udp4(0, BROADCAST, udp)), T);
        expect(drain(vpn)).toEqual([]);
      }),
    );
  });
});

describe('IPv6', () => {
  test.each([
    ['a member', BOBS_6, macOf(BOB)],
    ['the services', SERVICE_6, SERVICE_MAC],
  ])('who has the address of %s is answered at once', (_, target, mac) => {
    const vpn = member();
    vpn.fromTap(solicitation(target), T);
    const packet = decodeIpv6(onlyTap(vpn).subarray(14));
    expect(packet).toMatchObject({ source: target, destination: OURS_6, hopLimit: 255 });
    expect(packet && decodeNeighbour(packet.payload, packet)).toMatchObject({ kind: 'advertisement', target, mac });
  });

  test.each([
    ['our own address', OURS_6, 'neighbour'],
    ['an address elsewhere', new Uint8Array(16).fill(0xfe), 'neighbour'],
    ['a member whom nobody knows', memberAddress6(PREFIX, peerOf(9)), 'no-owner'],
  ])('about %s it is not', (_, target, reason) => {
    const vpn = member();
    vpn.fromTap(solicitation(target), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops[reason as 'neighbour']).toBe(1);
  });

  test('probes of an address before its use get no answer, so that it can be used', () => {
    const vpn = member();
    vpn.fromTap(solicitation(BOBS_6, new Uint8Array(16)), T);
    expect(drain(vpn)).toEqual([]);
  });

  test('to the services is answered, to a member sent', () => {
    const vpn = member();
    vpn.fromTap(echo6(ADA, OURS_6, SERVICE_6), T);
    const packet = decodeIpv6(onlyTap(vpn).subarray(14));
    expect(packet && decodeIcmpv6Echo(packet.payload, packet)).toMatchObject({ operation: 'reply', sequence: 2 });
    vpn.fromTap(echo6(ADA, OURS_6, BOBS_6), T);
    expect(drain(vpn)).toMatchObject([{ kind: 'frame', to: BOB }]);
  });

  test('of a peer passes from its own address to ours; a tab answers it', () => {
    const edge = member();
    edge.fromPeer(BOB, echo6(BOB, BOBS_6, OURS_6), T);
    expect(onlyTap(edge).slice(0, 6)).toEqual(macOf(ADA));
    const tab = member(false);
    tab.fromPeer(BOB, echo6(BOB, BOBS_6, OURS_6), T);
    const [output] = drain(tab);
    const reply = output?.kind === 'frame' ? decodeIpv6(output.frame.subarray(14)) : undefined;
    expect(reply && decodeIcmpv6Echo(reply.payload, reply)).toMatchObject({ operation: 'reply', sequence: 2 });
  });

  test.each<[string, string, Uint8Array]>([
    ['from the address of another', 'spoofed-source', echo6(BOB, memberAddress6(PREFIX, peerOf(9)), OURS_6)],
    ['from our own address', 'spoofed-source', echo6(BOB, OURS_6, OURS_6)],
    ['from a link-local address', 'spoofed-source', echo6(BOB, Uint8Array.of(0xfe, 0x80, ...BOBS_6.slice(2)), OURS_6)],
    ['with the MAC address of another', 'spoofed-mac', echo6(peerOf(9), BOBS_6, OURS_6)],
    ['to an address that is not ours', 'destination', echo6(BOB, BOBS_6, SERVICE_6)],
    ['with a router advertisement', 'redirect', icmp6(134)],
    ['with a redirect', 'redirect', icmp6(137)],
    ['with a neighbour advertisement', 'redirect', icmp6(136)],
    ['with an advertisement behind options', 'redirect', ip6(60, [58, 0, 1, 4, 0, 0, 0, 0, 134, 0, 0, 0])],
    ['with an advertisement in a first fragment', 'redirect', ip6(44, [58, 0, 0, 1, 0, 0, 0, 1, 134, 0, 0, 0])],
    ['with a routing header', 'redirect', ip6(43, [17, 0, 0, 0, 0, 0, 0, 0])],
    ['with DHCP', 'dhcp', ip6(17, [2, 35, 2, 34, 0, 8, 0, 0])],
    ['that is cut', 'malformed', ip6(17, [1, 2, 3]).subarray(0, 50)],
  ])('#81 of a peer is dropped %s', (_, reason, frame) => {
    const vpn = member();
    vpn.fromPeer(BOB, frame, T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.inboundDrops[reason as 'dhcp']).toBe(1);
  });

  test('from an address that is not ours stays here', () => {
    const vpn = member();
    vpn.fromTap(echo6(ADA, BOBS_6, BOBS_6), T);
    expect(drain(vpn)).toEqual([]);
    expect(vpn.stats.outboundDrops.source).toBe(1);
  });
});

const MACS = { from: macOf(ADA), to: SERVICE_MAC };

function member(hasTap = true): Vpn {
  const members = {
    memberWith: (start: Uint8Array): PeerId | undefined => (start.every(byte => byte === 0xb2) ? BOB : undefined),
    listeners: () => [],
    allows: () => true,
  };
  const vpn = new Vpn({ ...someone(ADA), hasTap, preferred: OURS, members });
  vpn.handle({ kind: 'ready' }, T);
  vpn.handle({ kind: 'claim-result', address: OURS, result: 'held' }, T);
  drain(vpn);
  return vpn;
}

function drain(vpn: Vpn): VpnOutput[] {
  const outputs: VpnOutput[] = [];
  for (let output = vpn.poll(); output !== undefined; output = vpn.poll()) outputs.push(output);
  return outputs;
}

/** The one frame for the device. */
function onlyTap(vpn: Vpn): Uint8Array {
  const [output, ...more] = drain(vpn);
  expect([output?.kind, more]).toEqual(['tap', []]);
  return output?.kind === 'tap' ? output.frame : NO_MAC;
}

function packet4(frame: Uint8Array): Ipv4Packet {
  return decodeIpv4(frame.subarray(14)) as Ipv4Packet;
}

function reframed({ source, destination, protocol, payload, moreFragments }: Ipv4Packet): Uint8Array {
  const frame = ipv4Frame(MACS, { source, destination, protocol, payload });
  if (!moreFragments) return frame;
  // The flag, and what it takes from the checksum.
  frame[20] = 0x20;
  frame[24] = (frame[24] as number) + 0x20;
  return frame;
}

function discover(message: Partial<DhcpMessage>, mac = macOf(ADA)): Uint8Array {
  const nothing = { clientAddress: 0, yourAddress: 0, relayAddress: 0, broadcast: false, options: new Map() };
  const whole = { type: 'discover', transactionId: 0x1234, clientMac: macOf(ADA), ...nothing, ...message } as const;
  const udp = { sourcePort: 68, destinationPort: 67, data: encodeDhcp(whole) };
  return ipv4Frame({ from: mac, to: ALL_MAC }, udp4(whole.clientAddress, BROADCAST, udp));
}

/** What the services answer to a DHCP message of our machine. */
function dhcp(vpn: Vpn, message: Partial<DhcpMessage>): DhcpMessage | undefined {
  vpn.fromTap(discover(message), T);
  const [output] = drain(vpn);
  if (output?.kind !== 'tap') return undefined;
  return decodeDhcp(decodeUdpPacket(packet4(output.frame).payload)?.data ?? NO_MAC);
}

function asking(address: number, server?: number): Map<number, Uint8Array> {
  const bytes = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  const wanted = new Map([[50, bytes(address)]]);
  return server === undefined ? wanted : wanted.set(54, bytes(server));
}

function text(bytes: readonly number[] | undefined): string {
  return String.fromCharCode(...(bytes ?? []));
}

function solicitation(target: Uint8Array, source = OURS_6): Uint8Array {
  const destination = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...target.slice(13));
  const message = { kind: 'solicitation', solicited: false, override: false, target } as const;
  const payload = encodeNeighbour(message, { source, destination });
  const macs = { from: macOf(ADA), to: Uint8Array.of(0x33, 0x33, ...destination.slice(12)) };
  return ipv6Frame(macs, { source, destination, nextHeader: 58, hopLimit: 255, payload });
}

function echo6(by: PeerId, source: Uint8Array, destination: Uint8Array): Uint8Array {
  const echo = { operation: 'request', identifier: 1, sequence: 2, data: new Uint8Array(8) } as const;
  const payload = encodeIcmpv6Echo(echo, { source, destination });
  return ipv6Frame({ from: macOf(by), to: SERVICE_MAC }, { source, destination, nextHeader: 58, payload });
}

/** From Bob to us. */
function ip6(nextHeader: number, payload: readonly number[]): Uint8Array {
  const ends = { source: BOBS_6, destination: OURS_6 };
  return ipv6Frame({ from: macOf(BOB), to: macOf(ADA) }, { ...ends, nextHeader, payload: Uint8Array.from(payload) });
}

function icmp6(type: number): Uint8Array {
  return ip6(58, [type, 0, 0, 0, 0, 0, 0, 0]);
}
