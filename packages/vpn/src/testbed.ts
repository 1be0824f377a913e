/**
 * For tests only: members of one group on virtual time, wired to each other, with a map in place of the DHT.
 * Frames and answers of the DHT take a fixed time; what members put out is also kept for the test to look at.
 */
import type { Instant, Random } from '@warren/base';
import {
  EtherType,
  encodeEthernet,
  encodeIcmpEcho,
  encodeIpv4,
  type IcmpEcho,
  IpProtocol,
  type Ipv4Packet,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { macOf } from './mac.ts';
import { searchNames } from './search-names.ts';
import { parseSubnet, type Subnet } from './subnet.ts';
import { Vpn } from './vpn.ts';
import type { VpnOptions, VpnOutput } from './vpn-options.ts';

/** 10.128.0.0/16. */
export const SUBNET = parseSubnet('10.128.0.0/16') as Subnet;

/** A group's id. */
export const GROUP = 'abcdefghijklmnopqrstuvwxyz';

/** What the group Home calls itself for ada. */
export const NAMES = searchNames('Home', GROUP, 'ada');

/** A peer id of 20 times the same byte. */
export function peerOf(byte: number): PeerId {
  return new Uint8Array(20).fill(byte);
}

/** Chance for tests: the same numbers for the same seed (xorshift32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0 || 1;
  const step = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) & 0xff;
  };
  return { bytes: length => Uint8Array.from({ length }, step) };
}

/** An IPv4 frame between two members; `packet` changes single fields. */
export function ipFrame(from: PeerId, to: PeerId, packet: Partial<Ipv4Packet>): Uint8Array {
  const payload = encodeIpv4({
    trafficClass: 0,
    identification: 1,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: IpProtocol.tcp,
    source: 0,
    destination: 0,
    options: new Uint8Array(0),
    payload: new Uint8Array(20),
    ...packet,
  });
  return encodeEthernet({ destination: macOf(to), source: macOf(from), type: EtherType.ipv4, payload });
}

/** A frame with an echo message between two members. */
export function pingFrame(
  from: PeerId,
  to: PeerId,
  addresses: { readonly source: number; readonly destination: number },
  echo: Partial<IcmpEcho> = {},
): Uint8Array {
  const whole = { operation: 'request', identifier: 7, sequence: 1, data: new Uint8Array(8), ...echo } as const;
  return ipFrame(from, to, { ...addresses, protocol: IpProtocol.icmp, payload: encodeIcmpEcho(whole) });
}

/** What every member of these tests is given. */
export function someone(self: PeerId): Omit<VpnOptions, 'hasTap'> {
  const members = { memberWith: () => undefined, listeners: () => [], allows: () => true };
  return { self, group: GROUP, subnet: SUBNET, names: NAMES, members, random: seeded(self[0] as number) };
}

/** One member and all it put out. */
export interface Member {
  readonly self: PeerId;
  readonly vpn: Vpn;
  readonly outputs: VpnOutput[];
}

/** A group of members with their DHT. */
export class Group {
  now: Instant = 1_000;
  /** Address to the peer whose claim stands. */
  readonly claims = new Map<number, PeerId>();
  readonly members = new Map<PeerKey, Member>();
  private readonly delayMs: number;
  private events: { readonly at: Instant; readonly run: () => void }[] = [];

  /** `delayMs` is how long each frame and each answer of the DHT takes. */
  constructor(delayMs = 10) {
    this.delayMs = delayMs;
  }

  /** Adds a member whose overlay is ready at once. */
  join(self: PeerId, options: Partial<VpnOptions> & Pick<VpnOptions, 'hasTap'>): Member {
    const vpn = new Vpn({ ...someone(self), members: this.acquainted(), ...options });
    const member = { self, vpn, outputs: [] };
    this.members.set(peerKey(self), member);
    vpn.handle({ kind: 'ready' }, this.now);
    this.drain();
    return member;
  }

  /** Lets time pass, handling all that becomes due. */
  run(ms: number): void {
    const end = this.now + ms;
    this.drain();
    for (let next = this.nextAt(); next !== undefined && next <= end; next = this.nextAt()) {
      this.now = Math.max(this.now, next);
      const due = this.events.filter(event => event.at <= this.now);
      this.events = this.events.filter(event => event.at > this.now);
      for (const event of due) event.run();
      for (const { vpn } of this.members.values()) vpn.tick(this.now);
      this.drain();
    }
    this.now = end;
  }

  /** Everybody knows everybody. */
  private acquainted(): VpnOptions['members'] {
    const all = (): PeerId[] => [...this.members.values()].map(member => member.self);
    const memberWith = (start: Uint8Array): PeerId | undefined =>
      all().find(id => id.every((b, i) => b === (start[i] ?? b)));
    return { memberWith, listeners: () => [], allows: () => true };
  }

  private nextAt(): Instant | undefined {
    const wakes = [...this.members.values()].map(({ vpn }) => vpn.wakeAt);
    const times = [...this.events.map(({ at }) => at), ...wakes].filter(at => at !== undefined);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  private drain(): void {
    for (const member of this.members.values()) {
      for (let output = member.vpn.poll(); output !== undefined; output = member.vpn.poll()) {
        member.outputs.push(output);
        this.act(member, output);
      }
    }
  }

  private act({ self, vpn }: Member, output: VpnOutput): void {
    if (output.kind === 'claim') {
      this.later(() => {
        const holder = this.claims.get(output.address) ?? self;
        this.claims.set(output.address, holder);
        const result = holder === self ? 'held' : 'taken';
        vpn.handle({ kind: 'claim-result', address: output.address, result }, this.now);
      });
    } else if (output.kind === 'find-owner') {
      this.later(() => {
        const peerId = this.claims.get(output.address);
        vpn.handle({ kind: 'owner', address: output.address, peerId }, this.now);
      });
    } else if (output.kind === 'frame') {
      this.later(() => this.members.get(peerKey(output.to))?.vpn.fromPeer(self, output.frame, this.now));
    }
  }

  private later(run: () => void): void {
    this.events.push({ at: this.now + this.delayMs, run });
  }
}

/** The outputs of one kind. */
export function outputsOf<Kind extends VpnOutput['kind']>(
  member: Member,
  kind: Kind,
): Extract<VpnOutput, { readonly kind: Kind }>[] {
  return member.outputs.filter((output): output is Extract<VpnOutput, { readonly kind: Kind }> => output.kind === kind);
}
