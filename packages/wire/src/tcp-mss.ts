/**
 * The largest segment that one end of a TCP connection asks the other for, made smaller in place on its way: routers
 * do so because ICMP "too big" is often lost. Source: RFC 9293, sections 3.1 and 3.7.1; checksum: RFC 1624, eqn. 3.
 *
 * ```text
 *  0            2            4       8       12             13      14       16         18         20
 * +------------+------------+-------+-------+--------------+-------+--------+----------+----------+---------
 * |source port | dest. port | seq   | ack   | words, 4 bits| flags | window | checksum | urgent   | options
 * +------------+------------+-------+-------+--------------+-------+--------+----------+----------+---------
 * option: 0 end | 1 nothing | kind, length, value; the largest segment: 2, 4, bytes 2
 * ```
 */

const HEADER_BYTES = 20;
const SYN = 0x02;
const CHECKSUM_AT = 16;
const Option = { end: 0, nothing: 1, largestSegment: 2 } as const;

/**
 * Lowers the largest segment in the TCP header at `at`, which ends before `end`, to `mostBytes` where it is larger.
 * True when it did. All but the first segments of a connection, and what is no whole header, stay as they are.
 */
export function clampSegment(bytes: Uint8Array, at: number, end: number, mostBytes: number): boolean {
  if (end - at < HEADER_BYTES || ((bytes[at + 13] as number) & SYN) === 0) return false;
  const optionsEnd = at + ((bytes[at + 12] as number) >> 4) * 4;
  if (optionsEnd > end) return false;
  for (let next = at + HEADER_BYTES; next < optionsEnd; ) {
    const kind = bytes[next];
    if (kind === Option.end) return false;
    const length = kind === Option.nothing ? 1 : (bytes[next + 1] ?? 0);
    if (length === 0 || next + length > optionsEnd) return false;
    if (kind === Option.largestSegment && length === 4) return lower(bytes, at, next + 2, mostBytes);
    next += length;
  }
  return false;
}

function lower(bytes: Uint8Array, tcpAt: number, at: number, mostBytes: number): boolean {
  const old = u16(bytes, at);
  if (old <= mostBytes) return false;
  // A value at an odd place adds to the sum with its bytes the other way round (RFC 1071, section 2 B).
  const turn = (value: number): number => ((at - tcpAt) % 2 === 0 ? value : ((value & 0xff) << 8) | (value >> 8));
  put16(bytes, at, mostBytes);
  let sum = 0xffff - u16(bytes, tcpAt + CHECKSUM_AT) + (0xffff - turn(old)) + turn(mostBytes);
  sum = (sum & 0xffff) + (sum >> 16);
  put16(bytes, tcpAt + CHECKSUM_AT, 0xffff - ((sum & 0xffff) + (sum >> 16)));
  return true;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
