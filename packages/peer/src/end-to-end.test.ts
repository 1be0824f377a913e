/** End-to-end sessions over an overlay that delays, and over hops that lie. Whole groups are in `test/stories`. */
import { type Instant, utf8, WallClock } from '@warren/base';
import { type PostQuantumMode, prologue, SessionIndices, Sessions } from '@warren/session';
import { cheapCrypto, SeededRandom, simAuthority, simParty } from '@warren/sim';
import { Inner, PacketType, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { EndToEnd } from './end-to-end.ts';

const UNIX_MS = 1_767_312_000_000;
const HOP_MS = 25;
const STEP_MS = 5;
const STRANGER: PeerKey = 'f'.repeat(40);
const CA = simAuthority(new SeededRandom(1, 'ca'), UNIX_MS, cheapCrypto);

interface Letter {
  readonly from: PeerKey;
  readonly to: PeerKey;
  readonly bytes: Uint8Array;
}

interface Member {
  readonly peer: PeerKey;
  readonly sessions: Sessions;
  readonly endToEnd: EndToEnd;
  readonly sent: Letter[];
  readonly heard: string[];
}

/** Whom the overlay delivers a letter from, or `lost`. */
type Hop = (letter: Letter) => PeerKey | 'lost';

let now: Instant;
let onTheWay: { readonly at: Instant; readonly letter: Letter; readonly source: PeerKey }[];
let members: Map<PeerKey, Member>;
let hop: Hop;

beforeEach(() => {
  now = 0;
  onTheWay = [];
  members = new Map();
  hop = letter => letter.from;
});

describe('end to end', () => {
  test('what waits for post-quantum keys starts no further handshake, and hears when they do not come', () => {
    const [a, b] = [member('a', 'required'), member('b', 'required')];
    hop = ({ from, bytes }) => (bytes[0] === PacketType.DATA && bytes.length > 400 ? 'lost' : from);
    run(30_000, () => say(a, b, 'soon'));
    expect(a.sent.filter(({ bytes }) => bytes[0] === PacketType.HS1)).toHaveLength(1);
    expect(a.sessions.identity(b.peer)).toBeDefined();
    run(20_000);
    expect(a.sessions.identity(b.peer)).toBeUndefined();
    expect(b.heard).toEqual([]);
  });

  test('a hop that names another source moves neither the upgrade of keys nor rekeys to there', () => {
    const [a, b] = [member('a', 'required'), member('b', 'required')];
    const wrong = new Set<string>();
    // One genuine datagram of each kind and direction comes with somebody else's name.
    hop = ({ from, bytes }) => {
      const kind = `${from} ${bytes[0]} ${bytes.length}`;
      if (bytes[0] === PacketType.HS1 || wrong.has(kind)) return from;
      wrong.add(kind);
      return STRANGER;
    };
    say(a, b, 'hello');
    run(2000);
    expect(b.heard).toEqual(['hello']);
    say(b, a, 'hello too');
    run(400_000);
    expect(a.heard).toEqual(['hello too']);
    expect(a.sessions.stats.handshakes).toBeGreaterThan(1);
    expect(wrong.size).toBeGreaterThan(6);
    expect([...a.sent, ...b.sent].filter(({ to }) => to === STRANGER)).toEqual([]);
  });
});

function member(name: string, postQuantum: PostQuantumMode): Member {
  const random = new SeededRandom(1, name);
  const party = simParty(CA, name, random, UNIX_MS);
  const { authority, credentials } = party;
  const peer = peerKey(credentials.leaf.peerId);
  const indices = new SessionIndices<Sessions>(random);
  const sessions = new Sessions({
    ...party,
    ...{ wallClock: new WallClock(UNIX_MS, 0), postQuantum, self: peer, scope: 'end-to-end' },
    indices,
    pathTo: EndToEnd.path,
    prologueFor: (path, role) => {
      const remote = peerIdFromKey(EndToEnd.peer(path)) as Uint8Array;
      const self = credentials.leaf.peerId;
      return prologue(authority.networkKey, role === 'initiator' ? [self, remote] : [remote, self]);
    },
  });
  const sent: Letter[] = [];
  const send = (to: PeerKey, bytes: Uint8Array): void => {
    const letter = { from: peer, to, bytes: bytes.slice() };
    sent.push(letter);
    const source = hop(letter);
    if (source !== 'lost') onTheWay.push({ at: now + HOP_MS, letter, source });
  };
  const endToEnd = new EndToEnd({ sessions, indices, isRefused: false, send, changed: () => {} });
  const made: Member = { peer, sessions, endToEnd, sent, heard: [] };
  members.set(peer, made);
  return made;
}

function say(from: Member, to: Member, text: string): void {
  from.endToEnd.send(to.peer, Inner.MEMBER, utf8(text), now);
}

function run(ms: number, each: () => void = () => {}): void {
  for (const end = now + ms; now < end; now += STEP_MS) {
    each();
    for (const { endToEnd } of members.values()) if ((endToEnd.wakeAt ?? Infinity) <= now) endToEnd.tick(now);
    const due = onTheWay.filter(({ at }) => at <= now);
    onTheWay = onTheWay.filter(({ at }) => at > now);
    for (const { letter, source } of due) {
      const to = members.get(letter.to);
      const message = to?.endToEnd.receive(source, undefined, letter.bytes.slice(), now);
      if (message !== undefined) to?.heard.push(new TextDecoder().decode(message.bytes));
    }
  }
}
