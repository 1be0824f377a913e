/**
 * For tests only: link tables of one network in virtual time, with UDP,
 * WebSockets, data channels and a carrying overlay between them. A test says
 * what each kind of path does to datagrams.
 */
import { assert, concat, earliest, type Instant, type Random, utf8, WallClock } from '@warren/base';
import { type PathId, prologue, readIndex, SessionIndices, Sessions } from '@warren/session';
import {
  Inner,
  PacketType,
  type PeerId,
  type PeerKey,
  peerKey,
  RELAYED_OVERHEAD_BYTES,
  STREAM_PATH_BYTES,
  UDP_PATH_BYTES,
} from '@warren/wire';
import { udpAddress } from './candidates.ts';
import { Links } from './links.ts';
import type { LinksOptions, LinksOutput, Received } from './links-options.ts';
import type { NatBehaviour } from './nat.ts';
import type { NatBox } from './testbed-nat.ts';

/** The date when virtual time begins: 2026-01-02. */
export const TESTBED_UNIX_MS: number = 1_767_312_000_000;

type SessionsOptions = ConstructorParameters<typeof Sessions>[0];

export interface EndOptions {
  readonly suite: SessionsOptions['suite'];
  readonly authority: SessionsOptions['authority'];
  readonly credentials: SessionsOptions['credentials'];
  readonly random: Random;
  readonly can?: LinksOptions['can'];
  readonly strangers?: boolean;
  /** Addresses offered in place of the real one. */
  readonly addresses?: readonly string[];
  readonly isOurTunnel?: LinksOptions['isOurTunnel'];
  /** What is told of its NATs; unknown by default. */
  readonly nat?: NatBehaviour | (() => NatBehaviour);
  /** Place in the carrying overlay. */
  readonly publicId?: PeerId;
  /** When it relays, and how it chooses relays. */
  readonly relays?: Pick<LinksOptions, 'willingness' | 'relayChoice'>;
  /** Largest datagram by path; 1,200 by default. */
  readonly maxBytes?: (path: PathId) => number;
}

/** A datagram on its way. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  /** As the sender names it. */
  readonly path: PathId;
  readonly bytes: Uint8Array;
  readonly at: Instant;
  /** Where a NAT made it come from. */
  readonly seen?: string;
}

/** One link table and all that came out of it. */
export interface End {
  readonly name: string;
  readonly peer: PeerKey;
  readonly links: Links;
  readonly sessions: Sessions;
  readonly indices: SessionIndices<Sessions>;
  readonly publicKey: PeerKey | undefined;
  /** Outputs but for `send`, with their times. */
  readonly log: { readonly at: Instant; readonly out: Exclude<LinksOutput, { kind: 'send' | 'carried' }> }[];
  /** What went up, with its time. */
  readonly received: { readonly at: Instant; readonly message: Received }[];
  readonly sent: Letter[];
}

interface Event {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/** Ends and time. */
export class Testbed {
  now: Instant = 0;
  /** Delays of the copies that arrive; none for a lost datagram. */
  fate: (letter: Letter) => readonly number[] = () => [10];
  /** What both ends of a data channel hold for the DTLS fingerprints. */
  binding: (end: End, connection: string) => Uint8Array = (_end, connection) => utf8(connection);
  readonly ends = new Map<string, End>();
  /** Where ends are seen, if not at `addressOf` their names: their NAT or network has changed. */
  readonly moved = new Map<string, string>();
  /** NATs in front of ends. */
  readonly nats = new Map<string, NatBox>();
  private events: Event[] = [];
  private order = 0;

  /** Adds an end, or starts one of that name anew. */
  add(name: string, options: EndOptions): End {
    const { suite, authority, credentials, random, publicId, can = { udp: true, webrtc: true } } = options;
    const indices = new SessionIndices<Sessions>(random);
    const self = peerKey(credentials.leaf.peerId);
    const bound = prologue(authority.networkKey, []);
    const wallClock = new WallClock(TESTBED_UNIX_MS, 0);
    const common = { suite, authority, credentials, random, wallClock, indices, self };
    const sessions = new Sessions({ ...common, prologueFor: () => bound });
    const links = new Links({
      self,
      network: 'group',
      sessions,
      random,
      hash: suite.hash,
      can,
      hostKind: 1,
      ...(publicId === undefined ? {} : { publicId }),
      maxBytes: options.maxBytes ?? maxBytes,
      addresses: () => options.addresses ?? [addressOf(name)],
      nat: () => natOf(options.nat),
      strangers: options.strangers ?? false,
      mayRelay: () => options.strangers === true || credentials.leaf.rights.includes('relay'),
      ...(options.relays ?? {}),
      ...(options.isOurTunnel && { isOurTunnel: options.isOurTunnel }),
    });
    const publicKey = publicId && peerKey(publicId);
    const end: End = { name, peer: self, links, sessions, indices, publicKey, log: [], received: [], sent: [] };
    this.ends.set(name, end);
    return end;
  }

