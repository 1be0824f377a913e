/**
 * Somebody in the middle of a data channel, with real DTLS (libdatachannel):
 * who swaps fingerprints in session descriptions gets no channel, and who ends
 * both DTLS connections with certificates of his own gets channels that carry
 * nothing but challenges (session.md 2.6; faults row 57).
 *
 * ```text
 *   a  --- link over a "WebSocket" in this process ---  b
 *   a  --- data channel ---  mallory  --- data channel ---  b
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WallClock } from '@warren/base';
import { Links, type LinksOutput } from '@warren/link';
import { type NodeHost, nodeHost } from '@warren/node';
import type { PathEvent } from '@warren/peer';
import { prologue, SessionIndices, Sessions } from '@warren/session';
import { SeededRandom, type SimAuthority, simAuthority, simCredentials, simMember, simSuite } from '@warren/sim';
import { Authority } from '@warren/trust';
import { Inner, PacketType, type PeerKey, peerKey } from '@warren/wire';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const PATIENCE_MS = 20_000;
const TICK_MS = 20;
/** An overlay message of this size cannot be taken for anything else. */
const TELLTALE_BYTES = 700;

let folder: string;
let ends: End[];
let hosts: NodeHost[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-middle-'));
  ends = [];
  hosts = [];
});

afterEach(async () => {
  for (const end of ends) end.stop();
  await Promise.all(hosts.map(host => host.datagrams.stop()));
  await rm(folder, { recursive: true, force: true });
});

