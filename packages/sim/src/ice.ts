/**
 * WebRTC between simulated hosts, as far as NATs matter: an ICE agent (RFC
 * 8445) with a UDP socket of its own for each connection. It gathers host and
 * server-reflexive candidates, checks pairs, learns peer-reflexive ones from
 * the checks of the other side, and makes a handshake with as many flights as
 * DTLS and SCTP have. Behind routers it asks for consent (RFC 7675). No TURN,
 * no priorities: the first pair that answers is used.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, type Instant, toHex, utf8 } from '@warren/base';
import type { SimInternet } from './internet.ts';
import { ipOf, portOf } from './nat.ts';
import type { UdpPayload } from './networks.ts';
import type { SimSocket } from './socket.ts';

/** What agents and STUN servers send each other. */
export type IceMessage =
  | { readonly ice: 'stun-request' }
  | { readonly ice: 'stun-answer'; readonly seen: string }
  | { readonly ice: 'check' | 'answer'; readonly sender: IceAgent }
  | { readonly ice: 'flight'; readonly number: number; readonly sender: IceAgent }
  | { readonly ice: 'data'; readonly bytes: Uint8Array };

/** What an agent tells its host. */
export interface IceEvents {
  /** A signal for the other side. */
  signal(signal: string): void;
  /** The channel is open; the binding is both fingerprints, 32 bytes each, the offerer's first. */
  up(remote: IceAgent, binding: Uint8Array): void;
  data(bytes: Uint8Array): void;
  /** An open channel has lost consent. */
  lost(): void;
}

export interface IceOptions {
  readonly internet: SimInternet;
  /** The name of the host. */
  readonly name: string;
  readonly connection: string;
  readonly role: 'offerer' | 'answerer';
  /** Whether there are routers between the host and the Internet. */
  readonly isNatted: boolean;
  readonly events: IceEvents;
}

/** A connection that nobody answers is given up after that. */
export const WEBRTC_SETUP_MS = 30_000;
/** A pair is checked at these times after it is known. */
const CHECKS_MS: readonly number[] = [0, 100, 250, 500, 1000, 2000, 4000, 8000, 16_000];
/** A STUN server is asked at these times. */
const STUN_MS: readonly number[] = [0, 500, 1500, 3500];
/** Each way: four flights of DTLS 1.2 (RFC 6347, section 4.2.4), four of SCTP (RFC 9260, section 5.1). */
const FLIGHTS = 8;
const FLIGHT_AGAIN_MS = 500;
/** RFC 7675: asked every 5 s, over after 30 s. */
const CONSENT_EVERY_MS = 5000;
const CONSENT_MS = 30_000;
/** Another pair that answers takes over when the one in use is silent for so long. */
const SILENT_MS = 10_000;
const TARGETS_MAX = 16;

/** One side of one connection. */
export class IceAgent {
  readonly options: IceOptions;
  private readonly socket: SimSocket;
  private readonly candidates: string[];
  private readonly early: string[] = [];
  private readonly targets = new Set<string>();
  private remoteFingerprint: Uint8Array | undefined;
  private state: 'new' | 'described' | 'up' | 'over' = 'new';
  /** The other end of the pair in use. */
  private selected: string | undefined;
  private flight = 0;
  private consentAt: Instant = 0;
  private stunAnswers = 0;

  constructor(options: IceOptions, openSocket: (listener: (from: string, payload: UdpPayload) => void) => SimSocket) {
    this.options = options;
    this.socket = openSocket((from, payload) => this.receive(from, payload));
    this.candidates = [...this.socket.addresses];
    if (options.isNatted) for (const delay of STUN_MS) this.later(delay, () => this.askStun());
  }

  /** Whether the channel is open. */
  get isUp(): boolean {
    return this.state === 'up';
  }

  /** Gives the description of this side to the other. */
  describe(): void {
    if (this.state !== 'new') return;
    this.state = 'described';
    const { events, role } = this.options;
    const lines = [
      `a=fingerprint:sha-256 ${toHex(this.fingerprint)}`,
      ...this.candidates.map(each => `a=${candidateLine(each)}`),
    ];
    events.signal(JSON.stringify({ type: role === 'offerer' ? 'offer' : 'answer', sdp: lines.join('\r\n') }));
  }

  /** Takes a signal of the other side; false when it is of no use. */
  hear(signal: string): boolean {
    const { type, sdp, candidate } = readSignal(signal);
    if (candidate !== undefined) {
      // Signals may overtake each other: candidates wait for the description.
      if (this.remoteFingerprint !== undefined) this.aimAt(candidate);
      else if (this.early.length < TARGETS_MAX) this.early.push(candidate);
      return true;
    }
    const fingerprint = fromHex(/^a=fingerprint:sha-256 ([0-9a-f]{64})$/m.exec(sdp)?.[1] ?? '');
    const isWanted = type === (this.options.role === 'offerer' ? 'answer' : 'offer');
    if (!isWanted || this.remoteFingerprint !== undefined || fingerprint?.length !== 32) return false;
    this.remoteFingerprint = fingerprint;
    this.describe();
    for (const line of sdp.split('\r\n')) this.aimAt(readCandidate(line.replace(/^a=/, '')));
    for (const each of this.early.splice(0)) this.aimAt(each);
    return true;
  }

  /** Sends on the open channel; gives when that arrives, `undefined`: never. */
  send(bytes: Uint8Array): Instant | undefined {
    return this.selected === undefined ? undefined : this.socket.send(this.selected, { ice: 'data', bytes });
  }

  /** The name of the host. */
  get name(): string {
    return this.options.name;
  }

  /** The other side has closed the channel. */
  ended(): void {
    if (this.state !== 'over') this.options.events.lost();
  }

