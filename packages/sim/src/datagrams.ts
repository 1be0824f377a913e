/**
 * Simulated sockets: UDP between open hosts, WebSockets to hosts that listen,
 * WebRTC by an exchange of tokens. No NATs: every host has a public address.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, type Instant, utf8 } from '@warren/base';
import type { Datagrams, PathEvent, PathId } from '@warren/peer';
import { STREAM_PATH_BYTES, UDP_PATH_BYTES } from '@warren/wire';
import type { World } from './world.ts';

/** What a simulated host can do. */
export interface SimCapabilities {
  readonly udp: boolean;
  readonly webrtc: boolean;
  readonly websocket: boolean;
}

/** A stream whose one end sleeps longer is given up. */
const STREAM_PATIENCE_MS = 30_000;
/** A WebRTC connection that nobody answers is given up after that. */
const WEBRTC_SETUP_MS = 30_000;

interface Stream {
  readonly remote: SimDatagrams;
  readonly remotePath: PathId;
  /** When all that was sent so far has arrived. */
  drainedAt: Instant;
}

/** Who is where, and what does not pass. */
export class SimInternet {
  readonly world: World;
  readonly byName = new Map<string, SimDatagrams>();
  readonly byAddress = new Map<string, SimDatagrams>();
  readonly byUrl = new Map<string, SimDatagrams>();
  /** Whether UDP, and WebRTC with it, is blocked everywhere. */
  udpBlocked = false;
  /** One way between two hosts by name, milliseconds; absent: that of all wires. Jitter comes on top. */
  latencyMs: ((from: string, to: string) => number) | undefined;
  private readonly cuts = new Set<string>();

  constructor(world: World) {
    this.world = world;
  }

  /** Lets nothing pass between two hosts any more. */
  cut(a: string, b: string): void {
    this.cuts.add(pairKey(a, b));
  }

  /** Undoes `cut`. */
  mend(a: string, b: string): void {
    this.cuts.delete(pairKey(a, b));
  }

  /** Whether two hosts can exchange anything. */
  reaches(a: string, b: string): boolean {
    return !this.cuts.has(pairKey(a, b));
  }
}

/** The sockets of one simulated host. */
export class SimDatagrams implements Datagrams {
  readonly can: SimCapabilities;
  readonly name: string;
  /** Signals dropped: nonsense, late ones, and those for no connection of ours. */
  badSignals = 0;
  private readonly internet: SimInternet;
  /** What the host believes to be its address. */
  private bound: string;
  /** Where others see it: the same, unless a NAT has changed it. */
  private address: string;
  private readonly streams = new Map<PathId, Stream>();
  private readonly connections = new Map<string, 'offerer' | 'answerer'>();
  private listener: (event: PathEvent) => void = () => {};
  private nextPath = 1;
  private alive = true;
  private asleepSince: Instant | undefined;
  /** What the system noticed while nobody listened. */
  private untold: PathEvent[] = [];

  constructor(internet: SimInternet, name: string, address: string, can: SimCapabilities, url?: string) {
    this.internet = internet;
    this.name = name;
    this.bound = address;
    this.address = address;
    this.can = can;
    internet.byName.set(name, this);
    if (can.udp) internet.byAddress.set(address, this);
    if (url !== undefined) internet.byUrl.set(url, this);
  }

  maxBytes(path: PathId): number {
    return path.startsWith('udp/') ? UDP_PATH_BYTES : STREAM_PATH_BYTES;
  }

  localAddresses(): readonly string[] {
    return this.can.udp ? [this.bound] : [];
  }

  listen(listener: (event: PathEvent) => void): void {
    this.listener = listener;
  }

  send(path: PathId, bytes: Uint8Array): void {
    if (!this.alive || bytes.length === 0 || bytes.length > this.maxBytes(path)) return;
    const copy = bytes.slice();
    if (!path.startsWith('udp/')) this.sendStream(path, copy);
    else if (this.can.udp) this.sendUdp(path.slice('udp/'.length), copy);
  }

