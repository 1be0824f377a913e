/**
 * For tests only: two peers who call each other at once, and everything that a
 * network may do to their datagrams: any order, some lost, some twice, some
 * repeated by a timer before the first has come. Each run is repeated from the
 * start with other choices until none is left. The clock of an end goes on
 * with what arrives there, so that its state follows from that alone, and two
 * runs in which both ends received the same in the same order are one.
 */
import { concat, type Random, toHex, utf8 } from '@warren/base';
import type { KeyPair, NoiseSuite } from '@warren/noise';
import { type End, type EndOptions, type Letter, Testbed } from './testbed.ts';

/** How much may go wrong in one run. */
export interface Mishaps {
  readonly losses: number;
  readonly duplicates: number;
  /** Times that a timer rings at one end while datagrams are on their way. */
  readonly alarms: number;
}

/** How a run began: everything else arrives undisturbed afterwards. */
export interface Run {
  readonly bed: Testbed;
  readonly ends: readonly [End, End];
  /** What was done, as text. */
  readonly story: string;
}

interface Choice {
  readonly kind: 'deliver' | 'lose' | 'duplicate' | 'alarm';
  /** Index of a letter on its way, or of the end whose timer rings. */
  readonly nth: number;
}

/** Milliseconds that pass at an end with each datagram. */
const STEP_MS = 7;
/** Timers that ring while datagrams are on their way repeat some; those of rekeys and time-outs are far off. */
const ALARM_WITHIN_MS = 3000;

/** Calls `check` once for every way in which the first `depth` datagrams may fare; returns how many there were. */
export function explore(
  optionsOf: (name: 'a' | 'b') => EndOptions,
  mishaps: Mishaps,
  depth: number,
  check: (run: Run) => void,
): number {
  const seen = new Set<string>();
  const open: Choice[][] = [[]];
  let runs = 0;
  for (let begun = open.pop(); begun !== undefined; begun = open.pop()) {
    const world = new World(optionsOf);
    for (const choice of begun) world.apply(choice);
    // Goes on with one choice at once, and comes back for the others.
    for (let done = begun; ; ) {
      const choices = done.length < depth ? world.choices(mishaps) : [];
      const fresh = choices.filter(choice => isNew(seen, world.stateAfter(choice)));
      const [first, ...others] = fresh;
      for (const choice of others) open.push([...done, choice]);
      if (first === undefined) {
        if (choices.length > 0) break;
        runs++;
        check(world.finish());
        break;
      }
      done = [...done, first];
      world.apply(first);
    }
  }
  return runs;
}

function isNew(seen: Set<string>, state: string): boolean {
  const { size } = seen;
  return seen.add(state).size > size;
}

/** One run up to where its choices are made. */
class World {
  private readonly bed = new Testbed();
  private readonly ends: readonly [End, End];
  private readonly clocks: [number, number] = [0, 0];
  private readonly histories: [string, string] = ['', ''];
  private readonly onTheWay: Letter[] = [];
  private readonly names = new Map<string, string>();
  private readonly done = { losses: 0, duplicates: 0, alarms: 0 };
  private lost = '';
  private twice = '';
  private story = '';

  constructor(optionsOf: (name: 'a' | 'b') => EndOptions) {
    this.bed.fate = letter => {
      this.onTheWay.push(letter);
      return [];
    };
    this.ends = [this.bed.add('a', optionsOf('a')), this.bed.add('b', optionsOf('b'))];
    const [a, b] = this.ends;
    this.bed.connect(a, b, 'b/1');
    this.bed.connect(b, a, 'a/1');
  }

  /** What everything that comes after a choice follows from. */
  stateAfter({ kind, nth }: Choice): string {
    const name = kind === 'alarm' ? '!' : this.nameOf(this.onTheWay[nth] as Letter);
    const to = kind === 'alarm' ? nth : this.endOf(this.onTheWay[nth] as Letter);
    const histories = this.histories.map((history, i) => (i === to && kind !== 'lose' ? history + name : history));
    const lost = kind === 'lose' ? this.lost + name : this.lost;
    const twice = kind === 'duplicate' ? this.twice + name : this.twice;
    return [...histories, lost, twice].join('|');
  }

  /** All that may happen next; what two equal letters allow is one. */
  choices(mishaps: Mishaps): Choice[] {
    if (this.onTheWay.length === 0) return [];
    const choices: Choice[] = [];
    const known = new Set<string>();
    for (const [nth, letter] of this.onTheWay.entries()) {
      if (known.has(this.nameOf(letter))) continue;
      known.add(this.nameOf(letter));
      choices.push({ kind: 'deliver', nth });
      if (this.done.losses < mishaps.losses) choices.push({ kind: 'lose', nth });
      if (this.done.duplicates < mishaps.duplicates) choices.push({ kind: 'duplicate', nth });
    }
    if (this.done.alarms >= mishaps.alarms) return choices;
    for (const nth of [0, 1] as const) {
      const wakeAt = this.ends[nth].sessions.wakeAt ?? Number.POSITIVE_INFINITY;
      if (wakeAt - this.clocks[nth] < ALARM_WITHIN_MS) choices.push({ kind: 'alarm', nth });
    }
    return choices;
  }

