/** What NATs do, told from what others see (faults rows 22, 23). */
import { beforeEach, describe, expect, test } from 'vitest';
import { NatSightings } from './nat.ts';

const BOUND = ['192.168.1.7:4000', '[2001:db8::7]:4000'];
const OUTSIDE = '203.0.113.5';

let sightings: NatSightings;
let now: number;

beforeEach(() => {
  sightings = new NatSightings();
  now = 0;
});

describe('a NAT', () => {
  test('is not known from one observer, nor from one host under several ports', () => {
    expect(sightings.of('ipv4', BOUND)).toBeUndefined();
    saw('198.51.100.1:1', `${OUTSIDE}:700`);
    expect(sightings.of('ipv4', BOUND)).toEqual({ mapping: 'unknown', portStep: 0, addresses: [`${OUTSIDE}:700`] });
    saw('198.51.100.1:2', `${OUTSIDE}:701`);
    expect(sightings.of('ipv4', BOUND)?.mapping).toBe('unknown');
  });

  test('that shows two hosts the same port maps by endpoint of its inside only', () => {
    saw('198.51.100.1:1', `${OUTSIDE}:700`);
    saw('198.51.100.2:1', `${OUTSIDE}:700`);
    const expected = { mapping: 'endpoint-independent', portStep: 0, addresses: [`${OUTSIDE}:700`] };
    expect(sightings.of('ipv4', BOUND)).toEqual(expected);
  });

  test('is none where others see what is bound, whoever else is on the LAN', () => {
    for (const n of [1, 2, 3]) saw(`198.51.100.${n}:1`, BOUND[0] as string);
    expect(sightings.of('ipv4', BOUND)).toEqual({
      mapping: 'endpoint-independent',
      portStep: 0,
      addresses: ['192.168.1.7:4000'],
    });
  });

  test('behind which some neighbours live is told from the others', () => {
    for (const n of [1, 2, 3, 4, 5]) saw(`192.168.1.${n}:1`, BOUND[0] as string);
    saw('198.51.100.1:1', `${OUTSIDE}:700`);
    saw('198.51.100.2:1', `${OUTSIDE}:9000`);
    const addresses = [`${OUTSIDE}:9000`, `${OUTSIDE}:700`];
    expect(sightings.of('ipv4', BOUND)).toEqual({ mapping: 'endpoint-dependent', portStep: 0, addresses });
  });

  test.each([
    [1, [700, 701, 702, 703]],
    [2, [700, 702, 706, 708]],
    [-1, [703, 702, 700]],
    [1, [65_000, 65_001]],
    [0, [700, 23_000, 41_000]],
    [0, [700, 760]],
  ])('that gives each host another port steps by %i: %j', (portStep, ports) => {
    for (const [n, port] of ports.entries()) saw(`198.51.100.${n + 1}:1`, `${OUTSIDE}:${port}`);
    const newest = ports.slice(-2).toReversed();
    expect(sightings.of('ipv4', BOUND)).toEqual({
      mapping: 'endpoint-dependent',
      portStep,
      addresses: newest.map(port => `${OUTSIDE}:${port}`),
    });
  });

  test('of one address family says nothing of the other', () => {
    saw('[2001:db8::1]:1', '[2001:db8::7]:4000');
    saw('198.51.100.1:1', `${OUTSIDE}:700`);
    expect(sightings.of('ipv6', BOUND)?.addresses).toEqual(['[2001:db8::7]:4000']);
    expect(sightings.of('ipv4', BOUND)?.addresses).toEqual([`${OUTSIDE}:700`]);
  });

  test('that has given another mapping is known by the new one as soon as most have seen it', () => {
    for (const n of [1, 2, 3]) saw(`198.51.100.${n}:1`, `${OUTSIDE}:700`);
    for (const n of [1, 2]) saw(`198.51.100.${n}:1`, `${OUTSIDE}:811`);
    expect(sightings.of('ipv4', BOUND)).toMatchObject({
      mapping: 'endpoint-independent',
      addresses: [`${OUTSIDE}:811`],
    });
  });
});

describe('a liar', () => {
  test('is outvoted by two others, under how many ports soever it speaks', () => {
    for (let i = 1; i <= 200; i++) saw(`198.51.100.9:${i}`, `${OUTSIDE}:${i}`);
    saw('198.51.100.1:1', `${OUTSIDE}:700`);
    saw('198.51.100.2:1', `${OUTSIDE}:700`);
    expect(sightings.of('ipv4', BOUND)).toEqual({
      mapping: 'endpoint-independent',
      portStep: 0,
      addresses: [`${OUTSIDE}:700`],
    });
  });

  test('faults #49 that names addresses of others is not believed where two agree, so that nobody is sent there', () => {
    for (let i = 1; i <= 40; i++) saw(`198.51.100.9:${i}`, `192.0.2.${i}:5`);
    for (const n of [1, 2]) saw(`198.51.100.${n}:1`, `${OUTSIDE}:700`);
    const expected = { mapping: 'endpoint-independent', portStep: 0, addresses: [`${OUTSIDE}:700`] };
    expect(sightings.of('ipv4', BOUND)).toEqual(expected);
  });

  test('makes no NAT of none', () => {
    const open = `${OUTSIDE}:4000`;
    for (const n of [1, 2, 3, 4]) saw(`198.51.100.${n}:1`, open);
    for (const n of [5, 6]) saw(`198.51.100.${n}:1`, `192.0.2.1:${n}`);
    const expected = { mapping: 'endpoint-independent', portStep: 0, addresses: [open] };
    expect(sightings.of('ipv4', [open])).toEqual(expected);
  });

  test('fills no memory, and what is no address is ignored', () => {
    for (let i = 1; i <= 500; i++) saw(`198.51.${i >> 8}.${i & 255}:1`, `${OUTSIDE}:${i}`);
    for (const [to, seen] of [
      ['x', `${OUTSIDE}:1`],
      ['198.51.100.1:1', 'x'],
      ['198.51.100.1:1', ''],
    ])
      saw(to as string, seen as string);
    expect(sightings.of('ipv4', BOUND)?.addresses.length).toBeLessThanOrEqual(2);
  });
});

test('what nobody has seen for five minutes is forgotten', () => {
  saw('198.51.100.1:1', `${OUTSIDE}:700`);
  now = 300_000;
  saw('198.51.100.2:1', `${OUTSIDE}:811`);
  expect(sightings.of('ipv4', BOUND)).toMatchObject({ mapping: 'unknown', addresses: [`${OUTSIDE}:811`] });
  sightings.clear();
  expect(sightings.of('ipv4', BOUND)).toBeUndefined();
});

function saw(to: string, seen: string): void {
  sightings.note(to, seen, now);
  now += 10;
}
