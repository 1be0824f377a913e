/**
 * What neighbours send, by its inner byte: handed up, answered, or used to tend
 * the link. Nonsense is counted and dropped.
 */
import type { Instant } from '@warren/base';
import type { Opened, PathId } from '@warren/session';
import { CloseReason, decodeFragment, Inner, PacketType } from '@warren/wire';
import type { Link } from './link.ts';
import type { LinkTable } from './link-table.ts';
import type { Received } from './links-options.ts';
import { isSurplus } from './punch.ts';
import { isTraffic } from './roaming.ts';

/** The receiving side of all links of one network. */
export class Inbound {
  /** Messages that make no sense. */
  malformed = 0;
  private readonly table: LinkTable;

  constructor(table: LinkTable) {
    this.table = table;
  }

  /** Takes what was opened of a datagram of `bytes` that came on a path of a link; returns what goes up. */
  receive(link: Link, path: PathId, opened: Opened, bytes: number, now: Instant): Received | undefined {
    const { probing } = this.table;
    link.receivedBytes += bytes;
    const known = link.paths.get(path);
    if (known !== undefined) known.received(bytes, now);
    else if (!isSurplus(link, path)) probing.tryPath(link, path, now, bytes);
    if (link.isDoubtful) this.table.noteDoubt(link);
    const { type, plaintext, isNewest } = opened;
    if (isNewest && (known === undefined || (known !== link.best && isTraffic(type, plaintext[0]))))
      probing.heardElsewhere(link, path, now);
    link.deadline.moved();
    return type === PacketType.FRAME ? this.frame(link, opened) : this.data(link, path, opened, now);
  }

  private frame(link: Link, { flags, plaintext, origin }: Opened): Received | undefined {
    const bytes = link.joinFrame(flags, plaintext);
    if (bytes === 'malformed') return this.nonsense();
    return bytes && { kind: 'frame', origin, bytes };
  }

  private data(link: Link, path: PathId, opened: Opened, now: Instant): Received | undefined {
    const { plaintext, origin } = opened;
    const body = plaintext.subarray(1);
    switch (plaintext[0]) {
      case Inner.KEEPALIVE:
        return undefined;
      case Inner.OVERLAY:
        link.isSpokenTo = true;
        return { kind: 'overlay', origin, bytes: body };
      case Inner.MEMBER:
        return { kind: 'member', origin, bytes: body };
      case Inner.FRAGMENT:
        return this.fragment(link, path, opened, now);
      case Inner.PATH_CHALLENGE:
      case Inner.MTU_PROBE:
        return this.table.probing.challenged(link, path, body, now) ? undefined : this.nonsense();
      case Inner.PATH_RESPONSE:
        return this.answered(link, body, now);
      case Inner.LINK_MESSAGE:
        return this.linkMessage(link, body, now);
      case Inner.RELAYED:
        return this.table.relays.receive(link, path, plaintext, now) ? undefined : this.nonsense();
      case Inner.CLOSE:
        this.table.remove(link, body[0] === CloseReason.UNNEEDED ? 'unneeded' : 'closed', now);
        return undefined;
      default:
        return this.nonsense();
    }
  }

  private fragment(link: Link, path: PathId, opened: Opened, now: Instant): Received | undefined {
    const fragment = decodeFragment(opened.plaintext.subarray(1));
    if (fragment === undefined) return this.nonsense();
    const whole = link.reassembly.add(fragment, now);
    return whole && whole[0] !== Inner.FRAGMENT
      ? this.data(link, path, { ...opened, plaintext: whole }, now)
      : undefined;
  }

  private answered(link: Link, body: Uint8Array, now: Instant): undefined {
    const answer = this.table.probing.answered(link, body, now);
    if (answer === 'malformed') return this.nonsense();
    if (answer === 'unasked') return undefined;
    if (answer.seen !== undefined) this.table.outbox.push({ kind: 'seen', ...answer.seen });
    this.table.answered(link, answer.path, now);
    return undefined;
  }

  private linkMessage(link: Link, body: Uint8Array, now: Instant): undefined {
    const result = this.table.offers.receive(link, body, now);
    if (result === 'malformed') return this.nonsense();
    this.table.punching.tend(link, now);
    if (result === 'news') {
      this.table.webSockets.offered(link, now);
      this.table.outbox.push({ kind: 'changed', peer: link.peer });
    }
    return undefined;
  }

  private nonsense(): undefined {
    this.malformed++;
    return undefined;
  }
}