  /** Begins a link from `from` over a WebSocket between the two. */
  connect(from: End, to: End, path: PathId = `ws/${to.name}`): void {
    from.links.connect(to.peer, [path], this.now);
    this.drain(from);
  }

  /** Sends an overlay message; false without a usable link. */
  say(from: End, to: End, text: string): boolean {
    const isSent = from.links.send(to.peer, Inner.OVERLAY, utf8(text), this.now);
    this.drain(from);
    return isSent;
  }

  /** Calls something on an end and carries out what it asks for. */
  act(end: End, action: (links: Links) => void): void {
    action(end.links);
    this.drain(end);
  }

  /** Texts that arrived at `to` from `from`, in order. */
  heard(to: End, from: End): string[] {
    return to.received.flatMap(({ message: { kind, origin, bytes } }) =>
      kind === 'overlay' && origin.peer === from.peer ? [String.fromCharCode(...bytes)] : [],
    );
  }

  /** Hands a datagram over at once. */
  deliver({ from, to, path, bytes, seen }: Letter): void {
    const end = this.ends.get(to);
    const back = this.arrival(to, path, from, seen);
    if (end === undefined || back === undefined) return;
    const message = end.links.receive(back, bytes.slice(), this.now);
    if (message !== undefined) end.received.push({ at: this.now, message });
    const isSealed = bytes[0] === PacketType.DATA || bytes[0] === PacketType.FRAME;
    const isStray = isSealed && end.indices.owner(readIndex(bytes, 4)) === undefined;
    const hint = isStray ? end.indices.hintFor(back, bytes, this.now) : undefined;
    if (hint !== undefined) this.post(end, back, hint);
    this.drain(end);
  }

  at(at: Instant, run: () => void): void {
    this.events.push({ at, order: this.order++, run });
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /** Lets time pass until `condition` holds, at most `ms`; tells whether it held. */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.now + ms;
    for (let steps = 0; !condition(); steps++) {
      assert(steps < 200_000, 'virtual time goes on');
      const next = this.nextEvent();
      const wakeAt = earliest(...[...this.ends.values()].map(({ links }) => wakeAtOf(links)));
      const at = earliest(next?.at, wakeAt) ?? Number.POSITIVE_INFINITY;
      if (at > end) {
        this.now = end;
        return condition();
      }
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= this.now) {
        this.events.splice(this.events.indexOf(next), 1);
        next.run();
      } else for (const each of this.ends.values()) this.act(each, links => links.tick(this.now));
    }
    return true;
  }

  private drain(end: End): void {
    for (let out = end.links.poll(); out !== undefined; out = end.links.poll()) {
      if (out.kind === 'send') this.post(end, out.path, out.bytes);
      else if (out.kind === 'carried') this.carry(end, out);
      else {
        end.log.push({ at: this.now, out });
        this.obey(end, out);
      }
    }
  }

  /** A datagram came through a relay: it is for the same network. */
  private carry(end: End, { path, via, bytes }: Extract<LinksOutput, { kind: 'carried' }>): void {
    const message = end.links.receive(path, bytes, this.now, via);
    if (message !== undefined) end.received.push({ at: this.now, message });
  }

  private post(from: End, path: PathId, bytes: Uint8Array): void {
    const to = this.target(path);
    const nat = path.startsWith('udp/') ? this.nats.get(from.name) : undefined;
    const seen = nat && { seen: nat.out(Number(path.split('~')[1] ?? 0), udpAddress(path), this.now) };
    const letter: Letter = { from: from.name, to: to?.name ?? '', path, bytes: bytes.slice(), at: this.now, ...seen };
    from.sent.push(letter);
    for (const delay of this.fate(letter)) this.at(this.now + delay, () => this.deliver(letter));
  }

