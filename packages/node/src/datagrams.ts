/**
 * All paths of a Node host by name: UDP addresses, WebSockets dialled or
 * accepted, data channels. It decides nothing; `peer` says what to open and
 * hears what became of it. Where asked to, it answers STUN binding requests on
 * the UDP socket by itself, never with more than three times their size.
 */
import type { Datagrams, PathEvent, PathId, Way, WayEvents } from '@warren/peer';
import { isStun, STREAM_PATH_BYTES, UDP_PATH_BYTES } from '@warren/wire';
import type { WebSocket } from 'ws';
import { ExtraSockets } from './extra-sockets.ts';
import { localEndpoints } from './interfaces.ts';
import { loadLibc } from './libc.ts';
import { LAN_PORT, Multicast } from './multicast.ts';
import { PortMapper } from './port-mapping/port-mapper.ts';
import { StunAnswers } from './stun-answers.ts';
import { stunServerFor } from './stun-servers.ts';
import type { TlsIdentity } from './tls.ts';
import { openUdp, type Udp, type UdpOptions, type UdpReceiver } from './udp.ts';
import { openDgramUdp } from './udp-dgram.ts';
import { WebRtcWay } from './webrtc.ts';
import { adoptWebSocket, dialWebSocket } from './websocket.ts';
import { MemberServer } from './websocket-server.ts';

/** How long `stop` waits for sockets to say that they are closed. */
const STOP_PATIENCE_MS = 1_500;
/** WebSockets and data channels that a host carries at once, each. */
const WAYS_MAX = 1_024;
/** Status code of RFC 6455's registry: try again later. */
const TRY_AGAIN_LATER = 1013;

type Native = typeof import('node-datachannel');

export interface NodeDatagramsOptions {
  /** `false`: no UDP. */
  readonly udp: UdpOptions | false;
  readonly webrtc: boolean;
  readonly answerStun: boolean;
  /** Whether to ask the router for outside ports; default false. */
  readonly portMapping?: boolean;
  /** Whether to find members in the local network by multicast; default false. */
  readonly lan?: boolean;
  /** `stun:host:port` or `turn:user:password@host:port`. */
  readonly iceServers: readonly string[];
  /** The only local address for WebRTC; absent: all. */
  readonly webrtcAddress?: string;
}

/** A port that this host has open, for status. */
export interface OpenPort {
  /** `links`: UDP, which answers STUN where it says so. `websockets`: of members whose networks block UDP. */
  readonly use: 'links' | 'links and STUN' | 'websockets' | 'members in the local network';
  readonly protocol: 'udp' | 'tcp';
  readonly port: number;
  /** The address that a router gave it, such as `203.0.113.7:41641`; absent where none did. */
  readonly outside?: string;
}

/** What was counted since the start. */
export interface DatagramCounters {
  /** Datagrams given to the listener. */
  readonly received: number;
  /** Datagrams given to an open path; those that it dropped are among them. */
  readonly sent: number;
  /** Datagrams dropped on any path, either way. */
  readonly dropped: number;
  readonly badSignals: number;
  readonly stunAnswered: number;
  /** Datagrams that claimed to be STUN requests and were not answered. */
  readonly stunDropped: number;
  readonly webSockets: number;
  readonly dataChannels: number;
}

/** Opens the UDP sockets and loads what WebRTC needs; rejects with a reason when the UDP address cannot be had. */
export async function openDatagrams(options: NodeDatagramsOptions): Promise<NodeDatagrams> {
  const native = options.webrtc ? await import('node-datachannel').catch(() => undefined) : undefined;
  const datagrams = new NodeDatagrams(options, native);
  try {
    await datagrams.bind();
  } catch (error) {
    await datagrams.stop();
    throw error;
  }
  return datagrams;
}

