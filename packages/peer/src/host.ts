/**
 * What a participant needs of its surroundings, and nothing else touches them.
 * `browser`, `node` and `sim` implement these interfaces; `test/contract` runs
 * one suite over all of them.
 */
import type { Instant, Random, UnixMs } from '@warren/base';
import type { Zone } from '@warren/vpn';
import type { HostCrypto } from './crypto.ts';

/** What a host is, as other members see it. */
export type HostKind = 'browser' | 'edge' | 'bootstrap' | 'site';

/** All that a participant may touch. */
export interface Host {
  readonly kind: HostKind;
  readonly clock: Clock;
  readonly random: Random;
  readonly storage: Storage;
  readonly datagrams: Datagrams;
  /** OpenSSL in Node, noble in a tab. */
  readonly crypto: HostCrypto;
  /**
   * The long-lived signing key of that name (`public`, `group-<26 base32>`), made at first use and kept:
   * non-extractable in IndexedDB in a tab, a 0600 file in Node. Names as in `Storage`.
   */
  identity(name: string): Promise<IdentityKey>;
  /** Opens the shelf of that name (as in `Storage`). Rejects with an Error that says why and what to do. */
  shelf?(name: string): Promise<Shelf>;
  /** Opens the host's Ethernet device (TAP); absent where there is none, as in a tab. */
  openFrames?(options: FramesOptions): Promise<Frames>;
  /**
   * Answers a DNS query from zones, or by asking the machine's resolvers, or `elsewhere` in their place; `undefined` for
   * what gets no answer.
   */
  answerNames?(
    query: Uint8Array,
    zones: readonly Zone[],
    elsewhere?: (query: Uint8Array) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined>;
}

/** A long-lived key that only signs: certificate requests, renewals, working statements. */
export interface IdentityKey {
  readonly algorithm: 'ed25519' | 'p256';
  /** The public key as DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** For making certificates and requests with @peculiar/x509; the private half may be non-extractable. */
  readonly keys: CryptoKeyPair;
  /** 64 bytes: Ed25519, or ECDSA P-256 with SHA-256 as r then s. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Monotonic time, and one alarm. */
export interface Clock {
  /** Milliseconds that never go back; they count sleep where the host can tell. */
  now(): Instant;
  unixMs(): UnixMs;
  /** Calls `wake` once at or after `at`; a second call replaces the first; `undefined` cancels. */
  setAlarm(at: Instant | undefined, wake: () => void): void;
}

/** Small values that survive a restart. Keys are 1 to 64 of `a-z 0-9 . -`. Writes are atomic. */
export interface Storage {
  get(key: string): Promise<Uint8Array | undefined>;
  /** Rejects with an Error that says why and what to do (full disk, read-only). */
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** What lies in one slot of a shelf. Slots are 1 to 128 characters of ASCII. */
export interface ShelfEntry {
  readonly slot: string;
  readonly bytes: Uint8Array;
}

/** What becomes of one slot: `undefined` takes away what lies there. */
export interface ShelfChange {
  readonly slot: string;
  readonly bytes: Uint8Array | undefined;
}

/** Many small values that survive a crash, for the records that are held for others. One process has it at a time. */
export interface Shelf {
  /** How long changes may wait for others, ms, because writing is slow and waits for nobody: 0 where `write` is done at once. */
  readonly batchMs: number;
  /** At most `atMost` entries with slots after `after` (`''` begins), in order of slots; fewer are the last ones. Throws or rejects like `write`. */
  load(after: string, atMost: number): readonly ShelfEntry[] | Promise<readonly ShelfEntry[]>;
  /**
   * Makes all changes or none. Where it gives no promise they outlive the process from its return on, kill -9
   * included. Throws or rejects with an Error that says why and what to do (full disk, quota). With the `code`
   * `damaged` all that was there is lost, and the next shelf of that name is empty.
   */
  write(changes: readonly ShelfChange[]): void | Promise<void>;
  /** Takes everything away, without a trace on the disk where the host can. */
  clear(): void | Promise<void>;
  /** Lets go of it. Nothing else is called after. */
  close(): void;
}

/**
 * Names one way to one remote host: `udp/192.0.2.7:41641`, `udp/[2001:db8::1]:41641`,
 * `ws/3`, `rtc/12`. `udp/192.0.2.7:41641~17` is the way from extra UDP socket 17 of this host, 1 to 256.
 * `via/...` paths are carried by an overlay and never reach a host.
 */
export type PathId = string;

/** Best-effort datagrams over every kind of path that the host has. */
export interface Datagrams {
  /**
   * What the host can do. `udp` is false in a tab. `sockets`: it has extra UDP sockets. Each is opened by the first
   * datagram that is sent on a path with its number, reports what comes to it as from such a path, and is closed by the
   * host when nothing has come for 30 s.
   */
  readonly can: {
    readonly udp: boolean;
    readonly sockets?: boolean;
    readonly webrtc: boolean;
    readonly websocket: boolean;
    /** It dials `wss:` servers that are known by the key in the fragment of their URL. */
    readonly pinned?: boolean;
  };
  /** The largest datagram for a path: 1,200 on UDP, 16,384 on data channels and WebSockets. */
  maxBytes(path: PathId): number;
  /** Own UDP addresses, `192.0.2.7:41641`, `[2001:db8::1]:41641`; loopback only when bound to loopback. */
  localAddresses(): readonly string[];
  /** Where it listens for WebSockets of members, `wss://192.0.2.7:443/warren#<base64url SHA-256 of the key>`. */
  localUrls?(): readonly string[];
  /** Multicasts in the local network from an own IP address; absent where the host does not, or is told not to. */
  announce?(from: string, bytes: Uint8Array): void;
  /** Sends or drops; never queues without bound, never throws. */
  send(path: PathId, bytes: Uint8Array): void;
  /** Opens a WebSocket to `url`; answers with `path-up` or `dial-failed`. */
  dial(url: string): void;
  /** Starts a WebRTC connection under a name unique in this process; answers with signals, then `path-up` or `webrtc-failed`. */
  openWebRtc(connection: string, role: 'offerer' | 'answerer'): void;
  /** Hands over a signal (JSON text, at most 16 KiB) of the remote side. Bad text is counted and dropped. */
  signalWebRtc(connection: string, signal: string): void;
  /** Closes a WebSocket or WebRTC path, or an unfinished connection (`rtc:<connection>`). */
  close(path: PathId): void;
  /** Sets who hears of events. One listener, set before anything else is called. */
  listen(listener: (event: PathEvent) => void): void;
  /** Closes all sockets; resolves when nothing of it is left. */
  stop(): Promise<void>;
}

export type PathEvent =
  /** `bytes` belong to the receiver. */
  | { readonly kind: 'datagram'; readonly path: PathId; readonly bytes: Uint8Array }
  /** A WebSocket or data channel opened. `url` or `connection` tells which request it answers; an accepted WebSocket has neither. */
  | {
      readonly kind: 'path-up';
      readonly path: PathId;
      /** Both DTLS fingerprints (32 bytes each, SHA-256), offerer first; empty for a WebSocket. */
      readonly binding: Uint8Array;
      readonly url?: string;
      readonly connection?: string;
      /** The IP address at the other end of an accepted WebSocket, where the host knows it: perhaps a proxy's. */
      readonly remote?: string;
    }
  | { readonly kind: 'path-down'; readonly path: PathId }
  /** `localAddresses` or `localUrls` give others than before. */
  | { readonly kind: 'addresses-changed' }
  /** Somebody at this IP address in the local network has sent what `announce` sends. */
  | { readonly kind: 'announced'; readonly from: string; readonly bytes: Uint8Array }
  | { readonly kind: 'dial-failed'; readonly url: string; readonly reason: string }
  | { readonly kind: 'webrtc-signal'; readonly connection: string; readonly signal: string }
  | { readonly kind: 'webrtc-failed'; readonly connection: string; readonly reason: string };

/** What an Ethernet device should be. */
export interface FramesOptions {
  /** Interface name, at most 15 characters. */
  readonly name: string;
  /** 6 bytes. */
  readonly mac: Uint8Array;
  readonly mtuBytes: number;
  /** Whether it gets its address from `configure`, and not by DHCP from whoever uses it; default true. */
  readonly configured?: boolean;
}

/** An Ethernet device. */
export interface Frames {
  /** Writes one frame or drops it; never throws. */
  write(frame: Uint8Array): void;
  /** Sets who gets frames that the machine sends. */
  listen(listener: (frame: Uint8Array) => void): void;
  /**
   * Gives the device its addresses and brings it up, e.g. `10.128.3.4`, 16. Replaces earlier ones. `six` is left out
   * where the machine has no IPv6.
   */
  configure(address: string, prefixBits: number, six?: { address: string; prefixBits: number }): Promise<void>;
  /** Leads these ranges, `192.168.5.0/24`, into the device by way of the address `via`; replaces earlier ones. */
  route?(ranges: readonly string[], via: string): Promise<void>;
  /** Removes the device with its routes. */
  stop(): Promise<void>;
}
