/**
 * Trying and measuring paths by challenges inside the session. A challenge
 * says nothing of the path; the answer carries the hash of the path's binding
 * as the other side sees it, so that a channel with somebody in the middle is
 * never used (decisions.md "Link, path, session"). When to probe is `path.ts`.
 */
import type { Instant, Random } from '@warren/base';
import type { PathId } from '@warren/session';
import { decodePathProbe, encodePathProbe, Inner } from '@warren/wire';
import { mayProbe, parseAddress, pathKind, udpAddress } from './candidates.ts';
import type { Link } from './link.ts';
import type { Outbound } from './outbound.ts';
import { Path } from './path.ts';
import { mayLead } from './relay-paths.ts';
import { heardFrom } from './roaming.ts';

export interface ProbingOptions {
  /** `via/<network>/` paths of this name are carried by ourselves. */
  readonly network: string;
  readonly strangers: boolean;
  /** A path to such an address would run through itself. */
  readonly isOurTunnel?: (address: string) => boolean;
  readonly random: Random;
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  readonly outbound: Outbound;
}

/** What became of an answer: `seen` is from where the neighbour, whose address is `to`, saw our challenge come. */
export type Answer =
  | 'malformed'
  | 'unasked'
  | { readonly path: Path; readonly seen: { readonly to: string; readonly address: string } | undefined };

/** The prober of all links of one network. */
export class Probing {
  /** Candidates that strangers may not aim us at. */
  refused = 0;
  private readonly options: ProbingOptions;
  private readonly bindings = new Map<PathId, Uint8Array>();
  private readonly noBinding: Uint8Array;

  constructor(options: ProbingOptions) {
    this.options = options;
    this.noBinding = options.hash(new Uint8Array(0));
  }

  /** Notes what a data channel is bound to: both DTLS fingerprints. */
  bind(path: PathId, binding: Uint8Array): void {
    this.bindings.set(path, this.options.hash(binding));
  }

  unbind(path: PathId): void {
    this.bindings.delete(path);
  }

  /**
   * Adds a path to a link and sends its first challenge, unless it is known or cannot lead there. `heardBytes`: what came from there, where
   * nothing else tells us of it.
   */
  tryPath(link: Link, id: PathId, now: Instant, heardBytes?: number): void {
    const { network, strangers } = this.options;
    if (!mayLead(id, network, link.peer) || this.isOurTunnel(id)) return;
    const setupOnly = id.startsWith(`via/${network}/`);
    const bindingHash = this.bindings.get(id) ?? this.noBinding;
    const heard = heardBytes === undefined ? {} : { heardBytes };
    const path = link.addPath({ id, bindingHash, setupOnly, strangers, ...heard }, now);
    if (path !== undefined) this.probe(link, path, now);
  }

  /** Tries the addresses that the neighbour offered, as far as we may. */
  tryAddresses(link: Link, now: Instant): void {
    for (const address of link.remote?.udp ? link.remote.addresses : []) {
      if (mayProbe(address, this.options.strangers)) this.tryPath(link, `udp/${address}`, now);
      else this.refused++;
    }
  }

  probe(link: Link, path: Path, now: Instant): void {
    const token = this.options.random.bytes(8);
    path.probed(token, now);
    link.deadline.moved();
    const body = encodePathProbe({ token, bindingHash: path.bindingHash, seen: '' });
    for (let i = 0; i < path.copies; i++) this.options.outbound.message(link, path, Inner.PATH_CHALLENGE, body, now);
    this.trySizes(link, path, now);
  }

  /** Sends one challenge to where perhaps nobody is: what comes back is tried as a path that was heard of. */
  knock(link: Link, id: PathId, now: Instant): void {
    const { random, strangers, outbound } = this.options;
    const path = new Path({ id, bindingHash: this.noBinding, setupOnly: false, strangers }, now);
    const body = encodePathProbe({ token: random.bytes(8), bindingHash: this.noBinding, seen: '' });
    outbound.message(link, path, Inner.PATH_CHALLENGE, body, now);
  }

  /** The neighbour's newest word came on another path than the one in use: both are asked. */
  heardElsewhere(link: Link, id: PathId, now: Instant): void {
    const path = link.paths.get(id);
    for (const asked of path === undefined ? [] : heardFrom(link, path, now)) {
      if (!asked.isProbed(now)) this.probe(link, asked, now);
    }
  }

  /** Answers a challenge on a path that is kept; false when it is none. */
  challenged(link: Link, id: PathId, body: Uint8Array, now: Instant): boolean {
    const challenge = decodePathProbe(body);
    const path = link.paths.get(id);
    if (challenge === undefined) return false;
    if (path === undefined) return true;
    const seen = path.kind === 'udp' ? udpAddress(id) : '';
    const answer = { token: challenge.token, bindingHash: path.bindingHash, seen };
    this.options.outbound.message(link, path, Inner.PATH_RESPONSE, encodePathProbe(answer), now);
    return true;
  }

  /**
   * Takes the answer to a challenge of ours; the path that the challenge went out on may be proven by it, wherever the
   * answer came in: somebody faster may have brought it (RFC 9000 section 8.2.3).
   */
  answered(link: Link, body: Uint8Array, now: Instant): Answer {
    const response = decodePathProbe(body);
    if (response === undefined) return 'malformed';
    const path = [...link.paths.values()].find(each => each.isAwaiting(response.token));
    const isFirst = path?.proven === false;
    if (!path?.answered(response.token, response.bindingHash, now)) return 'unasked';
    if (isFirst) this.trySizes(link, path, now);
    const to = path.kind === 'udp' ? udpAddress(path.id) : '';
    // What others see of an extra socket says nothing of the main one.
    const isMain = path.id === `udp/${to}`;
    const isAddress = isMain && parseAddress(to) !== undefined && parseAddress(response.seen) !== undefined;
    return { path, seen: isAddress ? { to, address: response.seen } : undefined };
  }

  private isOurTunnel(id: PathId): boolean {
    return pathKind(id) === 'udp' && (this.options.isOurTunnel?.(udpAddress(id)) ?? false);
  }

  /** Challenges filled up with zeros: an answer shows that datagrams of that size pass. */
  private trySizes(link: Link, path: Path, now: Instant): void {
    for (const bytes of path.sizesToTry(now)) {
      const token = this.options.random.bytes(8);
      path.sizeTried(token, bytes, now);
      const challenge = encodePathProbe({ token, bindingHash: path.bindingHash, seen: '' });
      this.options.outbound.filled(link, path, Inner.MTU_PROBE, challenge, bytes, now);
    }
  }
}
