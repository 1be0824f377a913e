/**
 * All paths of a tab: WebSockets it dialled and data channels, by name. It
 * decides nothing; `peer` says what to open and hears what became of it.
 */
import type { Datagrams, PathEvent, PathId, Way } from '@warren/peer';
import { STREAM_PATH_BYTES } from '@warren/wire';
import { hasWebRtc, WebRtcWay } from './webrtc.ts';
import { dialWebSocket } from './websocket.ts';

/** How long `stop` waits for sockets to say that they are closed. */
const STOP_PATIENCE_MS = 2_000;

/** The datagrams of a tab. */
export class BrowserDatagrams implements Datagrams {
  readonly can: Datagrams['can'] = { udp: false, webrtc: hasWebRtc, websocket: true };
  /** STUN servers, `stun:host:port`. */
  stunServers: readonly string[] = [];
  private readonly ways = new Map<PathId, Way>();
  /** WebRTC connections by name, until they end. */
  private readonly connections = new Map<string, WebRtcWay>();
  private readonly dialling = new Set<Way>();
  private listener: (event: PathEvent) => void = () => {};
  private pathsMade = 0;
  private stopped = false;
  /** Datagrams and signals that were dropped, either way. */
  dropped = 0;

  maxBytes(): number {
    return STREAM_PATH_BYTES;
  }

  localAddresses(): readonly string[] {
    return [];
  }

  listen(listener: (event: PathEvent) => void): void {
    this.listener = listener;
  }

  send(path: PathId, bytes: Uint8Array): void {
    const way = this.ways.get(path);
    if (way === undefined || bytes.length === 0 || bytes.length > STREAM_PATH_BYTES) this.dropped++;
    else way.send(bytes);
  }

  dial(url: string): void {
    if (this.stopped) return;
    const path: PathId = `ws/${++this.pathsMade}`;
    const way = dialWebSocket(url, {
      up: binding => {
        this.dialling.delete(way);
        this.ways.set(path, way);
        this.listener({ kind: 'path-up', path, binding, url });
      },
      failed: reason => {
        this.dialling.delete(way);
        this.listener({ kind: 'dial-failed', url, reason });
      },
      ...this.shared(path),
    });
    this.dialling.add(way);
  }

  openWebRtc(connection: string, role: 'offerer' | 'answerer'): void {
    if (this.stopped || this.connections.has(connection)) return;
    if (!hasWebRtc) {
      const reason = 'this browser has no WebRTC, or it is turned off';
      queueMicrotask(() => this.listener({ kind: 'webrtc-failed', connection, reason }));
      return;
    }
    const path: PathId = `rtc/${++this.pathsMade}`;
    const shared = this.shared(path);
    const way = new WebRtcWay({
      role,
      iceServers: this.stunServers.length === 0 ? [] : [{ urls: [...this.stunServers] }],
      onSignal: signal => this.listener({ kind: 'webrtc-signal', connection, signal }),
      events: {
        ...shared,
        up: binding => {
          this.ways.set(path, way);
          this.listener({ kind: 'path-up', path, binding, connection });
        },
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
  }

  signalWebRtc(connection: string, signal: string): void {
    if (this.connections.get(connection)?.signal(signal) !== true) this.dropped++;
  }

  close(path: PathId): void {
    if (path.startsWith('rtc:')) this.connections.get(path.slice('rtc:'.length))?.close();
    else this.ways.get(path)?.close();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    const ways = new Set<Way>([...this.ways.values(), ...this.connections.values(), ...this.dialling]);
    this.listener = () => {};
    for (const way of ways) way.close();
    const over = Promise.all([...ways].map(way => way.over));
    await Promise.race([over, new Promise(resolve => setTimeout(resolve, STOP_PATIENCE_MS))]);
  }

  private shared(path: PathId) {
    return {
      datagram: (bytes: Uint8Array) => this.listener({ kind: 'datagram', path, bytes }),
      down: () => {
        this.ways.delete(path);
        this.listener({ kind: 'path-down', path });
      },
      dropped: () => {
        this.dropped++;
      },
    };
  }
}
