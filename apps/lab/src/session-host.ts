/**
 * A participant that is nothing but a session table on a simulated socket:
 * handshakes alone, without overlay and group. What `peer` is to whole ones.
 */
import { type Instant, type Random, WallClock } from '@warren/base';
import { senderGroup } from '@warren/link';
import type { NoiseSuite } from '@warren/noise';
import { prologue, readIndex, SessionIndices, Sessions } from '@warren/session';
import { EPOCH_UNIX_MS, SIM_CAN, SimDatagrams, type SimInternet } from '@warren/sim';
import type { Authority, Credentials } from '@warren/trust';
import { PacketType, type PeerKey, peerKey } from '@warren/wire';

const ALARM_EVERY_MS = 5;

export interface SessionHostOptions {
  readonly internet: SimInternet;
  readonly name: string;
  /** `203.0.113.7:4000`. */
  readonly address: string;
  readonly suite: NoiseSuite;
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly random: Random;
  /** Session indices, when somebody else counts them too. */
  readonly indices?: SessionIndices<Sessions>;
}

/** One session table with a UDP socket. */
export class SessionHost {
  readonly peer: PeerKey;
  readonly sessions: Sessions;
  readonly path: string;
  readonly datagrams: SimDatagrams;
  /** When the first handshake with each peer was done here. */
  readonly establishedAt = new Map<PeerKey, Instant>();
  /** Datagrams and bytes sent. */
  sent = 0;
  sentBytes = 0;
  /** Hears each datagram before it is sent; false: it is not. */
  outgoing: (path: string, bytes: Uint8Array) => boolean = () => true;
  private readonly internet: SimInternet;
  private readonly indices: SessionIndices<Sessions>;
  private alarmAt: Instant | undefined;
  private isAlarmDue = false;
  private cancelAlarm = (): void => {};

  constructor(options: SessionHostOptions) {
    const { internet, name, address, credentials, authority, random } = options;
    const { networkKey } = authority;
    this.internet = internet;
    this.path = `udp/${address}`;
    this.peer = peerKey(credentials.leaf.peerId);
    this.indices = options.indices ?? new SessionIndices<Sessions>(random);
    this.sessions = new Sessions({
      suite: options.suite,
      authority,
      credentials,
      random,
      wallClock: new WallClock(EPOCH_UNIX_MS, 0),
      indices: this.indices,
      self: this.peer,
      prologueFor: () => prologue(networkKey, []),
      groupOf: senderGroup,
    });
    this.datagrams = new SimDatagrams(internet, name, address, SIM_CAN.edge);
    this.datagrams.listen(event => event.kind === 'datagram' && this.receive(event.path, event.bytes));
  }

  /** Begins a handshake. */
  connect(to: SessionHost): void {
    this.sessions.connect(to.peer, [to.path], this.internet.world.now);
    this.drain();
  }

  /** Takes a datagram, as if it had come over the socket. */
  receive(path: string, bytes: Uint8Array): void {
    const { now } = this.internet.world;
    this.sessions.receive(path, bytes, now);
    const isSealed = bytes[0] === PacketType.DATA || bytes[0] === PacketType.FRAME;
    if (isSealed && this.indices.owner(readIndex(bytes, 4)) === undefined) {
      const hint = this.indices.hintFor(path, bytes, now);
      if (hint !== undefined) this.send(path, hint);
    }
    this.drain();
  }

  private drain(): void {
    const { world } = this.internet;
    for (let out = this.sessions.poll(); out !== undefined; out = this.sessions.poll()) {
      if (out.kind === 'send') this.send(out.path, out.bytes);
      else if (out.kind === 'established' && !this.establishedAt.has(out.peer))
        this.establishedAt.set(out.peer, world.now);
    }
    this.setAlarmSoon();
  }

  private send(path: string, bytes: Uint8Array): void {
    this.sent++;
    this.sentBytes += bytes.length;
    if (this.outgoing(path, bytes)) this.datagrams.send(path, bytes);
  }

  /** Asking for the next deadline looks at every peer: not for each datagram of a flood. */
  private setAlarmSoon(): void {
    if (this.isAlarmDue) return;
    this.isAlarmDue = true;
    this.internet.world.at(this.internet.world.now + ALARM_EVERY_MS, () => {
      this.isAlarmDue = false;
      this.setAlarm();
    });
  }

  private setAlarm(): void {
    const { wakeAt } = this.sessions;
    if (wakeAt === this.alarmAt) return;
    this.cancelAlarm();
    this.alarmAt = wakeAt;
    if (wakeAt !== undefined) this.cancelAlarm = this.internet.world.at(wakeAt, () => this.wake());
  }

  private wake(): void {
    this.alarmAt = undefined;
    this.sessions.tick(this.internet.world.now);
    this.drain();
  }
}
