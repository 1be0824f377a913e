/**
 * DHCP for IPv4, as one client on one Ethernet speaks it. Not here: what options mean, BOOTP without a message type,
 * hardware other than Ethernet, options in the fields for names (option 52), which only servers use.
 * Source: RFC 2131, section 2; options: RFC 2132; values longer than 255 bytes: RFC 3396.
 *
 *  0    1    2    3    4          8      10      12      16      20      24      28        44        108     236
 * +----+----+----+----+----------+------+-------+-------+-------+-------+-------+---------+---------+-------+
 * | op | 1  | 6  |hops|    xid   | secs | flags |ciaddr |yiaddr |siaddr |giaddr | chaddr  |  sname  | file  |
 * +----+----+----+----+----------+------+-------+-------+-------+-------+-------+---------+---------+-------+
 * |  63825363 magic   | code, length, value | ... | 255 |   236
 *
 * op is 1 from a client, 2 from a server; the highest bit of flags asks for an answer by broadcast.
 */
import { Reader, Writer } from './reader.ts';

/** Message types by the number in option 53; the index is the number (RFC 2132, section 9.6). */
const TYPES = [undefined, 'discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'] as const;

/** What a message is for. */
export type DhcpType = NonNullable<(typeof TYPES)[number]>;

/** Options that we know by number (RFC 2132, 3397, 3442). */
export const DhcpOption = {
  subnetMask: 1,
  router: 3,
  dnsServers: 6,
  domainName: 15,
  interfaceMtu: 26,
  broadcastAddress: 28,
  requestedAddress: 50,
  leaseSeconds: 51,
  messageType: 53,
  serverIdentifier: 54,
  renewalSeconds: 58,
  rebindingSeconds: 59,
  domainSearch: 119,
  classlessRoutes: 121,
} as const;

export interface DhcpMessage {
  readonly type: DhcpType;
  /** Chosen by the client, 0-2^32 - 1; the answer repeats it. */
  readonly transactionId: number;
  /** Whether the client can receive answers by broadcast only. */
  readonly broadcast: boolean;
  /** The address that the client has and uses (ciaddr), IPv4 as a number; 0 for none. */
  readonly clientAddress: number;
  /** The address that the server gives (yiaddr); 0 for none. */
  readonly yourAddress: number;
  /** The relay that the message came through (giaddr); 0 for none. */
  readonly relayAddress: number;
  /** 6 bytes. */
  readonly clientMac: Uint8Array;
  /** By number, 1-254 and not 53. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const ETHERNET = 1;
const MAGIC = 0x63825363;
const BROADCAST_FLAG = 0x8000;
/** chaddr behind the MAC address, sname and file. */
const NAMES_BYTES = 10 + 64 + 128;
const PAD = 0;
const END = 255;
const VALUE_MAX = 255;

/** Encodes 241 bytes and the options. */
export function encodeDhcp(message: DhcpMessage): Uint8Array {
  const { type, options } = message;
  const writer = new Writer(300).u8(operationOf(type)).u8(ETHERNET).u8(6).u8(0).u32(message.transactionId);
  writer.u16(0).u16(message.broadcast ? BROADCAST_FLAG : 0);
  writer.u32(message.clientAddress).u32(message.yourAddress).u32(0).u32(message.relayAddress);
  writer.put(message.clientMac).zeros(NAMES_BYTES).u32(MAGIC);
  putOption(writer, DhcpOption.messageType, Uint8Array.of(TYPES.indexOf(type)));
  for (const [code, value] of options) putOption(writer, code, value);
  return writer.u8(END).done();
}

/**
 * Decodes a message up to its end mark; what follows is ignored. `undefined` for other hardware, without a message
 * type, or with one that its direction does not have.
 */
export function decodeDhcp(bytes: Uint8Array): DhcpMessage | undefined {
  const reader = new Reader(bytes);
  const operation = reader.u8();
  const hardware = reader.u16();
  reader.u8();
  const transactionId = reader.u32();
  reader.u16();
  const broadcast = (reader.u16() & BROADCAST_FLAG) !== 0;
  const clientAddress = reader.u32();
  const yourAddress = reader.u32();
  reader.u32();
  const relayAddress = reader.u32();
  const clientMac = reader.take(6);
  reader.take(NAMES_BYTES);
  if (reader.u32() !== MAGIC || hardware !== ((ETHERNET << 8) | 6)) return undefined;
  const options = readOptions(reader);
  const typeOption = options.get(DhcpOption.messageType);
  const type = typeOption?.length === 1 ? TYPES[typeOption[0] as number] : undefined;
  if (reader.failed || type === undefined || operation !== operationOf(type)) return undefined;
  options.delete(DhcpOption.messageType);
  const addresses = { clientAddress, yourAddress, relayAddress };
  return { type, transactionId, broadcast, ...addresses, clientMac, options };
}

function operationOf(type: DhcpType): number {
  return type === 'offer' || type === 'ack' || type === 'nak' ? BOOT_REPLY : BOOT_REQUEST;
}

function putOption(writer: Writer, code: number, value: Uint8Array): void {
  let at = 0;
  do {
    const part = value.subarray(at, at + VALUE_MAX);
    writer.u8(code).u8(part.length).put(part);
    at += VALUE_MAX;
  } while (at < value.length);
}

/** Values of an option that comes several times are one value (RFC 3396, section 7). */
function readOptions(reader: Reader): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let code = reader.u8(); code !== END && !reader.failed; code = reader.u8()) {
    if (code === PAD) continue;
    const value = reader.take(reader.u8());
    const before = options.get(code);
    options.set(code, before === undefined ? value : Uint8Array.of(...before, ...value));
  }
  return options;
}
