/** The key upgrade between two session tables, and what disturbs it (session.md 2.8; faults rows 32, 43, 55, 59, 100, 102). */
import { concat, utf8 } from '@warren/base';
import { cheapCrypto, SeededRandom, simAuthority, simCredentials, simMember } from '@warren/sim';
import { Authority } from '@warren/trust';
import { encodePostQuantum, Inner, PacketType, PQ_CIPHERTEXT_BYTES, PQ_KEY_BYTES } from '@warren/wire';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  ENCAPSULATION_SEED_BYTES,
  HANDSHAKE_TIMEOUT_MS,
  KEYGEN_SEED_BYTES,
  mlKem768,
  type PostQuantumMode,
  REKEY_AFTER_MS,
  UPGRADE_TIMEOUT_MS,
} from './index.ts';
import { type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const { suite, kem: cheapKem } = cheapCrypto;
const verifier = cheapCrypto.verifier();
const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS, cheapCrypto);
const members = new Map(
  ['a', 'b'].map(user => [user, simMember(CA, { user, device: user }, new SeededRandom(2, user), TESTBED_UNIX_MS)]),
);

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => meet('on', 'on'));

describe('an upgrade', () => {
  test('faults #59 gives both sides post-quantum keys, and data flows before, meanwhile and after', () => {
    bed.connect(a, b, 'b/1');
    bed.run(25);
    expect(a.sessions.isPostQuantum(b.peer)).toBe(false);
    const sent = talk(40, 5);
    expect(upgraded()).toEqual([true, true]);
    // What a sends before b has HS3 is lost with or without an upgrade.
    expect(texts(b, a)).toEqual(sent.slice(texts(b, a).length === sent.length ? 0 : 1));
    expect(texts(a, b)).toEqual(sent.slice(sent.length - texts(a, b).length));
    expect(texts(a, b).length).toBeGreaterThan(35);
  });

  test('takes two halves each way and two confirmations, and nothing follows on a good wire', () => {
    bed.connect(a, b, 'b/1');
    bed.run(60_000);
    expect(sizes(a)).toEqual([630, 630, 33]);
    expect(sizes(b)).toEqual([33, 582, 582, 33]);
  });

  test('faults #32 survives the loss of any of its first six datagrams', () => {
    for (let lost = 0; lost < 64; lost++) {
      meet('required', 'required');
      let seen = 0;
      bed.fate = letter => (isUpgrade(letter) && seen < 6 && (lost >> seen++) & 1 ? [] : [10]);
      bed.connect(a, b, 'b/1');
      expect(bed.runUntil(isUp, 20_000), `lost ${lost.toString(2)}`).toBe(true);
      expectTalk();
    }
  });

  test('comes about whatever is delayed, doubled and lost', () => {
    const delays = fc.array(fc.array(fc.integer({ min: 1, max: 2500 }), { maxLength: 3 }), { maxLength: 30 });
    const modes = fc.constantFrom<PostQuantumMode>('on', 'required');
    fc.assert(
      fc.property(delays, modes, modes, (fates, ours, theirs) => {
        meet(ours, theirs);
        const left = [...fates];
        bed.fate = letter => (letter.bytes[0] === PacketType.DATA ? (left.shift() ?? [10]) : [10]);
        bed.connect(a, b, 'b/1');
        expect(bed.runUntil(isUp, UPGRADE_TIMEOUT_MS)).toBe(true);
        bed.run(3000);
        expectTalk();
      }),
      { numRuns: 40 },
    );
  });

  test('faults #32 that is required comes up at 20 % loss, well before its time is over', () => {
    const took: number[] = [];
    for (let seed = 0; seed < 60; seed++) {
      meet('required', 'required');
      const chance = new SeededRandom(seed, 'loss');
      bed.fate = () => (chance.unit() < 0.2 ? [] : [10 + 40 * chance.unit()]);
      bed.connect(a, b, 'b/1');
      expect(bed.runUntil(isUp, HANDSHAKE_TIMEOUT_MS), `seed ${seed}`).toBe(true);
      took.push(bed.now);
    }
    expect(took.filter(ms => ms < 3000).length).toBeGreaterThan(40);
    expect(took.filter(ms => ms > 15_000)).toEqual([]);
  });

  test('faults #43 comes about when both sides begin at once, whatever is lost of the handshakes', () => {
    for (let lost = 0; lost < 64; lost++) {
      meet('required', 'required');
      let seen = 0;
      bed.fate = () => (seen < 6 && (lost >> seen++) & 1 ? [] : [10]);
      bed.connect(a, b, 'b/1');
      bed.connect(b, a, 'a/1');
      expect(bed.runUntil(isUp, 30_000), `lost ${lost.toString(2)}`).toBe(true);
      bed.run(20_000);
      expect(upgraded()).toEqual([true, true]);
      expectTalk();
    }
  });

  test('happens again in every rekey, nothing is sent under lesser keys meanwhile, and nothing is lost', () => {
    bed.connect(a, b, 'b/1');
    bed.run(200);
    const before = a.sessions.stats.handshakes;
    const sent = talk(3500, 200, () => expect(upgraded()).toEqual([true, true]));
    expect(a.sessions.stats.handshakes - before).toBe(2);
    expect(texts(b, a)).toEqual(sent);
    expect(texts(a, b)).toEqual(sent);
  });

  test('that never comes about leaves the session as it is, and the next handshake tries again', () => {
    bed.fate = letter => (isUpgrade(letter) ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(UPGRADE_TIMEOUT_MS + 1000);
    expect(upgraded()).toEqual([false, false]);
    expectTalk();
    expect([a.failed, b.failed]).toEqual([[], []]);
    bed.fate = () => [10];
    expect(bed.runUntil(() => upgraded().every(Boolean), 120_000)).toBe(true);
    expectTalk();
  });

  test('that fails in a rekey leaves the upgraded keys in use until their end, then the lesser ones', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    bed.fate = letter => (isUpgrade(letter) ? [] : [10]);
    bed.run(REKEY_AFTER_MS * 1.1);
    expect(a.sessions.stats.handshakes).toBeGreaterThan(1);
    expect(upgraded()).toEqual([true, true]);
    talk(200, 1500, () => expect(bed.say(a, b, 'b/1', utf8('here'))).toBe(true));
    expect(upgraded()).toEqual([false, false]);
    expectTalk();
  });
});

