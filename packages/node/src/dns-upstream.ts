/**
 * Asks resolvers of the machine, one after the other, by UDP, and by TCP where the answer says that it is longer.
 * Each question goes out from a port of its own under an id of its own (RFC 5452, section 9.2).
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';

/** How long one resolver has. */
const PATIENCE_MS = 2_500;
const DNS_PORT = 53;
const MESSAGE_MAX_BYTES = 65_535;
const TRUNCATED = 0x02;

/** Asks until somebody answers; the answer carries the query's id. `undefined` when nobody did. */
export async function askUpstream(query: Uint8Array, upstreams: readonly string[]): Promise<Uint8Array | undefined> {
  for (const upstream of upstreams) {
    const { host, port } = endpointOf(upstream);
    const asked = Uint8Array.from(query);
    new DataView(asked.buffer).setUint16(0, randomInt(0x10000));
    const short = await byUdp(asked, host, port);
    const isTruncated = short !== undefined && ((short[2] as number) & TRUNCATED) !== 0;
    const answer = isTruncated ? ((await byTcp(asked, host, port)) ?? short) : short;
    if (answer === undefined) continue;
    answer.set(query.subarray(0, 2));
    return answer;
  }
  return undefined;
}

/** `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
function endpointOf(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: port === undefined ? DNS_PORT : Number(port) };
}

function byUdp(query: Uint8Array, host: string, port: number): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    const done = (answer?: Uint8Array): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    let finish = (answer?: Uint8Array): void => {
      finish = () => {};
      done(answer);
    };
    const timer = setTimeout(() => finish(), PATIENCE_MS);
    socket.on('error', () => finish());
    // Connected: the kernel lets through only what comes from there.
    socket.connect(port, host, () => socket.send(query));
    socket.on('message', message => {
      if (isAnswer(message, query)) finish(Uint8Array.from(message));
    });
  });
}

function byTcp(query: Uint8Array, host: string, port: number): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: PATIENCE_MS });
    let got = Buffer.alloc(0);
    const done = (answer?: Uint8Array): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done(), PATIENCE_MS);
    socket.on('error', () => done());
    socket.on('close', () => done());
    socket.on('connect', () => socket.write(Buffer.concat([Buffer.of(query.length >> 8, query.length & 0xff), query])));
    socket.on('data', more => {
      got = Buffer.concat([got, more]);
      const length = got.length < 2 ? MESSAGE_MAX_BYTES : got.readUInt16BE(0);
      if (got.length < 2 + length) return;
      const message = got.subarray(2, 2 + length);
      done(isAnswer(message, query) ? Uint8Array.from(message) : undefined);
    });
  });
}

/** Under the same id, an answer, to the same question: what is behind the header of the query begins it. */
function isAnswer(message: Uint8Array, query: Uint8Array): boolean {
  if (message.length < 12 || message[0] !== query[0] || message[1] !== query[1]) return false;
  if (((message[2] as number) & 0x80) === 0) return false;
  const end = endOfQuestion(query);
  // Servers that cannot read a question leave it out.
  const isBare = message[4] === 0 && message[5] === 0;
  return isBare || query.subarray(12, end).every((byte, i) => lower(message[12 + i]) === lower(byte));
}

function endOfQuestion(query: Uint8Array): number {
  let at = 12;
  while (at < query.length && query[at] !== 0) at += (query[at] as number) + 1;
  return Math.min(query.length, at + 5);
}

function lower(byte: number | undefined): number | undefined {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}
