/**
 * Answers DNS queries of our own machine: names of groups from their zones, all others by asking the resolvers that the
 * machine had before. Not here: what a zone says (`vpn/src/zone.ts`), how queries come and go.
 * Source: RFC 1035, RFC 6891 (sizes), RFC 5452 (answers are believed from the port that was asked only, under its id).
 */
import { answerQuestion, DNS_ANSWER_MAX_BYTES, type Zone, type ZoneAnswer, type ZoneRecord } from '@warren/vpn';
import dns from 'dns-packet';
import { askUpstream } from './dns-upstream.ts';

/** Queries passed on at once: more than a page opens, and no flood at the machine's resolvers. */
const FORWARDED_MAX = 64;
/** What a client takes that does not say more (RFC 1035, section 4.2.1). */
const PLAIN_BYTES = 512;
/** Seconds: a secondary server's, of which there are none, and how long "no such name" holds. */
const SOA_TIMES = { serial: 1, refresh: 3600, retry: 600, expire: 86_400, minimum: 5 };
/** Bits of the flags that an answer repeats: recursion desired, checking disabled. */
const REPEATED_FLAGS = dns.RECURSION_DESIRED | dns.CHECKING_DISABLED;

/** Anything but an ordinary query. */
const OPCODE = 0x7800;

const Rcode = { formErr: 1, servFail: 2, nxDomain: 3, notImp: 4 } as const;

export interface NameServerOptions {
  /** Resolvers for names of others, `192.0.2.53` or `192.0.2.53:5353`, asked one after the other. */
  readonly upstreams: () => Promise<readonly string[]>;
}

/** What was counted since the start. */
export interface NameServerCounters {
  /** Queries answered from zones, passed on, passed on in vain, and not understood. */
  own: number;
  forwarded: number;
  failed: number;
  malformed: number;
}

/** The name server of one machine. */
export class NameServer {
  readonly counters: NameServerCounters = { own: 0, forwarded: 0, failed: 0, malformed: 0 };
  private readonly options: NameServerOptions;
  private open = 0;

  constructor(options: NameServerOptions) {
    this.options = options;
  }

  /**
   * The answer to a query: at most what its client takes, and what fits one packet. `undefined` for what is no query.
   * `elsewhere` is asked in place of the machine's resolvers, as through a tunnel.
   */
  async answer(
    query: Uint8Array,
    zones: readonly Zone[],
    elsewhere?: (query: Uint8Array) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array | undefined> {
    const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
    const packet = decoded(bytes);
    if (packet === undefined || packet.type !== 'query') {
      this.counters.malformed++;
      return isQuery(bytes) ? failure(bytes, Rcode.formErr) : undefined;
    }
    const [question, ...more] = packet.questions ?? [];
    if (question === undefined || more.length > 0) return failure(bytes, Rcode.formErr);
    if (((packet.flags ?? 0) & OPCODE) !== 0) return failure(bytes, Rcode.notImp);
    const answer = question.class === 'IN' ? answerQuestion(zones, question) : undefined;
    if (answer === undefined) return this.forward(bytes, packet, elsewhere);
    this.counters.own++;
    return dns.encode(ownAnswer(packet, question, answer));
  }

  private async forward(
    query: Buffer,
    packet: dns.DecodedPacket,
    elsewhere?: (query: Uint8Array) => Promise<Uint8Array | undefined>,
  ): Promise<Uint8Array> {
    if (this.open >= FORWARDED_MAX) return failure(query, Rcode.servFail);
    this.open++;
    try {
      const ask = elsewhere ?? (async () => askUpstream(query, await this.options.upstreams()));
      const answer = await ask(query);
      if (answer === undefined) this.counters.failed++;
      else this.counters.forwarded++;
      if (answer === undefined) return failure(query, Rcode.servFail);
      return answer.length <= takenBy(packet) ? answer : truncated(query, answer);
    } finally {
      this.open--;
    }
  }
}

/** `undefined` for bytes that are no message: the codec throws at them. */
function decoded(bytes: Buffer): dns.DecodedPacket | undefined {
  try {
    return dns.decode(bytes);
  } catch {
    return undefined;
  }
}

function isQuery(bytes: Buffer): boolean {
  return bytes.length >= 12 && ((bytes[2] as number) & 0x80) === 0;
}

function ownAnswer(packet: dns.DecodedPacket, question: dns.Question, answer: ZoneAnswer): dns.Packet {
  const repeated = (packet.flags ?? 0) & REPEATED_FLAGS;
  const flags = repeated | dns.AUTHORITATIVE_ANSWER | dns.RECURSION_AVAILABLE | (answer.exists ? 0 : Rcode.nxDomain);
  const none = answer.records.length === 0;
  return {
    type: 'response',
    id: packet.id ?? 0,
    flags,
    questions: [question],
    // The name is given back as it was written: some clients check the case of each letter.
    answers: answer.records.map(record => encodable({ ...record, name: question.name })),
    authorities: none ? [encodable(answer.soa)] : [],
    additionals: optionOf(packet) === undefined ? [] : [sizeOption()],
  };
}

function encodable({ name, type, ttlS: ttl, data }: ZoneRecord): dns.Answer {
  if (type !== 'SOA') return { name, type, ttl, data } as dns.Answer;
  return { name, type, ttl, data: { mname: data, rname: `hostmaster.${name}`, ...SOA_TIMES } };
}

function optionOf(packet: dns.DecodedPacket): { readonly udpPayloadSize: number } | undefined {
  const option = packet.additionals?.find(each => each.type === 'OPT');
  return option as { readonly udpPayloadSize: number } | undefined;
}

function sizeOption(): dns.Answer {
  const empty = { extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
  return { type: 'OPT', name: '.', udpPayloadSize: DNS_ANSWER_MAX_BYTES, ...empty } as dns.Answer;
}

function takenBy(packet: dns.DecodedPacket): number {
  return Math.min(DNS_ANSWER_MAX_BYTES, Math.max(PLAIN_BYTES, optionOf(packet)?.udpPayloadSize ?? 0));
}

/** An answer without records that says why. */
function failure(query: Buffer, rcode: number): Uint8Array {
  return headOf(query, (flagsOf(query) & (REPEATED_FLAGS | OPCODE)) | 0x8000 | dns.RECURSION_AVAILABLE | rcode);
}

/** The same that says "too long": the client may ask by TCP, which nobody answers here. */
function truncated(query: Buffer, answer: Uint8Array): Uint8Array {
  return headOf(query, flagsOf(Buffer.from(answer)) | dns.TRUNCATED_RESPONSE);
}

function flagsOf(message: Buffer): number {
  return message.readUInt16BE(2);
}

/** Header with these flags, and the question where there is one whole. */
function headOf(query: Buffer, flags: number): Uint8Array {
  const packet = decoded(query);
  const questions = packet?.questions ?? [];
  const head = dns.encode({ type: 'response', id: query.readUInt16BE(0), questions });
  head.writeUInt16BE(flags & 0xffff, 2);
  return head;
}
