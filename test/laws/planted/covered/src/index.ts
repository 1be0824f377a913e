/** A planted package for `all-decoders.test.ts`: one decoder under laws, one other export. */

/** Decodes one byte below 128; `undefined` for all else. */
export function decodeSmall(bytes: Uint8Array): number | undefined {
  const [value] = bytes;
  return bytes.length === 1 && value !== undefined && value < 128 ? value : undefined;
}

/** Encodes one byte. */
export function encodeSmall(value: number): Uint8Array {
  return Uint8Array.of(value);
}
