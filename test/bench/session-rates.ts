/**
 * How fast handshakes, sealing and opening are on one core, with the real
 * session layer. Runs in Node and in a page alike: no I/O, and no clock but
 * `performance`.
 */
import { fromHex, type Random, WallClock } from '@warren/base';
import type { AeadKey, NoiseSuite } from '@warren/noise';
import { prologue, SessionIndices, Sessions, Transport } from '@warren/session';
import { Authority, type Credentials, decodeStatement, readLeaf, type Verifier } from '@warren/trust';
import { DATA_HEADER_BYTES, PacketType, peerKey, SEAL_OVERHEAD_BYTES, TAG_BYTES } from '@warren/wire';

/** A participant as text, so that it can go into a page: all in hexadecimal. */
export interface EndText {
  /** DER, self-signed. */
  readonly leaf: string;
  /** 113 bytes. */
  readonly statement: string;
  readonly noiseSecret: string;
}

/** What is measured. */
export interface Crypto {
  readonly suite: NoiseSuite;
  readonly verifier: Verifier;
}

/** Both sides' work is in one handshake here: a machine that has one side does twice as many. */
export interface HandshakeRates {
  /** With strangers: all signatures are checked. */
  readonly coldPerSecond: number;
  /** With the same peer again, as in a rekey: certificate and statement are known. */
  readonly warmPerSecond: number;
}

/** Megabits of plaintext a second, in datagrams of one size. */
export interface SealRates {
  readonly sealMbps: number;
  readonly openMbps: number;
  /** The same key called directly, in turn with the above. */
  readonly rawSealMbps: number;
  readonly rawOpenMbps: number;
  /** Share of the plain key's speed, within a round: what else runs on the machine hits both alike. */
  readonly sealToRaw: number;
  readonly openToRaw: number;
}

interface End {
  readonly sessions: Sessions;
  readonly inbox: Uint8Array[];
}

const PATH = 'udp/192.0.2.1:4000';
const ROUNDS = 250;
/** Rounds before those that count: compilers and memory settle. */
const WARM_UP = 50;
/** Handshakes in one go. */
const BATCH = 10;
/** Time goes on by this between handshakes of one pair: faster ones look like a flood. */
const PAUSE_MS = 1_000;

/** Does handshakes for `ms` of each kind. `startUnixMs` is a date when both certificates are valid, and stay so for hours. */
export function handshakeRates(
  crypto: Crypto,
  texts: readonly [EndText, EndText],
  startUnixMs: number,
  random: Random,
  ms: number,
): HandshakeRates {
  const ends = () => texts.map(text => newEnd(crypto, text, startUnixMs, random)) as [End, End];
  const known = ends();
  let now = 0;
  const again = (): void => {
    now += PAUSE_MS;
    handshake(known, now);
  };
  return {
    warmPerSecond: rate(() => Array<() => void>(BATCH).fill(again), ms),
    coldPerSecond: rate(() => Array.from({ length: BATCH }, ends).map(pair => () => handshake(pair, 0)), ms),
  };
}

/** Seals and opens `count` datagrams of `bytes` in each of some rounds; the medians. */
export function sealRates({ suite }: Pick<Crypto, 'suite'>, random: Random, bytes: number, count: number): SealRates {
  const [send, receive] = [random.bytes(32), random.bytes(32)];
  const key = suite.aead.key(send);
  const plaintext = random.bytes(bytes);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const transport = () => new Transport({ suite, send, receive, localIndex: 1, remoteIndex: 2 });
    const [a, again] = [transport(), transport()];
    const b = new Transport({ suite, send: receive, receive: send, localIndex: 2, remoteIndex: 1 });
    // As when sending: nobody keeps a datagram that is out.
    const sealMs = timed(count, () => a.seal(PacketType.DATA, 0, plaintext) ?? missed());
    const sealed = Array.from({ length: count }, () => again.seal(PacketType.DATA, 0, plaintext));
    const openMs = timed(count, i => b.open(sealed[i] as Uint8Array) ?? missed());
    return { sealMs, openMs, ...rawMs(key, plaintext, count) };
  });
  const mbps = (ms: number): number => (count * bytes * 8) / (ms * 1_000);
  const counted = rounds.slice(WARM_UP);
  const middle = (of: (round: (typeof rounds)[number]) => number): number => mbps(median(counted.map(of)));
  return {
    sealMbps: middle(round => round.sealMs),
    openMbps: middle(round => round.openMs),
    rawSealMbps: middle(round => round.rawSealMs),
    rawOpenMbps: middle(round => round.rawOpenMs),
    sealToRaw: median(counted.map(round => round.rawSealMs / round.sealMs)),
    openToRaw: median(counted.map(round => round.rawOpenMs / round.openMs)),
  };
}

