/** Packets to and from the Internet: rows 28 (a gateway is lost), 78 (false gateways) and 81 (spoofed sources) of the faults. */
import {
  EtherType,
  encodeEthernet,
  encodeIpv6,
  etherTypeOf,
  ipv4DestinationAt,
  ipv4ProtocolAt,
  ipv4SourceAt,
} from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import type { InternetOffer } from './internet.ts';
import { macOf } from './mac.ts';
import { parseAddress } from './subnet.ts';
import { Group, ipFrame, type Member, outputsOf, peerOf } from './testbed.ts';

const [ADA, BOB, CYD] = [peerOf(0xa), peerOf(0xb), peerOf(0xc)];
const WEB = parseAddress('203.0.113.9') as number;
const WEB6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);

let group: Group;
let ada: Member;
let bob: Member;
let cyd: Member;

beforeEach(() => {
  group = new Group();
  [ada, bob, cyd] = [ADA, BOB, CYD].map(self => group.join(self, { hasTap: true })) as [Member, Member, Member];
  group.run(2000);
});

const addressOf = ({ vpn }: Member): number => vpn.address as number;

function lead(member: Member, hasIpv6 = true): InternetOffer {
  member.vpn.internet.leading = { hasIpv6, capacityMbit: 0 };
  return { peerId: member.self, address: addressOf(member), hasIpv6, capacityMbit: 0 };
}

/** Lets ada use these gateways, who have answered before. */
function tunnel(...offers: InternetOffer[]): void {
  ada.vpn.handle({ kind: 'gateways', offers }, group.now);
  ada.vpn.tunnel({ spread: false }, group.now);
  group.run(1000);
}

/** Ada's machine sends a packet to the web. */
function toWeb(): void {
  ada.vpn.fromTap(ipFrame(ADA, ADA, { source: addressOf(ada), destination: WEB }), group.now);
  group.run(100);
}

/** The web answers ada through a gateway. */
function fromWeb(gateway: Member, source = WEB): void {
  gateway.vpn.fromTap(ipFrame(gateway.self, ADA, { source, destination: addressOf(ada) }), group.now);
  group.run(100);
}

const packet6 = (from: Member, source: Uint8Array, destination: Uint8Array): Uint8Array => {
  const payload = encodeIpv6({
    trafficClass: 0,
    flowLabel: 0,
    hopLimit: 64,
    nextHeader: 6,
    source,
    destination,
    payload: new Uint8Array(20),
  });
  return encodeEthernet({ destination: macOf(from.self), source: macOf(from.self), type: EtherType.ipv6, payload });
};

/** Frames that came out of a member's device from the web, or went to it. */
const webFrames = (member: Member): Uint8Array[] =>
  outputsOf(member, 'tap')
    .map(({ frame }) => frame)
    .filter(
      frame =>
        etherTypeOf(frame) === EtherType.ipv4 && [ipv4SourceAt(frame, 14), ipv4DestinationAt(frame, 14)].includes(WEB),
    );

describe('a full tunnel', () => {
  test('packets go to the gateway and no other, answers come back', () => {
    tunnel(lead(bob));
    toWeb();
    expect([webFrames(bob).length, webFrames(cyd).length]).toEqual([1, 0]);
    fromWeb(bob);
    expect(webFrames(ada).length).toBe(1);
  });

  test('IPv6 takes the same way', () => {
    tunnel(lead(bob));
    ada.vpn.fromTap(packet6(ada, ada.vpn.address6, WEB6), group.now);
    group.run(100);
    const out = outputsOf(bob, 'tap').filter(({ frame }) => etherTypeOf(frame) === EtherType.ipv6);
    expect(out).toHaveLength(1);
    bob.vpn.fromTap(packet6(bob, WEB6, ada.vpn.address6), group.now);
    group.run(100);
    expect(outputsOf(ada, 'tap').filter(({ frame }) => etherTypeOf(frame) === EtherType.ipv6)).toHaveLength(1);
  });

  test('a gateway without IPv6: the machine hears at once that nothing leads there', () => {
    tunnel(lead(bob, false));
    ada.vpn.fromTap(packet6(ada, ada.vpn.address6, WEB6), group.now);
    expect(ada.vpn.stats.outboundDrops['no-gateway']).toBe(1);
    group.run(100);
    const answers = outputsOf(ada, 'tap').filter(({ frame }) => etherTypeOf(frame) === EtherType.ipv6);
    expect(answers.map(({ frame }) => [frame[14 + 6], frame[14 + 40], frame[14 + 41]])).toEqual([[58, 1, 0]]);
  });

  test('without a gateway nothing leaves, offers are looked for, and the machine hears of it', () => {
    tunnel();
    toWeb();
    expect(ada.vpn.stats.outboundDrops['no-gateway']).toBe(1);
    expect(outputsOf(ada, 'seek-gateways').length).toBe(1);
    const [answer] = outputsOf(ada, 'tap').slice(-1);
    expect(answer && [ipv4ProtocolAt(answer.frame, 14), answer.frame[34], answer.frame[35]]).toEqual([1, 3, 0]);
  });

  test('#28 when the gateway dies another one carries on', () => {
    tunnel(lead(bob), lead(cyd));
    for (let i = 0; i < 20; i++) {
      toWeb();
      const current = ada.vpn.internet.current;
      if (current !== undefined) fromWeb([...group.members].find(([key]) => key === current)?.[1] as Member);
    }
    const dead = ada.vpn.internet.current as string;
    const rest = dead === [...group.members].find(([, member]) => member === bob)?.[0] ? cyd : bob;
    group.members.delete(dead as never);
    const before = webFrames(rest).length;
    for (let i = 0; i < 40; i++) toWeb();
    expect(ada.vpn.internet.current).not.toBe(dead);
    expect(webFrames(rest).length).toBeGreaterThan(before);
  });

  test('once it is off, packets out go nowhere through us', () => {
    tunnel(lead(bob));
    ada.vpn.tunnel(undefined, group.now);
    toWeb();
    expect([webFrames(bob).length, ada.vpn.stats.outboundDrops.destination]).toEqual([0, 1]);
  });
});

