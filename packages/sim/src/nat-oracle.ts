/**
 * Whether two hosts can have a direct path at all, from the lookup keys of the
 * boxes between them alone: what no protocol could do, Warren need not, and
 * what is possible it should. Knows nothing of Warren's code, nor of tables
 * and ports of `nat.ts`; a test lets boxes try everything and compares.
 */
import { familyOf, type SimPlace } from './internet.ts';
import type { NatBehaviour } from './nat-kinds.ts';
import type { SimRouter } from './networks.ts';

/** One of two hosts that would like a direct path. */
export interface Corner extends SimPlace {
  /** Whether it may send from many sockets and to many ports, as Node can and a tab cannot. */
  readonly canGuess: boolean;
}

/** The boxes that a host's datagrams go through. */
type Chain = readonly NatBehaviour[];

/**
 * Whether a datagram of one and the answer to where it came from can both get through, by UDP or WebRTC.
 *
 * Both know of each other the own addresses and what a server on the Internet saw, and may send as often as they like;
 * sending never closes anything, so what is possible at all is possible after both have sent to all that they know.
 *
 * 1. Neither mapping depends on the remote: each knows the other's outer endpoint, and sends there first, which opens
 *    its own filter for precisely that endpoint. Always possible.
 * 2. One depends (X), the other does not (Y). Y does not know X's port. X sends to Y, and gets in if Y's filter asks
 *    for no port: Y has sent to X's address. Y answers to what it saw, which X's filter knows. If Y's filter asks for
 *    the port, Y has to send to it unseen: by the step of X's ports, or by chance (256 sockets of X against some 1,024
 *    ports tried by Y meet with 98 %), for which both must be able to guess.
 * 3. Both depend: a datagram has to come from an unknown port to an unknown port, so there are the square of as many
 *    pairs to guess from; we call that impossible. But one whose boxes filter nothing from the one on that depends
 *    on the remote (X) is reached at the endpoint that the server saw, and answers from another, which is let in where
 *    Y's filter asks for no port.
 *
 * Behind a common router, addresses that a server saw lead there only if the outermost one hairpins (RFC 4787, REQ-9);
 * one host right in the network above the other's routers is an open host to it.
 */
export function directPathPossible(a: Corner, b: Corner): boolean {
  return ([4, 6] as const).some(family => {
    const address = [a, b].map(({ addresses }) => addresses.find(each => familyOf(each) === family));
    const [ofA, ofB] = address;
    return ofA !== undefined && ofB !== undefined && isPossibleAt(a, b, ofA);
  });
}

/** The same in the family of `address`. */
function isPossibleAt(a: Corner, b: Corner, address: string): boolean {
  const [aboveA, aboveB] = [a.network.routersAbove, b.network.routersAbove];
  const shared = aboveA.filter(router => aboveB.includes(router));
  const [belowA, belowB] = [below(aboveA, shared), below(aboveB, shared)];
  const isNeighbour = belowA.length === 0 || belowB.length === 0;
  const isTranslated = [...belowA, ...belowB].some(router => router.box(address)?.behaviour.translates !== 'none');
  const outermost = shared.at(-1)?.box(address)?.behaviour;
  // By what they are called where their ways part, which they know, or by what they are called outside.
  if (outermost === undefined || isNeighbour || !isTranslated) return meet(belowA, belowB, a, b, address);
  return outermost.hairpin && meet(aboveA, aboveB, a, b, address);
}

type Way = readonly SimRouter[];

function below(above: Way, shared: Way): Way {
  return above.slice(0, above.length - shared.length);
}

function meet(wayA: Way, wayB: Way, a: Corner, b: Corner, address: string): boolean {
  const [x, y] = [chainOf(wayA, address), chainOf(wayB, address)];
  if (x === undefined || y === undefined) return false;
  const mayGuess = a.canGuess && b.canGuess && !(x.some(isDependent) && y.some(isDependent));
  return isReached(x, y) || isReached(y, x) || mayGuess;
}

/** Whether `from` gets in at `to`, and the answer back, without guesses. */
function isReached(from: Chain, to: Chain): boolean {
  const isSourceKnown = !from.some(isDependent);
  const letsIn = (box: NatBehaviour): boolean => isSourceKnown || !asksForPort(box);
  const first = to.findIndex(isDependent);
  if (first < 0) return to.every(letsIn);
  // Outside of the first such box, what was sent to us has opened nothing at the endpoint that the server saw.
  const isOpen = to.every((box, i) => (i < first ? letsIn(box) : isUnfiltered(box)));
  return isOpen && !from.some(asksForPort);
}

/** Whether its outer endpoint differs from one remote to another: what a server saw is not what a peer gets. */
function isDependent({ mapping }: NatBehaviour): boolean {
  return mapping !== 'endpoint-independent';
}

function isUnfiltered({ filtering }: NatBehaviour): boolean {
  return filtering === 'endpoint-independent';
}

/** Whether only those ports of the remote may come in that something was sent to. */
function asksForPort({ filtering }: NatBehaviour): boolean {
  return filtering === 'address-and-port-dependent';
}

/** `undefined`: UDP does not pass. */
function chainOf(way: Way, address: string): Chain | undefined {
  const boxes = way.flatMap(router => (router.kind.udp ? (router.box(address)?.behaviour ?? []) : []));
  return boxes.length === way.length ? boxes : undefined;
}
