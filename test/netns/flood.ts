/**
 * Sends first handshake messages as fast as asked, each another, with the mac1 that strangers can compute too:
 * `flood.ts <host> <port> <per second> <seconds>`. Whose address they bear is the namespace's matter. Prints
 * `flooding` when it begins and `sent <n> in <s> s` in the end.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHs1, HS1_MAC1_OFFSET } from '@warren/wire';

const [host = '', port = 0, perSecond = 0, seconds = 0] = process.argv
  .slice(2)
  .map((v, i) => (i === 0 ? v : Number(v))) as [string, number, number, number];
/** So many are made beforehand: more than a target keeps in mind. */
const VARIANTS = 20_000;

const networkKey = createHash('sha256').update('warren-public/1').digest();
const macKey = createHmac('sha256', networkKey).update('mac1').digest();
const messages = Array.from({ length: VARIANTS }, hs1);
const socket = createSocket({ type: 'udp4', sendBufferSize: 1 << 20 });
socket.on('error', () => {});
await new Promise<void>(resolve => socket.connect(port, host, resolve));
console.log('flooding');
const startedAt = performance.now();
let sent = 0;
for (;;) {
  const elapsed = (performance.now() - startedAt) / 1000;
  if (elapsed >= seconds) break;
  for (const due = Math.min(sent + 500, elapsed * perSecond); sent < due; sent++) {
    socket.send(messages[sent % VARIANTS] as Buffer, () => {});
  }
  await sleep(1);
}
console.log(`sent ${sent} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
socket.close();

/** A first message whose ephemeral key nobody has the other half of. */
function hs1(): Buffer {
  const zeros = new Uint8Array(16);
  const noise = Buffer.concat([randomBytes(40), Buffer.from('000004b000000000', 'hex')]);
  const message = Buffer.from(
    encodeHs1({ senderIndex: randomBytes(4).readUInt32BE(), noise, mac1: zeros, mac2: zeros }),
  );
  createHmac('sha256', macKey)
    .update(message.subarray(0, HS1_MAC1_OFFSET))
    .digest()
    .copy(message, HS1_MAC1_OFFSET, 0, 16);
  return message;
}