export class NodeDatagrams implements Datagrams {
  readonly can: Datagrams['can'];
  private readonly options: NodeDatagramsOptions;
  private readonly native: Native | undefined;
  private udp: Udp | undefined;
  private extraSockets: ExtraSockets | undefined;
  private members: MemberServer | undefined;
  private multicast: Multicast | undefined;
  /** Multicasts from an own IP address; absent where that is off. */
  readonly announce?: (from: string, bytes: Uint8Array) => void;
  private udpMapper: PortMapper | undefined;
  private membersMapper: PortMapper | undefined;
  private readonly ways = new Map<PathId, Way>();
  /** WebRTC connections by name, until they end. */
  private readonly connections = new Map<string, WebRtcWay>();
  private readonly opening = new Set<Way>();
  /** WebRTC connections of which something is left, though they may have ended: `stop` waits for them. */
  private readonly lasting = new Set<WebRtcWay>();
  /** Names of the Ethernet devices of this host, whose addresses are no way to reach it. */
  readonly tunnels = new Set<string>();
  /** TLS keys (base64url SHA-256 of the SPKI) that servers must have, by `host:port`. */
  readonly pins = new Map<string, string>();
  private listener: (event: PathEvent) => void = () => {};
  private pathsMade = 0;
  private stopped: Promise<void> | undefined;
  private counts = { received: 0, sent: 0, dropped: 0, badSignals: 0 };
  private readonly stunAnswers = new StunAnswers();
  /** STUN servers (`stun:host:port`) for connections that are made from now on, beside those of the options. */
  stunServers: readonly string[] = [];

  constructor(options: NodeDatagramsOptions, native: Native | undefined) {
    this.options = options;
    this.native = native;
    const udp = options.udp === false ? { udp: false } : { udp: true, sockets: true };
    this.can = { ...udp, webrtc: native !== undefined, websocket: true, pinned: true };
    if (options.lan && options.udp !== false) this.announce = (from, bytes) => this.multicast?.announce(from, bytes);
  }

  /** Opens the UDP sockets, if any are wanted. */
  async bind(): Promise<void> {
    if (this.options.udp === false) return;
    const receive = (path: PathId, bytes: Uint8Array): void => this.receiveUdp(path, bytes);
    const libc = await loadLibc();
    const open = async (options: UdpOptions, to: UdpReceiver): Promise<Udp> =>
      libc === undefined ? openDgramUdp(options, to) : openUdp(libc, options, to);
    this.udp = await open(this.options.udp, receive);
    if (this.options.udp.host === undefined) this.udpMapper = this.mapperFor('udp', this.udpPort);
    if (this.options.lan) {
      this.multicast = new Multicast((from, bytes) => this.listener({ kind: 'announced', from, bytes }));
    }
    const { host = '0.0.0.0' } = this.options.udp;
    this.extraSockets = new ExtraSockets({ open: to => open({ host }, to), receive, now: () => performance.now() });
  }

  /** The UDP port in use; `undefined` without UDP. */
  get udpPort(): number | undefined {
    return this.udp?.bound[0]?.port;
  }

  get counters(): DatagramCounters {
    return {
      ...this.counts,
      stunAnswered: this.stunAnswers.answered,
      stunDropped: this.stunAnswers.dropped,
      dropped:
        this.counts.dropped +
        (this.udp?.dropped ?? 0) +
        (this.extraSockets?.dropped ?? 0) +
        (this.multicast?.dropped ?? 0),
      webSockets: [...this.ways.keys()].filter(path => path.startsWith('ws/')).length,
      dataChannels: [...this.ways.keys()].filter(path => path.startsWith('rtc/')).length,
    };
  }

  maxBytes(path: PathId): number {
    return path.startsWith('udp/') ? UDP_PATH_BYTES : STREAM_PATH_BYTES;
  }

  localAddresses(): readonly string[] {
    const outside = this.udpMapper?.outside ?? [];
    return this.udp === undefined ? [] : [outside, localEndpoints(this.udp.bound, this.tunnels)].flat();
  }

  /** Listens for WebSockets of members on a TCP port; rejects with a sentence when that cannot be. */
  async listenForMembers(port: number, tls: TlsIdentity): Promise<void> {
    this.members = await MemberServer.open(port, tls, (socket, remote) => this.acceptWebSocket(socket, remote));
    this.membersMapper = this.mapperFor('tcp', this.members.port);
  }

