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

/** The wall clock and the monotonic clock may drift apart by so much before it counts as sleep (session.md 2.5). */
const RESUME_DRIFT_MS = 5000;

/** Connects a participant to its host. */
export class Driver {
  private readonly peer: Peer;
  private readonly host: Host;
  private readonly onOutput: (out: UserOutput) => void;
  private stopped = false;
  private drift: number;

  constructor(peer: Peer, host: Host, onOutput: (out: UserOutput) => void) {
    this.peer = peer;
    this.host = host;
    this.onOutput = onOutput;
    this.drift = host.clock.unixMs() - host.clock.now();
    host.datagrams.listen(event => this.event(event));
    this.drain(true);
  }

  /** Runs `action` on the participant at the present time, then carries out what it asked for. */
  act<T>(action: (now: Instant) => T): T {
    const result = action(this.host.clock.now());
    this.drain(true);
    return result;
  }

  /** A frame from the machine's Ethernet device. */
  fromTap(group: string, frame: Uint8Array): void {
    if (this.stopped) return;
    this.peer.groups.get(group)?.fromTap(frame, this.host.clock.now());
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
    const drift = this.host.clock.unixMs() - now;
    if (drift - this.drift > RESUME_DRIFT_MS) this.peer.resumed(now);
    this.drift = drift;
    this.peer.tick(now);
    this.drain(true);
  }

  /** Deadlines move only with control traffic: the alarm is left alone when frames were all that passed. */
  private drain(control: boolean): void {
    let deadlinesMoved = control;
    this.peer.settle(this.host.clock.now());
    for (let out = this.peer.poll(); out !== undefined; out = this.peer.poll()) {
      if (out.kind !== 'send' || out.bytes[0] !== PacketType.FRAME) deadlinesMoved ||= out.kind !== 'group';
      this.carryOut(out);
    }
    if (deadlinesMoved && !this.stopped) this.host.clock.setAlarm(this.peer.wakeAt, () => this.wake());
  }

  private carryOut(out: PeerOutput): void {
    const { datagrams } = this.host;
    switch (out.kind) {
      case 'send':
        return datagrams.send(out.path, out.bytes);
      case 'dial':
        return datagrams.dial(out.url);
      case 'open-webrtc':
        return datagrams.openWebRtc(out.connection, out.role);
      case 'signal-webrtc':
        return datagrams.signalWebRtc(out.connection, out.signal);
      case 'close-path':
        return datagrams.close(out.path);
      case 'group':
      case 'changed':
        return this.onOutput(out);
    }
  }
}
