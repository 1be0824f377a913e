/** Choosing a gateway: row 28 of the faults (a gateway is lost), 77 (claims count for little). */
import type { PeerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { GATEWAY_PROBE_MS, Gateways, type GatewaysOutput, LATE_ANSWERS_MS } from './gateways.ts';

const [A, B, C] = ['aa', 'bb', 'cc'].map(byte => byte.repeat(20)) as [PeerKey, PeerKey, PeerKey];
const offer = (peer: PeerKey, capacityMbit = 0) => ({ peer, capacityMbit });

/** Runs until `end`; those in `alive` answer questions after 20 ms. */
function run(gateways: Gateways, from: number, end: number, alive: readonly PeerKey[], sendEvery = 100) {
  const log: { at: number; out: GatewaysOutput }[] = [];
  const lost: number[] = [];
  const answers: { at: number; peer: PeerKey }[] = [];
  for (let now = from; now <= end; now += 10) {
    for (const { peer } of answers.filter(({ at }) => at === now)) gateways.heard(peer, now);
    if (sendEvery > 0 && now % sendEvery === 0) {
      const peer = gateways.route(1, now);
      if (peer === undefined || !alive.includes(peer)) lost.push(now);
      else answers.push({ at: now + 20, peer });
    }
    if ((gateways.wakeAt ?? Number.POSITIVE_INFINITY) <= now) gateways.tick(now);
    for (let out = gateways.poll(); out !== undefined; out = gateways.poll()) {
      log.push({ at: now, out });
      if (out.kind === 'probe' && alive.includes(out.peer)) answers.push({ at: now + 20, peer: out.peer });
    }
  }
  return { log, lost };
}

function pair(): Gateways {
  const gateways = new Gateways({ spread: false });
  gateways.offered([offer(A), offer(B)], 0);
  gateways.reached(A, { isDirect: true, rttMs: 20 });
  gateways.reached(B, { isDirect: true, rttMs: 60 });
  return gateways;
}

describe('the choice', () => {
  test('all that are offered are asked at once, then every 15 s', () => {
    const { log } = run(pair(), 0, 40_000, [A, B], 0);
    const probes = log.filter(({ out }) => out.kind === 'probe' && out.peer === B).map(({ at }) => at);
    expect(probes[0]).toBe(0);
    expect(probes.length).toBe(3);
    expect((probes[1] as number) - (probes[0] as number)).toBeLessThanOrEqual(GATEWAY_PROBE_MS + 30);
  });

  test.each<[string, PeerKey, (g: Gateways) => void]>([
    ['a direct one before a faster one through others', A, g => g.reached(B, { isDirect: false, rttMs: 1 })],
    ['the faster one', A, g => g.reached(B, { isDirect: true, rttMs: 200 })],
    ['the one with more capacity among equally fast', B, g => g.reached(B, { isDirect: true, rttMs: 50 })],
  ])('%s', (_, expected, change) => {
    const gateways = new Gateways({ spread: false });
    gateways.offered([offer(C), offer(A, 10), offer(B, 100)], 0);
    gateways.reached(A, { isDirect: true, rttMs: 50 });
    change(gateways);
    run(gateways, 0, 1000, [A, B], 0);
    gateways.offered([offer(A, 10), offer(B, 100)], 1000);
    gateways.configure({ spread: false, allowed: new Set() }, 1000);
    gateways.configure({ spread: false }, 1001);
    expect(gateways.current).toBe(expected);
  });

  test('one that lives is not left for a better one', () => {
    const gateways = pair();
    run(gateways, 0, 5000, [A, B]);
    const { current } = gateways;
    gateways.reached(current === A ? B : A, { isDirect: true, rttMs: 1 });
    run(gateways, 5000, 30_000, [A, B]);
    expect(gateways.current).toBe(current);
  });

  test('one that was never heard gives way to the first that answers', () => {
    const gateways = new Gateways({ spread: false });
    gateways.offered([offer(C, 1000), offer(A)], 0);
    gateways.reached(C, { isDirect: true, rttMs: 1 });
    expect(gateways.current).toBe(C);
    const { lost } = run(gateways, 0, 1000, [A]);
    expect(gateways.current).toBe(A);
    expect(lost.length).toBeLessThan(3);
  });

  test('only those that the user allows', () => {
    const gateways = new Gateways({ spread: false, allowed: new Set([C]) });
    gateways.offered([offer(A), offer(B)], 0);
    run(gateways, 0, 1000, [A, B]);
    expect(gateways.current).toBeUndefined();
    gateways.offered([offer(A), offer(B), offer(C)], 1000);
    expect(gateways.current).toBe(C);
  });
});

describe('#28 a gateway is lost', () => {
  test('another one carries on within three seconds of traffic', () => {
    const gateways = pair();
    run(gateways, 0, 60_000, [A, B]);
    const dead = gateways.current as PeerKey;
    const other = dead === A ? B : A;
    const { lost } = run(gateways, 60_010, 90_000, [other]);
    expect(gateways.current).toBe(other);
    expect(lost.length * 100).toBeLessThan(3000);
    expect(lost.length).toBeGreaterThan(0);
  });

  test('without another one nothing is chosen, offers are read again once a second, and the old one is taken back', () => {
    const gateways = new Gateways({ spread: false });
    gateways.offered([offer(A)], 0);
    run(gateways, 0, 5000, [A]);
    const { log } = run(gateways, 5010, 15_000, []);
    expect(gateways.current).toBeUndefined();
    const seeks = log.filter(({ out }) => out.kind === 'seek').length;
    expect(seeks).toBeGreaterThan(5);
    expect(seeks).toBeLessThan(11);
    run(gateways, 15_010, 17_000, [A]);
    expect(gateways.current).toBe(A);
  });

  test('one that is withdrawn is left at once, and its last packets are still taken for a while', () => {
    const gateways = pair();
    run(gateways, 0, 5000, [A, B]);
    const left = gateways.current as PeerKey;
    const other = left === A ? B : A;
    expect(gateways.accepts(left, 5000)).toBe(true);
    expect(gateways.accepts(other, 5000)).toBe(false);
    gateways.configure({ spread: false, allowed: new Set([other]) }, 5000);
    expect(gateways.current).toBe(other);
    expect(gateways.accepts(left, 5000 + LATE_ANSWERS_MS - 200)).toBe(true);
    expect(gateways.accepts(left, 5000 + LATE_ANSWERS_MS)).toBe(false);
  });

  test('an idle gateway that died is found dead without traffic', () => {
    const gateways = pair();
    run(gateways, 0, 5000, [A, B]);
    const dead = gateways.current as PeerKey;
    run(gateways, 5010, 40_000, [dead === A ? B : A], 0);
    expect(gateways.all().find(({ peer }) => peer === dead)?.state).toBe('dead');
  });

  test('uploads without any answer do not count as death while questions are answered', () => {
    const gateways = new Gateways({ spread: false });
    gateways.offered([offer(A)], 0);
    for (let now = 0; now < 20_000; now += 10) {
      gateways.route(1, now);
      if ((gateways.wakeAt as number) <= now) gateways.tick(now);
      for (let out = gateways.poll(); out !== undefined; out = gateways.poll()) {
        if (out.kind === 'probe') gateways.heard(A, now);
      }
      expect(gateways.current).toBe(A);
    }
  });
});

describe('spread', () => {
  test('flows are divided about evenly, a flow stays where it is, a dead one moves its own flows only', () => {
    const gateways = new Gateways({ spread: true });
    gateways.offered([offer(A), offer(B), offer(C)], 0);
    for (const peer of [A, B, C]) gateways.reached(peer, { isDirect: true, rttMs: 20 });
    run(gateways, 0, 1000, [A, B, C], 0);
    const before = Array.from({ length: 3000 }, (_, flow) => gateways.route(flow * 7919, 1000));
    for (const peer of [A, B, C]) {
      const share = before.filter(each => each === peer).length;
      expect(share).toBeGreaterThan(800);
      expect(share).toBeLessThan(1200);
    }
    run(gateways, 1010, 30_000, [A, B], 0);
    const after = Array.from({ length: 3000 }, (_, flow) => gateways.route(flow * 7919, 30_000));
    for (const [i, peer] of before.entries()) {
      if (peer === C) expect(after[i]).not.toBe(C);
      else expect(after[i]).toBe(peer);
    }
  });
});
