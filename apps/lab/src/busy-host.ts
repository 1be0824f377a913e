/**
 * A responder whose time is scarce, as that of a real one: datagrams wait in a
 * socket buffer until those before are dealt with, and those that find it full
 * are lost. What each costs is modelled by counting what is computed for it, so
 * that a run is the same on every machine; what the flood really costs on this
 * one is measured beside it.
 */
import type { NoiseSuite } from '@warren/noise';
import { nobleSuite } from '@warren/noise';
import { SessionIndices, type Sessions } from '@warren/session';
import type { SimInternet } from '@warren/sim';
import { Authority, nobleVerifier, type Verifier } from '@warren/trust';
import { SessionHost } from './session-host.ts';
import type { Stranger } from './strangers.ts';

/**
 * Milliseconds of a slow core with nothing but JavaScript for cryptography: the worst that a responder is. A
 * datagram includes its way through the kernel and two message authentication codes, which every HS1 costs.
 */
const COST_MS = { datagram: 0.03, agree: 1, hash: 0.01, aead: 0.03, verify: 2 };
/** Datagrams of 320 bytes that Linux keeps by default: 212,992 bytes, 768 for each. */
const SOCKET_DATAGRAMS = 277;

export interface BusyHostOptions extends Stranger {
  readonly internet: SimInternet;
  /** `203.0.113.7:4000`. */
  readonly address: string;
}

interface Waiting {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isFlood: boolean;
}

/** A session table behind a socket buffer. */
export class BusyHost {
  readonly host: SessionHost;
  /** Hears what would go to nobody's address. */
  toStrangers: (path: string, bytes: Uint8Array) => void = () => {};
  arrived = 0;
  dropped = 0;
  floodCount = 0;
  floodBytes = 0;
  bytesToStrangers = 0;
  halfOpenMax = 0;
  /** Modelled milliseconds at work. */
  busyMs = 0;
  /** Real milliseconds of this machine for the flood. */
  floodMs = 0;
  private readonly internet: SimInternet;
  private readonly indices: CountedIndices;
  private readonly meter = { ms: 0 };
  private readonly queue: Waiting[] = [];
  private head = 0;

  constructor({ internet, address, ...who }: BusyHostOptions) {
    this.internet = internet;
    this.indices = new CountedIndices(who.random);
    const authority = Authority.public({ verifier: metered(nobleVerifier, this.meter) });
    const suite = meteredSuite(nobleSuite(), this.meter);
    this.host = new SessionHost({ ...who, authority, suite, internet, address, indices: this.indices });
    this.host.datagrams.listen(
      event => event.kind === 'datagram' && this.arrive({ path: event.path, bytes: event.bytes, isFlood: false }),
    );
    this.host.outgoing = (path, bytes) => this.outgoing(path, bytes);
  }

  get path(): string {
    return this.host.path;
  }

  /** Takes a datagram of the flood. */
  flood(path: string, bytes: Uint8Array): void {
    this.floodCount++;
    this.floodBytes += bytes.length;
    this.arrive({ path, bytes, isFlood: true });
  }

  private arrive(datagram: Waiting): void {
    this.arrived++;
    const isIdle = this.head === this.queue.length;
    if (this.queue.length - this.head >= SOCKET_DATAGRAMS) this.dropped++;
    else this.queue.push(datagram);
    if (isIdle) this.work();
  }

  /** Deals with the next datagram, and after the time that it took with the one behind. */
  private work(): void {
    const next = this.queue[this.head];
    if (next === undefined) return;
    this.meter.ms = COST_MS.datagram;
    const startedAt = performance.now();
    this.host.receive(next.path, next.bytes);
    if (next.isFlood) this.floodMs += performance.now() - startedAt;
    this.halfOpenMax = Math.max(this.halfOpenMax, this.indices.live - this.host.sessions.stats.handshakes);
    this.busyMs += this.meter.ms;
    const { world } = this.internet;
    world.at(world.now + this.meter.ms, () => {
      this.forget();
      this.work();
    });
  }

  private forget(): void {
    this.head++;
    if (this.head < 1024 && this.head < this.queue.length) return;
    this.queue.splice(0, this.head);
    this.head = 0;
  }

  private outgoing(path: string, bytes: Uint8Array): boolean {
    if (this.internet.network.at(path.slice('udp/'.length)) !== undefined) return true;
    this.bytesToStrangers += bytes.length;
    this.toStrangers(path, bytes);
    return false;
  }
}

/** Session indices that say how many are taken: by sessions, and by handshakes that are half-open. */
class CountedIndices extends SessionIndices<Sessions> {
  live = 0;

  override allocate(owner: Sessions): number | undefined {
    const index = super.allocate(owner);
    if (index !== undefined) this.live++;
    return index;
  }

  override release(index: number): void {
    if (this.owner(index) !== undefined) this.live--;
    super.release(index);
  }
}

interface Meter {
  ms: number;
}

function meteredSuite(suite: NoiseSuite, meter: Meter): NoiseSuite {
  const costing =
    <A extends unknown[], R>(ms: number, run: (...args: A) => R) =>
    (...args: A): R => {
      meter.ms += ms;
      return run(...args);
    };
  return {
    name: suite.name,
    generateKeyPair: costing(COST_MS.agree, suite.generateKeyPair),
    publicKey: costing(COST_MS.agree, suite.publicKey),
    agree: costing(COST_MS.agree, suite.agree),
    hash: costing(COST_MS.hash, suite.hash),
    hmac: costing(COST_MS.hash, suite.hmac),
    // A key for each message: in a handshake it is used once.
    aead: { name: suite.aead.name, key: costing(COST_MS.aead, key => suite.aead.key(key)) },
  };
}

function metered(verifier: Verifier, meter: Meter): Verifier {
  return {
    verify(...what) {
      meter.ms += COST_MS.verify;
      return verifier.verify(...what);
    },
  };
}
