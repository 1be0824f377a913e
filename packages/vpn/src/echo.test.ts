import { encodeUdpPacket } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { PING_MS, PINGS_MAX } from './constants.ts';
import { type EchoPacket, echoFrame, Pings, readEcho } from './echo.ts';
import { ipFrame, peerOf, pingFrame, seeded } from './testbed.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);
const FROM = 0x0a800505;
const TO = 0x0a800606;

describe('pings', () => {
  test('are finished by the reply of the pinged address, once', () => {
    const pings = new Pings(seeded(1));
    const { id, sequence } = pings.start(TO, 100);
    const reply = replyTo(pings, sequence);
    expect(pings.finish({ ...reply, source: TO + 1 }, 130)).toBeUndefined();
    expect(pings.finish(reply, 130)).toEqual({ id, sequence, rttMs: 30, from: TO });
    expect(pings.finish(reply, 131)).toBeUndefined();
  });

  test.each([
    ['a request', { operation: 'request' } as const],
    ['another identifier', { identifier: 1 }],
    ['another sequence number', { sequence: 2 }],
    ['other data', { data: new Uint8Array(56) }],
    ['shorter data', { data: new Uint8Array(0) }],
  ])('are not finished by %s', (_, change) => {
    const pings = new Pings(seeded(1));
    const reply = replyTo(pings, pings.start(TO, 0).sequence);
    expect(pings.finish({ ...reply, echo: { ...reply.echo, ...change } }, 1)).toBeUndefined();
    expect(pings.finish(reply, 1)).toBeDefined();
  });

  test('are forgotten after ten seconds, once another begins', () => {
    const pings = new Pings(seeded(1));
    const first = pings.start(TO, 0);
    pings.start(TO, PING_MS);
    expect(pings.finish(replyTo(pings, first.sequence), PING_MS)).toBeUndefined();
  });

  test('are no more than the limit; the oldest is forgotten', () => {
    const pings = new Pings(seeded(1));
    const started = Array.from({ length: PINGS_MAX + 1 }, () => pings.start(TO, 0));
    const finished = started.map(({ sequence }) => pings.finish(replyTo(pings, sequence), 1) !== undefined);
    expect(finished.map((done, i) => (done ? -1 : i)).filter(i => i >= 0)).toEqual([0]);
  });

  test('keep unique ids when sequence numbers come round', () => {
    const pings = new Pings(seeded(1));
    const started = Array.from({ length: 65_537 }, () => pings.start(TO, 0));
    expect(started.at(-1)).toEqual({ id: 65_537, sequence: 1 });
    expect(pings.finish(replyTo(pings, 1), 5)?.id).toBe(65_537);
  });

  test('of two runs differ in identifier or data', () => {
    const [one, two] = [1, 2].map(seed => new Pings(seeded(seed)).request(1));
    expect(one).not.toEqual(two);
  });
});

describe('echo frames', () => {
  test('are read back as they were written', () => {
    const pings = new Pings(seeded(1));
    const packet = { source: FROM, destination: TO, echo: pings.request(9) };
    expect(readEcho(echoFrame(ADA, BOB, packet))).toEqual(packet);
  });

  test('are told from other packets, fragments and damaged ones', () => {
    const addresses = { source: FROM, destination: TO };
    const whole = pingFrame(ADA, BOB, addresses);
    expect(readEcho(whole)).toBeDefined();
    const data = new Uint8Array(8);
    const udp = encodeUdpPacket({ sourcePort: 0x0800, destinationPort: 0, checksum: 0, data });
    expect(readEcho(ipFrame(ADA, BOB, { ...addresses, protocol: 17, payload: udp }))).toBeUndefined();
    const message = whole.slice(34);
    for (const fragment of [{ moreFragments: true }, { fragmentOffset: 1 }]) {
      const frame = ipFrame(ADA, BOB, { ...addresses, protocol: 1, payload: message, ...fragment });
      expect(readEcho(frame)).toBeUndefined();
    }
    for (let at = 14; at < whole.length; at++) {
      const damaged = whole.slice();
      damaged[at] = (damaged[at] as number) ^ 0x10;
      expect(readEcho(damaged)).toBeUndefined();
    }
  });
});

function replyTo(pings: Pings, sequence: number): EchoPacket {
  return { source: TO, destination: FROM, echo: { ...pings.request(sequence), operation: 'reply' } };
}
