/** Two neighbours and the ways between them (overlay.md "Links"; faults rows 21, 31, 32, 43, 49, 57, 58, 62, 100). */
import { utf8 } from '@warren/base';
import { SeededRandom, simAuthority, simCredentials, simMember, simSuite, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { decodePathProbe, encodeLinkMessage, encodePathProbe, Inner, PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf, type End, type EndOptions, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const TAB = { udp: false, webrtc: true };

let bed: Testbed;
let a: End;
let b: End;

beforeEach(fresh);

describe('a link', () => {
  test('is up on both sides once a challenge was answered, and carries nothing before', () => {
    bed.connect(a, b);
    let early = 0;
    while (ups(a) === 0 && bed.now < 1000) {
      if (bed.say(a, b, 'early')) early++;
      bed.run(5);
    }
    expect(early).toBe(0);
    const sent = a.sent.filter(({ path }) => path === 'ws/b').map(({ bytes }) => bytes[0]);
    expect(sent.slice(0, 2)).toEqual([PacketType.HS1, PacketType.HS3]);
    bed.run(100);
    expect([ups(a), ups(b)]).toEqual([1, 1]);
    expectTalk();
  });

  test('begins carried by another overlay and moves to UDP without losing a datagram', () => {
    bed.connect(a, b, `via/public/${b.publicKey}`);
    bed.runUntil(() => ups(a) + ups(b) === 2, 1000);
    expect([kind(a, b), kind(b, a)]).toEqual(['overlay', 'overlay']);
    bed.fate = ({ path }) => [path.startsWith('via/') ? 80 : 10];
    const sent = chatter(3000, 5);
    expect([kind(a, b), kind(b, a)]).toEqual(['udp', 'udp']);
    expect(bed.heard(b, a).toSorted()).toEqual(sent.toSorted());
    expect(bed.heard(a, b).toSorted()).toEqual(sent.toSorted());
  });

  test('of two tabs moves to WebRTC, offered by the smaller id', () => {
    pairOfTabs();
    bed.connect(a, b);
    bed.run(500);
    expect([kind(a, b), kind(b, a)]).toEqual(['webrtc', 'webrtc']);
    const roles = [a, b].map(end => outs(end, 'open-webrtc').map(({ role }) => role));
    expect(roles).toEqual(a.peer < b.peer ? [['offerer'], ['answerer']] : [['answerer'], ['offerer']]);
    expectTalk();
  });

  test('faults #57 never uses a data channel whose ends hold different fingerprints', () => {
    pairOfTabs();
    bed.binding = (end, connection) => utf8(`${end.name} ${connection}`);
    bed.connect(a, b);
    bed.run(60_000);
    expect([kind(a, b), kind(b, a)]).toEqual(['websocket', 'websocket']);
    chatter(1000, 100);
    const types = [...a.sent, ...b.sent].filter(({ path }) => path.startsWith('rtc/')).length;
    expect(types).toBeGreaterThan(0);
    expect([...a.received, ...b.received].every(({ message }) => message.kind === 'overlay')).toBe(true);
    expect(outs(a, 'close-path').length).toBeGreaterThan(0);
    const channels = outs(a, 'open-webrtc').length;
    expect(channels).toBeGreaterThan(1);
    expect(channels).toBeLessThan(6);
  });

  test('faults #21 that only its own overlay carries is good for setting up, and is given up after 20 s', () => {
    bed.fate = ({ path }) => (path.startsWith('via/group/') ? [10] : []);
    bed.connect(a, b, `via/group/${b.peer}`);
    bed.run(19_000);
    expect([ups(a), ups(b), bed.say(a, b, 'x')]).toEqual([0, 0, false]);
    bed.run(2000);
    expect(outs(a, 'unreachable')).toMatchObject([{ peer: b.peer }]);
    bed.fate = () => [10];
    bed.connect(a, b, `via/group/${b.peer}`);
    bed.run(1000);
    expect(kind(a, b)).toBe('udp');
  });

  test('whose UDP is blocked goes another way, and moves to UDP within 70 s when it passes again', () => {
    const blocked = (letter: Letter) => (letter.path.startsWith('udp/') ? [] : [10]);
    bed.fate = blocked;
    bed.connect(a, b);
    bed.run(120_000);
    expect([kind(a, b), kind(b, a)]).toEqual(['websocket', 'websocket']);
    bed.fate = () => [10];
    expect(bed.runUntil(() => kind(a, b) === 'udp' && kind(b, a) === 'udp', 70_000)).toBe(true);
    bed.fate = blocked;
    expect(bed.runUntil(() => kind(a, b) === 'websocket' && kind(b, a) === 'websocket', 9000)).toBe(true);
    expect([ups(a), ups(b), downs(a), downs(b)]).toEqual([1, 1, [], []]);
    bed.fate = () => [10];
    expect(bed.runUntil(() => kind(a, b) === 'udp' && kind(b, a) === 'udp', 70_000)).toBe(true);
  });

  test('knows its round-trip time', () => {
    bed.fate = () => [37];
    bed.connect(a, b);
    bed.run(5000);
    expect(a.links.info(b.peer)?.rttMs).toBeCloseTo(74, 5);
  });

  test('tells how much went each way', () => {
    link();
    const before = [a.links.info(b.peer)?.sentBytes ?? 0, b.links.info(a.peer)?.receivedBytes ?? 0] as const;
    bed.say(a, b, 'x'.repeat(100));
    bed.run(11);
    const after = [a.links.info(b.peer)?.sentBytes ?? 0, b.links.info(a.peer)?.receivedBytes ?? 0] as const;
    expect([after[0] - before[0], after[1] - before[1]]).toEqual([133, 133]);
  });
});

describe('loss', () => {
  test('of everything is noticed by both sides within 3 to 8 s, busy or idle', () => {
    const taken: number[] = [];
    for (const isBusy of [true, false]) {
      for (let phase = 0; phase < 10; phase++) {
        fresh();
        link();
        bed.run(20_000 + phase * 730);
        bed.fate = () => [];
        const cutAt = bed.now;
        while (downs(a).length + downs(b).length < 2 && bed.now < cutAt + 20_000) {
          if (isBusy) {
            bed.say(a, b, 'x');
            bed.say(b, a, 'x');
          }
          bed.run(100);
        }
        taken.push(downAt(a) - cutAt, downAt(b) - cutAt);
      }
    }
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(3000);
    expect(Math.max(...taken)).toBeLessThanOrEqual(8000 + 100);
  });

  test('of everything is noticed within 15 s where a carried path is in reserve, which gets time to mend', () => {
    const taken: number[] = [];
    for (let phase = 0; phase < 10; phase++) {
      fresh();
      bed.connect(a, b, `via/public/${b.publicKey}`);
      bed.run(20_000 + phase * 1730);
      expect(kind(a, b)).toBe('udp');
      bed.fate = () => [];
      const cutAt = bed.now;
      bed.run(20_000);
      taken.push(downAt(a) - cutAt, downAt(b) - cutAt);
    }
    expect(Math.max(...taken)).toBeLessThanOrEqual(15_000);
  });

  test('faults #31 of one direction is noticed by both sides within 9 s', () => {
    link();
    bed.run(20_000);
    bed.fate = ({ from }) => (from === 'a' ? [] : [10]);
    expect(bed.runUntil(() => downs(a).length > 0 && downs(b).length > 0, 9000)).toBe(true);
  });

  test('faults #32 of one datagram in ten does not end an idle link in ten minutes', () => {
    const chance = new SeededRandom(11, 'loss');
    link();
    bed.fate = () => (chance.unit() < 0.1 ? [] : [10]);
    bed.run(600_000);
    expect([kind(a, b), kind(b, a), downs(a), downs(b)]).toEqual(['udp', 'udp', [], []]);
  });

  test('faults #32 of three datagrams in ten keeps few links from UDP for 10 s, and none for 70 s', () => {
    const took = Array.from({ length: 30 }, (_, seed) => {
      fresh();
      const chance = new SeededRandom(seed, 'loss');
      bed.fate = ({ path }) => (path.startsWith('udp/') && chance.unit() < 0.3 ? [] : [10]);
      bed.connect(a, b);
      expect(
        bed.runUntil(() => kind(a, b) === 'udp' && kind(b, a) === 'udp', 70_000),
        `seed ${seed}`,
      ).toBe(true);
      return bed.now;
    });
    expect(took.filter(ms => ms > 10_000).length).toBeLessThanOrEqual(3);
  });

  test('faults #32 of three datagrams in ten keeps few tabs from WebRTC for 20 s, and none for 100 s', () => {
    const took = Array.from({ length: 30 }, (_, seed) => {
      pairOfTabs();
      const chance = new SeededRandom(seed, 'loss');
      bed.fate = () => (chance.unit() < 0.3 ? [] : [10]);
      const isOpen = () => kind(a, b) === 'webrtc' && kind(b, a) === 'webrtc';
      // The ring dials again when a link did not come about.
      while (!isOpen() && bed.now < 100_000) {
        if (ups(a) === 0) bed.connect(a, b);
        bed.runUntil(isOpen, 12_000);
      }
      expect(isOpen(), `seed ${seed}`).toBe(true);
      return bed.now;
    });
    expect(took.filter(ms => ms > 20_000).length).toBeLessThanOrEqual(3);
  });

  test('during sleep is noticed 4 s after waking, and a path that lives is kept', () => {
    link();
    bed.run(20_000);
    bed.now += 3_000_000;
    bed.act(a, links => links.resumed(bed.now));
    bed.act(b, links => links.resumed(bed.now));
    bed.run(500);
    // Keys have aged meanwhile: a handshake follows, and the link with it.
    bed.run(2000);
    bed.connect(a, b);
    bed.run(500);
    expectTalk();
    bed.fate = () => [];
    bed.act(a, links => links.resumed(bed.now));
    expect(bed.runUntil(() => a.links.info(b.peer) === undefined, 4100)).toBe(true);
  });
});

describe('an end', () => {
  test('by a goodbye is known at once', () => {
    link();
    bed.act(a, links => links.disconnect(b.peer, bed.now));
    expect(downs(a)).toEqual(['stopped']);
    bed.run(11);
    expect(downs(b)).toEqual(['closed']);
    bed.run(60_000);
    expect([ups(a), ups(b)]).toEqual([1, 1]);
  });

  test('faults #62 comes from nobody but the neighbour', () => {
    link();
    for (const bytes of [Uint8Array.of(PacketType.DATA, ...new Uint8Array(40)), new Uint8Array([4]), utf8('close')]) {
      bed.deliver({ from: 'a', to: 'b', path: `udp/${addressOf('b')}`, bytes, at: bed.now });
    }
    bed.run(100);
    expect(downs(b)).toEqual([]);
    expectTalk();
  });

  test('that the other side has not heard of is undone by its next probe', () => {
    link();
    bed.run(2000);
    bed.fate = () => [];
    bed.act(a, links => links.disconnect(b.peer, bed.now));
    bed.fate = () => [10];
    expect(bed.runUntil(() => kind(a, b) === 'udp', 8000)).toBe(true);
    expect(downs(b)).toEqual([]);
    expectTalk();
  });

  test('faults #43 by a crash and a restart gives a new link within a second of the first datagram', () => {
    link();
    bed.run(2000);
    b = bed.add('b', options('b', { run: 'second run', startedMs: 60_000 }));
    bed.say(a, b, 'to the dead');
    expect(bed.runUntil(() => ups(b) === 1 && ups(a) === 2, 1000)).toBe(true);
    expect(downs(a)).toEqual(['replaced']);
    bed.run(1000);
    expect([kind(a, b), kind(b, a)]).toEqual(['udp', 'udp']);
    expectTalk();
  });

  test('faults #43 of two tabs by a reload of one gives a new data channel', () => {
    pairOfTabs();
    bed.connect(a, b);
    bed.run(1000);
    b = bed.add('b', { ...options('b', { run: 'second run', startedMs: 60_000 }), can: TAB });
    bed.connect(b, a);
    expect(bed.runUntil(() => kind(a, b) === 'webrtc' && kind(b, a) === 'webrtc', 5000)).toBe(true);
    expectTalk();
  });
});

describe('large things', () => {
  test('messages up to 16 KiB arrive whole, in any order of their pieces, and larger ones are refused', () => {
    link();
    bed.fate = ({ bytes }) => [10 + ((bytes[15] ?? 0) % 7) * 3, 60];
    for (const length of [0, 1, 1166, 1167, 1168, 1169, 5000, 16_383]) {
      expect(bed.say(a, b, 'm'.repeat(length)), `${length}`).toBe(true);
      bed.run(200);
    }
    expect(bed.heard(b, a).map(text => text.length)).toEqual([0, 1, 1166, 1167, 1168, 1169, 5000, 16_383]);
    expect(bed.say(a, b, 'm'.repeat(16_384))).toBe(false);
    expect(a.links.stats.dropped).toBe(1);
  });

  test('faults #102 unfinished messages are bounded and do no harm', () => {
    link();
    bed.fate = ({ bytes }) => (bytes.length > 600 && (bytes[15] ?? 0) % 3 === 0 ? [] : [10]);
    for (let i = 0; i < 200; i++) bed.say(a, b, 'm'.repeat(5000));
    bed.run(100);
    bed.fate = () => [10];
    bed.run(6000);
    const before = bed.heard(b, a).length;
    bed.say(a, b, 'n'.repeat(5000));
    bed.run(100);
    expect(bed.heard(b, a).slice(before)).toEqual(['n'.repeat(5000)]);
  });

  test('a path that carries 1,452 bytes takes full frames in one datagram from the second on, one that does not in two', () => {
    const frame = Uint8Array.from({ length: 1294 }, (_, i) => i & 0xff);
    for (const limit of [1452, 1200]) {
      link(bed => {
        bed.fate = ({ bytes }) => (bytes.length <= limit ? [10] : []);
      });
      bed.act(a, links => links.sendFrame(b.peer, frame, bed.now));
      bed.run(3000);
      const before = a.sent.length;
      bed.act(a, links => links.sendFrame(b.peer, frame, bed.now));
      bed.run(50);
      const frames = a.sent.slice(before).filter(({ bytes }) => bytes[0] === PacketType.FRAME);
      expect(frames.length, `limit ${limit}`).toBe(limit === 1452 ? 1 : 2);
      expect(b.received.at(-1)?.message).toMatchObject({ kind: 'frame', origin: { peer: a.peer }, bytes: frame });
    }
  });

  test('two parts of a frame are put together in either order, and a lost one costs only its frame', () => {
    link(bed => {
      bed.fate = ({ bytes }) => (bytes.length <= 1200 ? [10] : []);
    });
    bed.run(3000);
    b.received.length = 0;
    let parts = 0;
    bed.fate = ({ bytes }) => {
      if (bytes[0] !== PacketType.FRAME) return bytes.length <= 1200 ? [10] : [];
      parts++;
      return parts % 10 === 0 ? [] : [parts % 4 < 2 ? 30 : 10];
    };
    for (let i = 0; i < 100; i++) {
      bed.act(a, links => links.sendFrame(b.peer, new Uint8Array(1294).fill(i), bed.now));
      bed.run(1);
    }
    bed.run(100);
    const frames = b.received.map(({ message }) => message.bytes);
    expect(frames.length).toBe(80);
    expect(frames.every(frame => frame.length === 1294 && new Set(frame).size === 1)).toBe(true);
  });
});

describe('addresses', () => {
  const LOCAL = [
    '10.0.0.1:1',
    '192.168.1.1:1',
    '172.16.0.1:1',
    '127.0.0.1:1',
    '169.254.0.1:1',
    '[fe80::1]:1',
    '[fd00::1]:1',
  ];
  const NEVER = ['0.0.0.0:1', '255.255.255.255:1', '224.0.0.1:1', '[ff02::1]:1', '[::ffff:127.0.0.1]:0', 'localhost:1'];

  test('faults #49 of private networks are refused from strangers', () => {
    // Who takes the other for a member keeps nothing back.
    b = bed.add('b', { ...options('b'), strangers: false, addresses: [...LOCAL, '[::ffff:10.0.0.1]:1'] });
    a = bed.add('a', { ...options('a'), strangers: true, addresses: [] });
    bed.connect(a, b);
    bed.run(30_000);
    expect(udpTargets(a)).toEqual([]);
    expect(a.links.stats.refusedCandidates).toBeGreaterThanOrEqual(8);
  });

  test('faults #49 of private networks are not told to strangers', () => {
    a = bed.add('a', { ...options('a'), addresses: [] });
    b = bed.add('b', { ...options('b'), strangers: true, addresses: [...LOCAL, '192.0.2.1:1'] });
    bed.connect(a, b);
    bed.run(9000);
    expect(udpTargets(a)).toEqual(['192.0.2.1:1']);
  });

  test('of private networks are tried among members, those of nobody in particular never', () => {
    for (const addresses of [LOCAL, NEVER]) {
      a = bed.add('a', { ...options('a'), addresses: [] });
      b = bed.add('b', { ...options('b'), addresses });
      bed.connect(a, b);
      bed.run(1000);
      expect(udpTargets(a)).toEqual(addresses === LOCAL ? [...LOCAL].toSorted() : []);
    }
  });

  test('faults #49 of strangers get three first messages each, and eight are taken', () => {
    a = bed.add('a', { ...options('a'), strangers: true, addresses: [] });
    const addresses = Array.from({ length: 20 }, (_, i) => `192.0.2.${i}:1`);
    b = bed.add('b', { ...options('b'), strangers: true, addresses });
    bed.connect(a, b);
    bed.run(9500);
    expect(udpTargets(a)).toEqual(addresses.slice(0, 8).toSorted());
    for (const target of udpTargets(a)) {
      expect(a.sent.filter(({ path }) => path === `udp/${target}`).length, target).toBe(3);
    }
  });

  test('faults #58 from which a datagram was played back get probes and no data', () => {
    link();
    bed.run(1000);
    const [captured] = [a.links.send(b.peer, Inner.OVERLAY, utf8('caught'), bed.now), a.links.poll()].slice(1);
    const bytes = (captured as { bytes: Uint8Array }).bytes;
    b.links.receive('udp/203.0.113.66:6', bytes, bed.now);
    const sent: Uint8Array[] = [];
    for (let i = 0; i < 300; i++) {
      b.links.send(a.peer, Inner.OVERLAY, utf8('secret'), bed.now);
      for (let out = b.links.poll(); out !== undefined; out = b.links.poll()) {
        if (out.kind === 'send' && out.path === 'udp/203.0.113.66:6') sent.push(out.bytes);
      }
      bed.run(100);
    }
    const later = b.sent.filter(({ path }) => path === 'udp/203.0.113.66:6').map(({ bytes }) => bytes);
    expect(sent.length + later.length).toBeGreaterThan(0);
    expect(sent.length + later.length).toBeLessThanOrEqual(6);
    expect(kind(b, a)).toBe('udp');
  });

  test('faults #49 in our own tunnel are not tried, and not answered: a path there would run through itself', () => {
    const inside = '10.128.3.4:4000';
    a = bed.add('a', { ...options('a'), isOurTunnel: address => address === inside });
    b = bed.add('b', { ...options('b'), addresses: [inside] });
    bed.connect(a, b);
    bed.run(2000);
    const bytes = b.sessions.seal(a.peer, PacketType.DATA, 0, Uint8Array.of(0), bed.now) as Uint8Array;
    bed.act(a, links => links.receive(`udp/${inside}`, bytes, bed.now));
    bed.run(20_000);
    expect(a.sent.map(({ path }) => path)).not.toContain(`udp/${inside}`);
  });

  test('faults #32 that hold are those told last, though what was told before comes after it', () => {
    const told = ['192.0.2.1:1'];
    b = bed.add('b', { ...options('b'), addresses: told });
    bed.connect(a, b);
    bed.run(500);
    const says = (delay: number, address: string) => {
      bed.fate = ({ from }) => [from === 'b' ? delay : 10];
      told[0] = address;
      bed.act(b, links => links.addressesChanged(bed.now));
    };
    says(250, '192.0.2.2:2');
    says(10, '192.0.2.3:3');
    const tried = () => a.sent.map(({ path }) => path);
    bed.run(200);
    expect(tried()).toContain('udp/192.0.2.3:3');
    bed.run(60_000);
    expect(tried()).not.toContain('udp/192.0.2.2:2');
  });

  test('as others see us are passed on', () => {
    link();
    bed.run(1000);
    expect(outs(a, 'seen')).toContainEqual({ kind: 'seen', to: addressOf('b'), address: addressOf('a') });
  });

  test('that a neighbour claims to have seen are passed on only if they are addresses', () => {
    for (const seen of ['203.0.113.1:5', 'nonsense', '203.0.113.2:0', 'example.org:80', '']) {
      link();
      a.log.length = 0;
      bed.fate = () => [];
      const mark = a.sent.length;
      const sought = () => a.sent.slice(mark).find(({ bytes }) => bytes.length === 32 + 1 + 41);
      bed.runUntil(() => sought() !== undefined, 11_000);
      const challenge = sought() as Letter;
      const opened = b.sessions.receive(`udp/${addressOf('a')}`, challenge.bytes, challenge.at);
      const { token = new Uint8Array(8), bindingHash = new Uint8Array(32) } =
        decodePathProbe(opened?.plaintext.subarray(1) as Uint8Array) ?? {};
      const answer = Uint8Array.of(Inner.PATH_RESPONSE, ...encodePathProbe({ token, bindingHash, seen }));
      const bytes = b.sessions.seal(a.peer, PacketType.DATA, 0, answer, challenge.at) as Uint8Array;
      bed.deliver({ from: 'b', to: 'a', path: `udp/${addressOf('a')}`, bytes, at: bed.now });
      expect(outs(a, 'seen').map(({ address }) => address)).toEqual(seen === '203.0.113.1:5' ? [seen] : []);
    }
  });
});

describe('a hostile neighbour', () => {
  test('faults #100 may send any plaintext of any type and flags', () => {
    link();
    const random = new SeededRandom(5, 'noise');
    const path = `udp/${addressOf('a')}`;
    for (let i = 0; i < 4000; i++) {
      const plaintext = random.bytes(i % 120);
      if (i % 4 > 0) plaintext.fill(i % 14, 0, 1);
      if (plaintext[0] === Inner.CLOSE) plaintext[0] = Inner.OVERLAY;
      const type = i % 3 === 0 ? PacketType.FRAME : PacketType.DATA;
      const bytes = a.sessions.seal(b.peer, type, i & 0xff, plaintext, bed.now) as Uint8Array;
      b.links.receive(path, bytes, bed.now);
      while (b.links.poll() !== undefined);
    }
    expect(b.links.stats.malformed).toBeGreaterThan(500);
    expectTalk();
  });

  test('faults #102 that passes datagrams on under many names does not keep a link from a direct way', () => {
    bed.fate = letter => {
      const { from, path, bytes } = letter;
      if (path.startsWith('udp/')) return [];
      // Whatever goes to one of the names comes to the other end.
      if (from === 'a' && path.startsWith('via/public/0')) {
        bed.at(bed.now + 10, () => bed.act(b, links => links.receive('ws/a', bytes.slice(), bed.now)));
        return [];
      }
      return [10];
    };
    bed.connect(a, b);
    bed.run(20_000);
    for (let i = 0; i < 20; i++) {
      const bytes = b.sessions.seal(a.peer, PacketType.DATA, 0, Uint8Array.of(0), bed.now) as Uint8Array;
      bed.act(a, links => links.receive(`via/public/0${i}`, bytes, bed.now));
    }
    bed.run(1000);
    const { fate } = bed;
    bed.fate = letter => (letter.path.startsWith('udp/') ? [10] : fate(letter));
    expect(bed.runUntil(() => kind(a, b) === 'udp' && kind(b, a) === 'udp', 70_000)).toBe(true);
  });

  test('faults #102 has us open a data channel every two seconds at most', () => {
    pairOfTabs();
    bed.connect(a, b);
    bed.run(500);
    const [offerer, answerer] = a.peer < b.peer ? [a, b] : [b, a];
    const opened = () => outs(answerer, 'open-webrtc').length;
    const before = opened();
    for (let id = 0; id < 200; id++) {
      const signal = { kind: 'signal', id, connection: `c${id}`, signal: '{"type":"offer","sdp":""}' } as const;
      bed.act(offerer, links => links.send(answerer.peer, Inner.LINK_MESSAGE, encodeLinkMessage(signal), bed.now));
      bed.run(50);
    }
    expect(opened() - before).toBeGreaterThan(1);
    expect(opened() - before).toBeLessThanOrEqual(4 + 10 / 2);
    expect(answerer.links.stats.refusedCandidates).toBeGreaterThan(150);
  });

  test('faults #102 has at most 12 paths, from wherever its datagrams come', () => {
    link();
    for (let i = 0; i < 500; i++) {
      const bytes = a.sessions.seal(b.peer, PacketType.DATA, 0, Uint8Array.of(0), bed.now) as Uint8Array;
      b.links.receive(`udp/203.0.113.1:${i + 1}`, bytes, bed.now);
    }
    const paths = new Set<string>();
    for (let out = b.links.poll(); out !== undefined; out = b.links.poll())
      if (out.kind === 'send') paths.add(out.path);
    expect(paths.size).toBeLessThanOrEqual(12);
    bed.run(20_000);
    expectTalk();
  });
});

function options(name: string, o: { run?: string; startedMs?: number } = {}): EndOptions {
  const { run = name, startedMs = 0 } = o;
  const identity = simMember(CA, { user: name, device: name }, new SeededRandom(2, name), TESTBED_UNIX_MS);
  const random = new SeededRandom(3, run);
  return {
    suite: simSuite,
    authority: Authority.group(CA.der, { verifier }) as Authority,
    credentials: simCredentials(identity, random, TESTBED_UNIX_MS + startedMs),
    random,
    publicId: new Uint8Array(20).fill(name.charCodeAt(0)),
  };
}

function fresh(): void {
  bed = new Testbed();
  a = bed.add('a', options('a'));
  b = bed.add('b', options('b'));
}

function pairOfTabs(): void {
  bed = new Testbed();
  a = bed.add('a', { ...options('a'), can: TAB });
  b = bed.add('b', { ...options('b'), can: TAB });
}

/** Links a and b over UDP alone. */
function link(prepare: (bed: Testbed) => void = () => {}): void {
  bed = new Testbed();
  [a, b] = ['a', 'b'].map(name => {
    const { publicId: _, ...rest } = options(name);
    return bed.add(name, rest);
  }) as [End, End];
  prepare(bed);
  bed.connect(a, b, `udp/${addressOf('b')}`);
  bed.run(500);
  expect([kind(a, b), kind(b, a)]).toEqual(['udp', 'udp']);
}

/** Numbered messages both ways; returns what each side sent. */
function chatter(ms: number, everyMs: number): string[] {
  const sent: string[] = [];
  for (let i = 0; i * everyMs < ms; i++) {
    const text = `n${i}`;
    if (bed.say(a, b, text) && bed.say(b, a, text)) sent.push(text);
    bed.run(everyMs);
  }
  bed.run(500);
  return sent;
}

function expectTalk(): void {
  const before = [bed.heard(a, b).length, bed.heard(b, a).length] as const;
  bed.say(a, b, 'hello');
  bed.say(b, a, 'hello');
  bed.run(100);
  expect([bed.heard(a, b).length - before[0], bed.heard(b, a).length - before[1]]).toEqual([1, 1]);
}

function kind(end: End, other: End): string | undefined {
  return end.links.info(other.peer)?.kind;
}

type Out = End['log'][number]['out'];

function outs<K extends Out['kind']>(end: End, wanted: K): Extract<Out, { kind: K }>[] {
  return end.log.flatMap(({ out }) => (out.kind === wanted ? [out as Extract<Out, { kind: K }>] : []));
}

function ups(end: End): number {
  return outs(end, 'up').length;
}

function downs(end: End): string[] {
  return outs(end, 'down').map(({ reason }) => reason);
}

function downAt(end: End): number {
  return end.log.find(({ out }) => out.kind === 'down')?.at ?? Number.POSITIVE_INFINITY;
}

function udpTargets(end: End): string[] {
  const targets = end.sent.flatMap(({ path }) => (path.startsWith('udp/') ? [path.slice('udp/'.length)] : []));
  return [...new Set(targets)].toSorted();
}
