/**
 * What a group's CA lets a device do for others, in an extension of its leaf.
 * The extension is not critical: it only ever grants, so that a participant (or
 * any other X.509 program) that does not know it sees a device without rights,
 * and that is safe. Without the extension a device has none.
 *
 * ```text
 * WarrenRights ::= BIT STRING { relay (0), gateway (1), router (2) }
 * ```
 * A named-bit list: DER leaves trailing zero bits out (X.690 section 11.2.2).
 */
import { toHex } from '@warren/base';

/** What a device may do: pass on others' traffic, hand it to the Internet, hand it to a network behind. In bit order. */
export const RIGHTS = ['relay', 'gateway', 'router'] as const;

/** One thing that a device may do for others. */
export type Right = (typeof RIGHTS)[number];

const BIT_STRING = 0x03;

/** The rights as a DER BIT STRING, 3 or 4 bytes. */
export function encodeRights(rights: readonly Right[]): Uint8Array {
  const bits = RIGHTS.reduce((sum, right, i) => (rights.includes(right) ? sum | (0x80 >> i) : sum), 0);
  if (bits === 0) return Uint8Array.of(BIT_STRING, 1, 0);
  let unused = 0;
  while (((bits >> unused) & 1) === 0) unused++;
  return Uint8Array.of(BIT_STRING, 2, unused, bits);
}

/** Every value that `encodeRights` can give, with what it means: reading is looking up, so that nothing lenient is left. */
const KNOWN: ReadonlyMap<string, readonly Right[]> = new Map(
  Array.from({ length: 1 << RIGHTS.length }, (_, set) => {
    const rights = RIGHTS.filter((_right, i) => (set & (1 << i)) !== 0);
    return [toHex(encodeRights(rights)), rights];
  }),
);

/** Reads the value of the extension; `undefined` for anything but DER of known rights. */
export function readRights(value: Uint8Array): readonly Right[] | undefined {
  return KNOWN.get(toHex(value));
}
