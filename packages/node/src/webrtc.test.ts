/**
 * What real connections do not show: how `webrtc.ts` behaves when the native library misbehaves.
 * Real connections are in the host contract.
 */

import type { WayEvents } from '@warren/peer';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type WebRtcOptions, WebRtcWay } from './webrtc.ts';

type Callback = (...args: unknown[]) => void;

const fingerprint = (byte: number): string =>
  Array.from({ length: 32 }, () => byte.toString(16).padStart(2, '0')).join(':');
const sdp = (byte: number): string =>
  `v=0\r\na=fingerprint:sha-256 ${fingerprint(byte)}\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=setup:actpass\r\n`;
const candidate = (port: number): string =>
  JSON.stringify({ candidate: { candidate: `candidate:1 1 UDP 1 192.0.2.1 ${port} typ host`, sdpMid: '0' } });

/** The native library with nothing behind it: we tell its callbacks, and see its calls. */
class FakeNative {
  readonly calls: string[] = [];
  readonly on = new Map<string, Callback>();
  buffered = 0;
  remote = 2;

  private readonly register =
    (name: string) =>
    (callback: Callback): void => {
      this.on.delete(name);
      this.on.set(name, callback);
    };

  private readonly record =
    (name: string) =>
    (...args: unknown[]): void => {
      this.calls.push([name, ...args.map(String)].join(' '));
    };

  readonly channel = {
    onOpen: this.register('open'),
    onClosed: this.register('closed'),
    onError: this.register('error'),
    onMessage: this.register('message'),
    isOpen: () => true,
    bufferedAmount: () => this.buffered,
    sendMessageBinary: (bytes: Uint8Array) => {
      this.calls.push(`send ${bytes.length}`);
      return true;
    },
    close: this.record('close channel'),
  };

  readonly connection = {
    onLocalDescription: this.register('description'),
    onLocalCandidate: this.register('candidate'),
    onStateChange: this.register('state'),
    onDataChannel: this.register('channel'),
    createDataChannel: () => this.channel,
    setRemoteDescription: (_: string, type: string) => this.record('remote')(type),
    addRemoteCandidate: (text: string) => {
      this.record('candidate')(text.split(' ')[5]);
      if (text.includes(' 666 ')) throw new Error('native refusal');
    },
    remoteFingerprint: () => ({ algorithm: 'sha-256', value: fingerprint(this.remote) }),
    close: this.record('close'),
  };

  tell(name: string, ...args: unknown[]): void {
    this.on.get(name)?.(...args);
  }
}

const told: string[] = [];
const signals: string[] = [];
let drops = 0;
let onUp: () => void = () => {};
const events: WayEvents = {
  up: binding => {
    told.push(`up ${binding[0]} ${binding[32]}`);
    onUp();
  },
  datagram: bytes => told.push(`datagram ${bytes.join()}`),
  down: () => told.push('down'),
  failed: reason => told.push(`failed: ${reason}`),
  dropped: () => {
    drops++;
  },
};

beforeEach(() => {
  vi.useFakeTimers();
  told.length = 0;
  signals.length = 0;
  drops = 0;
  onUp = () => {};
});
afterEach(() => {
  vi.useRealTimers();
});

function make(role: 'offerer' | 'answerer') {
  const fake = new FakeNative();
  class PeerConnection {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: the stand-in for the native class
      return fake.connection as unknown as PeerConnection;
    }
  }
  const native = { PeerConnection } as unknown as WebRtcOptions['native'];
  const way = new WebRtcWay({ native, role, iceServers: [], onSignal: signal => signals.push(signal), events });
  return { fake, way };
}

/** An offerer with an open channel. */
function opened() {
  const { fake, way } = make('offerer');
  fake.tell('description', sdp(1), 'offer');
  way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }));
  fake.tell('open');
  return { fake, way };
}

/** What the signals told so far are. */
const signalTypes = (): string[] => signals.map(text => JSON.parse(text).type);