  /** What others can reach this host by. */
  ports(): OpenPort[] {
    const { udpPort, members } = this;
    const use = this.options.answerStun ? 'links and STUN' : 'links';
    const [udp, tcp] = [this.udpMapper, this.membersMapper].map(
      mapper => mapper?.outside && { outside: mapper.outside },
    );
    return [
      ...(udpPort === undefined ? [] : [{ use, protocol: 'udp', port: udpPort, ...udp } as const]),
      ...(this.multicast === undefined
        ? []
        : [{ use: 'members in the local network', protocol: 'udp', port: LAN_PORT } as const]),
      ...(members === undefined ? [] : [{ use: 'websockets', protocol: 'tcp', port: members.port, ...tcp } as const]),
    ];
  }

  localUrls(): readonly string[] {
    const { members } = this;
    if (members === undefined) return [];
    const any = [4, 16].map(length => ({ address: new Uint8Array(length), port: members.port }));
    const outside = this.membersMapper?.outside ?? [];
    return [outside, localEndpoints(any, this.tunnels)].flat().map(address => members.url(address));
  }

  /** Asks the router for a port, unless that is off. */
  private mapperFor(protocol: 'udp' | 'tcp', port: number | undefined): PortMapper | undefined {
    if (!this.options.portMapping || port === undefined) return undefined;
    return new PortMapper({ protocol, port, changed: () => this.listener({ kind: 'addresses-changed' }) });
  }

  listen(listener: (event: PathEvent) => void): void {
    this.listener = listener;
  }

  send(path: PathId, bytes: Uint8Array): void {
    const udp = path.includes('~') ? this.extraSockets : this.udp;
    const way = path.startsWith('udp/') ? udp : this.ways.get(path);
    if (way === undefined || this.stopped !== undefined || bytes.length === 0 || bytes.length > STREAM_PATH_BYTES) {
      this.counts.dropped++;
      return;
    }
    this.counts.sent++;
    if (way === udp) udp?.send(path, bytes);
    else (way as Way).send(bytes);
  }

  dial(url: string): void {
    if (this.stopped !== undefined) return;
    if (this.opening.size + this.ways.size >= 2 * WAYS_MAX) {
      this.tellLater({ kind: 'dial-failed', url, reason: 'too many connections' });
      return;
    }
    const path: PathId = `ws/${++this.pathsMade}`;
    const events: WayEvents = {
      ...this.shared(path),
      up: binding => this.cameUp(path, way, binding, { url }),
      failed: reason => {
        this.opening.delete(way);
        this.listener({ kind: 'dial-failed', url, reason });
      },
    };
    const isTls = url.startsWith('wss:') && URL.canParse(url);
    const [bare = '', pin] = url.split('#');
    const way = dialWebSocket(bare, events, isTls ? (pin ?? this.pins.get(new URL(url).host)) : undefined);
    this.opening.add(way);
  }

  /**
   * Takes over an open WebSocket of a server, which answers with `path-up`; false, and closed, when it is not
   * open any more, or there are too many. `remote` is the IP address that it came from.
   */
  acceptWebSocket(socket: WebSocket, remote?: string): boolean {
    const isOpen = socket.readyState === socket.OPEN;
    if (!isOpen || this.stopped !== undefined || this.opening.size + this.counters.webSockets >= WAYS_MAX) {
      socket.on('error', () => {});
      socket.close(TRY_AGAIN_LATER);
      return false;
    }
    const path: PathId = `ws/${++this.pathsMade}`;
    const way = adoptWebSocket(socket, {
      ...this.shared(path),
      up: binding => this.cameUp(path, way, binding, remote === undefined ? {} : { remote }),
      failed: () => this.opening.delete(way),
    });
    this.opening.add(way);
    return true;
  }

  openWebRtc(connection: string, role: 'offerer' | 'answerer'): void {
    if (this.stopped !== undefined || this.connections.has(connection)) return;
    const { native } = this;
    let reason = this.whyNoWebRtc();
    try {
      if (native !== undefined && reason === undefined) this.makeWebRtc(native, connection, role);
    } catch {
      reason = 'the WebRTC library does not accept its settings';
    }
    if (reason !== undefined) this.tellLater({ kind: 'webrtc-failed', connection, reason });
  }