  /** Plays the host's part in setting up data channels. */
  private obey(end: End, out: Exclude<LinksOutput, { kind: 'send' | 'carried' }>): void {
    const signal = (type: string) => JSON.stringify({ type, sdp: `from ${end.name}` });
    if (out.kind === 'open-webrtc' && out.role === 'offerer') {
      this.soon(end, links => links.localSignal(out.connection, signal('offer'), this.now));
    } else if (out.kind === 'signal-webrtc' && out.signal.includes('offer')) {
      this.soon(end, links => links.localSignal(out.connection, signal('answer'), this.now));
    } else if (out.kind === 'signal-webrtc') this.open(out.connection, end, this.named(out.signal));
    else if (out.kind === 'close-path') this.close(end, out.path);
  }

  /** A channel that one end closes is closed at the other. */
  private close(end: End, path: PathId): void {
    const [, name = '', connection] = /^rtc\/(\w+)\.(.+)$/.exec(path) ?? [];
    const other = this.ends.get(name);
    if (other !== undefined) this.soon(other, links => links.pathDown(`rtc/${end.name}.${connection}`, this.now));
  }

  private open(connection: string, offerer: End, answerer: End): void {
    for (const [end, other] of [
      [offerer, answerer],
      [answerer, offerer],
    ] as const) {
      const path = `rtc/${other.name}.${connection}`;
      this.soon(end, links => links.pathUp(path, concat(this.binding(end, connection)), connection, this.now));
    }
  }

  private soon(end: End, action: (links: Links) => void): void {
    this.at(this.now + 5, () => {
      if (this.ends.get(end.name) === end) this.act(end, action);
    });
  }

  private named(signal: string): End {
    const name = /from (\w+)/.exec(signal)?.[1] ?? '';
    return this.ends.get(name) as End;
  }

  private addressOf(name: string): string {
    return this.moved.get(name) ?? addressOf(name);
  }

  private target(path: PathId): End | undefined {
    const all = [...this.ends.values()];
    const isAt = (name: string, to: string) => this.nats.get(name)?.owns(to) ?? to === this.addressOf(name);
    if (path.startsWith('udp/')) return all.find(({ name }) => isAt(name, udpAddress(path)));
    if (path.startsWith('via/'))
      return all.find(({ publicKey, peer }) => [publicKey, peer].includes(path.split('/')[2]));
    return this.ends.get(/^\w+\/(\w+)/.exec(path)?.[1] ?? '');
  }

  /** The path that a datagram comes in on; `undefined` where a NAT drops it. */
  private arrival(to: string, path: PathId, from: string, seen: string | undefined): PathId | undefined {
    const back = seen === undefined ? this.pathBack(path, from) : `udp/${seen}`;
    const nat = path.startsWith('udp/') ? this.nats.get(to) : undefined;
    if (nat === undefined) return back;
    const socket = nat.in(udpAddress(path), udpAddress(back), this.now);
    if (socket === undefined) return undefined;
    return socket === 0 ? back : `${back}~${socket}`;
  }

  private pathBack(path: PathId, from: string): PathId {
    const end = this.ends.get(from);
    if (path.startsWith('udp/')) return `udp/${this.addressOf(from)}`;
    if (path.startsWith('via/group/')) return `via/group/${end?.peer}`;
    if (path.startsWith('via/')) return `via/public/${end?.publicKey}`;
    return path.replace(/\/\w+/, `/${from}`);
  }

  private nextEvent(): Event | undefined {
    let next: Event | undefined;
    for (const event of this.events) {
      if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    return next;
  }
}

/** When a table wants to be looked at, which it keeps: never later than what it finds when it looks at all links anew. */
function wakeAtOf(links: Links): Instant | undefined {
  const { wakeAt: kept } = links;
  (links as unknown as { table: { moved(): void } }).table.moved();
  const found = links.wakeAt;
  assert(found === undefined || (kept !== undefined && kept <= found), `${kept} is no later than ${found}`);
  return found;
}

function maxBytes(path: PathId): number {
  if (path.startsWith('relay/')) return UDP_PATH_BYTES - RELAYED_OVERHEAD_BYTES;
  return path.startsWith('udp/') ? UDP_PATH_BYTES : STREAM_PATH_BYTES;
}

/** The UDP address of the end called `a`, `b`, ... */
export function addressOf(name: string): string {
  return `198.51.100.${name.charCodeAt(0)}:4000`;
}

function natOf(nat: EndOptions['nat']): NatBehaviour {
  return (typeof nat === 'function' ? nat() : nat) ?? { mapping: 'unknown', portStep: 0 };
}
