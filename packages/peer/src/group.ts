/**
 * A joined group as its user holds it: members, texts, pings, and the Ethernet
 * device where the host has one.
 */

import { type Credentials, eraseWorkingKeys, type Leaf, type RevocationList } from '@warren/trust';
import {
  type DnsClient,
  type Leading,
  PREFIX_6_BITS,
  parseAddress,
  printAddress,
  printAddress6,
  printRange,
  serviceAddress,
  type Zone,
} from '@warren/vpn';
import { makeStatement } from './certificates.ts';
import type { Membership } from './enrol.ts';
import { PeerError } from './error.ts';
import type { Tunnel } from './group-internet.ts';
import type { GroupNetwork } from './group-network.ts';
import type { UserGroupOutput } from './group-output.ts';
import type { Frames, Host, IdentityKey } from './host.ts';
import { dropAcquaintances } from './kept-acquaintances.ts';
import { keepRevocations } from './kept-revocations.ts';
import type { Driver } from './run.ts';
import { Surveys } from './surveys.ts';
import type { CensusView, CrawlView, GroupView, PingReport, TextMessage } from './view.ts';
import { groupView } from './views.ts';

export interface PingOptions {
  /** 4 by default, at most 1,000. */
  readonly count?: number;
  /** Between requests: 1,000 by default. */
  readonly intervalMs?: number;
  /** 2,000 by default. */
  readonly timeoutMs?: number;
  readonly onReply?: (rttMs: number) => void;
}

/** How long a gateway's resolver may take. */
const QUESTION_MS = 4000;

/** A group at this participant. */
export interface WarrenGroup {
  view(): GroupView;
  /** Sends a line of text to a member by peer id; false when it is empty, too long or too many wait. */
  sendText(peerId: string, text: string): boolean;
  onText(listener: (message: TextMessage) => void): () => void;
  /** Echo requests to a member by address, `device`, `device.user` or peer id. Rejects for an unknown one. */
  ping(target: string, options?: PingOptions): Promise<PingReport>;
  /** Walks round the ring, asking everybody whom it sees beside itself; `onProgress` hears what is known so far. */
  crawl(onProgress?: (view: CrawlView) => void): Promise<CrawlView>;
  /** Counts everybody: in a second or two, or up to 10 s where a part of the ring is silent. Rejects when this device did so just now. */
  census(): Promise<CensusView>;
  /** Goes on with the next certificate of the same key and peer id; running sessions take it up when they rekey. */
  useCertificate(leaf: Leaf): Promise<void>;
  /** Takes a revocation list that came from the site, whatever it is: only the CA's and newer ones are believed. */
  learnRevocations(list: RevocationList): void;
  /** Whether a newer list is known to exist than the one that is here. */
  readonly isBehind: boolean;
  /** Whether this device's certificate is older than the last change of its user's teams, and must be renewed to tell them. */
  readonly isOutdated: boolean;
  /** Why the Ethernet device could not be given its address; `undefined` when all is well. */
  readonly deviceError: string | undefined;
  /** Sends this machine's Internet packets, which its device must be given, through gateways of the group; or no more. */
  tunnel(wanted: Tunnel | undefined): void;
  /** Offers this machine's way to the Internet to members, or no more; the host translates and filters. */
  lead(leading: Leading | undefined): void;
  /** Whether this machine's Internet packets go through the group. */
  readonly isTunnelled: boolean;
  /** Asks the gateway in use for a name: the answer's bytes, or `undefined` without a gateway or in time. */
  askGateway(query: Uint8Array): Promise<Uint8Array | undefined>;
  leave(): Promise<void>;
}

interface GroupParts {
  readonly membership: Membership;
  readonly network: GroupNetwork;
  readonly host: Host;
  readonly driver: Driver;
  readonly identity: IdentityKey;
  readonly credentials: Credentials;
  readonly frames: Frames | undefined;
  readonly leave: () => Promise<void>;
  /** What all groups of this participant know of names. */
  readonly zones: () => readonly Zone[];
  /** Asks for names of others through whichever group carries this machine's Internet traffic; absent: none does. */
  readonly throughTunnel: () => ((query: Uint8Array) => Promise<Uint8Array | undefined>) | undefined;
  /** Tells that something in the views or beside them changed. */
  readonly changed: () => void;
}

