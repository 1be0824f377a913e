/**
 * What a host's `Datagrams` is made of where each remote host has a connection of its own: one WebSocket or one data
 * channel. A datagram on it has at most `STREAM_PATH_BYTES`. Not for UDP, whose one socket serves all.
 */

/** Above this much unsent data a way drops what it is given, so that a slow receiver costs bounded memory. */
export const BUFFERED_MAX_BYTES = 1 << 20;

/** One way to a remote host, from its opening to its end. */
export interface Way {
  /** Sends or drops; never throws. `bytes` must not change afterwards. */
  send(bytes: Uint8Array): void;
  /** Ends it, open or not; an event says so. */
  close(): void;
  /** Resolves when nothing of it is left. */
  readonly over: Promise<void>;
}

/** What happens to a way: `up`, then datagrams, then `down`; or `failed` alone. Never from within a call to it. */
export interface WayEvents {
  /** It carries datagrams from here on. `binding`: 64 bytes for WebRTC, none for a WebSocket. */
  up(binding: Uint8Array): void;
  /** `bytes` belong to the receiver. */
  datagram(bytes: Uint8Array): void;
  down(): void;
  /** It never came up; `reason` in plain words. */
  failed(reason: string): void;
  /** A datagram was dropped, going out or coming in. */
  dropped(): void;
}