/** The key alone, on datagrams that lie one behind the other as they do in a transport. */
function rawMs(key: AeadKey, plaintext: Uint8Array, count: number): { rawSealMs: number; rawOpenMs: number } {
  const [nonce, aad] = [new Uint8Array(12), new Uint8Array(13)];
  const datagrams = Array.from({ length: count }, () => new Uint8Array(plaintext.length + SEAL_OVERHEAD_BYTES));
  const room = datagrams.map(datagram => datagram.subarray(DATA_HEADER_BYTES));
  const opened = room.map(sealed => sealed.subarray(0, sealed.length - TAG_BYTES));
  const rawSealMs = timed(count, i => key.seal(nonce, aad, plaintext, room[i] as Uint8Array));
  const rawOpenMs = timed(count, i => key.open(nonce, aad, room[i] as Uint8Array, opened[i] as Uint8Array) || missed());
  return { rawSealMs, rawOpenMs };
}

function newEnd({ suite, verifier }: Crypto, text: EndText, startUnixMs: number, random: Random): End {
  const credentials = credentialsOf(text, suite);
  const authority = Authority.public({ verifier });
  const bound = prologue(authority.networkKey, []);
  const sessions = new Sessions({
    suite,
    authority,
    credentials,
    random,
    wallClock: new WallClock(startUnixMs, 0),
    indices: new SessionIndices<Sessions>(random),
    self: peerKey(credentials.leaf.peerId),
    prologueFor: () => bound,
  });
  return { sessions, inbox: [] };
}

function credentialsOf({ leaf: der, statement: text, noiseSecret }: EndText, suite: NoiseSuite): Credentials {
  const leaf = readLeaf(bytesOf(der));
  const statement = decodeStatement(bytesOf(text));
  if (typeof leaf === 'string' || statement === undefined) throw new Error('a participant of the benchmark is valid');
  const secret = bytesOf(noiseSecret);
  const signing = { secret: new Uint8Array(32), public: statement.workingKey };
  return { leaf, statement, keys: { noise: { secret, public: suite.publicKey(secret) }, signing } };
}

/** One handshake from HS1 to the first datagram under the new keys. */
function handshake([a, b]: readonly [End, End], now: number): void {
  const before = a.sessions.stats.handshakes + b.sessions.stats.handshakes;
  for (const end of [a, b]) end.sessions.tick(now);
  a.sessions.connect(undefined, [PATH], now);
  while (flush(a, b) + flush(b, a) > 0) {
    for (const end of [a, b]) for (const bytes of end.inbox.splice(0)) end.sessions.receive(PATH, bytes, now);
  }
  if (a.sessions.stats.handshakes + b.sessions.stats.handshakes !== before + 2) missed();
}

/** Hands over what one end sends; how much that was. */
function flush({ sessions }: End, { inbox }: End): number {
  let count = 0;
  for (let out = sessions.poll(); out !== undefined; out = sessions.poll()) {
    if (out.kind !== 'send') continue;
    inbox.push(out.bytes);
    count++;
  }
  return count;
}

/**
 * How often a second something can be done: the best of many batches, in which others disturbed least. What `prepare`
 * does is not counted. Goes on for `ms`.
 */
function rate(prepare: () => readonly (() => void)[], ms: number): number {
  const endsAt = performance.now() + ms;
  let best = 0;
  do {
    const runs = prepare();
    const tookMs = timed(runs.length, i => runs[i]?.());
    best = Math.max(best, (runs.length * 1_000) / tookMs);
  } while (performance.now() < endsAt);
  return best;
}

function timed(count: number, run: (i: number) => void): number {
  const startedAt = performance.now();
  for (let i = 0; i < count; i++) run(i);
  return performance.now() - startedAt;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

function missed(): never {
  throw new Error('what is measured did not work');
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? missed();
}
