/**
 * Sends what no program of ours would send, from inside a namespace:
 * `garbage.ts udp|tcp|tls|websocket <host> <port> <count>`. Prints `sent <n>, accepted <m>` in the end: `m`
 * WebSockets were opened. The same each time.
 */
import { createCipheriv } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';

const [kind = '', host = '', portText = '', countText = ''] = process.argv.slice(2);
const [port, count] = [Number(portText), Number(countText)];
const PATIENCE_MS = 1_000;
/** Held open at once. */
const AT_ONCE = 50;

const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
const random = (bytes: number): Buffer => noise.update(Buffer.alloc(bytes));
let accepted = 0;
const below = (bound: number): number => random(4).readUInt32BE() % bound;

/** Datagrams by number: each kind of ours with a body of chance, cut short, empty, as large as UDP takes, STUN and DTLS. */
const DATAGRAMS: readonly (() => Buffer)[] = [
  () => random(1 + below(1_400)),
  () => Buffer.concat([Buffer.of(0xe1, 1), random(318)]),
  () => Buffer.concat([Buffer.of(0xe1, 1), random(below(318))]),
  () => Buffer.concat([Buffer.of(0xe2 + below(6), 1), random(below(1_200))]),
  () => Buffer.alloc(0),
  () => Buffer.concat([Buffer.from('0001', 'hex'), random(below(200))]),
  () => Buffer.concat([Buffer.from('000100082112a442', 'hex'), random(12), Buffer.from('ffff0004deadbeef', 'hex')]),
  () => Buffer.concat([Buffer.from('000100002112a442', 'hex'), random(12)]),
  () => Buffer.concat([Buffer.from('16fefd0000', 'hex'), random(100)]),
  () => random(below(100) === 0 ? 65_507 : 64),
];

/** What comes on a stream: nothing, chance, half a request, a bad request, half of TLS, an endless header. */
const STREAMS: readonly (() => Buffer)[] = [
  () => Buffer.alloc(0),
  () => random(2_000),
  () => Buffer.from('GET / HTTP/1.1\r\nhost: '),
  () => Buffer.from('BREW /pot HTCPCP/1.0\r\nhost: \x00\r\n\r\n'),
  () => Buffer.concat([Buffer.from('16030100c4010000c00303', 'hex'), random(50)]),
  () => Buffer.from(`GET /${'a'.repeat(60_000)} HTTP/1.1\r\n`),
  () => Buffer.from('POST /api/enrol HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n{'),
];

/** Frames that RFC 6455 forbids: unmasked, of 2^62 bytes, with reserved bits and opcodes, a fragmented ping. */
const FRAMES: readonly (() => Buffer)[] = [
  () => Buffer.concat([Buffer.of(0x82, 0x05), random(5)]),
  () => Buffer.concat([Buffer.from('82ff4000000000000000', 'hex'), random(20)]),
  () => Buffer.concat([Buffer.of(0xff, 0x84), random(8)]),
  () => Buffer.concat([Buffer.of(0x09, 0x84), random(8)]),
  () => random(500),
];

async function main(): Promise<void> {
  if (kind === 'udp') await datagrams();
  else if (kind === 'tcp' || kind === 'tls') await streams();
  else await webSockets();
  console.log(`sent ${count}, accepted ${accepted}`);
}

async function datagrams(): Promise<void> {
  const socket = createSocket('udp4');
  for (let i = 0; i < count; i++) {
    const bytes = DATAGRAMS[i % DATAGRAMS.length]?.() ?? Buffer.alloc(0);
    await new Promise<void>(resolve => socket.send(bytes, port, host, () => resolve()));
    // Not so fast that the kernel drops most of it before anybody reads it.
    if (i % 100 === 99) await sleep(10);
  }
  socket.close();
}

async function streams(): Promise<void> {
  await eachAtOnce(i => abuse(kind === 'tls' ? secure() : connect(port, host), [STREAMS[i % STREAMS.length]?.()]));
}

async function webSockets(): Promise<void> {
  const upgrade = [
    'GET /bootstrap HTTP/1.1',
    `host: ${host}:${port}`,
    'connection: upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
  ];
  const head = Buffer.from(`${upgrade.join('\r\n')}\r\n\r\n`);
  await eachAtOnce(i => (i % 2 === 0 ? abuse(secure(), [head, FRAMES[(i >> 1) % FRAMES.length]?.()]) : messages()));
}

/** Good frames with bad content: datagrams of chance, text, one too large. */
async function messages(): Promise<void> {
  const socket = new WebSocket(`wss://${host}:${port}/bootstrap`, { rejectUnauthorized: false });
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()).on('error', () => resolve()));
  socket.on('open', () => {
    accepted++;
    for (const make of DATAGRAMS) socket.send(make().subarray(0, 16_384));
    socket.send(random(16_385));
    socket.send('text');
  });
  await Promise.race([closed, sleep(PATIENCE_MS)]);
  socket.terminate();
}

/** Writes to a connection and holds it until the other side ends it or patience does. */
async function abuse(socket: Socket, what: readonly (Buffer | undefined)[]): Promise<void> {
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()));
  socket
    .on('error', () => {})
    .once('data', (bytes: Buffer) => {
      if (bytes.toString('latin1').startsWith('HTTP/1.1 101')) accepted++;
      socket.resume();
    });
  for (const bytes of what) if (bytes !== undefined && bytes.length > 0) socket.write(bytes);
  await Promise.race([closed, sleep(PATIENCE_MS)]);
  socket.destroy();
}

function secure(): Socket {
  return connectTls({ port, host, rejectUnauthorized: false });
}

async function eachAtOnce(work: (i: number) => Promise<void>): Promise<void> {
  for (let i = 0; i < count; i += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, k) => work(i + k)));
  }
}

await main();
process.exit();
