/**
 * The paths of a simulated host: UDP sockets behind whatever routers it has,
 * WebSockets to hosts that listen, WebRTC by ICE agents.
 */
import type { Instant } from '@warren/base';
import type { Datagrams, PathEvent, PathId } from '@warren/peer';
import { STREAM_PATH_BYTES, UDP_PATH_BYTES } from '@warren/wire';
import { IceAgent, WEBRTC_SETUP_MS } from './ice.ts';
import type { SimInternet, SimPlace } from './internet.ts';
import { ipOf } from './nat.ts';
import type { UdpPayload } from './networks.ts';
import { SimSocket } from './socket.ts';

/** What a simulated host can do. */
export interface SimCapabilities {
  readonly udp: boolean;
  readonly webrtc: boolean;
  readonly websocket: boolean;
  /** Whether it has extra UDP sockets, `udp/<address>~<k>`; absent: no. */
  readonly sockets?: boolean;
  /** Whether it dials servers that are known by their key, as members' are; absent: no. */
  readonly pinned?: boolean;
}

/** A stream whose one end sleeps longer is given up. */
const STREAM_PATIENCE_MS = 30_000;
/** An extra socket on which nothing comes in for so long is closed. */
const EXTRA_SOCKET_MS = 30_000;
const EXTRA_SOCKETS_MAX = 256;
/** The largest UDP payload on Ethernet over IPv4: IP and UDP headers take 28 of 1,500 bytes. */
const UDP_MOST_BYTES = 1472;
/** What each message is more on the wire: IPv4 and UDP; for a stream IPv4, TCP with time stamps and a frame's own head. */
const UDP_HEADER_BYTES = 28;
const STREAM_HEADER_BYTES = 56;
/** Local ports: those of extra sockets follow the first, those of ICE agents the second. */
const EXTRA_PORT = 10_000;
const ICE_PORT = 20_000;

/** A WebSocket, or a data channel between two agents. `drainedAt`: when all that was sent so far has arrived. */
type Stream =
  | { readonly kind: 'ws'; readonly remote: SimDatagrams; readonly remotePath: PathId; drainedAt: Instant }
  | { readonly kind: 'rtc'; readonly agent: IceAgent; readonly remote: IceAgent; drainedAt: Instant };

interface ExtraSocket {
  readonly socket: SimSocket;
  heardAt: Instant;
}

/** The sockets of one simulated host. */
export class SimDatagrams implements Datagrams {
  readonly can: SimCapabilities;
  readonly name: string;
  /** Signals dropped: nonsense, late ones, and those for no connection of ours. */
  badSignals = 0;
  /** What left and what came, in bytes, headers of the Internet and of streams with it; ICE's own checks are not counted. */
  sentBytes = 0;
  receivedBytes = 0;
  private readonly internet: SimInternet;
  /** Where the host believes to be. */
  private place: SimPlace;
  /** The UDP socket that others know; closed without UDP. */
  private readonly main: SimSocket;
  private readonly extra = new Map<number, ExtraSocket>();
  private readonly streams = new Map<PathId, Stream>();
  /** WebRTC connections that are not open yet, and the paths of those that are. */
  private readonly connections = new Map<string, IceAgent>();
  private readonly channels = new Map<IceAgent, PathId>();
  private listener: (event: PathEvent) => void = () => {};
  private nextPath = 1;
  private nextIcePort = ICE_PORT;
  private alive = true;
  private asleepSince: Instant | undefined;
  /** What the system noticed while nobody listened. */
  private untold: PathEvent[] = [];

  /** `at`: a public address, or a place behind routers. */
  constructor(internet: SimInternet, name: string, at: string | SimPlace, can: SimCapabilities, url?: string) {
    this.internet = internet;
    this.name = name;
    this.place = placeOf(internet, at);
    this.can = can;
    internet.byName.set(name, this);
    this.main = new SimSocket(internet, name, (from, payload) => this.receiveUdp(this.main, `udp/${from}`, payload));
    this.openMain();
    if (url !== undefined) internet.byUrl.set(url, this);
  }

  maxBytes(path: PathId): number {
    return path.startsWith('udp/') ? UDP_PATH_BYTES : STREAM_PATH_BYTES;
  }

  localAddresses(): readonly string[] {
    return this.can.udp ? this.place.addresses : [];
  }

  listen(listener: (event: PathEvent) => void): void {
    this.listener = listener;
  }

  send(path: PathId, bytes: Uint8Array): void {
    const isUdp = path.startsWith('udp/');
    if (!this.alive || bytes.length === 0 || bytes.length > (isUdp ? UDP_MOST_BYTES : STREAM_PATH_BYTES)) return;
    const copy = bytes.slice();
    this.sentBytes += bytes.length + headerBytes(path);
    if (!isUdp) this.sendStream(path, copy);
    else if (this.can.udp) this.sendUdp(path, copy);
  }

