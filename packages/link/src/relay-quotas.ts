/**
 * How much strangers may have relayed: open relays are abused, so each pair
 * gets what setting up a better way takes, and not what watching films takes.
 * The numbers are go-libp2p's for its circuits (p2p/protocol/circuitv2/relay,
 * `resources.go`: DefaultResources and DefaultLimit), which js-libp2p shares.
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** A circuit, that is a pair, ends after that; then another may begin. */
export const CIRCUIT_MS = 120_000;
/** Bytes of datagrams on a circuit in each direction. */
export const CIRCUIT_BYTES = 131_072;
/** Circuits of one peer at once. */
export const CIRCUITS_PER_PEER = 16;
/** Circuits of all at once. */
export const CIRCUITS_MAX = 128;

interface Circuit {
  readonly ends: readonly [PeerKey, PeerKey];
  readonly endsAt: Instant;
  /** What may yet go from the first of `ends` to the second, and back. */
  readonly left: [number, number];
}

/** The circuits of one relay. */
export class RelayQuotas {
  private readonly circuits = new Map<string, Circuit>();

  get size(): number {
    return this.circuits.size;
  }

  /** Takes `bytes` of what the pair may send this way; false when that is used up, or when there are too many pairs. */
  take(from: PeerKey, to: PeerKey, bytes: number, now: Instant): boolean {
    const circuit = this.circuit(from, to, now);
    if (circuit === undefined) return false;
    const way = circuit.ends[0] === from ? 0 : 1;
    if (circuit.left[way] < bytes) return false;
    circuit.left[way] -= bytes;
    return true;
  }

  private circuit(from: PeerKey, to: PeerKey, now: Instant): Circuit | undefined {
    const name = from < to ? `${from}|${to}` : `${to}|${from}`;
    const known = this.circuits.get(name);
    if (known !== undefined && now < known.endsAt) return known;
    for (const [each, { endsAt }] of this.circuits) if (now >= endsAt) this.circuits.delete(each);
    if (this.circuits.size >= CIRCUITS_MAX || this.isBusy(from) || this.isBusy(to)) return undefined;
    const circuit: Circuit = { ends: [from, to], endsAt: now + CIRCUIT_MS, left: [CIRCUIT_BYTES, CIRCUIT_BYTES] };
    this.circuits.set(name, circuit);
    return circuit;
  }

  private isBusy(peer: PeerKey): boolean {
    let count = 0;
    for (const { ends } of this.circuits.values()) if (ends.includes(peer)) count++;
    return count >= CIRCUITS_PER_PEER;
  }
}
