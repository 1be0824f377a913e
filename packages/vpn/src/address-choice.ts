/**
 * Which addresses a member tries, in which order: the preferred one, then all others of the subnet in an order that
 * the peer id gives, so that the same member comes to the same address again, and two members that collide once part.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, utf8 } from '@warren/base';
import { Reader } from '@warren/wire';
import { assignableAt, assignableCount, isAssignable, type Subnet } from './subnet.ts';

/** An endless walk over the assignable addresses of a subnet; each comes once before any comes again. */
export class AddressChoice {
  private readonly subnet: Subnet;
  private readonly stride: number;
  private index: number;
  private preferred: number | undefined;

  /** `preferred` is ignored unless it is assignable. */
  constructor(subnet: Subnet, self: Uint8Array, preferred: number | undefined) {
    const count = assignableCount(subnet);
    const seed = new Reader(sha256(concat(utf8('warren-address/1'), self)));
    this.subnet = subnet;
    this.index = seed.u48() % count;
    this.stride = coprime(1 + (seed.u48() % count), count);
    this.preferred = preferred !== undefined && isAssignable(subnet, preferred) ? preferred : undefined;
  }

  /** The next address to try. */
  next(): number {
    const preferred = this.preferred;
    this.preferred = undefined;
    if (preferred !== undefined) return preferred;
    const address = assignableAt(this.subnet, this.index);
    this.index = (this.index + this.stride) % assignableCount(this.subnet);
    return address;
  }
}

/** The first number from `from` upwards that shares no factor with `count`: steps of it visit all of `count` places. */
function coprime(from: number, count: number): number {
  let stride = from;
  while (greatestCommonDivisor(stride, count) !== 1) stride++;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