describe('who may send what', () => {
  test('#78 packets from the Internet through a member that is not our gateway are dropped', () => {
    tunnel(lead(bob));
    toWeb();
    lead(cyd);
    fromWeb(cyd);
    expect([webFrames(ada).length, ada.vpn.stats.inboundDrops['spoofed-source']]).toEqual([0, 1]);
  });

  test('#81 a gateway cannot speak for other members, nor with addresses of no single machine', () => {
    tunnel(lead(bob));
    toWeb();
    for (const source of [addressOf(cyd), addressOf(ada), 0, parseAddress('127.0.0.1') as number, 224 * 2 ** 24]) {
      const frame = ipFrame(BOB, ADA, { source, destination: addressOf(ada) });
      ada.vpn.fromPeer(BOB, frame, group.now);
      group.run(1000);
    }
    expect(outputsOf(ada, 'tap').filter(({ frame }) => ipv4SourceAt(frame, 14) !== addressOf(bob))).toEqual([]);
  });

  test('a member that is no gateway takes no packets to the Internet', () => {
    const offer = lead(bob);
    bob.vpn.internet.leading = undefined;
    tunnel(offer);
    toWeb();
    expect([webFrames(bob).length, bob.vpn.stats.inboundDrops.destination]).toEqual([0, 1]);
  });

  test('#81 a member cannot send through a gateway what is not from its own address', () => {
    lead(bob);
    bob.vpn.fromPeer(ADA, ipFrame(ADA, BOB, { source: addressOf(cyd), destination: WEB }), group.now);
    bob.vpn.fromPeer(ADA, ipFrame(ADA, BOB, { source: WEB + 1, destination: WEB }), group.now);
    group.run(1000);
    expect(webFrames(bob)).toEqual([]);
    expect(bob.vpn.stats.inboundDrops['spoofed-source']).toBe(2);
  });
});

describe('names through the tunnel', () => {
  test('a question reaches the resolver of the gateway, and its answer comes back once', () => {
    tunnel(lead(bob));
    const query = new Uint8Array(40).fill(7);
    const id = ada.vpn.askGateway(query, group.now);
    expect(id).toBeDefined();
    group.run(100);
    const [asked] = outputsOf(bob, 'dns');
    expect(asked?.query).toEqual(query);
    expect(asked?.client.peer).toEqual(ADA);
    const answer = new Uint8Array(60).fill(8);
    if (asked !== undefined) for (let i = 0; i < 2; i++) bob.vpn.answerDns(asked.client, answer);
    group.run(100);
    expect(outputsOf(ada, 'dns-answer')).toEqual([{ kind: 'dns-answer', id, answer }]);
  });

  test('without a gateway nobody is asked; a member that asks too much is refused, and no gateway answers for others', () => {
    expect(ada.vpn.askGateway(new Uint8Array(20), group.now)).toBeUndefined();
    tunnel(lead(bob));
    for (let i = 0; i < 200; i++) ada.vpn.askGateway(new Uint8Array(20), group.now);
    group.run(100);
    expect(outputsOf(bob, 'dns').length).toBe(100);
    expect(bob.vpn.stats.inboundDrops['asked-rate']).toBeGreaterThan(50);
    bob.vpn.internet.leading = undefined;
    group.run(10_000);
    ada.vpn.askGateway(new Uint8Array(20), group.now);
    group.run(100);
    expect(outputsOf(bob, 'dns').length).toBe(100);
  });
});
