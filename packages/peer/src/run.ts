/**
 * Drives a participant on a host: events in, commands out, one alarm. The only
 * file, beside hosts, that knows when something happens.
 */
import type { Instant } from '@warren/base';
import { PacketType } from '@warren/wire';
import type { Host, PathEvent } from './host.ts';
import type { Peer, PeerOutput } from './peer.ts';

/** Outputs that are for whoever uses the participant, not for the host's sockets. */
export type UserOutput = Extract<PeerOutput, { kind: 'group' | 'changed' }>;

/** An alarm that comes so much too late means that the host slept, or that its page was frozen (session.md 2.5). */
const ASLEEP_MS = 5000;

/** Connects a participant to its host. */
export class Driver {
  private readonly peer: Peer;
  private readonly host: Host;
  private readonly onOutput: (out: UserOutput) => void;
  private stopped = false;
  /** When the alarm is set for. */
  private alarmAt: Instant | undefined;

  constructor(peer: Peer, host: Host, onOutput: (out: UserOutput) => void) {
    this.peer = peer;
    this.host = host;
    this.onOutput = onOutput;
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
    this.stopped = true;
    this.host.clock.setAlarm(undefined, () => {});
  }

  private event(event: PathEvent): void {
    if (this.stopped) return;
    this.peer.handle(event, this.host.clock.now());
    this.drain(event.kind !== 'datagram' || event.bytes[0] !== PacketType.FRAME);
  }

  private wake(): void {
    if (this.stopped) return;
    const now = this.host.clock.now();
    this.peer.setWallClock(this.host.clock.unixMs(), now);
    if (this.alarmAt !== undefined && now - this.alarmAt > ASLEEP_MS) this.peer.resumed(now);
    this.peer.tick(now);
    this.drain(true);
  }

  /**
   * Carries out all that was asked for. Deadlines move only with control traffic: the alarm is left alone when frames
   * were all that passed.
   */
  private drain(control: boolean): void {
    let deadlinesMoved = control;
    for (let out = this.peer.poll(); out !== undefined; out = this.peer.poll()) {
      if (out.kind !== 'send' || out.bytes[0] !== PacketType.FRAME) deadlinesMoved ||= out.kind !== 'group';
      this.carryOut(out);
    }
    if (!deadlinesMoved || this.stopped) return;
    this.alarmAt = this.peer.wakeAt;
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
      case 'group':
      case 'changed':
        this.onOutput(out);
        return;
    }
  }
}
