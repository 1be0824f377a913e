/**
 * All ids that a peer can reach within two hops, in the order of the ring, each
 * once for every link that leads there. Typed arrays in one buffer: 30 bytes an
 * entry, found by halving. Not here: which of them to choose (`next-hop.ts`).
 *
 * ```text
 * at  Float64 x capacity    the id as a fraction of the ring
 * via Uint16  x capacity    slot of the link; ONWARD set where the link's other end is linked to the id, clear where it is the id
 * ids 20 bytes x capacity   entries of one id lie together: its own link first, then the others by slot
 * ```
 */
import { sameBytes } from '@warren/base';
import { fraction, PEER_ID_BYTES, type PeerId } from '@warren/wire';

/** Set in `via` where one more hop follows. */
export const ONWARD = 0x8000;
/** Links have slots below this. */
export const SLOTS_MAX = ONWARD;
const ENTRY_BYTES = 8 + 2 + PEER_ID_BYTES;
const LEAST_CAPACITY = 16;

/** Ids in ring order, with the links that lead to them. */
export class Places {
  /** Entries in use. */
  count = 0;
  at: Float64Array;
  via: Uint16Array;
  private ids: Uint8Array;
  private capacity = LEAST_CAPACITY;

  constructor() {
    const { at, via, ids } = parts(this.capacity);
    this.at = at;
    this.via = via;
    this.ids = ids;
  }

  /** Adds one way to an id; false when it is there already. */
  add(id: PeerId, via: number): boolean {
    let i = this.firstFrom(id);
    while (i < this.count && (this.via[i] as number) < via && this.isAt(i, id)) i++;
    if (i < this.count && this.via[i] === via && this.isAt(i, id)) return false;
    if (this.count === this.capacity) this.grow();
    this.at.copyWithin(i + 1, i, this.count);
    this.via.copyWithin(i + 1, i, this.count);
    this.ids.copyWithin((i + 1) * PEER_ID_BYTES, i * PEER_ID_BYTES, this.count * PEER_ID_BYTES);
    this.at[i] = fraction(id);
    this.via[i] = via;
    // Byte by byte: `set` would give every small array a buffer object of its own.
    for (let k = 0, to = i * PEER_ID_BYTES; k < PEER_ID_BYTES; k++) this.ids[to + k] = id[k] as number;
    this.count++;
    return true;
  }

  /** Removes all entries with this `via` whose id is none of `kept`; tells how many. */
  retain(via: number, kept: readonly PeerId[]): number {
    const keptAt = kept.map(fraction);
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      if (this.via[i] === via && !this.isAmong(i, kept, keptAt)) continue;
      if (end < i) this.move(i, end);
      end++;
    }
    const removed = this.count - end;
    this.count = end;
    return removed;
  }

  /** The first entry at or after an id; `count` when there is none before the ring's end. */
  firstFrom(id: PeerId): number {
    const at = fraction(id);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.at[middle] as number;
      if (other < at || (other === at && this.compare(middle, id) < 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** One past the last entry of the same id. */
  groupEnd(i: number): number {
    let end = i + 1;
    while (end < this.count && this.isTwin(i, end)) end++;
    return end;
  }

  /** The first entry of the same id. */
  groupStart(i: number): number {
    let start = i;
    while (start > 0 && this.isTwin(i, start - 1)) start--;
    return start;
  }

  /** Whether entry `i` is of this id. */
  isAt(i: number, id: PeerId): boolean {
    return this.compare(i, id) === 0;
  }

  /** A copy of the id of entry `i`. */
  idAt(i: number): PeerId {
    return this.ids.slice(i * PEER_ID_BYTES, (i + 1) * PEER_ID_BYTES);
  }

  private compare(i: number, id: PeerId): number {
    const from = i * PEER_ID_BYTES;
    for (let k = 0; k < PEER_ID_BYTES; k++) {
      const difference = (this.ids[from + k] as number) - (id[k] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  private isTwin(i: number, k: number): boolean {
    if (this.at[i] !== this.at[k]) return false;
    const [a, b] = [i * PEER_ID_BYTES, k * PEER_ID_BYTES];
    return sameBytes(this.ids.subarray(a, a + PEER_ID_BYTES), this.ids.subarray(b, b + PEER_ID_BYTES));
  }

  private isAmong(i: number, ids: readonly PeerId[], at: readonly number[]): boolean {
    for (let k = 0; k < ids.length; k++) if (at[k] === this.at[i] && this.isAt(i, ids[k] as PeerId)) return true;
    return false;
  }

  private move(from: number, to: number): void {
    this.at[to] = this.at[from] as number;
    this.via[to] = this.via[from] as number;
    this.ids.copyWithin(to * PEER_ID_BYTES, from * PEER_ID_BYTES, (from + 1) * PEER_ID_BYTES);
  }

  /** By a quarter: most peers settle at some hundred entries, and a simulator holds many peers. */
  private grow(): void {
    this.capacity += Math.max(LEAST_CAPACITY, this.capacity >> 2);
    const { at, via, ids } = parts(this.capacity);
    at.set(this.at);
    via.set(this.via);
    ids.set(this.ids);
    this.at = at;
    this.via = via;
    this.ids = ids;
  }
}

function parts(capacity: number): { at: Float64Array; via: Uint16Array; ids: Uint8Array } {
  const buffer = new ArrayBuffer(capacity * ENTRY_BYTES);
  const at = new Float64Array(buffer, 0, capacity);
  const via = new Uint16Array(buffer, capacity * 8, capacity);
  return { at, via, ids: new Uint8Array(buffer, capacity * 10, capacity * PEER_ID_BYTES) };
}