export class Group implements WarrenGroup {
  /** Private to the last: the group file in it has the rendezvous secret. */
  readonly #parts: GroupParts;
  private credentials: Credentials;
  deviceError: string | undefined;
  private readonly textListeners = new Set<(message: TextMessage) => void>();
  private readonly surveys: Surveys;
  /** Names that a gateway is asked for. */
  private readonly questions = new Map<number, (answer: Uint8Array) => void>();
  private readonly pongs = new Map<string, (rttMs: number) => void>();

  constructor(parts: GroupParts) {
    this.#parts = parts;
    this.credentials = parts.credentials;
    const { driver, network } = parts;
    this.surveys = new Surveys(network, (what, tag) => driver.act(now => network.survey(what, tag, now)));
  }

  get membership(): Membership {
    return this.#parts.membership;
  }

  view(): GroupView {
    const { network, host, driver } = this.#parts;
    return groupView(
      network,
      this.membership.file.name,
      host.clock.unixMs(),
      driver.shelves.view(network.network.name),
    );
  }

  sendText(peerId: string, text: string): boolean {
    return this.#parts.driver.act(now => this.#parts.network.sendText(peerId, text, now));
  }

  onText(listener: (message: TextMessage) => void): () => void {
    this.textListeners.add(listener);
    return () => this.textListeners.delete(listener);
  }

  async ping(target: string, options: PingOptions = {}): Promise<PingReport> {
    const { count = 4, intervalMs = 1000, timeoutMs = 2000, onReply } = options;
    const address = this.resolve(target);
    const sent = Math.max(1, Math.min(count, 1000));
    const answers: Promise<number | undefined>[] = [];
    for (let i = 0; i < sent; i++) {
      if (i > 0) await delay(intervalMs);
      answers.push(this.echo(address, timeoutMs, onReply));
    }
    const rttsMs = (await Promise.all(answers)).filter(rtt => rtt !== undefined);
    return { target, address: printAddress(address), sent, lost: sent - rttsMs.length, rttsMs };
  }

  crawl(onProgress?: (view: CrawlView) => void): Promise<CrawlView> {
    return this.surveys.crawl(onProgress);
  }

  census(): Promise<CensusView> {
    return this.surveys.census();
  }

  learnRevocations(list: RevocationList): void {
    this.#parts.driver.act(now => this.#parts.network.learnRevocations(list, now));
  }

  get isBehind(): boolean {
    return this.#parts.network.isBehind;
  }

  get isOutdated(): boolean {
    return this.#parts.network.members.isOutdated;
  }

  leave(): Promise<void> {
    return this.#parts.leave();
  }

  tunnel(wanted: Tunnel | undefined): void {
    const { driver, network } = this.#parts;
    driver.act(now => network.internet.tunnel(wanted, now));
  }

  get isTunnelled(): boolean {
    return this.#parts.network.vpn.internet.isTunnelled;
  }

  lead(leading: Leading | undefined): void {
    const { driver, network } = this.#parts;
    driver.act(now => network.internet.lead(leading, now));
  }

  askGateway(query: Uint8Array): Promise<Uint8Array | undefined> {
    const { driver, network } = this.#parts;
    const id = driver.act(now => network.vpn.askGateway(query, now));
    if (id === undefined) return Promise.resolve(undefined);
    return new Promise(resolve => {
      const done = (answer: Uint8Array | undefined): void => {
        clearTimeout(timer);
        this.questions.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => done(undefined), QUESTION_MS);
      this.questions.set(id, done);
    });
  }

