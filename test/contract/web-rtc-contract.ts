/**
 * The promises of `host-contract.ts` about WebRTC: two hosts whose signals are passed by hand.
 */
import type { Host } from '@warren/peer';
import type { HostPromise } from './host-contract.ts';
import { check, checkBytes, Ear, eventually, pattern, pause } from './host-contract-tools.ts';

/** Two hosts with an open data channel between them. */
interface Pair {
  readonly offerer: Host;
  readonly answerer: Host;
  /** What each hears. */
  readonly heard: { readonly offerer: Ear; readonly answerer: Ear };
  /** The path of each. */
  readonly path: { readonly offerer: string; readonly answerer: string };
  readonly binding: { readonly offerer: Uint8Array; readonly answerer: Uint8Array };
}

export const webRtcContract: readonly HostPromise[] = [
  paired('a data channel comes up on both sides with the same binding of 64 bytes', async pair => {
    const { offerer, answerer } = pair.binding;
    check(offerer.length === 64, `the binding has ${offerer.length} bytes`);
    checkBytes(answerer, offerer, 'the binding of the answerer');
    const [first, second] = [offerer.subarray(0, 32), offerer.subarray(32)];
    check(first.join() !== second.join(), 'both fingerprints are the same');
    for (const half of [first, second]) check(new Set(half).size > 8, 'a fingerprint is not random');
    check(pair.path.offerer.startsWith('rtc/') && pair.path.answerer.startsWith('rtc/'), 'the path has another name');
    check(pair.offerer.datagrams.maxBytes(pair.path.offerer) === 16_384, 'a data channel does not carry 16,384 bytes');
  }),
  paired('datagrams of 1 to 16,384 bytes arrive as they were, both ways', async pair => {
    const sizes = [1, 1_200, 8_191, 16_384];
    for (const size of sizes) {
      pair.offerer.datagrams.send(pair.path.offerer, pattern(size, 1));
      pair.answerer.datagrams.send(pair.path.answerer, pattern(size, 2));
    }
    await eventually('all datagrams', () => {
      return pair.heard.answerer.datagrams().length >= 4 && pair.heard.offerer.datagrams().length >= 4;
    });
    for (const [ear, start] of [
      [pair.heard.answerer, 1],
      [pair.heard.offerer, 2],
    ] as const) {
      const received = ear.datagrams().sort((a, b) => a.length - b.length);
      for (const [i, size] of sizes.entries()) checkBytes(received[i], pattern(size, start), `${size} bytes`);
      check(received.length === sizes.length, 'a datagram came twice');
    }
  }),
  paired('of a thousand small datagrams nearly all arrive, none twice and none changed', async pair => {
    for (let i = 0; i < 1_000; i++) {
      pair.offerer.datagrams.send(pair.path.offerer, Uint8Array.of(i >> 8, i & 255, 7));
      if (i % 50 === 49) await pause(1);
    }
    const received = (): Uint8Array[] => pair.heard.answerer.datagrams();
    await eventually('950 of 1,000 datagrams', () => received().length >= 950);
    await pause(100);
    check(received().length <= 1_000, 'datagrams came twice');
    check(new Set(received().map(bytes => bytes.join())).size === received().length, 'a datagram came twice');
    check(
      received().every(bytes => bytes.length === 3 && bytes[2] === 7),
      'a datagram was changed',
    );
  }),
  paired('what is empty or too long is not sent, and harms nothing', async pair => {
    pair.offerer.datagrams.send(pair.path.offerer, new Uint8Array(0));
    pair.offerer.datagrams.send(pair.path.offerer, new Uint8Array(16_385));
    pair.offerer.datagrams.send(pair.path.offerer, pattern(5));
    await eventually('the good datagram', () => pair.heard.answerer.datagrams().length > 0);
    await pause(50);
    checkBytes(pair.heard.answerer.datagrams()[0], pattern(5), 'the good datagram');
    check(pair.heard.answerer.datagrams().length === 1, 'what is empty or too long was sent');
  }),
  paired('bad signals, late ones and those for nobody are dropped', async pair => {
    for (const text of BAD_SIGNALS) {
      pair.answerer.datagrams.signalWebRtc('pair', text);
      pair.answerer.datagrams.signalWebRtc('nobody', text);
    }
    pair.offerer.datagrams.send(pair.path.offerer, pattern(9));
    await eventually('a datagram after bad signals', () => pair.heard.answerer.datagrams().length > 0);
    check(!pair.heard.answerer.kinds().includes('failed'), `events: ${pair.heard.answerer.kinds()}`);
  }),
  {
    name: 'bad signals before the good ones do not hinder a connection',
    run: make =>
      withHosts(make, async (offerer, answerer) => {
        await connect(offerer, answerer, () => {
          for (const text of BAD_SIGNALS) {
            offerer.datagrams.signalWebRtc('pair', text);
            answerer.datagrams.signalWebRtc('pair', text);
          }
        });
      }),
  },
  paired('closing a path takes it down on both sides', async pair => {
    pair.offerer.datagrams.close(pair.path.offerer);
    const down = await pair.heard.answerer.next('path-down');
    check(down.path === pair.path.answerer, 'another path went down');
    const own = await pair.heard.offerer.next('path-down');
    check(own.path === pair.path.offerer, 'another path went down');
    pair.offerer.datagrams.send(pair.path.offerer, pattern(3));
  }),
  paired('what is sent right before closing still arrives', async pair => {
    pair.offerer.datagrams.send(pair.path.offerer, pattern(20));
    pair.offerer.datagrams.close(pair.path.offerer);
    await pair.heard.answerer.next('path-down');
    checkBytes(pair.heard.answerer.datagrams()[0], pattern(20), 'the last datagram');
  }),
  {
    name: 'an unfinished connection can be closed, and says that it failed',
    run: make =>
      withHosts(make, async host => {
        const ear = new Ear(host.datagrams);
        host.datagrams.openWebRtc('half', 'offerer');
        await ear.next('webrtc-signal');
        host.datagrams.close('rtc:half');
        const failed = await ear.next('webrtc-failed');
        check(failed.connection === 'half' && failed.reason.length > 0, 'no reason was given');
      }),
  },
  paired('after stop the other side sees the path down, and nothing more is heard', async pair => {
    await pair.offerer.datagrams.stop();
    const heardBefore = pair.heard.offerer.events.length;
    await pair.heard.answerer.next('path-down');
    pair.offerer.datagrams.send(pair.path.offerer, pattern(3));
    pair.offerer.datagrams.dial('ws://127.0.0.1:9/');
    pair.offerer.datagrams.openWebRtc('after', 'offerer');
    pair.offerer.datagrams.signalWebRtc('pair', '{}');
    await pair.offerer.datagrams.stop();
    await pause(100);
    check(pair.heard.offerer.events.length === heardBefore, 'events came after stop');
  }),
];