  dial(url: string): void {
    if (!this.alive) return;
    const { world } = this.internet;
    const answer = (): void => {
      const remote = this.internet.byUrl.get(url);
      if (this.alive && remote?.alive && this.connects(remote)) this.join(remote, url);
      else this.emit({ kind: 'dial-failed', url, reason: 'refused' });
    };
    world.carry(true, answer, 0, this.latencyTo(this.internet.byUrl.get(url)));
  }

  openWebRtc(connection: string, role: 'offerer' | 'answerer'): void {
    if (!this.alive || this.connections.has(connection)) return;
    const { internet, name } = this;
    const { world } = internet;
    const agent: IceAgent = new IceAgent(
      {
        internet,
        name,
        connection,
        role,
        isNatted: this.place.network.router !== undefined,
        events: {
          signal: signal => this.soon({ kind: 'webrtc-signal', connection, signal }),
          up: (remote, binding) => this.channelUp(agent, remote, connection, binding),
          data: bytes => this.receiveChannel(agent, bytes),
          lost: () => this.lose(this.channels.get(agent) ?? ''),
        },
      },
      listener => this.iceSocket(listener),
    );
    this.connections.set(connection, agent);
    if (!this.can.webrtc) this.giveUpSoon(connection, 'no WebRTC here');
    else if (role === 'offerer') agent.describe();
    world.at(world.now + WEBRTC_SETUP_MS, () => this.giveUp(connection, 'timed out'));
  }

  signalWebRtc(connection: string, signal: string): void {
    if (!this.connections.get(connection)?.hear(signal)) this.badSignals++;
  }

  close(path: PathId): void {
    if (path.startsWith('rtc:')) {
      this.giveUpSoon(path.slice('rtc:'.length), 'closed');
      return;
    }
    const stream = this.streams.get(path);
    if (stream === undefined) return;
    this.forget(path, stream);
    this.soon({ kind: 'path-down', path });
    const end = stream.kind === 'ws' ? () => stream.remote.lose(stream.remotePath) : () => stream.remote.ended();
    this.internet.world.carry(true, end, stream.drainedAt, this.latencyTo(stream.remote));
  }

  async stop(): Promise<void> {
    this.shut();
  }

  /** UDP is seen at another address from now on, as after a NAT has forgotten a mapping; the host does not know. */
  rebind(address: string): void {
    if (this.can.udp) this.main.open(this.place.network, [address]);
  }