describe('faults #57 between two who link over a data channel', () => {
  test('nobody: the channel is used', async () => {
    const { a, b } = await pair();
    a.signalsTo = signal => b.takeSignal(signal);
    b.signalsTo = signal => a.takeSignal(signal);
    a.connect(b);
    await expect.poll(() => [a.kind(b), b.kind(a)], { timeout: PATIENCE_MS }).toEqual(['webrtc', 'webrtc']);
  });

  test('somebody who swaps fingerprints: there is no channel', async () => {
    const { a, b } = await pair();
    const swapped = (signal: string) =>
      signal.replace(
        /(fingerprint:sha-256 )([0-9A-Fa-f]{2})/g,
        (_, head, byte) => `${head}${byte === 'AB' ? 'CD' : 'AB'}`,
      );
    a.signalsTo = signal => b.takeSignal(swapped(signal));
    b.signalsTo = signal => a.takeSignal(swapped(signal));
    a.connect(b);
    await expect.poll(() => [a.kind(b), b.kind(a)], { timeout: PATIENCE_MS }).toEqual(['websocket', 'websocket']);
    await talk(a, b, 8000);
    expect([...a.heard, ...b.heard].filter(kind => kind === 'path-up')).toEqual([]);
    expect([a.kind(b), b.kind(a)]).toEqual(['websocket', 'websocket']);
  }, 40_000);

  test('somebody who ends both connections and forwards: no message and no frame takes that way', async () => {
    const { a, b } = await pair();
    const forwarded = await middle(a, b);
    a.connect(b);
    await expect
      .poll(() => [a.heard, b.heard].map(heard => heard.includes('path-up')), { timeout: PATIENCE_MS })
      .toEqual([true, true]);
    await expect.poll(() => forwarded.length, { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await talk(a, b, 12_000);
    expect([a.kind(b), b.kind(a)]).toEqual(['websocket', 'websocket']);
    expect(forwarded.filter(bytes => bytes[0] === PacketType.FRAME)).toEqual([]);
    expect(forwarded.filter(bytes => bytes.length >= TELLTALE_BYTES)).toEqual([]);
    console.log(
      `mallory forwarded ${forwarded.length} challenges, ${forwarded.reduce((sum, { length }) => sum + length, 0)} bytes`,
    );
  }, 60_000);
});

/** One side: a link table on a real host, and a wire in this process in place of a WebSocket. */
class End {
  readonly self: PeerKey;
  /** Kinds of what its host told. */
  readonly heard: string[] = [];
  /** Overlay messages and frames that came up. */
  received = 0;
  signalsTo: (signal: string) => void = () => {};
  other: End | undefined;
  private readonly links: Links;
  private readonly host: NodeHost;
  private readonly ticking: NodeJS.Timeout;
  /** Its only connection, or the last. */
  private connection = '';
  private readonly early: string[] = [];

  constructor(name: string, ca: SimAuthority, host: NodeHost) {
    const unixMs = host.clock.unixMs();
    const random = new SeededRandom(57, name);
    const credentials = simCredentials(simMember(ca, { user: name, device: name }, random, unixMs), random, unixMs);
    const authority = Authority.group(ca.der) as Authority;
    const bound = prologue(authority.networkKey, []);
    const wallClock = new WallClock(unixMs, host.clock.now());
    const common = { suite: simSuite, authority, credentials, random, wallClock };
    this.self = peerKey(credentials.leaf.peerId);
    this.host = host;
    const indices = new SessionIndices<Sessions>(random);
    this.links = new Links({
      self: this.self,
      network: 'group',
      sessions: new Sessions({ ...common, indices, self: this.self, prologueFor: () => bound }),
      random,
      hash: simSuite.hash,
      can: { udp: false, webrtc: true },
      hostKind: 1,
      maxBytes: () => 16_384,
      addresses: () => [],
      nat: () => ({ mapping: 'unknown', portStep: 0 }),
      strangers: false,
      mayRelay: () => true,
    });
    host.datagrams.listen(event => this.event(event));
    this.ticking = setInterval(() => this.act(now => this.links.tick(now)), TICK_MS);
    ends.push(this);
  }

  connect(to: End): void {
    this.act(now => this.links.connect(to.self, ['ws/1'], now));
  }

  kind(other: End): string | undefined {
    return this.links.info(other.self)?.kind;
  }

  say(other: End): void {
    this.act(now => {
      this.links.send(other.self, Inner.OVERLAY, new Uint8Array(TELLTALE_BYTES), now);
      this.links.sendFrame(other.self, new Uint8Array(300), now);
    });
  }

  /** Hands a signal to the host, as soon as the connection is opened that it is for. */
  takeSignal(signal: string): void {
    if (this.connection === '') this.early.push(signal);
    else setTimeout(() => this.host.datagrams.signalWebRtc(this.connection, signal), 1);
  }

  stop(): void {
    clearInterval(this.ticking);
  }

  private event(event: PathEvent): void {
    this.heard.push(event.kind);
    if (event.kind === 'webrtc-signal') this.signalsTo(event.signal);
    this.act(now => {
      if (event.kind === 'datagram') this.receive(event.path, event.bytes, now);
      else if (event.kind === 'path-up' && event.connection !== undefined)
        this.links.pathUp(event.path, event.binding, event.connection, now);
      else if (event.kind === 'path-down') this.links.pathDown(event.path, now);
      else if (event.kind === 'webrtc-signal') this.links.localSignal(event.connection, event.signal, now);
      else if (event.kind === 'webrtc-failed') this.links.webrtcFailed(event.connection, now);
    });
  }

  private receive(path: string, bytes: Uint8Array, now: number): void {
    if (this.links.receive(path, bytes, now) !== undefined) this.received++;
  }

  private act(action: (now: number) => void): void {
    action(this.host.clock.now());
    for (let out = this.links.poll(); out !== undefined; out = this.links.poll()) this.obey(out);
  }

  /** Signals that came through the session are not used: they are the liar's to replace. */
  private obey(out: LinksOutput): void {
    const { datagrams } = this.host;
    if (out.kind === 'send' && out.path === 'ws/1') {
      const bytes = out.bytes.slice();
      setTimeout(() => this.other?.act(now => this.other?.receive('ws/1', bytes, now)), 1);
    } else if (out.kind === 'send') datagrams.send(out.path, out.bytes);
    else if (out.kind === 'open-webrtc') {
      this.connection = out.connection;
      datagrams.openWebRtc(out.connection, out.role);
      for (const signal of this.early.splice(0)) this.takeSignal(signal);
    } else if (out.kind === 'close-path') datagrams.close(out.path);
  }
}

async function newHost(name: string): Promise<NodeHost> {
  const host = await nodeHost({
    kind: 'edge',
    stateDir: join(folder, name),
    udp: false,
    webrtcAddress: '127.0.0.1',
  });
  hosts.push(host);
  return host;
}

async function pair(): Promise<{ a: End; b: End }> {
  const ca = simAuthority(new SeededRandom(57, 'ca'), Date.now());
  const [a, b] = [new End('a', ca, await newHost('a')), new End('b', ca, await newHost('b'))];
  [a.other, b.other] = [b, a];
  return { a, b };
}

/** Mallory answers both, each as if he were the other, and forwards what comes. Gives what he has seen. */
async function middle(a: End, b: End): Promise<Uint8Array[]> {
  const seen: Uint8Array[] = [];
  const [offerer, answerer] = a.self < b.self ? [a, b] : [b, a];
  const [towardsOfferer, towardsAnswerer] = [await newHost('m1'), await newHost('m2')];
  const paths = new Map<NodeHost, string>();
  for (const [own, end, opposite] of [
    [towardsOfferer, offerer, towardsAnswerer],
    [towardsAnswerer, answerer, towardsOfferer],
  ] as const) {
    end.signalsTo = signal => setTimeout(() => own.datagrams.signalWebRtc('middle', signal), 1);
    own.datagrams.listen(event => {
      if (event.kind === 'webrtc-signal') end.takeSignal(event.signal);
      if (event.kind === 'path-up') paths.set(own, event.path);
      if (event.kind !== 'datagram') return;
      seen.push(event.bytes.slice());
      const path = paths.get(opposite);
      if (path !== undefined) opposite.datagrams.send(path, event.bytes);
    });
  }
  towardsOfferer.datagrams.openWebRtc('middle', 'answerer');
  towardsAnswerer.datagrams.openWebRtc('middle', 'offerer');
  return seen;
}

/** Both send messages and frames for a while, which arrive. */
async function talk(a: End, b: End, ms: number): Promise<void> {
  const before = [a.received, b.received];
  const until = Date.now() + ms;
  while (Date.now() < until) {
    a.say(b);
    b.say(a);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  expect(a.received).toBeGreaterThan((before[0] as number) + 20);
  expect(b.received).toBeGreaterThan((before[1] as number) + 20);
}
