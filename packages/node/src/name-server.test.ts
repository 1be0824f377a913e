/** The name server as a client of its own bytes sees it: groups' names, names of others, and what is no query. */
import { createSocket, type Socket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { Zone } from '@warren/vpn';
import { parseAddress } from '@warren/vpn';
import dns from 'dns-packet';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { NameServer } from './name-server.ts';

const ZONE: Zone = {
  domain: 'home.warren',
  group: 'abcdefghijklmnopqrstuvwxyz',
  subnet: { network: 0x0a800000, prefixBits: 16 },
  members: [{ peerId: new Uint8Array(20).fill(7), device: 'laptop', user: 'ada', address: parseAddress('10.128.5.5') }],
};
const NO_FLAGS = { flags: dns.RECURSION_DESIRED };

describe('names of a group', () => {
  test('are answered with authority, the name written as it was asked', async () => {
    const answer = await ask(new NameServer({ upstreams: none }), 'LAPTOP.ada.home.WARREN', 'A');
    expect(answer).toMatchObject({ rcode: 'NOERROR', flag_aa: true, flag_rd: true, id: 77 });
    expect(answer.answers).toMatchObject([{ type: 'A', name: 'LAPTOP.ada.home.WARREN', data: '10.128.5.5' }]);
  });

  test('that do not exist are denied with the SOA', async () => {
    const answer = await ask(new NameServer({ upstreams: none }), 'nobody.home.warren', 'AAAA');
    expect(answer).toMatchObject({ rcode: 'NXDOMAIN', flag_aa: true, answers: [] });
    expect(answer.authorities).toMatchObject([{ type: 'SOA', name: 'home.warren', data: { minimum: 5 } }]);
  });

  test('of types that nobody asks often exist and have none', async () => {
    const answer = await ask(new NameServer({ upstreams: none }), 'laptop.ada.home.warren', 'TXT');
    expect(answer).toMatchObject({ rcode: 'NOERROR', answers: [], authorities: [{ type: 'SOA' }] });
  });
});

describe('names of others', () => {
  test('are asked of the resolvers in turn, under ids of their own', async () => {
    const seen: number[] = [];
    const upstream = await udp(query => {
      seen.push(query.id ?? 0);
      return answered(query, '192.0.2.9');
    });
    const server = new NameServer({ upstreams: async () => ['127.0.0.1:9', upstream] });
    const answer = await ask(server, 'example.org', 'A');
    expect(answer).toMatchObject({ id: 77, answers: [{ data: '192.0.2.9' }] });
    expect(server.counters.forwarded).toBe(1);
    expect(seen).toHaveLength(1);
  });

  test('whose answer is to another question or id is not believed', async () => {
    const upstream = await udp(query => [
      ...answered({ ...query, id: (query.id ?? 0) ^ 1 }, '192.0.2.66'),
      ...answered({ ...query, questions: [{ name: 'evil.org', type: 'A' }] }, '192.0.2.66'),
      ...answered(query, '192.0.2.9'),
    ]);
    const answer = await ask(new NameServer({ upstreams: async () => [upstream] }), 'example.org', 'A');
    expect(answer.answers).toMatchObject([{ data: '192.0.2.9' }]);
  });

  test('fail as a server does when there is nobody to ask', async () => {
    const server = new NameServer({ upstreams: none });
    expect(await ask(server, 'example.org', 'A')).toMatchObject({ rcode: 'SERVFAIL', id: 77 });
    expect(server.counters.failed).toBe(1);
  });

  test('with long answers are asked again by TCP; what the client cannot take says so', async () => {
    const long = (query: dns.Packet): Buffer[] => answered(query, ...new Array(40).fill('192.0.2.9'));
    const tcp = await listen(query => long(query)[0] ?? Buffer.alloc(0));
    const upstream = await udp(query => {
      const short = answered(query)[0] ?? Buffer.alloc(0);
      short.writeUInt16BE(short.readUInt16BE(2) | dns.TRUNCATED_RESPONSE, 2);
      return [short];
    }, tcp);
    const server = new NameServer({ upstreams: async () => [upstream] });
    expect(await ask(server, 'example.org', 'A')).toMatchObject({ flag_tc: true, answers: [] });
    const option = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0 };
    const more = await ask(server, 'example.org', 'A', [{ ...option, flag_do: false, options: [] } as dns.OptAnswer]);
    expect(more.flag_tc).toBe(false);
    expect(more.answers).toHaveLength(40);
  });
});