test("an answerer's candidates wait for its description", () => {
  const { fake, way } = make('answerer');
  way.signal(JSON.stringify({ type: 'offer', sdp: sdp(2) }));
  fake.tell('candidate', 'a=candidate:1 1 UDP 1 192.0.2.9 7 typ host', '0');
  expect(signals).toEqual([]);
  fake.tell('description', sdp(1), 'answer');
  fake.tell('candidate', 'a=candidate:1 1 UDP 1 192.0.2.9 8 typ host', '0');
  expect(signalTypes()).toEqual(['answer', 'candidate', 'candidate']);
});

test("an offerer's candidates wait until the library has taken the answer, so that it does not connect before", async () => {
  const { fake, way } = make('offerer');
  fake.tell('description', sdp(1), 'offer');
  fake.tell('candidate', 'a=candidate:1 1 UDP 1 192.0.2.9 7 typ host', '0');
  expect(signalTypes()).toEqual(['offer']);
  way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }));
  expect(signalTypes()).toEqual(['offer']);
  await Promise.resolve();
  expect(fake.calls).toEqual(['remote answer']);
  fake.tell('candidate', 'a=candidate:1 1 UDP 1 192.0.2.9 8 typ host', '0');
  expect(signalTypes()).toEqual(['offer', 'candidate', 'candidate']);
});

test('remote candidates wait for the remote description', () => {
  const { fake, way } = make('offerer');
  fake.tell('description', sdp(1), 'offer');
  way.signal(candidate(100));
  expect(fake.calls).toEqual([]);
  expect(way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }))).toBe(true);
  way.signal(candidate(101));
  expect(fake.calls).toEqual(['remote answer', 'candidate 100', 'candidate 101']);
});

test('a candidate that the library refuses is a bad signal, and does not stop those after it', () => {
  const { fake, way } = make('offerer');
  fake.tell('description', sdp(1), 'offer');
  for (const port of [100, 666, 101]) way.signal(candidate(port));
  expect(way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }))).toBe(true);
  expect(fake.calls).toEqual(['remote answer', 'candidate 100', 'candidate 666', 'candidate 101']);
  expect(way.signal(candidate(666))).toBe(false);
});

test('more than 64 candidates, a second description and one of the wrong kind are bad signals', () => {
  const { way } = make('answerer');
  expect(way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }))).toBe(false);
  expect(way.signal(JSON.stringify({ type: 'offer', sdp: sdp(2) }))).toBe(true);
  expect(way.signal(JSON.stringify({ type: 'offer', sdp: sdp(3) }))).toBe(false);
  const results = Array.from({ length: 70 }, (_, i) => way.signal(candidate(i + 1)));
  expect(results.filter(Boolean)).toHaveLength(64);
});

test('the binding is both fingerprints, offerer first, and none where the library saw another', () => {
  opened();
  expect(told).toEqual(['up 1 2']);
  const { fake, way } = make('offerer');
  fake.remote = 3;
  fake.tell('description', sdp(1), 'offer');
  way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }));
  fake.tell('open');
  expect(told.at(-1)).toBe('failed: the connection has no sure DTLS fingerprints');
});

test('datagrams sent in one turn share a message, and beyond a megabyte unsent they are dropped', () => {
  const { fake, way } = opened();
  for (let i = 0; i < 3; i++) way.send(new Uint8Array(10));
  vi.runOnlyPendingTimers();
  expect(fake.calls).toContain('send 36');
  fake.buffered = (1 << 20) + 1;
  way.send(new Uint8Array(10));
  vi.runOnlyPendingTimers();
  expect(fake.calls.filter(call => call.startsWith('send'))).toHaveLength(1);
  expect(drops).toBe(1);
});

test('a turn that sends without end gathers no more than 64 KiB', () => {
  const { fake, way } = opened();
  for (let i = 0; i < 9; i++) way.send(new Uint8Array(8_000));
  expect(fake.calls.filter(call => call.startsWith('send'))).toHaveLength(5);
  fake.buffered = (1 << 20) + 1;
  for (let i = 0; i < 1_000; i++) way.send(new Uint8Array(8_000));
  expect(drops).toBeGreaterThan(490);
  vi.runOnlyPendingTimers();
  expect(fake.calls.filter(call => call.startsWith('send'))).toHaveLength(5);
});

