/**
 * Finds out what a router does with UDP, as RFC 5780 has it, with plain sockets and nothing of Warren. Runs in a
 * namespace, as one of
 *
 *     nat-probe.ts station <address> <other station's address>
 *     nat-probe.ts client <own address> <station's address> <other station's address>
 *
 * A station has two ports. It answers every question with where it came from, from the port that is asked for, or has
 * the other station answer. A client prints a line of JSON, a `NatReport`.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dependence } from './nat-kinds.ts';

export type NatReport =
  | { readonly udp: false }
  | {
      readonly udp: true;
      readonly mapping: Dependence;
      readonly filtering: Dependence;
      /** From one new endpoint to the next, of a symmetric router that counts; 0 where ports are kept. */
      readonly portStep: number | undefined;
      /** The outside address with the port of one mapping. */
      readonly seen: string;
      readonly hairpin: boolean;
    };

interface Question {
  readonly id: number;
  /** Who answers: the port that was asked, the station's other port, or the other station. */
  readonly from: 'here' | 'other-port' | 'other-address';
  /** Where to, when it is not where the question came from. */
  readonly to?: string;
}

const [FIRST, SECOND] = [3_478, 3_479];
const PATIENCE_MS = 400;
const TRIES = 2;

const [role, own = '', ...others] = process.argv.slice(2);

async function station(own: string, other: string): Promise<void> {
  const sockets = [await bound(own, FIRST), await bound(own, SECOND)] as const;
  const [first, second] = sockets;
  for (const socket of sockets) {
    socket.on('message', (bytes, from) => {
      const question = JSON.parse(bytes.toString()) as Question;
      const to = question.to ?? endpoint(from);
      if (question.from === 'other-address') {
        const passedOn: Question = { id: question.id, from: 'here', to };
        tell(first, other, FIRST, passedOn);
      } else {
        const speaker = (question.from === 'here') === (socket === first) ? first : second;
        const { host, port } = parsed(to);
        tell(speaker, host, port, { id: question.id, seen: to });
      }
    });
  }
  process.stdout.write('ready\n');
}

async function client([near, far]: readonly [string, string]): Promise<void> {
  process.stdout.write(`${JSON.stringify(await report(near, far))}\n`);
  process.exit(0);
}

async function report(near: string, far: string): Promise<NatReport> {
  const socket = await Asking.open();
  const seen = await socket.ask(near, FIRST, 'here');
  if (seen === undefined) return { udp: false };
  const [samePort, otherPort] = [await socket.ask(near, SECOND, 'here'), await socket.ask(far, FIRST, 'here')];
  const filtering = await filteringOf(near);
  return {
    udp: true,
    mapping: mappingOf(seen, samePort, otherPort),
    filtering,
    portStep: await portStep(near),
    seen,
    hairpin: await hairpins(near),
  };
}

/** RFC 5780 section 4.3. */
function mappingOf(seen: string, otherPort: string | undefined, otherAddress: string | undefined): Dependence {
  if (seen === otherAddress && seen === otherPort) return 'endpoint-independent';
  return seen === otherPort ? 'address-dependent' : 'address-and-port-dependent';
}

/** RFC 5780 section 4.4, with a socket that has sent to one endpoint only. */
async function filteringOf(near: string): Promise<Dependence> {
  const fresh = await Asking.open();
  await fresh.ask(near, FIRST, 'here');
  if ((await fresh.ask(near, FIRST, 'other-address')) !== undefined) return 'endpoint-independent';
  const again = await fresh.ask(near, FIRST, 'other-port');
  return again === undefined ? 'address-and-port-dependent' : 'address-dependent';
}

/** The step between mappings made one after another; `undefined` where they have none. */
async function portStep(near: string): Promise<number | undefined> {
  const seen: number[] = [];
  const socket = await Asking.open();
  for (const port of [FIRST, SECOND]) seen.push(parsed((await socket.ask(near, port, 'here')) ?? '').port);
  const another = await Asking.open();
  seen.push(parsed((await another.ask(near, FIRST, 'here')) ?? '').port);
  const [a = 0, b = 0, c = 0] = seen;
  if (a === b) return 0;
  return b - a === c - b ? b - a : undefined;
}

/** Whether a second socket of this host reaches the first at its outside address (RFC 4787 section 6). */
async function hairpins(near: string): Promise<boolean> {
  const [one, other] = [await Asking.open(), await Asking.open()];
  const [seenOne, seenOther] = [await one.ask(near, FIRST, 'here'), await other.ask(near, FIRST, 'here')];
  if (seenOne === undefined || seenOther === undefined) return false;
  const came = one.next();
  // Both send, since a home behind a carrier may let in only whom it has sent to.
  for (let i = 0; i < TRIES; i++) {
    for (const [asking, seen] of [
      [one, seenOther],
      [other, seenOne],
    ] as const) {
      const { host, port } = parsed(seen);
      tell(asking.socket, host, port, { id: 0, seen });
    }
    await sleep(PATIENCE_MS / 4);
  }
  return came;
}

/** A socket that asks stations and waits. */
class Asking {
  readonly socket: Socket;
  private ids = 0;
  private readonly waiting = new Map<number, (seen: string) => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', bytes => {
      const { id, seen } = JSON.parse(bytes.toString()) as { id: number; seen: string };
      this.waiting.get(id)?.(seen);
    });
  }

  static async open(): Promise<Asking> {
    return new Asking(await bound(own, 0));
  }

  /** Where the station saw us, when its answer comes through. */
  async ask(host: string, port: number, from: Question['from']): Promise<string | undefined> {
    for (let i = 0; i < TRIES; i++) {
      const id = ++this.ids;
      const answer = new Promise<string>(resolve => this.waiting.set(id, resolve));
      tell(this.socket, host, port, { id, from });
      const seen = await Promise.race([answer, sleep(PATIENCE_MS)]);
      if (typeof seen === 'string') return seen;
    }
    return undefined;
  }

  /** Whether something with the id 0 comes. */
  async next(): Promise<boolean> {
    const came = new Promise<true>(resolve => this.waiting.set(0, () => resolve(true)));
    return (await Promise.race([came, sleep(PATIENCE_MS)])) === true;
  }
}

function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => resolve(socket.on('error', () => {})));
  });
}

function tell(socket: Socket, host: string, port: number, message: object): void {
  // A network that cannot be reached shows as silence.
  socket.send(JSON.stringify(message), port, host, () => {});
}

function endpoint({ address, port }: RemoteInfo): string {
  return `${address}|${port}`;
}

function parsed(text: string): { host: string; port: number } {
  const [host = '', port = '0'] = text.split('|');
  return { host, port: Number(port) };
}

// Behind the class, which does not exist before its lines are reached.
if (role === 'station') await station(own, others[0] as string);
else if (role === 'client') await client(others as [string, string]);
