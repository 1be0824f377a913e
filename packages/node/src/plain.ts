/** Buffers of Node's libraries as what the core expects. */

/** A plain `Uint8Array` over the bytes of a Buffer, whose own `slice` would be a view and not a copy. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
