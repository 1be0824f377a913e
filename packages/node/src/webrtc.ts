/**
 * One WebRTC data channel to another peer, by libdatachannel (node-datachannel):
 * unordered, never retransmitted. A channel message holds several datagrams
 * (`packing.ts` in `wire`); what is sent within one turn of the event loop shares
 * messages. Signals travel through the overlay, which hands them to `signal`.
 * A vanished remote shows only after some 30 s here: links probe by themselves.
 */
import { concat, sameBytes } from '@warren/base';
import { BUFFERED_MAX_BYTES, type Way, type WayEvents } from '@warren/peer';
import { fingerprintOf, packDatagrams, parseFingerprint, unpackDatagrams } from '@warren/wire';
import type { DataChannel, PeerConnection, RtcConfig } from 'node-datachannel';
import { plain } from './plain.ts';
import { parseSignal, printCandidate, printDescription, type Signal } from './signal.ts';
import { parseStunServer } from './stun-servers.ts';
import { surfacing } from './surface.ts';

/** How long a connection may take from its first signal to an open channel. */
const SET_UP_TIMEOUT_MS = 30_000;
/** ICE candidates that a remote side may send for one connection. */
const CANDIDATES_MAX = 64;
/** What one turn of the event loop may gather before it is sent, or dropped, without waiting for the turn's end. */
const TURN_MAX_BYTES = 65_536;
/** How long the native side may take to close. */
const CLOSE_PATIENCE_MS = 1_000;
/**
 * A connection that we end stays for so long after its channel, unless the remote ends it before: closing it throws
 * away what is under way, closing the channel does not.
 */
const LINGER_MS = 250;

/** What a connection needs from outside. */
export interface WebRtcOptions {
  /** The native library, loaded. */
  readonly native: typeof import('node-datachannel');
  readonly role: 'offerer' | 'answerer';
  /** `stun:host:port` or `turn:user:password@host:port`. */
  readonly iceServers: readonly string[];
  /** The only local address to use; absent: all. */
  readonly bindAddress?: string;
  /** A signal for the remote side, JSON text. */
  onSignal(signal: string): void;
  readonly events: WayEvents;
}

/** A connection being made, then a way. */
export class WebRtcWay implements Way {
  readonly over: Promise<void>;
  private readonly options: WebRtcOptions;
  private readonly connection: PeerConnection;
  private channel: DataChannel | undefined;
  private state: 'opening' | 'open' | 'closed' = 'opening';
  private localFingerprint: Uint8Array | undefined;
  private remoteFingerprint: Uint8Array | undefined;
  private candidates = 0;
  /** Remote candidates that came before the remote description. */
  private waiting: { readonly candidate: string; readonly mid: string }[] = [];
  /** Own candidates that the remote side must not know yet. */
  private untold: string[] = [];
  private outgoing: Uint8Array[] = [];
  private outgoingBytes = 0;
  private readonly timeout: NodeJS.Timeout;
  private lingering: NodeJS.Timeout | undefined;
  private resolveOver: () => void = () => {};

  /** Throws when the native library does not like the servers or the address. */
  constructor(options: WebRtcOptions) {
    this.options = options;
    this.over = new Promise(resolve => {
      this.resolveOver = resolve;
    });
    this.connection = new options.native.PeerConnection('warren', configOf(options));
    this.timeout = setTimeout(() => {
      this.end(`no direct connection within ${SET_UP_TIMEOUT_MS / 1_000} s`);
    }, SET_UP_TIMEOUT_MS);
    this.connection.onLocalDescription(surfacing((sdp, type) => this.tellDescription(sdp, type)));
    this.connection.onLocalCandidate(surfacing((candidate, mid) => this.tellCandidate(candidate, mid)));
    this.connection.onStateChange(surfacing(state => this.follow(state)));
    if (options.role === 'answerer') this.connection.onDataChannel(surfacing(channel => this.useChannel(channel)));
    else this.useChannel(this.connection.createDataChannel('warren', { unordered: true, maxRetransmits: 0 }));
  }

  /** Hands over a signal of the remote side; false when it is bad, too many or out of place. */
  signal(text: string): boolean {
    const signal = parseSignal(text);
    if (signal === undefined || this.state === 'closed') return false;
    try {
      return this.apply(signal);
    } catch {
      return false;
    }
  }

  send(bytes: Uint8Array): void {
    if (this.state !== 'open') {
      this.options.events.dropped();
      return;
    }
    if (this.outgoing.length === 0) setImmediate(() => this.flush());
    this.outgoing.push(bytes);
    this.outgoingBytes += bytes.length;
    if (this.outgoingBytes >= TURN_MAX_BYTES) this.flush();
  }

  close(): void {
    this.flush();
    setImmediate(() => this.end('closed by us', LINGER_MS));
  }

  private apply(signal: Signal): boolean {
    switch (signal.kind) {
      case 'nothing':
        return true;
      case 'candidate':
        if (++this.candidates > CANDIDATES_MAX) return false;
        if (this.remoteFingerprint === undefined) this.waiting.push(signal);
        else this.connection.addRemoteCandidate(signal.candidate, signal.mid);
        return true;
      case 'offer':
      case 'answer':
        return this.describe(signal.kind, signal.sdp, signal.fingerprint);
    }
  }

