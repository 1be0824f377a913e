/**
 * More UDP sockets beside the main one, numbered 1 to 256: behind a NAT that
 * gives each of them a port by chance, one of them is met sooner (birthday
 * punching, overlay.md "Links"). Path ids are `udp/<address>~<number>`. A
 * socket is opened by the first datagram for it and closed when nothing has
 * come in for half a minute.
 */
import type { PathId } from '@warren/peer';
import type { Udp, UdpReceiver } from './udp.ts';

/** How many there may be at once. */
export const EXTRA_SOCKETS_MAX = 256;
/** Nothing came in for so long: RFC 4787 has NATs keep mappings longer, but whoever is met by then speaks more often. */
export const EXTRA_SOCKET_IDLE_MS = 30_000;
/** Datagrams that wait for a socket that is being opened. */
const WAITING_MAX = 8;

interface Extra {
  /** `undefined` while it opens, and where the system has none left. */
  udp: Udp | undefined;
  readonly waiting: { readonly path: PathId; readonly bytes: Uint8Array }[];
  heardAt: number;
}

export interface ExtraSocketsOptions {
  /** Binds a socket at a port of the system's choice. */
  readonly open: (receive: UdpReceiver) => Promise<Udp>;
  /** Hears what comes in, from paths with the number of the socket. */
  readonly receive: UdpReceiver;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** The extra sockets of a host. */
export class ExtraSockets {
  private readonly options: ExtraSocketsOptions;
  private readonly extras = new Map<number, Extra>();
  private droppedByClosed = 0;
  private cleaning: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(options: ExtraSocketsOptions) {
    this.options = options;
  }

  /** How many are open. */
  get count(): number {
    return this.extras.size;
  }

  /** Datagrams that could not be sent or were too long. */
  get dropped(): number {
    return [...this.extras.values()].reduce((sum, { udp }) => sum + (udp?.dropped ?? 0), this.droppedByClosed);
  }

  /** Sends from the socket that the path names, or drops. Never throws. */
  send(path: PathId, bytes: Uint8Array): void {
    const [, plain, digits] = /^(udp\/[^~]+)~([1-9][0-9]{0,2})$/.exec(path) ?? [];
    const number = Number(digits);
    if (plain === undefined || !(number <= EXTRA_SOCKETS_MAX) || this.closed) {
      this.droppedByClosed++;
      return;
    }
    const extra = this.extras.get(number) ?? this.open(number);
    if (extra.udp !== undefined) extra.udp.send(plain, bytes);
    else if (extra.waiting.length < WAITING_MAX) extra.waiting.push({ path: plain, bytes: bytes.slice() });
    else this.droppedByClosed++;
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.extras].map(([number, extra]) => this.end(number, extra)));
  }

  private open(number: number): Extra {
    const extra: Extra = { udp: undefined, waiting: [], heardAt: this.options.now() };
    this.extras.set(number, extra);
    this.cleaning ??= setInterval(() => this.clean(), EXTRA_SOCKET_IDLE_MS / 10).unref();
    const receive: UdpReceiver = (path, bytes) => {
      extra.heardAt = this.options.now();
      this.options.receive(`${path}~${number}`, bytes);
    };
    void this.options.open(receive).then(
      udp => this.opened(number, extra, udp),
      () => this.end(number, extra),
    );
    return extra;
  }

  private opened(number: number, extra: Extra, udp: Udp): void {
    if (this.extras.get(number) !== extra) {
      void udp.close();
      return;
    }
    extra.udp = udp;
    for (const { path, bytes } of extra.waiting.splice(0)) udp.send(path, bytes);
  }

  private clean(): void {
    const now = this.options.now();
    for (const [number, extra] of this.extras) {
      if (now >= extra.heardAt + EXTRA_SOCKET_IDLE_MS) void this.end(number, extra);
    }
  }

  private async end(number: number, extra: Extra): Promise<void> {
    if (this.extras.get(number) !== extra) return;
    this.extras.delete(number);
    this.droppedByClosed += extra.waiting.splice(0).length + (extra.udp?.dropped ?? 0);
    if (this.extras.size === 0) {
      clearInterval(this.cleaning);
      this.cleaning = undefined;
    }
    await extra.udp?.close();
  }
}