describe('a policy', () => {
  test('of off begins nothing, and takes no part', () => {
    for (const [ours, theirs] of [
      ['off', 'off'],
      ['off', 'on'],
      ['on', 'off'],
      ['when-required', 'when-required'],
    ] as const) {
      meet(ours, theirs);
      bed.connect(a, b, 'b/1');
      bed.run(60_000);
      expect(upgraded()).toEqual([false, false]);
      expect([...a.sent, ...b.sent].filter(isUpgrade)).toEqual([]);
      expectTalk();
    }
  });

  test('of required holds data back until the keys are there, on both sides, also where one alone requires it', () => {
    for (const [ours, theirs] of [
      ['required', 'required'],
      ['required', 'on'],
      ['when-required', 'required'],
    ] as const) {
      meet(ours, theirs);
      bed.fate = letter => (isUpgrade(letter) ? [500] : [10]);
      bed.connect(a, b, 'b/1');
      bed.run(1000);
      expect([bed.say(a, b, 'b/1', utf8('x')), bed.say(b, a, 'a/1', utf8('x'))]).toEqual([false, false]);
      expect([a.established, b.established]).toEqual([[], []]);
      bed.run(3000);
      expect([a.established, b.established]).toMatchObject([[{ peer: b.peer }], [{ peer: a.peer }]]);
      expectTalk();
    }
  });

  test('of required takes no data under lesser keys from a peer that sends it all the same', () => {
    meet('required', 'required');
    bed.fate = letter => (isUpgrade(letter) ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    bed.post(a, 'b/1', sealedByHand(a, b, Uint8Array.of(Inner.MEMBER, 1, 2, 3)));
    bed.run(100);
    expect(b.opened).toEqual([]);
    expect(b.sessions.stats.early).toBe(1);
  });

  test('of required ends a session that is not upgraded within 45 s, on both sides, and leaves nothing behind', () => {
    meet('required', 'required');
    bed.fate = letter => (isUpgrade(letter) ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(UPGRADE_TIMEOUT_MS - 100);
    expect([a.failed, b.failed]).toEqual([[], []]);
    bed.run(200);
    expect(a.failed).toEqual([{ kind: 'failed', to: b.peer, reason: 'post-quantum-timed-out' }]);
    expect(b.failed).toEqual([{ kind: 'failed', to: a.peer, reason: 'post-quantum-timed-out' }]);
    expect(owners()).toEqual([0, 0]);
    expect([a.sessions.wakeAt, b.sessions.wakeAt]).toEqual([undefined, undefined]);
  });

  test('faults #55 of required and of off do not meet: each side hears why once, and nobody calls again for 5 minutes', () => {
    for (const [ours, theirs] of [
      ['required', 'off'],
      ['off', 'required'],
    ] as const) {
      meet(ours, theirs);
      bed.connect(a, b, 'b/1');
      bed.run(1000);
      const words = { off: 'peer-requires-post-quantum', required: 'peer-lacks-post-quantum' } as const;
      expect(a.failed).toEqual([{ kind: 'failed', to: b.peer, reason: words[ours] }]);
      expect(b.failed).toEqual([{ kind: 'failed', to: a.peer, reason: words[theirs] }]);
      expect(a.sessions.disagreement(b.peer)).toBe(words[ours]);
      const sent = a.sent.length + b.sent.length;
      for (let i = 0; i < 10; i++) {
        bed.connect(a, b, 'b/1');
        bed.connect(b, a, 'a/1');
        bed.run(25_000);
      }
      expect(a.sent.length + b.sent.length).toBe(sent);
      expect(owners()).toEqual([0, 0]);
      bed.run(60_000);
      bed.connect(a, b, 'b/1');
      expect(a.sent.length + b.sent.length).toBeGreaterThan(sent);
    }
  });

  test('faults #55 cannot be talked down by changing the flags: they are sealed, and flipped bits end in nothing', () => {
    meet('on', 'on');
    bed.connect(a, b, 'b/1');
    bed.fate = letter => {
      if (letter.bytes[0] === PacketType.HS2 || letter.bytes[0] === PacketType.HS3)
        letter.bytes.subarray(-20, -19).fill(0xff);
      return [10];
    };
    bed.run(5000);
    expect([a.established, b.established]).toEqual([[], []]);
  });
});

describe('a hostile member', () => {
  const half = (kind: 'key' | 'ciphertext', n: 0 | 1, index: number, fill: number) =>
    encodePostQuantum({
      kind,
      half: n,
      receiverIndex: index,
      bytes: new Uint8Array((kind === 'key' ? PQ_KEY_BYTES : PQ_CIPHERTEXT_BYTES) / 2).fill(fill),
    });

  test('faults #100 gets nowhere with keys that are none, wrong halves, answers that nobody asked for', () => {
    for (const kem of [cheapKem, mlKem768]) {
      meet('on', 'on', kem);
      bed.fate = letter => (isUpgrade(letter) ? [] : [10]);
      bed.connect(a, b, 'b/1');
      bed.run(100);
      const hostile = [
        half('key', 0, 7, 0xff),
        half('key', 1, 7, 0xff),
        half('key', 0, 8, 1),
        half('key', 1, 9, 1),
        half('ciphertext', 0, 7, 1),
        half('ciphertext', 1, 7, 1),
        Uint8Array.of(Inner.PQ_CONFIRM),
        Uint8Array.of(Inner.PQ_KEY),
        concat(half('key', 0, 7, 1), Uint8Array.of(0)),
        half('key', 0, 7, 0).subarray(1),
      ];
      const refused = () => a.sessions.stats.badUpgrade + b.sessions.stats.badUpgrade;
      for (const from of [a, b]) {
        const [to, path] = from === a ? ([b, 'b/1'] as const) : ([a, 'a/1'] as const);
        bed.fate = () => [10];
        const before = to.opened.length;
        for (const plaintext of hostile) bed.post(from, path, sealedByHand(from, to, plaintext));
        bed.run(50);
        expect(
          to.opened
            .slice(before)
            .filter(({ plaintext }) => plaintext[0] !== 0 && plaintext[0] !== 1 && plaintext[0] !== 7),
        ).toEqual([]);
      }
      expect(refused()).toBeGreaterThanOrEqual(10);
      expect(bed.runUntil(() => upgraded().every(Boolean), 30_000)).toBe(true);
      expectTalk();
    }
  });

  test('faults #100 breaks nothing with any bytes inside a session', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc
        .tuple(fc.constantFrom(5, 6, 7), fc.uint8Array({ maxLength: 700 }))
        .map(([inner, rest]) => Uint8Array.of(inner, ...rest)),
      fc
        .tuple(fc.constantFrom('key', 'ciphertext'), fc.constantFrom(0, 1), fc.nat(3), fc.nat(255))
        .map(([kind, n, index, fill]) => half(kind as 'key', n as 0, index + 1, fill)),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), bytes), { maxLength: 12 }), fc.boolean(), (messages, early) => {
        meet('on', 'on');
        bed.connect(a, b, 'b/1');
        bed.run(early ? 31 : 1000);
        for (const [isOurs, plaintext] of messages) {
          if (isOurs) bed.post(a, 'b/1', sealedByHand(a, b, plaintext));
          else bed.post(b, 'a/1', sealedByHand(b, a, plaintext));
          bed.run(5);
        }
        bed.run(100);
        a.opened.length = 0;
        b.opened.length = 0;
        expect(talkBothWays()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('faults #102 leaves no index behind, nor do upgrades that are cut off', () => {
    const chance = new SeededRandom(3, 'wire');
    bed.fate = () => (chance.unit() < 0.3 ? [] : [10]);
    for (let i = 0; i < 100; i++) {
      bed.connect(a, b, 'b/1');
      if (i % 3 === 0) bed.connect(b, a, 'a/1');
      bed.run(40 + (i % 7) * 20);
      if (i % 2 === 0) a.sessions.forget(b.peer);
      if (i % 5 === 0) b.sessions.forget(a.peer);
    }
    bed.run(100_000);
    a.sessions.forget(b.peer);
    b.sessions.forget(a.peer);
    expect(owners()).toEqual([0, 0]);
    expect([a.sessions.wakeAt, b.sessions.wakeAt]).toEqual([undefined, undefined]);
  });
});

describe('ML-KEM-768', () => {
  test('has the sizes of FIPS 203, gives both sides one secret, and the same for the same seeds', () => {
    const seed = new Uint8Array(KEYGEN_SEED_BYTES).fill(1);
    const { encapsulationKey, decapsulationKey } = mlKem768.generate(seed);
    expect(encapsulationKey.length).toBe(PQ_KEY_BYTES);
    expect(mlKem768.generate(seed).encapsulationKey).toEqual(encapsulationKey);
    const made = mlKem768.encapsulate(encapsulationKey, new Uint8Array(ENCAPSULATION_SEED_BYTES).fill(2));
    expect(made?.ciphertext.length).toBe(PQ_CIPHERTEXT_BYTES);
    expect(mlKem768.decapsulate(made?.ciphertext as Uint8Array, decapsulationKey)).toEqual(made?.secret);
  });

  test('refuses keys of another length and coefficients beyond the modulus (FIPS 203 section 7.2)', () => {
    const { encapsulationKey } = mlKem768.generate(new Uint8Array(KEYGEN_SEED_BYTES));
    const seed = new Uint8Array(ENCAPSULATION_SEED_BYTES);
    expect(mlKem768.encapsulate(encapsulationKey.subarray(1), seed)).toBeUndefined();
    for (const at of [0, 600, 1149]) {
      const wrong = encapsulationKey.slice();
      wrong.fill(0xff, at, at + 3);
      expect(mlKem768.encapsulate(wrong, seed)).toBeUndefined();
    }
  });
});

function meet(ours: PostQuantumMode, theirs: PostQuantumMode, kem = cheapKem): void {
  bed = new Testbed();
  a = bed.add('a', { ...options('a'), postQuantum: ours, kem });
  b = bed.add('b', { ...options('b'), postQuantum: theirs, kem });
}

function options(name: string) {
  const random = new SeededRandom(3, name);
  const credentials = simCredentials(
    members.get(name) as NonNullable<ReturnType<typeof members.get>>,
    random,
    TESTBED_UNIX_MS,
  );
  return { suite, authority: Authority.group(CA.der, { verifier }) as Authority, credentials, random };
}

/** Both sides send a numbered datagram `times` times, every `everyMs`. */
function talk(times: number, everyMs: number, each = () => {}): string[] {
  const sent: string[] = [];
  for (let n = 0; n < times; n++) {
    bed.say(a, b, 'b/1', utf8(`n${n}`));
    bed.say(b, a, 'a/1', utf8(`n${n}`));
    sent.push(`n${n}`);
    bed.run(everyMs);
    each();
  }
  bed.run(100);
  return sent;
}

function talkBothWays(): boolean {
  const before = [bed.heard(a, b).length, bed.heard(b, a).length] as const;
  const said = [bed.say(a, b, 'b/1', utf8('hello')), bed.say(b, a, 'a/1', utf8('hello'))];
  bed.run(100);
  return said.every(Boolean) && bed.heard(a, b).length > before[0] && bed.heard(b, a).length > before[1];
}

function expectTalk(): void {
  bed.fate = () => [10];
  expect(talkBothWays()).toBe(true);
}

function upgraded(): (boolean | undefined)[] {
  return [a.sessions.isPostQuantum(b.peer), b.sessions.isPostQuantum(a.peer)];
}

function isUp(): boolean {
  return upgraded().every(Boolean);
}

/** Halves and confirmations, by their size. */
function isUpgrade({ bytes, from }: Letter): boolean {
  const isConfirmation = from === 'a' && bytes.length === 33;
  return bytes[0] === PacketType.DATA && (bytes.length === 630 || bytes.length === 582 || isConfirmation);
}

/** Sizes of DATA that an end has sent. */
function sizes(end: End): number[] {
  return end.sent.filter(({ bytes }) => bytes[0] === PacketType.DATA).map(({ bytes }) => bytes.length);
}

function texts(to: End, from: End): string[] {
  return bed
    .heard(to, from)
    .map(bytes => new TextDecoder().decode(bytes))
    .filter(text => text.startsWith('n'));
}

/** Seals under the current keys of an end, whatever these may carry. */
function sealedByHand(from: End, to: End, plaintext: Uint8Array): Uint8Array {
  type Inside = {
    keyring: {
      peers: Map<string, { current: { transport: { seal: (t: number, f: number, p: Uint8Array) => Uint8Array } } }>;
    };
  };
  const peer = (from.sessions as unknown as Inside).keyring.peers.get(to.peer);
  return peer?.current.transport.seal(PacketType.DATA, 0, plaintext) as Uint8Array;
}

function owners(): number[] {
  return [a, b].map(end => (end.indices as unknown as { owners: Map<number, unknown> }).owners.size);
}