  /** Takes the one description of the other role. */
  private describe(kind: 'offer' | 'answer', sdp: string, fingerprint: Uint8Array): boolean {
    const expected = this.options.role === 'offerer' ? 'answer' : 'offer';
    if (kind !== expected || this.remoteFingerprint !== undefined) return false;
    this.connection.setRemoteDescription(sdp, kind);
    this.remoteFingerprint = fingerprint;
    queueMicrotask(() => this.tellCandidates());
    const { waiting } = this;
    this.waiting = [];
    for (const { candidate, mid } of waiting) {
      try {
        this.connection.addRemoteCandidate(candidate, mid);
      } catch {
        // One candidate that the library does not understand; the others may do.
      }
    }
    return true;
  }

  private tellDescription(sdp: string, type: string): void {
    if (this.state !== 'opening' || (type !== 'offer' && type !== 'answer') || this.localFingerprint !== undefined)
      return;
    this.localFingerprint = fingerprintOf(sdp);
    this.options.onSignal(printDescription(type, sdp));
    this.tellCandidates();
  }

  private tellCandidate(candidate: string, mid: string): void {
    if (this.state !== 'opening') return;
    this.untold.push(printCandidate(candidate, mid));
    this.tellCandidates();
  }

  /**
   * An offerer's candidates wait for the answer. Where the answerer's checks come before it, the library connects
   * while it is still taking the answer in, and rejects the remote certificate if that takes it any longer.
   */
  private tellCandidates(): void {
    if (!this.localFingerprint || !this.remoteFingerprint || this.state !== 'opening') return;
    const { untold } = this;
    this.untold = [];
    for (const candidate of untold) this.options.onSignal(candidate);
  }

  private useChannel(channel: DataChannel): void {
    if (this.channel !== undefined || this.state === 'closed') {
      // Only a channel whose closing is listened to lets go of the event loop.
      channel.onClosed(() => {});
      channel.close();
      return;
    }
    this.channel = channel;
    channel.onOpen(surfacing(() => this.open()));
    channel.onError(surfacing(() => this.end('the connection broke')));
    // In this order: within one turn, callbacks come as they were set, and none comes after the closing.
    channel.onMessage(surfacing(message => this.receive(message)));
    channel.onClosed(surfacing(() => this.end('the other side closed the connection')));
  }

  private open(): void {
    if (this.state !== 'opening') return;
    const [local, remote] = [this.localFingerprint, this.remoteFingerprint];
    const seen = parseFingerprint(this.connection.remoteFingerprint().value);
    if (!local || !remote || !seen || !sameBytes(remote, seen) || sameBytes(local, remote)) {
      this.end('the connection has no sure DTLS fingerprints');
      return;
    }
    clearTimeout(this.timeout);
    this.state = 'open';
    this.options.events.up(this.options.role === 'offerer' ? concat(local, remote) : concat(remote, local));
  }

  private receive(message: string | Buffer | ArrayBuffer): void {
    // A message may be told before the opening of the channel is.
    this.open();
    const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : message;
    const datagrams = typeof bytes === 'string' ? undefined : unpackDatagrams(plain(bytes));
    if (datagrams === undefined) this.options.events.dropped();
    for (const datagram of datagrams ?? []) if (this.state === 'open') this.options.events.datagram(datagram);
  }

  private flush(): void {
    const datagrams = this.outgoing;
    this.outgoing = [];
    this.outgoingBytes = 0;
    if (this.state !== 'open' || this.channel === undefined) return;
    for (const message of packDatagrams(datagrams))
      if (!this.sendMessage(this.channel, message)) this.options.events.dropped();
  }

  private sendMessage(channel: DataChannel, message: Uint8Array): boolean {
    try {
      if (!channel.isOpen() || channel.bufferedAmount() > BUFFERED_MAX_BYTES) return false;
      // What the answer says: true when sent at once, false when buffered.
      channel.sendMessageBinary(message);
      return true;
    } catch {
      return false;
    }
  }

  private follow(state: string): void {
    if (state === 'failed') this.end('no direct connection could be made');
    // Two turns later, since messages that came before it may be told in the next one.
    if (state === 'closed') setImmediate(() => setImmediate(() => this.nativeClosed()));
  }

  /** The connection has come to its end, whoever ended it; what the library keeps for it goes only when it is closed here too. */
  private nativeClosed(): void {
    this.end('the other side closed the connection');
    this.closeConnection();
    this.resolveOver();
  }

  private closeConnection(): void {
    clearTimeout(this.lingering);
    this.attempt(() => this.connection.close());
  }

  private end(reason: string, lingerMs = 0): void {
    if (this.state === 'closed') return;
    const failed = this.state === 'opening';
    this.state = 'closed';
    clearTimeout(this.timeout);
    this.waiting = [];
    this.untold = [];
    this.attempt(() => this.channel?.close());
    if (failed || lingerMs === 0) this.closeConnection();
    else this.lingering = setTimeout(() => this.closeConnection(), lingerMs);
    setTimeout(this.resolveOver, CLOSE_PATIENCE_MS).unref();
    if (failed) this.options.events.failed(reason);
    else this.options.events.down();
  }

  /** Runs what the library refuses only where it is done already. */
  private attempt(close: () => void): void {
    try {
      close();
    } catch {
      // Closed already.
    }
  }
}

function configOf(options: WebRtcOptions): RtcConfig {
  const { iceServers, bindAddress } = options;
  // The library's own reading of URLs does not know IPv6 addresses.
  const servers = iceServers.map(server => {
    const stun = parseStunServer(server);
    return stun === undefined ? server : { hostname: stun.host, port: stun.port };
  });
  return { iceServers: servers, ...(bindAddress === undefined ? {} : { bindAddress }) };
}