describe('what is no query', () => {
  test.each([
    ['two questions', { questions: ['a.org', 'b.org'].map(name => ({ type: 'A', name }) as const) }, 1],
    ['no question', { questions: [] }, 1],
    ['an update', { flags: 5 << 11, questions: [{ type: 'A', name: 'a.org' } as const] }, 4],
  ])('%s is refused', async (_, packet, rcode) => {
    const bytes = dns.encode({ type: 'query', id: 77, ...packet });
    const answer = await new NameServer({ upstreams: none }).answer(bytes, [ZONE]);
    expect(((answer as Uint8Array)[3] as number) & 15).toBe(rcode);
  });

  test('an answer gets none', async () => {
    const bytes = dns.encode({ type: 'response', id: 77, questions: [] });
    expect(await new NameServer({ upstreams: none }).answer(bytes, [ZONE])).toBeUndefined();
  });

  test('hostile bytes never throw', async () => {
    const server = new NameServer({ upstreams: none });
    const sound = dns.encode({ type: 'query', id: 77, ...NO_FLAGS, questions: [{ type: 'A', name: 'x.home.warren' }] });
    const damaged = fc
      .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 4 })
      .map(changes => changes.reduce((bytes, [at, to]) => bytes.fill(to, at, at + 1), Uint8Array.from(sound)));
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), damaged);
    await fc.assert(
      fc.asyncProperty(bytes, async query => {
        const answer = await server.answer(query, [ZONE]);
        expect([...(answer ?? query).slice(0, 2)]).toEqual([...query.slice(0, 2)]);
      }),
      { numRuns: 500 },
    );
  });
});

const open: (Socket | Server)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

const none = async (): Promise<readonly string[]> => [];

async function ask(
  server: NameServer,
  name: string,
  type: dns.RecordType,
  additionals: dns.Answer[] = [],
): Promise<dns.DecodedPacket & { readonly rcode: string }> {
  const query = dns.encode({ type: 'query', id: 77, ...NO_FLAGS, questions: [{ name, type }], additionals });
  const answer = await server.answer(query, [ZONE]);
  return dns.decode(Buffer.from(answer as Uint8Array)) as dns.DecodedPacket & { readonly rcode: string };
}

function answered(query: dns.Packet, ...addresses: readonly string[]): Buffer[] {
  const name = query.questions?.[0]?.name ?? '';
  const answers = addresses.map(data => ({ type: 'A', name, ttl: 60, data }) as const);
  return [dns.encode({ type: 'response', id: query.id ?? 0, questions: query.questions ?? [], answers })];
}

/** A resolver on loopback; its address. */
function udp(respond: (query: dns.DecodedPacket) => Buffer[], port = 0): Promise<string> {
  const socket = createSocket('udp4');
  open.push(socket);
  socket.on('message', (bytes, from) => {
    for (const answer of respond(dns.decode(bytes))) socket.send(answer, from.port, from.address);
  });
  return new Promise(resolve => socket.bind(port, '127.0.0.1', () => resolve(`127.0.0.1:${socket.address().port}`)));
}

/** The same for TCP; its port. */
function listen(respond: (query: dns.DecodedPacket) => Buffer): Promise<number> {
  const server = createServer(socket => {
    socket.on('data', bytes => {
      const answer = respond(dns.decode(bytes.subarray(2)));
      socket.end(Buffer.concat([Buffer.of(answer.length >> 8, answer.length & 255), answer]));
    });
  });
  open.push(server);
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { readonly port: number }).port)),
  );
}