  /** The host is in another network: it has another address, and its streams are gone. */
  move(at: string | SimPlace): void {
    this.place = placeOf(this.internet, at);
    this.openMain();
    for (const k of [...this.extra.keys()]) this.closeExtra(k);
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

  /** Where the host is. */
  get where(): SimPlace {
    return this.place;
  }

  /** Whether it has not ended. */
  get isAlive(): boolean {
    return this.alive;
  }

  /** Extra UDP sockets that are open. */
  get extraSockets(): number {
    return this.extra.size;
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
    this.main.close();
    for (const k of [...this.extra.keys()]) this.closeExtra(k);
    for (const [url, host] of this.internet.byUrl) if (host === this) this.internet.byUrl.delete(url);
    for (const [path, stream] of [...this.streams]) this.forget(path, stream);
    for (const agent of this.connections.values()) agent.stop();
    this.connections.clear();
  }

  private openMain(): void {
    if (this.can.udp) this.main.open(this.place.network, this.place.addresses);
  }

  private sendUdp(path: PathId, bytes: Uint8Array): void {
    const [, to = '', , k] = /^udp\/([^~]*)(~([1-9]\d*))?$/.exec(path) ?? [];
    const socket = k === undefined ? this.main : this.extraSocket(Number(k));
    socket?.send(to, bytes);
  }

  private extraSocket(k: number): SimSocket | undefined {
    if (!this.can.sockets || k > EXTRA_SOCKETS_MAX) return undefined;
    const known = this.extra.get(k);
    if (known !== undefined) return known.socket;
    const { world } = this.internet;
    const socket: SimSocket = new SimSocket(this.internet, this.name, (from, payload) => {
      extra.heardAt = world.now;
      this.receiveUdp(socket, `udp/${from}~${k}`, payload);
    });
    const extra = { socket, heardAt: world.now };
    this.extra.set(k, extra);
    this.openAt(socket, EXTRA_PORT + k);
    this.closeWhenSilent(k, extra);
    return socket;
  }

  private closeWhenSilent(k: number, extra: ExtraSocket): void {
    const { world } = this.internet;
    world.at(extra.heardAt + EXTRA_SOCKET_MS, () => {
      if (this.extra.get(k) !== extra) return;
      if (world.now >= extra.heardAt + EXTRA_SOCKET_MS) this.closeExtra(k);
      else this.closeWhenSilent(k, extra);
    });
  }

  private closeExtra(k: number): void {
    this.extra.get(k)?.socket.close();
    this.extra.delete(k);
  }

  private iceSocket(listener: (from: string, payload: UdpPayload) => void): SimSocket {
    const socket = new SimSocket(this.internet, this.name, (from, payload) => {
      if (this.asleepSince === undefined) listener(from, payload);
    });
    return this.openAt(socket, this.nextIcePort++);
  }

  /** Opens a socket at a port of all addresses. */
  private openAt(socket: SimSocket, port: number): SimSocket {
    const { network, addresses } = this.place;
    return socket.open(
      network,
      addresses.map(address => `${ipOf(address)}:${port}`),
    );
  }

  /** One way to another host, milliseconds; `undefined`: as everywhere. */
  private latencyTo(remote: { readonly name: string } | undefined): number | undefined {
    return this.internet.latencyBetween(this.name, remote?.name);
  }

  private connects(remote: SimDatagrams): boolean {
    const { internet, name, place } = this;
    return internet.reaches(name, remote.name) && internet.connects(place, remote.place);
  }

  /** WebSockets keep the order; data channels do not, but what was sent before their end comes before it. */
  private sendStream(path: PathId, bytes: Uint8Array): void {
    const stream = this.streams.get(path);
    if (stream === undefined) return;
    const arrivesAt = stream.kind === 'rtc' ? stream.agent.send(bytes) : this.sendWebSocket(stream, bytes);
    stream.drainedAt = Math.max(stream.drainedAt, arrivesAt ?? 0);
  }

  private sendWebSocket(stream: Extract<Stream, { kind: 'ws' }>, bytes: Uint8Array): Instant | undefined {
    const { remote, remotePath, drainedAt } = stream;
    const deliver = (): void => {
      const isOpen = remote.streams.has(remotePath);
      if (isOpen && this.internet.reaches(this.name, remote.name)) remote.arrive(remotePath, bytes);
    };
    return this.internet.world.carry(true, deliver, drainedAt, this.latencyTo(remote));
  }

  /** Opens a WebSocket between two hosts; both ends hear of it. */
  private join(remote: SimDatagrams, url: string): void {
    const path = `ws/${this.nextPath++}`;
    const remotePath = `ws/${remote.nextPath++}`;
    this.streams.set(path, { kind: 'ws', remote, remotePath, drainedAt: 0 });
    remote.streams.set(remotePath, { kind: 'ws', remote: this, remotePath: path, drainedAt: 0 });
    const binding = new Uint8Array(0);
    remote.emit({ kind: 'path-up', path: remotePath, binding });
    this.emit({ kind: 'path-up', path, binding, url });
  }

  private channelUp(agent: IceAgent, remote: IceAgent, connection: string, binding: Uint8Array): void {
    this.connections.delete(connection);
    const path = `rtc/${this.nextPath++}`;
    this.streams.set(path, { kind: 'rtc', agent, remote, drainedAt: 0 });
    this.channels.set(agent, path);
    this.emit({ kind: 'path-up', path, binding, connection });
  }

  private receiveUdp(socket: SimSocket, path: PathId, payload: UdpPayload): void {
    if (payload instanceof Uint8Array) this.arrive(path, payload);
    else if (payload.ice === 'stun-request') {
      const seen = path.slice('udp/'.length);
      socket.send(seen, { ice: 'stun-answer', seen });
    }
  }

  private receiveChannel(agent: IceAgent, bytes: Uint8Array): void {
    const path = this.channels.get(agent);
    if (path !== undefined) this.arrive(path, bytes);
  }

  /** Lets go of a stream without telling anybody. */
  private forget(path: PathId, stream: Stream): void {
    this.streams.delete(path);
    if (stream.kind === 'ws') return;
    stream.agent.stop();
    this.channels.delete(stream.agent);
  }

  private giveUpSoon(connection: string, reason: string): void {
    this.internet.world.at(this.internet.world.now + 1, () => this.giveUp(connection, reason));
  }

  private giveUp(connection: string, reason: string): void {
    const agent = this.connections.get(connection);
    if (agent === undefined) return;
    agent.stop();
    this.connections.delete(connection);
    this.emit({ kind: 'webrtc-failed', connection, reason });
  }

  private lose(path: PathId): void {
    const stream = this.streams.get(path);
    if (stream === undefined) return;
    this.forget(path, stream);
    this.emit({ kind: 'path-down', path });
  }

  private arrive(path: PathId, bytes: Uint8Array): void {
    if (!this.alive) return;
    this.internet.world.note(this.name, path, bytes);
    this.receivedBytes += bytes.length + headerBytes(path);
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

function headerBytes(path: PathId): number {
  return path.startsWith('udp/') ? UDP_HEADER_BYTES : STREAM_HEADER_BYTES;
}

function placeOf(internet: SimInternet, at: string | SimPlace): SimPlace {
  return typeof at === 'string' ? { network: internet.network, addresses: [at] } : at;
}
