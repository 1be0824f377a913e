/**
 * One WebRTC data channel to another peer, made with simple-peer: unordered,
 * never retransmitted. A channel message holds several datagrams, each behind
 * its 2-byte length; what is sent within one turn of the event loop shares
 * messages. Signals travel through the overlay, which hands them to `signal`.
 * A vanished remote shows late or never here: links probe by themselves.
 */
import { concat, sameBytes } from '@warren/base';
import { BUFFERED_MAX_BYTES, type Way, type WayEvents } from '@warren/peer';
import { packDatagrams, unpackDatagrams } from '@warren/wire';
import type { Instance } from 'simple-peer';
import SimplePeer from 'simple-peer/simplepeer.min.js';
import { parseSignal, type Signal } from './signal.ts';

/** How long a connection may take from its first signal to an open channel. */
const SET_UP_TIMEOUT_MS = 30_000;
/** ICE candidates that a remote side may send for one connection. */
const MAX_CANDIDATES = 64;
/** Channel messages kept that arrive before simple-peer calls the channel open. */
const MAX_EARLY_MESSAGES = 16;

/** Whether this browser has WebRTC. */
export const hasWebRtc: boolean = SimplePeer.WEBRTC_SUPPORT;

/** What a connection needs from outside. */
export interface WebRtcOptions {
  readonly role: 'offerer' | 'answerer';
  /** STUN and TURN servers; an empty list uses none. */
  readonly iceServers: readonly RTCIceServer[];
  /** A signal for the remote side, JSON text. */
  onSignal(signal: string): void;
  readonly events: WayEvents;
}

/** A connection being made, then a way. */
export class WebRtcWay implements Way {
  readonly over: Promise<void>;
  private readonly peer: Instance;
  private readonly options: WebRtcOptions;
  private readonly timeout: ReturnType<typeof setTimeout>;
  private state: 'opening' | 'open' | 'closed' = 'opening';
  private localFingerprint: Uint8Array | undefined;
  private remoteFingerprint: Uint8Array | undefined;
  private candidates = 0;
  private early: Uint8Array[] = [];
  /** What this turn of the event loop sent so far. */
  private outgoing: Uint8Array[] = [];
  private outgoingBytes = 0;
  /** Why the connection ended, if it never opened. */
  private failure = 'the other side closed the connection';

  constructor(options: WebRtcOptions) {
    this.options = options;
    this.peer = new SimplePeer({
      initiator: options.role === 'offerer',
      // Always given: simple-peer's own default names servers of third parties.
      config: { iceServers: [...options.iceServers] },
      channelConfig: { ordered: false, maxRetransmits: 0 },
      objectMode: true,
      trickle: true,
    });
    this.peer.on('signal', data => this.sendSignal(JSON.stringify(data)));
    this.peer.on('data', (data: unknown) => this.receive(data));
    this.peer.on('connect', () => this.open());
    this.peer.on('error', error => {
      this.failure = error.message;
    });
    this.over = new Promise(resolve => {
      this.peer.on('close', () => {
        this.end(this.failure);
        resolve();
      });
    });
    this.timeout = setTimeout(() => {
      this.end(`no direct connection within ${SET_UP_TIMEOUT_MS / 1000} s`);
      this.peer.destroy();
    }, SET_UP_TIMEOUT_MS);
  }

  /** Hands over a signal of the remote side; false when it is bad, too many or out of place. */
  signal(text: string): boolean {
    const signal = parseSignal(text);
    if (signal === undefined || this.state === 'closed' || !this.fits(signal)) return false;
    try {
      this.peer.signal(signal.data as Parameters<Instance['signal']>[0]);
      return true;
    } catch {
      return false;
    }
  }

  send(bytes: Uint8Array): void {
    if (this.state !== 'open' || this.peer.bufferSize + this.outgoingBytes > BUFFERED_MAX_BYTES) {
      this.options.events.dropped();
      return;
    }
    this.outgoing.push(bytes);
    this.outgoingBytes += bytes.length;
    if (this.outgoing.length === 1) queueMicrotask(() => this.flush());
  }

  close(): void {
    queueMicrotask(() => {
      this.flush();
      this.end('closed by us');
      this.peer.destroy();
    });
  }

  /** One description from the other role, before the channel is open; a bounded number of candidates. */
  private fits(signal: Signal): boolean {
    if (signal.kind === 'candidate') return ++this.candidates <= MAX_CANDIDATES;
    const expected = this.options.role === 'offerer' ? 'answer' : 'offer';
    if (signal.kind !== expected || this.remoteFingerprint !== undefined) return false;
    this.remoteFingerprint = signal.fingerprint;
    return true;
  }

  private sendSignal(text: string): void {
    const signal = parseSignal(text);
    if (signal === undefined || this.state !== 'opening') return;
    if (signal.kind !== 'candidate') this.localFingerprint = signal.fingerprint;
    this.options.onSignal(text);
  }

  private open(): void {
    const { role, events } = this.options;
    const [local, remote] = [this.localFingerprint, this.remoteFingerprint];
    if (this.state !== 'opening') return;
    if (local === undefined || remote === undefined || sameBytes(local, remote)) {
      this.end('the connection has no sure DTLS fingerprints');
      this.peer.destroy();
      return;
    }
    clearTimeout(this.timeout);
    this.state = 'open';
    events.up(role === 'offerer' ? concat(local, remote) : concat(remote, local));
    for (const message of this.early) this.unpack(message);
    this.early = [];
  }

  private receive(data: unknown): void {
    // simple-peer gives a Buffer, whose `slice` is a view and not a copy.
    if (!(data instanceof Uint8Array)) {
      this.options.events.dropped();
      return;
    }
    const message = new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array;
    if (this.state === 'open') this.unpack(message);
    else if (this.state === 'opening' && this.early.length < MAX_EARLY_MESSAGES) this.early.push(message);
    else this.options.events.dropped();
  }

  private unpack(message: Uint8Array): void {
    const datagrams = unpackDatagrams(message);
    if (datagrams === undefined) this.options.events.dropped();
    for (const datagram of datagrams ?? []) if (this.state === 'open') this.options.events.datagram(datagram);
  }

  private flush(): void {
    const datagrams = this.outgoing;
    this.outgoing = [];
    this.outgoingBytes = 0;
    if (this.state !== 'open') return;
    for (const message of packDatagrams(datagrams)) {
      if (this.peer.connected) this.peer.send(message);
      else this.options.events.dropped();
    }
  }

  private end(reason: string): void {
    if (this.state === 'closed') return;
    const failed = this.state === 'opening';
    this.state = 'closed';
    clearTimeout(this.timeout);
    if (failed) this.options.events.failed(reason);
    else this.options.events.down();
  }
}
