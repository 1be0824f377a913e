/**
 * What every host keeps: one suite for Node, for a tab and for whatever comes.
 * It knows no test framework and nothing of Node, so that it runs in a page too:
 * a runner declares a test for each entry and calls `run`, which throws on breach.
 * Not here: what only some hosts have (UDP, Ethernet devices, accepting WebSockets).
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { Host } from '@warren/peer';
import { check, checkBytes, Ear, eventually, pattern, pause } from './host-contract-tools.ts';
import { shelfContract } from './shelf-contract.ts';
import { webRtcContract } from './web-rtc-contract.ts';

/** One promise of a host; `name` is a sentence. */
export interface HostPromise {
  readonly name: string;
  /**
   * Throws when the promise is broken. `make` gives a new host each time; hosts made by one `make` share storage
   * and keys, as tabs of one browser profile do. `run` stops all that it makes.
   */
  readonly run: (make: () => Promise<Host>) => Promise<void>;
}

/** All promises, in an order that begins with the simplest. */
export const hostContract: readonly HostPromise[] = [
  alone('time never goes back', async ({ clock }) => {
    let last = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.now();
      check(now >= last, `time went from ${last} to ${now}`);
      last = now;
    }
    check(Math.abs(clock.unixMs() - Date.now()) < 1_000, 'the wall clock is not that of the machine');
  }),
  alone('an alarm comes once, at its time or later', async ({ clock }) => {
    const at = clock.now() + 30;
    const woken: number[] = [];
    clock.setAlarm(at, () => woken.push(clock.now()));
    const cameEarly = woken.length > 0;
    check(!cameEarly, 'the alarm came from within the call that set it');
    await eventually('the alarm', () => woken.length > 0);
    check(
      woken.every(now => now >= at),
      `the alarm for ${at} came at ${woken.join()}`,
    );
    await pause(60);
    check(woken.length === 1, `the alarm came ${woken.length} times`);
  }),
  alone('a second alarm replaces the first, whether earlier or later', async ({ clock }) => {
    const woken: string[] = [];
    clock.setAlarm(clock.now() + 20, () => woken.push('first'));
    clock.setAlarm(clock.now() + 60, () => woken.push('later'));
    await eventually('the later alarm', () => woken.length > 0);
    clock.setAlarm(clock.now() + 5_000, () => woken.push('far'));
    clock.setAlarm(clock.now() + 10, () => woken.push('earlier'));
    await eventually('the earlier alarm', () => woken.length > 1);
    clock.setAlarm(undefined, () => {});
    check(woken.join() === 'later,earlier', `the alarms that came: ${woken.join()}`);
  }),
  alone('a cancelled alarm never comes, and one in the past comes at once', async ({ clock }) => {
    const woken: string[] = [];
    clock.setAlarm(clock.now() + 10, () => woken.push('cancelled'));
    clock.setAlarm(undefined, () => woken.push('undefined'));
    await pause(60);
    check(woken.length === 0, `an alarm came: ${woken.join()}`);
    clock.setAlarm(clock.now() - 1_000, () => woken.push('past'));
    await eventually('the alarm in the past', () => woken.length > 0);
    check(woken.join() === 'past', `the alarms that came: ${woken.join()}`);
  }),
  alone('an alarm may set the next one', async ({ clock }) => {
    let rings = 0;
    const ring = (): void => {
      if (++rings < 3) clock.setAlarm(clock.now() + 1, ring);
    };
    clock.setAlarm(clock.now() + 1, ring);
    await eventually('three alarms', () => rings === 3);
  }),
  alone('random bytes have the length asked for and never come twice', async ({ random }) => {
    const seen = new Set<string>();
    for (const length of [0, 1, 31, 32, 65, 4_096, 70_000]) {
      check(random.bytes(length).length === length, `${length} random bytes were asked for`);
    }
    for (let i = 0; i < 1_000; i++) seen.add(random.bytes(16).join());
    check(seen.size === 1_000, 'random bytes came twice');
  }),
  alone('stored values come back as they were, and owe nothing to the caller', async ({ storage }) => {
    check((await storage.get('never-stored')) === undefined, 'a value that was never stored is there');
    const value = pattern(300);
    await storage.set('contract.a-1', value);
    value.fill(0);
    const back = await storage.get('contract.a-1');
    checkBytes(back, pattern(300), 'the stored value');
    back?.fill(0);
    checkBytes(await storage.get('contract.a-1'), pattern(300), 'the stored value, read again');
    await storage.set('contract.a-1', new Uint8Array(0));
    checkBytes(await storage.get('contract.a-1'), new Uint8Array(0), 'an empty value');
    await storage.delete('contract.a-1');
    check((await storage.get('contract.a-1')) === undefined, 'a deleted value is still there');
    await storage.delete('contract.a-1');
  }),
  alone('writes of one key take effect in their order', async ({ storage }) => {
    const writes = Array.from({ length: 20 }, (_, i) => storage.set('contract.order', Uint8Array.of(i)));
    await Promise.all(writes);
    checkBytes(await storage.get('contract.order'), Uint8Array.of(19), 'the last of twenty writes');
    await storage.delete('contract.order');
  }),
  {
    name: 'values and identities outlive the host',
    run: async make => {
      const first = await make();
      await first.storage.set('contract.kept', pattern(64));
      const { spki } = await first.identity('contract-kept');
      await first.datagrams.stop();
      const second = await make();
      try {
        checkBytes(await second.storage.get('contract.kept'), pattern(64), 'the value after a restart');
        checkBytes((await second.identity('contract-kept')).spki, spki, 'the public key after a restart');
        await second.storage.delete('contract.kept');
      } finally {
        await second.datagrams.stop();
      }
    },
  },
  alone('an identity signs so that anyone can verify, and each name has its own', async host => {
    const [key, again] = await Promise.all([host.identity('contract-a'), host.identity('contract-a')]);
    checkBytes(again.spki, key.spki, 'the same name asked for twice at once');
    const other = await host.identity('contract-b');
    check(other.spki.join() !== key.spki.join(), 'two names have one key');
    const message = pattern(200);
    const signature = await key.sign(message);
    check(signature.length === 64, `a signature has ${signature.length} bytes`);
    check(await verifies(key.algorithm, key.spki, signature, message), 'the signature does not verify');
    message[7] = 0xff;
    check(!(await verifies(key.algorithm, key.spki, signature, message)), 'a signature verifies anything');
    check(key.keys.publicKey.type === 'public' && key.keys.privateKey.type === 'private', 'the key pair is no pair');
    const exported = await crypto.subtle.exportKey('spki', key.keys.publicKey);
    checkBytes(new Uint8Array(exported), key.spki, 'the exported public key');
  }),
  alone('encryption agrees with RFC 8439 section 2.8.2', async ({ crypto: { suite } }) => {
    const key = suite.aead.key(Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i));
    const nonce = fromHexText('070000004041424344454647');
    const aad = fromHexText('50515253c0c1c2c3c4c5c6c7');
    const plaintext = new TextEncoder().encode(SUNSCREEN);
    const sealed = new Uint8Array(plaintext.length + 16);
    key.seal(nonce, aad, plaintext, sealed);
    checkBytes(sealed.subarray(0, 16), fromHexText('d31a8d34648e60db7b86afbc53ef7ec2'), 'the ciphertext');
    checkBytes(sealed.subarray(-16), fromHexText('1ae10b594f09e26a7e902ecbd0600691'), 'the tag');
  }),
  alone(
    'encryption agrees with noble at every length, also into the middle of a buffer',
    async ({ crypto: { suite }, random }) => {
      const secret = random.bytes(32);
      const key = suite.aead.key(secret);
      for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 1_200, 1_452, 16_384]) {
        const [nonce, aad, plaintext] = [random.bytes(12), random.bytes(length % 29), random.bytes(length)];
        const buffer = new Uint8Array(length + 16 + 10);
        key.seal(nonce, aad, plaintext, buffer.subarray(5, length + 21));
        const sealed = buffer.slice(5, length + 21);
        checkBytes(sealed, chacha20poly1305(secret, nonce, aad).encrypt(plaintext), `${length} bytes sealed`);
        check(
          [...buffer.subarray(0, 5), ...buffer.subarray(-5)].every(byte => byte === 0),
          'sealing wrote outside',
        );
        const opened = new Uint8Array(length);
        check(key.open(nonce, aad, sealed, opened), `${length} bytes do not open`);
        checkBytes(opened, plaintext, `${length} bytes opened`);
        check(key.open(nonce, aad, sealed, sealed.subarray(0, length)), `${length} bytes do not open in place`);
        checkBytes(sealed.slice(0, length), plaintext, `${length} bytes opened in place`);
      }
    },
  ),
  alone('whatever was changed does not open', async ({ crypto: { suite }, random }) => {
    const key = suite.aead.key(random.bytes(32));
    const [nonce, aad, plaintext] = [random.bytes(12), random.bytes(11), random.bytes(40)];
    const sealed = new Uint8Array(56);
    key.seal(nonce, aad, plaintext, sealed);
    const flipped = (bytes: Uint8Array, at: number) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const out = new Uint8Array(40);
    for (let i = 0; i < 56; i++) check(!key.open(nonce, aad, flipped(sealed, i), out), `byte ${i} was changed`);
    check(!key.open(flipped(nonce, 3), aad, sealed, out), 'the nonce was changed');
    check(!key.open(nonce, flipped(aad, 10), sealed, out), 'the associated data were changed');
    check(!suite.aead.key(random.bytes(32)).open(nonce, aad, sealed, out), 'another key opens it');
    check(!key.open(nonce, aad, new Uint8Array(15), out), 'less than a tag opens');
    check(key.open(nonce, aad, sealed, out), 'what was not changed no longer opens');
  }),
  alone('sending to where nothing is, and hostile path ids, do nothing', async ({ datagrams }) => {
    const ear = new Ear(datagrams);
    for (const path of ['', 'udp/', 'udp/host:1', 'udp/1.2.3.4:99999', 'ws/99', 'rtc/99', 'via/1', 'x'.repeat(9_999)]) {
      datagrams.send(path, pattern(10));
      datagrams.close(path);
      check(datagrams.maxBytes(path) > 0, 'a path has no size');
    }
    await pause(50);
    check(ear.events.length === 0, `events came: ${ear.kinds()}`);
  }),
  alone('a dial that cannot succeed fails with a reason', async ({ datagrams }) => {
    const ear = new Ear(datagrams);
    for (const url of ['ws://127.0.0.1:9/', 'no address', 'http://127.0.0.1:9/']) {
      datagrams.dial(url);
      const failed = await ear.next('dial-failed', event => event.url === url);
      check(failed.reason.length > 0, 'no reason was given');
    }
  }),
  ...shelfContract,
  ...webRtcContract,
];

const SUNSCREEN =
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

/** A promise about one host, which is stopped in the end. */
function alone(name: string, keep: (host: Host) => Promise<void>): HostPromise {
  return {
    name,
    run: async make => {
      const host = await make();
      try {
        await keep(host);
      } finally {
        await host.datagrams.stop();
      }
    },
  };
}

async function verifies(
  algorithm: 'ed25519' | 'p256',
  spki: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  const isEd25519 = algorithm === 'ed25519';
  const importing = isEd25519 ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('spki', Uint8Array.from(spki), importing, true, ['verify']);
  const verifying = isEd25519 ? importing : { name: 'ECDSA', hash: 'SHA-256' };
  return crypto.subtle.verify(verifying, key, Uint8Array.from(signature), Uint8Array.from(message));
}

function fromHexText(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}
