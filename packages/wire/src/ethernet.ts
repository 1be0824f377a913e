/**
 * Ethernet II frames as a TAP device gives and takes them: no preamble, no checksum.
 * Not here: VLAN tags, which are an EtherType like any other. Source: IEEE 802.3, 3.2.
 *
 *  0                   6                   12      14
 * +-------------------+-------------------+-------+---------------
 * |  destination MAC  |    source MAC     | type  |  payload ...
 * +-------------------+-------------------+-------+---------------
 *
 * `encodeEthernet` and `decodeEthernet` copy; the data path uses the offsets in place.
 */
import { Reader, Writer } from './reader.ts';

/** Where the payload begins. */
export const ETHERNET_HEADER_BYTES = 14;

/** Length of a MAC address. */
export const MAC_ADDRESS_BYTES = 6;

/** Offsets of the fields, for reading in place. */
export const EthernetOffset = { destination: 0, source: 6, type: 12, payload: ETHERNET_HEADER_BYTES } as const;

/** EtherTypes that we know (IEEE registry). */
export const EtherType = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;

/** The smallest EtherType; smaller values are 802.3 lengths, which are not Ethernet II. */
const LEAST_TYPE = 0x0600;

export interface EthernetFrame {
  /** 6 bytes. */
  readonly destination: Uint8Array;
  /** 6 bytes. */
  readonly source: Uint8Array;
  /** 0x0600-0xffff. */
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Encodes a frame of 14 bytes and the payload; it is not padded to 60. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const writer = new Writer(ETHERNET_HEADER_BYTES + frame.payload.length);
  return writer.put(frame.destination).put(frame.source).u16(frame.type).put(frame.payload).done();
}

/** Decodes a frame; `undefined` when it is shorter than its header or not Ethernet II. */
export function decodeEthernet(bytes: Uint8Array): EthernetFrame | undefined {
  const reader = new Reader(bytes);
  const destination = reader.take(MAC_ADDRESS_BYTES);
  const source = reader.take(MAC_ADDRESS_BYTES);
  const type = reader.u16();
  const payload = reader.rest();
  if (reader.failed || type < LEAST_TYPE) return undefined;
  return { destination, source, type, payload };
}

/** The EtherType of a frame, read in place; `undefined` when the frame is shorter than its header. */
export function etherTypeOf(frame: Uint8Array): number | undefined {
  if (frame.length < ETHERNET_HEADER_BYTES) return undefined;
  return ((frame[EthernetOffset.type] as number) << 8) | (frame[EthernetOffset.type + 1] as number);
}

/** Whether a frame of at least 1 byte goes to a group of stations: multicast or broadcast. */
export function isGroupFrame(frame: Uint8Array): boolean {
  return ((frame[EthernetOffset.destination] ?? 0) & 1) === 1;
}