  /** Ends it without a word. */
  stop(): void {
    this.state = 'over';
    this.socket.close();
  }

  private receive(from: string, message: UdpPayload): void {
    if (message instanceof Uint8Array || this.state === 'over') return;
    if ('sender' in message && !this.isFor(message.sender)) return;
    switch (message.ice) {
      case 'stun-answer':
        this.reflexive(message.seen);
        return;
      case 'check':
        this.socket.send(from, { ice: 'answer', sender: this });
        this.aimAt(from);
        return;
      case 'answer':
        if (this.targets.has(from)) this.answered(from);
        return;
      case 'flight':
        this.flown(from, message.number, message.sender);
        return;
      case 'data':
        if (this.isUp) this.options.events.data(message.bytes);
        return;
      case 'stun-request':
        return;
    }
  }

  /**
   * Whether the other side of this connection says it, as user names and passwords show in earnest. Homes have the same
   * addresses, so that checks come to agents of others, and to the one that sent them.
   */
  private isFor({ options: { connection, role } }: IceAgent): boolean {
    return connection === this.options.connection && role !== this.options.role && this.remoteFingerprint !== undefined;
  }

  private askStun(): void {
    const servers = this.options.internet.stunServers;
    if (this.stunAnswers < servers.length) for (const each of servers) this.socket.send(each, { ice: 'stun-request' });
  }

  private reflexive(seen: string): void {
    this.stunAnswers++;
    if (this.candidates.includes(seen)) return;
    this.candidates.push(seen);
    if (this.state !== 'described') return;
    const candidate = { candidate: candidateLine(seen), sdpMid: '0', sdpMLineIndex: 0 };
    this.options.events.signal(JSON.stringify({ type: 'candidate', candidate }));
  }

  /** Checks a pair, unless it is known. */
  private aimAt(target: string | undefined): void {
    if (target === undefined || this.targets.has(target) || this.targets.size >= TARGETS_MAX) return;
    this.targets.add(target);
    for (const delay of CHECKS_MS) {
      this.later(delay, () => {
        if (!this.isUp) this.check(target);
      });
    }
  }

  private check(target: string): void {
    this.socket.send(target, { ice: 'check', sender: this });
  }

  private answered(from: string): void {
    const { now } = this.options.internet.world;
    const isSilent = this.isUp && now >= this.consentAt + SILENT_MS;
    if (this.selected === undefined || isSilent) this.selected = from;
    if (this.selected === from) this.consentAt = now;
    if (this.options.role === 'offerer' && this.flight === 0) this.fly(1);
  }

  /** Sends a flight of the handshake, until the other side's next one comes. */
  private fly(number: number): void {
    this.flight = number;
    const send = (): void => {
      if (this.flight !== number || this.isUp) return;
      this.sendFlight();
      this.later(FLIGHT_AGAIN_MS, send);
    };
    send();
  }

  private sendFlight(): void {
    const { flight: number, selected } = this;
    if (selected !== undefined) this.socket.send(selected, { ice: 'flight', number, sender: this });
  }

  private flown(from: string, number: number, sender: IceAgent): void {
    if (this.options.role === 'answerer' && !this.isUp) this.selected = from;
    if (number === this.flight + 1 && number < FLIGHTS) this.fly(number + 1);
    // One that comes again shows that our answer was lost.
    else if (number === this.flight - 1) this.sendFlight();
    if (number >= FLIGHTS - 1 && this.flight >= FLIGHTS - 1) this.opened(sender);
  }

  private opened(remote: IceAgent): void {
    if (this.isUp || this.remoteFingerprint === undefined) return;
    this.state = 'up';
    this.consentAt = this.options.internet.world.now;
    const isOfferer = this.options.role === 'offerer';
    const [own, theirs] = [this.fingerprint, this.remoteFingerprint];
    this.options.events.up(remote, isOfferer ? concat(own, theirs) : concat(theirs, own));
    if (this.options.isNatted || remote.options.isNatted) this.later(CONSENT_EVERY_MS, () => this.askConsent());
  }

  private askConsent(): void {
    if (this.options.internet.world.now >= this.consentAt + CONSENT_MS) {
      this.options.events.lost();
      return;
    }
    for (const target of this.targets) this.check(target);
    this.later(CONSENT_EVERY_MS, () => this.askConsent());
  }

  /** What would be the fingerprint of a certificate made for this connection, 32 bytes. */
  private get fingerprint(): Uint8Array {
    return sha256(utf8(`${this.options.name} ${this.options.connection}`));
  }

  private later(delayMs: number, run: () => void): void {
    const { world } = this.options.internet;
    world.at(world.now + delayMs, () => {
      if (this.state !== 'over') run();
    });
  }
}

/** `candidate:1 1 udp 2113937151 192.0.2.7 41641 typ host` (RFC 8839, section 5.1). */
function candidateLine(address: string): string {
  const host = ipOf(address).replace(/^\[(.*)\]$/, '$1');
  return `candidate:1 1 udp 2113937151 ${host} ${portOf(address)} typ host`;
}

function readCandidate(line: string): string | undefined {
  const [, host = '', port = ''] = /^candidate:\S+ \d+ udp \d+ ([0-9a-f:.]+) (\d+) typ /.exec(line) ?? [];
  if (host === '') return undefined;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function readSignal(signal: string): { type: string; sdp: string; candidate?: string } {
  try {
    const { type, sdp, candidate } = JSON.parse(signal) as Record<string, unknown>;
    const line = (candidate as { candidate?: unknown } | undefined)?.candidate;
    const address = type === 'candidate' ? readCandidate(String(line)) : undefined;
    return { type: String(type), sdp: String(sdp), ...(address !== undefined && { candidate: address }) };
  } catch {
    return { type: '', sdp: '' };
  }
}
