/**
 * The host for Node: everything a participant touches on a Linux machine or a
 * server. Other systems get all but the Ethernet device.
 */
import { join } from 'node:path';
import type { Random } from '@warren/base';
import type { Clock, FramesOptions, Host, HostCrypto, HostKind, IdentityKey, Shelf, Storage } from '@warren/peer';
import type { WebSocket } from 'ws';
import { NodeClock } from './clock.ts';
import { nodeCrypto } from './crypto.ts';
import {
  type DatagramCounters,
  type NodeDatagrams,
  type NodeDatagramsOptions,
  type OpenPort,
  openDatagrams,
} from './datagrams.ts';
import { IdentityKeys } from './identity.ts';
import { NameServer } from './name-server.ts';
import { nodeRandom } from './random.ts';
import { openShelf } from './shelf.ts';
import { openStorage } from './storage.ts';
import { openTap, type Tap } from './tap.ts';
import { openTls } from './tls.ts';
import type { UdpOptions } from './udp.ts';

/** Where the UDP port of the last run is stored. */
const PORT_KEY = 'udp-port';

export interface NodeHostOptions {
  readonly kind: Exclude<HostKind, 'browser'>;
  /** The folder for keys and memberships; made when absent, with the mode 0700. One process at a time. */
  readonly stateDir: string;
  /** Where to bind UDP; absent: all addresses, the port of the last run if it is free, or any; `false`: no UDP. */
  readonly udp?: { readonly host?: string; readonly port?: number } | false;
  /** Whether to offer WebRTC; default true. */
  readonly webrtc?: boolean;
  /** The only local address for WebRTC; default all. */
  readonly webrtcAddress?: string;
  /** STUN and TURN servers for WebRTC, `stun:host:port`; default none. */
  readonly iceServers?: readonly string[];
  /** Whether to answer STUN binding requests on the UDP socket; default false. */
  readonly answerStun?: boolean;
  /** Whether to ask the router for outside ports (PCP, NAT-PMP, UPnP); default false. */
  readonly portMapping?: boolean;
  /** Whether to find members in the local network by multicast; default false. */
  readonly lan?: boolean;
  /** The TCP port where members whose networks block UDP open WebSockets, 0 for any; absent: none. */
  readonly listenWs?: number;
  /** Hears rare events worth a line, such as a damaged file; default standard error. */
  readonly log?: (line: string) => void;
}

/** The host for Node. */
export interface NodeHost extends Host {
  readonly datagrams: NodeDatagrams;
  openFrames(options: FramesOptions): Promise<Tap>;
  /**
   * Takes over an open WebSocket of a server made with `perMessageDeflate: false` and `maxPayload`
   * `WEBSOCKET_MESSAGE_MAX_BYTES`. False, and closed, when there are too many. `remote` is the IP address that it came
   * from: floods from there count as one sender's. Absent where that is not known.
   */
  acceptWebSocket(socket: WebSocket, remote?: string): boolean;
  /**
   * Knows a server by its TLS key from now on, instead of by a certification authority. `origin` as
   * `https://192.0.2.7:8443`, also for `wss://` there; `pin` is the base64url SHA-256 of its SPKI.
   */
  pinServer(origin: string, pin: string): void;
  /** STUN servers, `stun:host:port`, for WebRTC connections that are made from now on. */
  useStun(servers: readonly string[]): void;
  /** Resolvers for names that no group has, asked for each time; none at first, so that such names fail. */
  upstreams: () => Promise<readonly string[]>;
  /** What others can reach this host by. */
  ports(): readonly OpenPort[];
  /** Numbers since the start, for status and metrics. */
  counters(): DatagramCounters;
}