test('a message told before the opening opens the channel; text and torn messages are dropped', () => {
  const { fake, way } = make('offerer');
  fake.tell('description', sdp(1), 'offer');
  way.signal(JSON.stringify({ type: 'answer', sdp: sdp(2) }));
  fake.tell('message', Buffer.from([0, 1, 9, 0, 2, 7, 8]));
  fake.tell('open');
  fake.tell('message', 'text');
  fake.tell('message', Buffer.from([0, 9, 1]));
  expect(told).toEqual(['up 1 2', 'datagram 9', 'datagram 7,8']);
  expect(drops).toBe(2);
});

test('after 30 s without a channel it failed, and closes', () => {
  const { fake } = make('offerer');
  vi.advanceTimersByTime(29_999);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['failed: no direct connection within 30 s']);
  expect(fake.calls).toEqual(['close channel', 'close']);
});

test('an end is told once, whatever the library says afterwards', async () => {
  const { fake, way } = opened();
  fake.tell('state', 'failed');
  fake.tell('closed');
  fake.tell('error', 'x');
  fake.tell('open');
  fake.tell('message', Buffer.from([0, 1, 9]));
  fake.tell('state', 'closed');
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['up 1 2', 'down']);
  await way.over;
  expect(way.signal(candidate(1))).toBe(false);
  way.send(Uint8Array.of(1));
  expect(drops).toBe(1);
});

test('what was sent last leaves, then the channel closes, and the connection a moment later', () => {
  const { fake, way } = opened();
  way.send(new Uint8Array(10));
  way.close();
  expect(told).toEqual(['up 1 2']);
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['up 1 2', 'down']);
  expect(fake.calls).toEqual(['remote answer', 'send 12', 'close channel']);
  vi.advanceTimersByTime(300);
  expect(fake.calls).toEqual(['remote answer', 'send 12', 'close channel', 'close']);
});

test('a connection that the remote side ends is not kept for what was sent last', async () => {
  const { fake, way } = opened();
  way.close();
  vi.advanceTimersByTime(1);
  fake.tell('state', 'closed');
  vi.advanceTimersByTime(1);
  await way.over;
  expect(fake.calls).toContain('close');
  const other = opened();
  other.fake.tell('closed');
  expect(other.fake.calls).toEqual(['remote answer', 'close channel', 'close']);
});

test('messages that are told after the end of the connection, but came before it, arrive', () => {
  const { fake } = opened();
  fake.tell('state', 'closed');
  setImmediate(() => fake.tell('message', Buffer.from([0, 1, 9])));
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['up 1 2', 'datagram 9', 'down']);
});

test('the library tells messages before the closing of their channel where the callbacks are set in this order', () => {
  const { fake } = make('offerer');
  const names = [...fake.on.keys()];
  expect(names.indexOf('message')).toBeLessThan(names.indexOf('closed'));
});

test('a second channel is closed, and its closing listened to, so that nothing of it stays', () => {
  const { fake } = make('answerer');
  fake.tell('channel', fake.channel);
  const closed: string[] = [];
  const second = { onClosed: () => closed.push('listened'), close: () => closed.push('closed') };
  fake.tell('channel', second);
  expect(closed).toEqual(['listened', 'closed']);
});

test('where the library never says closed, it counts as closed after a second', async () => {
  const { way } = opened();
  way.close();
  vi.runOnlyPendingTimers();
  vi.advanceTimersByTime(1_000);
  await way.over;
  expect(told).toEqual(['up 1 2', 'down']);
});

test('an exception of ours does not go into native code, but comes up in the event loop', () => {
  onUp = () => {
    throw new Error('a bug of ours');
  };
  opened();
  expect(() => vi.runOnlyPendingTimers()).toThrow('a bug of ours');
});
