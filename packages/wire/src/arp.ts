/**
 * ARP for IPv4 over Ethernet: who has this address? Not here: other hardware and protocol types, reverse ARP.
 * Source: RFC 826; probes and announcements: RFC 5227.
 *
 *  0       2       4   5   6       8          14      18         24      28
 * +-------+-------+---+---+-------+----------+-------+----------+-------+
 * | hw 1  | 0x0800| 6 | 4 |  op   |sender MAC| s. IP |target MAC| t. IP |
 * +-------+-------+---+---+-------+----------+-------+----------+-------+
 */
import { Reader, Writer } from './reader.ts';

/** Length of a message; frames may be padded behind it. */
export const ARP_BYTES = 28;

const HARDWARE_ETHERNET = 1;
const PROTOCOL_IPV4 = 0x0800;
const OPERATIONS = { request: 1, reply: 2 } as const;

export interface ArpMessage {
  readonly operation: 'request' | 'reply';
  /** 6 bytes. */
  readonly senderMac: Uint8Array;
  /** IPv4 address as a number; 0 in a probe. */
  readonly senderAddress: number;
  /** 6 bytes; zeros in a request. */
  readonly targetMac: Uint8Array;
  /** IPv4 address as a number. */
  readonly targetAddress: number;
}

/** Encodes 28 bytes. */
export function encodeArp(message: ArpMessage): Uint8Array {
  const writer = new Writer(ARP_BYTES).u16(HARDWARE_ETHERNET).u16(PROTOCOL_IPV4).u8(6).u8(4);
  writer.u16(OPERATIONS[message.operation]);
  writer.put(message.senderMac).u32(message.senderAddress);
  return writer.put(message.targetMac).u32(message.targetAddress).done();
}

/** Decodes the first 28 bytes; `undefined` for other hardware, protocols or operations. Padding is ignored. */
export function decodeArp(bytes: Uint8Array): ArpMessage | undefined {
  const reader = new Reader(bytes);
  const hardware = reader.u16();
  const protocol = reader.u16();
  const lengths = reader.u16();
  const operation = reader.u16();
  const senderMac = reader.take(6);
  const senderAddress = reader.u32();
  const targetMac = reader.take(6);
  const targetAddress = reader.u32();
  if (reader.failed || hardware !== HARDWARE_ETHERNET || protocol !== PROTOCOL_IPV4 || lengths !== 0x0604) return;
  if (operation !== OPERATIONS.request && operation !== OPERATIONS.reply) return;
  const name = operation === OPERATIONS.request ? 'request' : 'reply';
  return { operation: name, senderMac, senderAddress, targetMac, targetAddress };
}
