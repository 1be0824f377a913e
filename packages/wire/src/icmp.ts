/**
 * ICMP echo: ping and its answer. Other ICMP messages pass through the VPN unread. Source: RFC 792, page 14.
 *
 *  0      1      2          4            6          8
 * +------+------+----------+------------+----------+-----------
 * | type | 0    | checksum | identifier | sequence | data ...
 * +------+------+----------+------------+----------+-----------
 *
 * The type is 8 in a request, 0 in a reply. The checksum covers the whole message.
 */
import { internetChecksum, putChecksum } from './ipv4.ts';
import { Reader, Writer } from './reader.ts';

/** Length before the data. */
export const ICMP_ECHO_HEADER_BYTES = 8;

/** Types of ICMP messages that the VPN tells apart (IANA registry). */
export const IcmpType = { echoReply: 0, redirect: 5, echoRequest: 8, routerAdvertisement: 9 } as const;

export interface IcmpEcho {
  readonly operation: 'request' | 'reply';
  /** Whose ping it is, 0-65535. */
  readonly identifier: number;
  /** Which one, 0-65535. */
  readonly sequence: number;
  /** Sent back as it came. */
  readonly data: Uint8Array;
}

/** Encodes 8 bytes and the data. */
export function encodeIcmpEcho(echo: IcmpEcho): Uint8Array {
  const type = echo.operation === 'request' ? IcmpType.echoRequest : IcmpType.echoReply;
  const writer = new Writer(ICMP_ECHO_HEADER_BYTES + echo.data.length).u8(type).u8(0).u16(0);
  const bytes = writer.u16(echo.identifier).u16(echo.sequence).put(echo.data).done();
  return putChecksum(bytes, 2, bytes.length);
}

/** Decodes a whole message (the payload of an IPv4 packet); `undefined` for other types or a wrong checksum. */
export function decodeIcmpEcho(bytes: Uint8Array): IcmpEcho | undefined {
  const reader = new Reader(bytes);
  const type = reader.u8();
  const code = reader.u8();
  reader.u16();
  const identifier = reader.u16();
  const sequence = reader.u16();
  const data = reader.rest();
  if (reader.failed || code !== 0 || (type !== IcmpType.echoRequest && type !== IcmpType.echoReply)) return undefined;
  if (internetChecksum(bytes, 0, bytes.length) !== 0) return undefined;
  return { operation: type === IcmpType.echoRequest ? 'request' : 'reply', identifier, sequence, data };
}
