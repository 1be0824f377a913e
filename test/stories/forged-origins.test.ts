/**
 * A member who sends by hand what the protocol would not: what comes out of no
 * session is nothing, and what comes out of one is its owner's (session.md 2.7;
 * P1 III-A). Everybody here is a whole participant in virtual time.
 */
import { concat } from '@warren/base';
import type { Sessions } from '@warren/session';
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import {
  encodeMemberMessage,
  encodeOverlayDatagram,
  HOPS_MAX,
  Inner,
  OverlayMode,
  OverlayType,
  PacketType,
  type PeerId,
} from '@warren/wire';
import { beforeAll, describe, expect, test } from 'vitest';

interface Insides {
  readonly endToEnd: { send(to: string, inner: number, body: Uint8Array, now: number): void };
  readonly eteSessions: Sessions;
}

let village: Village;
/** Who is to be deceived, whose name is abused, and who does it. */
let victim: Resident;
let honest: Resident;
let mallory: Resident;

beforeAll(() => {
  village = new Village(501, {}, cheapCrypto);
  village.bootstrap('well');
  [victim, honest, mallory] = ['victim', 'honest', 'mallory'].map(name => village.edge(name)) as [
    Resident,
    Resident,
    Resident,
  ];
  const all = [victim, honest, mallory];
  for (const each of all) each.join();
  const isWhole = () => all.every(each => each.friends.length === 2 && each.view.self.address !== undefined);
  expect(village.world.runUntil(isWhole, 30_000)).toBe(true);
  village.world.run(10_000);
});

describe('faults #61 what a neighbour sends in the name of another', () => {
  test('is nothing as plaintext in an end-to-end datagram, whatever kind it claims to be', () => {
    const text = encodeMemberMessage({ kind: 'text', id: 1, text: 'pay mallory' });
    const plaintexts = [Inner.MEMBER, Inner.ETE_FRAME, Inner.OVERLAY].map(inner => concat(Uint8Array.of(inner), text));
    for (const type of [PacketType.DATA, PacketType.FRAME]) {
      plaintexts.push(concat(Uint8Array.of(type), new Uint8Array(15), plaintexts[0] as Uint8Array, new Uint8Array(16)));
    }
    const before = victim.texts.length;
    for (const payload of plaintexts) {
      for (const source of [honest, mallory]) {
        for (const hopsLeft of [HOPS_MAX, 7]) throwDatagram(OverlayType.ETE, source, payload, hopsLeft);
      }
    }
    village.world.run(1000);
    expect(victim.texts.length).toBe(before);
  });

  test('is its own, if it sealed it: the text is by mallory, whoever the datagram names as its source', () => {
    // The first text may overtake the end of the handshake, and is lost then.
    sendEndToEnd('hello');
    village.world.run(2000);
    const before = victim.texts.length;
    sendEndToEnd('good morning');
    village.world.run(2000);
    expect(victim.texts.slice(before)).toEqual(['mallory: good morning']);
    inTheNameOf(honest, () => sendEndToEnd('signed, honest'));
    expect(victim.texts.slice(before)).toEqual(['mallory: good morning', 'mallory: signed, honest']);
  });

  test('gives no session: a handshake in the name of another does not come about', () => {
    const before = victim.texts.length;
    sessionsOf(mallory).forget(victim.peerId);
    inTheNameOf(honest, () => {
      sendEndToEnd('let me in');
      village.world.run(10_000);
    });
    expect(victim.texts.length).toBe(before);
    expect(sessionsOf(victim).identity(honest.peerId)).toBe(undefined);
  });
});

/** Lets all that mallory sends across the overlay carry another source. */
function inTheNameOf(other: Resident, action: () => void): void {
  const { overlay } = mallory.group.network;
  const honestly = overlay.send;
  overlay.send = (type, _target, payload) => {
    throwDatagram(type, other, payload, 7);
    return true;
  };
  action();
  village.world.run(500);
  overlay.send = honestly;
}

let nextText = 100;

/** A text by mallory to the victim, across the overlay though there is a link. */
function sendEndToEnd(text: string): void {
  const body = encodeMemberMessage({ kind: 'text', id: nextText++, text });
  mallory.driver.act(now => insides(mallory).endToEnd.send(victim.peerId, Inner.MEMBER, body, now));
}

function sessionsOf(resident: Resident): Sessions {
  return insides(resident).eteSessions;
}

/** What only the network itself touches. */
function insides(resident: Resident): Insides {
  return resident.group.network as unknown as Insides;
}

/** Mallory hands the victim an overlay datagram with any source. */
function throwDatagram(type: OverlayType, source: Resident, payload: Uint8Array, hopsLeft: number): void {
  const bytes = encodeOverlayDatagram({
    type,
    mode: OverlayMode.EXACT,
    hopsLeft,
    flags: 0,
    requestId: 0,
    source: id(source),
    target: id(victim),
    payload,
  });
  mallory.driver.act(now => mallory.group.network.links.send(victim.peerId, Inner.OVERLAY, bytes, now));
}

function id(resident: Resident): PeerId {
  return resident.group.network.self;
}