const BAD_SIGNALS = [
  '',
  '{',
  'null',
  '7',
  '[]',
  '{}',
  '{"type":"offer"}',
  '{"type":"offer","sdp":"v=0"}',
  '{"type":"answer","sdp":7}',
  '{"type":"candidate","candidate":{"candidate":7}}',
  '{"type":"candidate","candidate":{"candidate":"candidate:x","sdpMid":"0","sdpMLineIndex":0}}',
  '{"renegotiate":true,"type":"renegotiate"}',
  '{"type":"transceiverRequest","transceiverRequest":{"kind":"video"}}',
  `{"type":"offer","sdp":"${'a'.repeat(20_000)}"}`,
];

function paired(name: string, keep: (pair: Pair) => Promise<void>): HostPromise {
  return { name, run: make => withHosts(make, async (a, b) => keep(await connect(a, b))) };
}

async function withHosts(make: () => Promise<Host>, use: (a: Host, b: Host) => Promise<void>): Promise<void> {
  const hosts = [await make(), await make()] as const;
  try {
    await use(...hosts);
  } finally {
    await Promise.all(hosts.map(host => host.datagrams.stop()));
  }
}

/** Passes signals between both until their paths are up. `before` is called when both have begun. */
async function connect(offerer: Host, answerer: Host, before: () => void = () => {}): Promise<Pair> {
  const heard = { offerer: new Ear(offerer.datagrams), answerer: new Ear(answerer.datagrams) };
  pass(heard.offerer, answerer);
  pass(heard.answerer, offerer);
  answerer.datagrams.openWebRtc('pair', 'answerer');
  offerer.datagrams.openWebRtc('pair', 'offerer');
  before();
  const [a, b] = await Promise.all([heard.offerer.next('path-up'), heard.answerer.next('path-up')]);
  check(a.connection === 'pair' && b.connection === 'pair', 'the path does not tell its connection');
  return {
    offerer,
    answerer,
    heard,
    path: { offerer: a.path, answerer: b.path },
    binding: { offerer: a.binding, answerer: b.binding },
  };
}

/** Hands the signals that `ear` hears to `to`, in a later turn of the event loop, as a network would. */
function pass(ear: Ear, to: Host): void {
  ear.on(event => {
    if (event.kind === 'webrtc-signal') setTimeout(() => to.datagrams.signalWebRtc(event.connection, event.signal), 1);
  });
}