  dial(url: string): void {
    if (!this.alive) return;
    this.internet.world.carry(
      true,
      () => {
        const remote = this.internet.byUrl.get(url);
        if (this.alive && remote?.alive && this.internet.reaches(this.name, remote.name))
          this.join(remote, 'ws', new Uint8Array(0), { url }, {});
        else this.emit({ kind: 'dial-failed', url, reason: 'refused' });
      },
      0,
      this.latencyTo(this.internet.byUrl.get(url)),
    );
  }

  openWebRtc(connection: string, role: 'offerer' | 'answerer'): void {
    if (!this.alive || this.connections.has(connection)) return;
    this.connections.set(connection, role);
    if (!this.can.webrtc) this.giveUpSoon(connection, 'no WebRTC here');
    const { world } = this.internet;
    if (role === 'offerer') this.soon({ kind: 'webrtc-signal', connection, signal: this.signal('offer') });
    world.at(world.now + WEBRTC_SETUP_MS, () => this.giveUp(connection, 'timed out'));
  }

  signalWebRtc(connection: string, signal: string): void {
    const role = this.connections.get(connection);
    const { kind, name } = readSignal(signal);
    const remote = this.internet.byName.get(name);
    if (role === 'answerer' && kind === 'offer') {
      this.soon({ kind: 'webrtc-signal', connection, signal: this.signal('answer') });
    } else if (role === 'offerer' && kind === 'answer' && remote !== undefined) {
      this.internet.world.carry(true, () => this.meet(remote, connection), 0, this.latencyTo(remote));
    } else this.badSignals++;
  }

  close(path: PathId): void {
    if (path.startsWith('rtc:')) {
      this.giveUpSoon(path.slice('rtc:'.length), 'closed');
      return;
    }
    const stream = this.streams.get(path);
    if (stream === undefined) return;
    this.streams.delete(path);
    this.soon({ kind: 'path-down', path });
    this.internet.world.carry(
      true,
      () => stream.remote.lose(stream.remotePath),
      stream.drainedAt,
      this.latencyTo(stream.remote),
    );
  }

  async stop(): Promise<void> {
    this.shut();
  }

  /** UDP is seen at another address from now on, as after a NAT has forgotten a mapping; the host does not know. */
  rebind(address: string): void {
    if (this.internet.byAddress.get(this.address) === this) this.internet.byAddress.delete(this.address);
    this.address = address;
    if (this.can.udp) this.internet.byAddress.set(address, this);
  }

  /** The host is in another network: it has another address, and its streams are gone. */
  move(address: string): void {
    this.rebind(address);
    this.bound = address;
    for (const path of [...this.streams.keys()]) this.close(path);
  }

  /** What arrives is lost until `wake`. */
  sleep(): void {
    this.asleepSince = this.internet.world.now;
  }

  /** Goes on; streams that were silent for long are gone. */
  wake(): void {
    const { now } = this.internet.world;
    const isLong = now - (this.asleepSince ?? now) > STREAM_PATIENCE_MS;
    this.asleepSince = undefined;
    for (const event of this.untold.splice(0)) this.emit(event);
    if (isLong) for (const path of [...this.streams.keys()]) this.close(path);
  }

  /** Whether it has not ended. */
  get isAlive(): boolean {
    return this.alive;
  }

  /** Closes all sockets, and the others hear of it. */
  shut(): void {
    for (const path of [...this.streams.keys()]) this.close(path);
    this.kill();
  }

  /** Vanishes without a word, as a machine that loses power. */
  kill(): void {
    this.alive = false;
    this.internet.byName.delete(this.name);
    if (this.internet.byAddress.get(this.address) === this) this.internet.byAddress.delete(this.address);
    for (const [url, host] of this.internet.byUrl) if (host === this) this.internet.byUrl.delete(url);
    this.streams.clear();
    this.connections.clear();
  }

  /** A signal in the form of a real one; what would be a session description is the host's name. */
  private signal(type: 'offer' | 'answer'): string {
    return JSON.stringify({ type, sdp: this.name });
  }