  /** Takes what the participant has for the group's user. */
  output(out: UserGroupOutput): void {
    switch (out.kind) {
      case 'tap':
        this.#parts.frames?.write(out.frame);
        return;
      case 'configured':
        this.deviceError = undefined;
        this.#parts.frames
          ?.configure(printAddress(out.address), out.prefixBits, this.address6())
          .catch(error => this.deviceFailed(error));
        return;
      case 'routes':
        this.#parts.frames
          ?.route?.(out.ranges.map(printRange), printAddress(serviceAddress(this.#parts.network.subnet)))
          .catch(error => this.deviceFailed(error));
        return;
      case 'dns':
        void this.answerNames(out.client, out.query);
        return;
      case 'dns-answer':
        this.questions.get(out.id)?.(out.answer);
        return;
      case 'pong':
        this.pongs.get(`${out.id}.${out.sequence}`)?.(out.rttMs);
        return;
      case 'revocations':
        keepRevocations(this.#parts.host, this.membership.file.group, out.list).catch(() => {
          // A full disk costs the list at the next start, which learns it again at its first handshake.
        });
        return;
      case 'gathered':
      case 'crawled':
        this.surveys.output(out);
        return;
      case 'removed':
        this.removed();
        return;
      case 'text': {
        const message = { from: out.from, text: out.text, at: this.#parts.host.clock.unixMs() };
        for (const listener of this.textListeners) listener(message);
        return;
      }
    }
  }

  /** Nothing of the others stays: no device, no records, no addresses. */
  private removed(): void {
    const { driver, network, host } = this.#parts;
    const { name } = network.network;
    driver.shelves.remove(name, true);
    for (const done of [this.closeFrames(), dropAcquaintances(host, name)]) {
      done.catch(() => {
        // The device goes with the process at the latest, addresses with the membership.
      });
    }
  }

  /** Forgets the keys that sessions and records of this group were made with; the stack has ended before. */
  eraseKeys(): void {
    eraseWorkingKeys(this.credentials.keys);
  }

  /** Ends what the group has open in the host, and whatever waits for it. */
  async closeFrames(): Promise<void> {
    this.surveys.stop();
    await this.#parts.frames?.stop();
  }

  renewStatement(): Promise<void> {
    return this.useCertificate(this.credentials.leaf);
  }

  async useCertificate(leaf: Leaf): Promise<void> {
    const { keys } = this.credentials;
    const today = this.#parts.host.clock.unixMs();
    const statement = await makeStatement(
      this.#parts.identity,
      leaf.tbsHash,
      keys.noise.public,
      keys.signing.public,
      today,
    );
    this.credentials = { leaf, keys, statement };
    const { driver, network } = this.#parts;
    driver.act(now => network.renew(this.credentials, now));
  }

  private resolve(target: string): number {
    const member = this.#parts.network.directory.find(target);
    const isSelf = member?.peer === this.#parts.network.self;
    const address = parseAddress(target) ?? (isSelf ? this.#parts.network.vpn.address : member?.address);
    if (address !== undefined && address !== 0) return address;
    if (member !== undefined)
      throw new PeerError('no-address', `${target} has no address yet.`, 'Try again in a few seconds.');
    throw new PeerError('unknown-member', `There is no member called ${target}.`, 'See the list of members for names.');
  }

  /** One echo request; `undefined` when it was not answered in time. */
  private echo(address: number, timeoutMs: number, onReply?: (rttMs: number) => void): Promise<number | undefined> {
    return new Promise(resolve => {
      let key = '';
      const timer = setTimeout(() => {
        this.pongs.delete(key);
        resolve(undefined);
      }, timeoutMs);
      const answered = (rttMs: number) => {
        clearTimeout(timer);
        this.pongs.delete(key);
        onReply?.(rttMs);
        resolve(rttMs);
      };
      this.#parts.driver.act(now => {
        const ping = this.#parts.network.ping(address, now);
        key = `${ping.id}.${ping.sequence}`;
        this.pongs.set(key, answered);
      });
    });
  }

  private address6(): { address: string; prefixBits: number } {
    return { address: printAddress6(this.#parts.network.vpn.address6), prefixBits: PREFIX_6_BITS };
  }

  /** Names of other groups of this machine are answered here too: a system often asks one server only. */
  private async answerNames(client: DnsClient, query: Uint8Array): Promise<void> {
    const { host, driver, network, zones } = this.#parts;
    // A member whose gateway we are is answered as this machine would be; its own tunnel is not ours.
    const elsewhere = client.peer === undefined ? this.#parts.throughTunnel() : undefined;
    const answer = await host.answerNames?.(query, zones(), elsewhere).catch(() => undefined);
    if (answer !== undefined) driver.act(() => network.vpn.answerDns(client, answer));
  }

  private deviceFailed(error: unknown): void {
    this.deviceError = error instanceof Error ? error.message : String(error);
    this.#parts.changed();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