/** Makes a host. Rejects with a reason and what to do when the folder or the UDP address cannot be used. */
export async function nodeHost(options: NodeHostOptions): Promise<NodeHost> {
  const log = options.log ?? (line => process.stderr.write(`${line}\n`));
  const storage = await openStorage(join(options.stateDir, 'values'), log);
  const keys = new IdentityKeys(await openStorage(join(options.stateDir, 'keys'), log));
  const datagrams = await openAgain(storage, options.udp ?? {}, {
    webrtc: options.webrtc ?? true,
    answerStun: options.answerStun ?? false,
    portMapping: options.portMapping ?? false,
    lan: options.lan ?? false,
    iceServers: options.iceServers ?? [],
    ...(options.webrtcAddress === undefined ? {} : { webrtcAddress: options.webrtcAddress }),
  });
  const { kind, stateDir, listenWs } = options;
  try {
    if (listenWs !== undefined)
      await datagrams.listenForMembers(listenWs, await openTls(stateDir, ['localhost'], Date.now()));
  } catch (error) {
    await datagrams.stop();
    throw error;
  }
  return new HostOfNode(kind, { storage, keys, datagrams, crypto: await nodeCrypto(), log, stateDir });
}

/** Opens the sockets, at the UDP port of the last run where none is asked for: whoever met us remembers it. */
async function openAgain(
  storage: Storage,
  udp: UdpOptions | false,
  o: Omit<NodeDatagramsOptions, 'udp'>,
): Promise<NodeDatagrams> {
  if (udp === false || udp.port !== undefined) return openDatagrams({ ...o, udp });
  const former = Number(new TextDecoder().decode((await storage.get(PORT_KEY)) ?? new Uint8Array(0)));
  const isPort = Number.isInteger(former) && former > 0 && former < 65_536;
  const at = (port: object) => openDatagrams({ ...o, udp: { ...udp, ...port } });
  const datagrams = isPort ? await at({ port: former }).catch(() => at({})) : await at({});
  if (datagrams.udpPort !== undefined && datagrams.udpPort !== former) {
    const text = new TextEncoder().encode(String(datagrams.udpPort));
    await storage.set(PORT_KEY, text).catch(() => {
      // A full disk costs the port at the next start, nothing now.
    });
  }
  return datagrams;
}

interface HostParts {
  readonly storage: Storage;
  readonly keys: IdentityKeys;
  readonly datagrams: NodeDatagrams;
  readonly crypto: HostCrypto;
  readonly log: (line: string) => void;
  readonly stateDir: string;
}

class HostOfNode implements NodeHost {
  readonly kind: HostKind;
  readonly clock: Clock = new NodeClock();
  readonly random: Random = nodeRandom;
  readonly crypto: HostCrypto;
  readonly storage: Storage;
  readonly datagrams: NodeDatagrams;
  private readonly keys: IdentityKeys;
  private readonly log: (line: string) => void;
  private readonly stateDir: string;
  upstreams: () => Promise<readonly string[]> = async () => [];
  private readonly nameServer = new NameServer({ upstreams: () => this.upstreams() });

  constructor(kind: HostKind, { storage, keys, datagrams, crypto, log, stateDir }: HostParts) {
    this.kind = kind;
    this.storage = storage;
    this.keys = keys;
    this.datagrams = datagrams;
    this.crypto = crypto;
    this.log = log;
    this.stateDir = stateDir;
  }

  identity(name: string): Promise<IdentityKey> {
    return this.keys.key(name);
  }

  async shelf(name: string): Promise<Shelf> {
    return openShelf(join(this.stateDir, `shelf-${name}.db`), this.log);
  }

  openFrames(options: FramesOptions): Promise<Tap> {
    // Before it has an address, and for good: a name that went away has none.
    this.datagrams.tunnels.add(options.name);
    return openTap(options, this.log);
  }

  answerNames(...asked: Parameters<NameServer['answer']>): Promise<Uint8Array | undefined> {
    return this.nameServer.answer(...asked);
  }

  acceptWebSocket(socket: WebSocket, remote?: string): boolean {
    return this.datagrams.acceptWebSocket(socket, remote);
  }

  pinServer(origin: string, pin: string): void {
    this.datagrams.pins.set(new URL(origin).host, pin);
  }

  useStun(servers: readonly string[]): void {
    this.datagrams.stunServers = servers;
  }

  ports(): readonly OpenPort[] {
    return this.datagrams.ports();
  }

  counters(): DatagramCounters {
    return this.datagrams.counters;
  }
}
