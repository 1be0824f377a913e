/**
 * Asks the router for an outside port by PCP (RFC 6887 sections 7 and 11) or,
 * where that is all it speaks, by its predecessor NAT-PMP (RFC 6886 section 3).
 * Both are one datagram each way on port 5351; only the router's are taken.
 *
 * ```text
 * NAT-PMP   version 0 | opcode 1: 0 address, 1 UDP, 2 TCP | reserved 2 | inside port 2 | outside port 2 | lifetime in s 4
 *   answer  version 0 | opcode + 128 | result 2 | epoch 4 | address 4, or: inside port 2 | outside port 2 | lifetime 4
 * PCP MAP   version 2 | opcode 1 | reserved 2 | lifetime in s 4 | own address 16
 *           | nonce 12 | protocol 1 | reserved 3 | inside port 2 | outside port 2 | outside address 16
 *   answer  version 2 | opcode + 128 | reserved 1 | result 1 | lifetime 4 | epoch 4 | reserved 12 | nonce 12 ... as asked
 * ```
 */

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { printEndpoint } from '../sockaddr.ts';
import type { Mapping, Router, Wish } from './port-mapper.ts';

const PORT = 5351;
/** Waits before sending again; the RFCs go on for a minute, but a router is one hop away. */
const RETRY_MS: readonly number[] = [250, 500, 1000];
const PROTOCOL = { udp: 17, tcp: 6 } as const;
const MAPPED_PREFIX: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const PCP_BYTES = 60;

/** A mapping is renewed and removed with the nonce that made it (RFC 6887 section 11.2). */
const NONCE = randomBytes(12);

/** Asks by PCP; `undefined` where the router refuses or does not speak it. */
export async function mapByPcp({ gateway, own }: Router, wish: Wish): Promise<Mapping | undefined> {
  const request = Buffer.alloc(PCP_BYTES);
  request.set([2, 1]);
  request.writeUInt32BE(wish.lifetimeS, 4);
  request.set([...MAPPED_PREFIX, ...own.split('.').map(Number)], 8);
  request.set(NONCE, 24);
  request[36] = PROTOCOL[wish.protocol];
  request.writeUInt16BE(wish.port, 40);
  request.writeUInt16BE(wish.port, 42);
  request.set(MAPPED_PREFIX, 44);
  return ask(gateway, request, answer => readPcp(answer, wish));
}

/** Asks by NAT-PMP; `undefined` where the router refuses or does not speak it. */
export async function mapByNatPmp({ gateway }: Router, wish: Wish): Promise<Mapping | undefined> {
  const opcode = wish.protocol === 'udp' ? 1 : 2;
  const request = Buffer.alloc(12);
  request[1] = opcode;
  request.writeUInt16BE(wish.port, 4);
  // Removing takes an outside port of zero (RFC 6886 section 3.4).
  request.writeUInt16BE(wish.lifetimeS === 0 ? 0 : wish.port, 6);
  request.writeUInt32BE(wish.lifetimeS, 8);
  const mapped = await ask(gateway, request, answer => readNatPmp(answer, opcode));
  if (mapped === undefined || wish.lifetimeS === 0) return undefined;
  const address = await ask(gateway, Buffer.from([0, 0]), readNatPmpAddress);
  return address && { outside: printEndpoint({ address, port: mapped.port }), lifetimeS: mapped.lifetimeS };
}

/** Reads the answer to a PCP MAP request; `refused` for an error, `undefined` for what is no answer to it. */
export function readPcp(bytes: Uint8Array, wish: Wish): Mapping | 'refused' | undefined {
  const answer = Buffer.from(bytes);
  // A NAT-PMP router answers every other version like this (RFC 6886 section 3.5).
  if (answer[0] === 0 && answer.length >= 4) return 'refused';
  if (answer.length < 24 || answer[0] !== 2 || answer[1] !== 0x81) return undefined;
  if (answer[3] !== 0) return 'refused';
  const isOurs = answer.length >= PCP_BYTES && NONCE.equals(answer.subarray(24, 36));
  if (!isOurs || answer[36] !== PROTOCOL[wish.protocol] || answer.readUInt16BE(40) !== wish.port) return undefined;
  const isIpv4 = MAPPED_PREFIX.every((byte, i) => answer[44 + i] === byte);
  const address = new Uint8Array(answer.subarray(isIpv4 ? 56 : 44, 60));
  return { outside: printEndpoint({ address, port: answer.readUInt16BE(42) }), lifetimeS: answer.readUInt32BE(4) };
}

/** Reads the answer to a NAT-PMP mapping request. */
export function readNatPmp(
  bytes: Uint8Array,
  opcode: number,
): { readonly port: number; readonly lifetimeS: number } | 'refused' | undefined {
  const answer = Buffer.from(bytes);
  if (answer.length < 4 || answer[0] !== 0 || answer[1] !== opcode + 128) return undefined;
  if (answer.readUInt16BE(2) !== 0) return 'refused';
  if (answer.length < 16) return undefined;
  return { port: answer.readUInt16BE(10), lifetimeS: answer.readUInt32BE(12) };
}

/** Reads the answer to a NAT-PMP request for the outside address: 4 bytes. */
export function readNatPmpAddress(bytes: Uint8Array): Uint8Array | 'refused' | undefined {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 128) return undefined;
  if (bytes[2] !== 0 || bytes[3] !== 0) return 'refused';
  return bytes.length < 12 ? undefined : new Uint8Array(bytes.subarray(8, 12));
}

/** Sends a request until an answer comes that `read` takes; `undefined` when none does or it is a refusal. */
function ask<T>(
  gateway: string,
  request: Uint8Array,
  read: (answer: Uint8Array) => T | 'refused' | undefined,
): Promise<T | undefined> {
  const socket = createSocket('udp4');
  const timers: NodeJS.Timeout[] = [];
  return new Promise<T | undefined>(resolve => {
    socket.on('error', () => resolve(undefined));
    socket.on('message', message => {
      const answer = read(message);
      if (answer !== undefined) resolve(answer === 'refused' ? undefined : answer);
    });
    // Connected: the kernel drops what comes from anybody else.
    socket.connect(PORT, gateway, () => {
      let at = 0;
      for (const wait of RETRY_MS) {
        timers.push(setTimeout(() => socket.send(request, () => {}), at));
        at += wait;
      }
      timers.push(setTimeout(resolve, at, undefined));
    });
  }).finally(() => {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  });
}