  private sendUdp(address: string, bytes: Uint8Array): void {
    const { world } = this.internet;
    const deliver = (): void => {
      const remote = this.internet.byAddress.get(address);
      if (remote === undefined || this.internet.udpBlocked || !this.internet.reaches(this.name, remote.name)) return;
      remote.arrive(`udp/${this.address}`, bytes);
    };
    world.carry(false, deliver, 0, this.latencyTo(this.internet.byAddress.get(address)));
  }

  /** One way to another host, milliseconds; `undefined`: as everywhere. */
  private latencyTo(remote: SimDatagrams | undefined): number | undefined {
    return remote === undefined ? undefined : this.internet.latencyMs?.(this.name, remote.name);
  }

  /** WebSockets keep the order; data channels do not, but what was sent before their end comes before it. */
  private sendStream(path: PathId, bytes: Uint8Array): void {
    const stream = this.streams.get(path);
    if (stream === undefined) return;
    const isOrdered = path.startsWith('ws/');
    const deliver = (): void => {
      const { remote, remotePath } = stream;
      const blocked = this.internet.udpBlocked && !isOrdered;
      if (!blocked && this.internet.reaches(this.name, remote.name) && remote.streams.has(remotePath)) {
        remote.arrive(remotePath, bytes);
      }
    };
    const arrivesAt = this.internet.world.carry(
      isOrdered,
      deliver,
      isOrdered ? stream.drainedAt : 0,
      this.latencyTo(stream.remote),
    );
    stream.drainedAt = Math.max(stream.drainedAt, arrivesAt ?? 0);
  }

  /** Opens a stream between two hosts; both ends hear of it. */
  private join(remote: SimDatagrams, kind: 'ws' | 'rtc', binding: Uint8Array, own: object, theirs: object): void {
    const path = `${kind}/${this.nextPath++}`;
    const remotePath = `${kind}/${remote.nextPath++}`;
    this.streams.set(path, { remote, remotePath, drainedAt: 0 });
    remote.streams.set(remotePath, { remote: this, remotePath: path, drainedAt: 0 });
    remote.emit({ kind: 'path-up', path: remotePath, binding, ...theirs });
    this.emit({ kind: 'path-up', path, binding, ...own });
  }

  private meet(remote: SimDatagrams, connection: string): void {
    const passes = !this.internet.udpBlocked && this.internet.reaches(this.name, remote.name);
    if (!passes || !this.connections.has(connection) || !remote.connections.has(connection)) return;
    this.connections.delete(connection);
    remote.connections.delete(connection);
    const binding = concat(this.fingerprint(connection), remote.fingerprint(connection));
    this.join(remote, 'rtc', binding, { connection }, { connection });
  }

  /** What would be the fingerprint of a certificate made for this connection, 32 bytes. */
  private fingerprint(connection: string): Uint8Array {
    return sha256(utf8(`${this.name} ${connection}`));
  }

  private giveUpSoon(connection: string, reason: string): void {
    this.internet.world.at(this.internet.world.now + 1, () => this.giveUp(connection, reason));
  }

  private giveUp(connection: string, reason: string): void {
    if (this.connections.delete(connection)) this.emit({ kind: 'webrtc-failed', connection, reason });
  }

  private lose(path: PathId): void {
    if (this.streams.delete(path)) this.emit({ kind: 'path-down', path });
  }

  private arrive(path: PathId, bytes: Uint8Array): void {
    if (!this.alive) return;
    this.internet.world.note(this.name, path, bytes);
    // A wire may deliver twice, and who opens a datagram in place destroys it.
    this.emit({ kind: 'datagram', path, bytes: bytes.slice() });
  }

  private soon(event: PathEvent): void {
    this.internet.world.at(this.internet.world.now + 1, () => this.emit(event));
  }

  private emit(event: PathEvent): void {
    if (!this.alive) return;
    if (this.asleepSince === undefined) this.listener(event);
    else if (event.kind !== 'datagram') this.untold.push(event);
  }
}

function pairKey(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}

function readSignal(signal: string): { kind: string; name: string } {
  try {
    const { type = '', sdp = '' } = JSON.parse(signal) as { type?: string; sdp?: string };
    return { kind: String(type), name: String(sdp) };
  } catch {
    return { kind: '', name: '' };
  }
}
