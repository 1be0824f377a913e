/**
 * Drives a participant on a host: events in, commands out, one alarm. The only
 * file, beside hosts, that knows when something happens.
 */
import { earliest, type Instant } from '@warren/base';
import { PacketType } from '@warren/wire';
import type { Host, PathEvent } from './host.ts';
import { LocalNetwork } from './local-network.ts';
import type { Peer } from './peer.ts';
import type { PeerOutput } from './peer-options.ts';
import { Shelves } from './shelves.ts';

/** Outputs that are for whoever uses the participant, not for the host's sockets. */
export type UserOutput = Extract<PeerOutput, { kind: 'group' | 'changed' | 'resumed' | 'acquaintances' }>;

/**
 * Nothing for so long after the alarm was due means that the host slept, or that its page was frozen; so does a step
 * of the wall clock against the monotonic one, which may not count sleep (session.md 2.5).
 */
const ASLEEP_MS = 5000;

/** Connects a participant to its host. */
export class Driver {
  /** Where records outlive the process, for those networks that were added. */
  readonly shelves: Shelves;
  /** Announcements in the local network, where the host makes them. */
  readonly lan: LocalNetwork | undefined;
  private readonly peer: Peer;
  private readonly host: Host;
  private readonly onOutput: (out: UserOutput) => void;
  private stopped = false;
  /** When the alarm is set for. */
  private alarmAt: Instant | undefined;
  /** When something happened last. A page whose timers are throttled hears its neighbours all the same. */
  private awakeAt: Instant;
  /** Wall clock less monotonic clock at the last look. */
  private offsetMs: number;

  constructor(peer: Peer, host: Host, onOutput: (out: UserOutput) => void) {
    this.peer = peer;
    this.host = host;
    this.onOutput = onOutput;
    this.awakeAt = host.clock.now();
    this.offsetMs = host.clock.unixMs() - this.awakeAt;
    this.shelves = new Shelves({
      restore: (network, bytes) => peer.restore(network, bytes, host.clock.now()),
      lost: network => peer.keepAnew(network, host.clock.now()),
      changed: () => this.act(() => {}),
      clock: () => host.clock.now(),
    });
    this.lan = localNetwork(host);
    host.datagrams.listen(event => this.event(event));
    this.act(() => {});
  }

  /** Runs `action` on the participant at the present time, then carries out what it asked for. */
  act<T>(action: (now: Instant) => T): T {
    const now = this.host.clock.now();
    const result = action(now);
    this.peer.settle(now);
    this.drain(true);
    return result;
  }

  /** A frame from the machine's Ethernet device. */
  fromTap(group: string, frame: Uint8Array): void {
    if (this.stopped) return;
    const now = this.host.clock.now();
    this.peer.groups.get(group)?.fromTap(frame, now);
    this.peer.settle(now);
    this.drain(false);
  }

  /** Carries out what is left and forgets the alarm. */
  stop(): void {
    this.drain(false);
    this.shelves.close();
    this.stopped = true;
    this.host.clock.setAlarm(undefined, () => {});
  }

  private event(event: PathEvent): void {
    if (this.stopped) return;
    const now = this.host.clock.now();
    const hasSlept = this.hasSlept(now);
    if (hasSlept) this.look(now);
    this.awakeAt = now;
    const { unclaimed } = this.peer.stats;
    const type = event.kind === 'datagram' ? event.bytes[0] : undefined;
    if (event.kind === 'announced') this.lan?.heard(event.from, event.bytes, now);
    this.peer.handle(event, now);
    const isNobodys = this.peer.stats.unclaimed > unclaimed && !hasSlept;
    this.drain(!isNobodys && type !== PacketType.FRAME && type !== PacketType.NOSESS, isNobodys);
  }

  private wake(): void {
    if (this.stopped) return;
    const now = this.host.clock.now();
    this.look(now);
    this.shelves.tick(now);
    this.lan?.tick(now);
    this.peer.tick(now);
    this.drain(true);
  }

  /** Reads the wall clock, and tells the participant where it seems that the host slept. */
  private look(now: Instant): void {
    const unixMs = this.host.clock.unixMs();
    const offsetMs = unixMs - now;
    const isStepped = Math.abs(offsetMs - this.offsetMs) > ASLEEP_MS;
    const isResumed = isStepped || this.hasSlept(now);
    this.offsetMs = offsetMs;
    this.awakeAt = now;
    this.peer.setWallClock(unixMs, now);
    if (!isResumed) return;
    this.lan?.resumed(now);
    this.peer.resumed(now);
  }

  private hasSlept(now: Instant): boolean {
    return this.alarmAt !== undefined && now - Math.max(this.alarmAt, this.awakeAt) > ASLEEP_MS;
  }

  /**
   * Carries out all that was asked for. Deadlines move only with control traffic: the alarm is left alone when frames,
   * datagrams of nobody with the hint that they get (`isNobodys`), or hints that nobody takes were all that passed.
   */
  private drain(control: boolean, isNobodys = false): void {
    let deadlinesMoved = control;
    for (let out = this.peer.poll(); out !== undefined; out = this.peer.poll()) {
      const isQuiet = out.kind === 'send' && (isNobodys || out.bytes[0] === PacketType.FRAME);
      deadlinesMoved ||= !isQuiet && out.kind !== 'group';
      // What is acknowledged is on the disk before.
      if (out.kind === 'send') this.shelves.flush();
      this.carryOut(out);
    }
    this.shelves.flush();
    if (!deadlinesMoved || this.stopped) return;
    this.alarmAt = earliest(this.peer.wakeAt, this.shelves.wakeAt, this.lan?.wakeAt);
    this.host.clock.setAlarm(this.alarmAt, () => this.wake());
  }

  private carryOut(out: PeerOutput): void {
    const { datagrams } = this.host;
    switch (out.kind) {
      case 'send':
        datagrams.send(out.path, out.bytes);
        return;
      case 'dial':
        datagrams.dial(out.url);
        return;
      case 'open-webrtc':
        datagrams.openWebRtc(out.connection, out.role);
        return;
      case 'signal-webrtc':
        datagrams.signalWebRtc(out.connection, out.signal);
        return;
      case 'close-path':
        datagrams.close(out.path);
        return;
      case 'keep':
        this.shelves.note(out.network, out.slot, out.bytes);
        return;
      case 'drop':
        this.shelves.note(out.network, out.slot, undefined);
        return;
      case 'group':
      case 'changed':
      case 'resumed':
      case 'acquaintances':
        this.onOutput(out);
        return;
    }
  }
}

function localNetwork({ datagrams, random, clock }: Host): LocalNetwork | undefined {
  if (datagrams.announce === undefined) return undefined;
  const announce = (from: string, bytes: Uint8Array) => datagrams.announce?.(from, bytes);
  const wallClock = { at: (now: Instant) => now + clock.unixMs() - clock.now() };
  return new LocalNetwork({ random, wallClock, addresses: () => datagrams.localAddresses(), announce });
}