  apply({ kind, nth }: Choice): void {
    this.story += ` ${kind} ${kind === 'alarm' ? this.ends[nth]?.name : this.nameOf(this.onTheWay[nth] as Letter)};`;
    if (kind === 'alarm') {
      this.ring(nth as 0 | 1);
      return;
    }
    const letter = this.onTheWay[nth] as Letter;
    if (kind === 'duplicate') {
      this.done.duplicates++;
      this.twice += this.nameOf(letter);
    } else this.onTheWay.splice(nth, 1);
    if (kind === 'lose') {
      this.done.losses++;
      this.lost += this.nameOf(letter);
    } else this.deliver(letter);
  }

  /** Lets the rest arrive in order, and time pass. */
  finish(): Run {
    this.bed.now = Math.max(...this.clocks);
    const rest = this.onTheWay.splice(0);
    this.bed.fate = () => [10];
    for (const letter of rest) this.bed.at(this.bed.now + 10, () => this.bed.deliver(letter));
    return { bed: this.bed, ends: this.ends, story: this.story };
  }

  private deliver(letter: Letter): void {
    const nth = this.endOf(letter);
    this.histories[nth] += this.nameOf(letter);
    this.clocks[nth] += STEP_MS;
    this.bed.now = this.clocks[nth];
    this.bed.deliver(letter);
  }

  private endOf({ to }: Letter): 0 | 1 {
    return to === 'a' ? 0 : 1;
  }

  private ring(nth: 0 | 1): void {
    const { sessions } = this.ends[nth];
    this.done.alarms++;
    this.histories[nth] += '!';
    this.clocks[nth] = Math.max(this.clocks[nth], sessions.wakeAt ?? 0);
    this.bed.now = this.clocks[nth];
    sessions.tick(this.bed.now);
    this.bed.drain(this.ends[nth]);
  }

  /** Short and the same for the same bytes: sender, kind and a number. */
  private nameOf({ from, bytes }: Letter): string {
    const key = toHex(bytes);
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const kind = (bytes[0] as number).toString(16);
    const name = `${from}${kind}.${[...this.names.values()].filter(other => other.startsWith(from + kind)).length} `;
    this.names.set(key, name);
    return name;
  }
}

/** What is wrong after a run: nothing, where both ends have one session, agree on it, and data flows both ways. */
export function faultOf({ bed, ends: [a, b], story }: Run): string | undefined {
  if (!bed.runUntil(() => a.established.length > 0 && b.established.length > 0, 10_000)) return `no session:${story}`;
  // A lost confirmation comes again by then, and with it the last word on which keys there are.
  bed.run(3000);
  for (let i = 0; i < 2; i++) {
    bed.say(a, b, 'b/1', utf8('hello'));
    bed.run(20);
    bed.say(b, a, 'a/1', utf8('hello'));
    bed.run(20);
  }
  if (bed.heard(a, b).length !== 2 || bed.heard(b, a).length !== 2) return `data lost:${story}`;
  const [ours, theirs] = [current(a, b), current(b, a)];
  const agree = ours?.localIndex === theirs?.remoteIndex && ours?.remoteIndex === theirs?.localIndex;
  return agree ? undefined : `two sessions:${story}`;
}

type Indices = { readonly localIndex: number; readonly remoteIndex: number };

/** The session under which an end sends. */
function current({ sessions }: End, other: End): Indices | undefined {
  type Inside = { keyring: { peers: Map<string, { current: { transport: Indices } }> } };
  return (sessions as unknown as Inside).keyring.peers.get(other.peer)?.current.transport;
}

/** A suite in which agreement is a look-up: secrets of all public keys made or named here are known. */
export function cheapSuite(base: NoiseSuite, known: readonly KeyPair[]): NoiseSuite {
  const secrets = new Map(known.map(pair => [toHex(pair.public), pair.secret]));
  return {
    ...base,
    generateKeyPair: (random: Random) => {
      const secret = random.bytes(32);
      const pair = { secret, public: base.hash(secret) };
      secrets.set(toHex(pair.public), secret.slice());
      return pair;
    },
    agree: (secret, remotePublic) => {
      const remote = secrets.get(toHex(remotePublic));
      if (remote === undefined) return undefined;
      return base.hash(toHex(secret) < toHex(remote) ? concat(secret, remote) : concat(remote, secret));
    },
  };
}