  signalWebRtc(connection: string, signal: string): void {
    if (this.connections.get(connection)?.signal(signal) !== true) this.counts.badSignals++;
  }

  close(path: PathId): void {
    if (path.startsWith('rtc:')) this.connections.get(path.slice('rtc:'.length))?.close();
    else this.ways.get(path)?.close();
  }

  stop(): Promise<void> {
    this.stopped ??= this.stopAll();
    return this.stopped;
  }

  private async stopAll(): Promise<void> {
    this.listener = () => {};
    this.members?.stop();
    this.multicast?.stop();
    const unmapped = Promise.all([this.udpMapper?.stop(), this.membersMapper?.stop()]);
    const ways = new Set<Way>([...this.ways.values(), ...this.lasting, ...this.opening]);
    for (const way of ways) way.close();
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise(resolve => {
      patience = setTimeout(resolve, STOP_PATIENCE_MS);
    });
    await Promise.race([Promise.all([unmapped, ...[...ways].map(way => way.over)]), late]);
    clearTimeout(patience);
    await Promise.all([this.udp?.close(), this.extraSockets?.close()]);
  }

  private receiveUdp(path: PathId, bytes: Uint8Array): void {
    if (isStun(bytes) && bytes[0] === 0 && bytes[1] === 1) {
      if (this.options.answerStun) this.answerStun(path, bytes);
      else this.stunAnswers.dropped++;
    } else {
      this.counts.received++;
      this.listener({ kind: 'datagram', path, bytes });
    }
  }

  private answerStun(path: PathId, bytes: Uint8Array): void {
    const answer = this.stunAnswers.to(path, bytes, performance.now());
    if (answer !== undefined) this.udp?.send(path, answer);
  }

  private whyNoWebRtc(): string | undefined {
    if (!this.options.webrtc) return 'WebRTC is turned off';
    if (this.native === undefined) return 'node-datachannel does not load on this machine';
    return this.connections.size >= WAYS_MAX ? 'too many connections' : undefined;
  }

  private makeWebRtc(native: Native, connection: string, role: 'offerer' | 'answerer'): void {
    const path: PathId = `rtc/${++this.pathsMade}`;
    const shared = this.shared(path);
    const { webrtcAddress } = this.options;
    const iceServers = [...this.options.iceServers, ...stunServerFor(this.stunServers, this.localAddresses())];
    const way = new WebRtcWay({
      native,
      role,
      iceServers,
      ...(webrtcAddress === undefined ? {} : { bindAddress: webrtcAddress }),
      onSignal: signal => this.listener({ kind: 'webrtc-signal', connection, signal }),
      events: {
        ...shared,
        up: binding => this.cameUp(path, way, binding, { connection }),
        down: () => {
          this.connections.delete(connection);
          shared.down();
        },
        failed: reason => {
          this.connections.delete(connection);
          this.listener({ kind: 'webrtc-failed', connection, reason });
        },
      },
    });
    this.connections.set(connection, way);
    this.lasting.add(way);
    void way.over.then(() => this.lasting.delete(way));
  }

  /** Events never come from within the call that causes them. */
  private tellLater(event: PathEvent): void {
    queueMicrotask(() => this.listener(event));
  }

  private cameUp(
    path: PathId,
    way: Way,
    binding: Uint8Array,
    about: { url?: string; connection?: string; remote?: string },
  ): void {
    this.opening.delete(way);
    this.ways.set(path, way);
    this.listener({ kind: 'path-up', path, binding, ...about });
  }

  private shared(path: PathId): Pick<WayEvents, 'datagram' | 'down' | 'dropped'> {
    return {
      datagram: bytes => {
        this.counts.received++;
        this.listener({ kind: 'datagram', path, bytes });
      },
      down: () => {
        this.ways.delete(path);
        this.listener({ kind: 'path-down', path });
      },
      dropped: () => {
        this.counts.dropped++;
      },
    };
  }
}
