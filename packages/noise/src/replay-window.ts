/**
 * Which packet counters of one key have been seen (RFC 4303 section 3.4.3, as
 * a ring of bits). Ask `check` before decrypting, `accept` only after the tag
 * proved valid: else forged counters could push the window forward.
 */

/** How far behind the highest counter a packet may come. Wireguard and Nebula take the same. */
export const REPLAY_WINDOW = 8_192;

/** Remembers the last 8,192 counters. Counters are whole numbers from 0 to 2^53 - 1. */
export class ReplayWindow {
  private readonly bits = new Uint32Array(REPLAY_WINDOW / 32);
  private top = -1;

  /** The highest counter accepted; -1 before the first. */
  get highest(): number {
    return this.top;
  }

  /** Whether `counter` is neither seen nor too old. Changes nothing. */
  check(counter: number): boolean {
    if (!Number.isSafeInteger(counter) || counter < 0) return false;
    if (counter > this.top) return true;
    if (counter <= this.top - REPLAY_WINDOW) return false;
    return !this.has(counter % REPLAY_WINDOW);
  }

  /** Marks `counter` as seen; false, and nothing changes, where `check` says false. */
  accept(counter: number): boolean {
    if (!this.check(counter)) return false;
    this.advance(counter);
    const at = counter % REPLAY_WINDOW;
    this.bits[at >>> 5] = (this.bits[at >>> 5] as number) | (1 << (at & 31));
    return true;
  }

  /** Moves the window up to `counter`: the places between stood for counters that are too old now. */
  private advance(counter: number): void {
    if (counter - this.top >= REPLAY_WINDOW) this.bits.fill(0);
    else {
      for (let between = this.top + 1; between <= counter; between++) {
        const at = between % REPLAY_WINDOW;
        this.bits[at >>> 5] = (this.bits[at >>> 5] as number) & ~(1 << (at & 31));
      }
    }
    this.top = Math.max(this.top, counter);
  }

  private has(at: number): boolean {
    return (((this.bits[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
  }
}
