/**
 * Participants in a namespace, told what to do by lines of JSON on standard input: `{ call, actor, method, args }`.
 * Each is answered by a line `{ call, value }` or `{ call, error }`. Actors are made when they are first named.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeHost } from '@warren/node';
import { Participant } from './participant.ts';

/** What standard input says. */
export interface Call {
  readonly call: number;
  readonly actor: string;
  readonly method: keyof Participant;
  readonly args: readonly unknown[];
}

export type Answer = { readonly call: number } & ({ readonly value: unknown } | { readonly error: string });

const actors = new Map<string, Participant>();
const folder = await mkdtemp(join(tmpdir(), 'warren-agent-'));
process.on('exit', () => void rm(folder, { recursive: true, force: true }));

createInterface({ input: process.stdin })
  .on('line', line => void obey(JSON.parse(line) as Call))
  .on('close', () => void end());
process.on('SIGTERM', () => void end());
process.stdout.write('ready\n');

async function obey({ call, actor, method, args }: Call): Promise<void> {
  try {
    const participant = actors.get(actor) ?? newParticipant(actor);
    const run = participant[method] as (...args: readonly unknown[]) => Promise<unknown>;
    const value = await run.call(participant, ...args);
    if (method === 'close') await forget(actor);
    answer({ call, value: value ?? null });
  } catch (error) {
    answer({ call, error: error instanceof Error ? error.message : String(error) });
  }
}

function newParticipant(actor: string): Participant {
  const stateDir = join(folder, actor);
  const participant = new Participant(({ listensWs }) =>
    nodeHost({ kind: 'edge', stateDir, ...(listensWs && { listenWs: 0 }) }),
  );
  actors.set(actor, participant);
  return participant;
}

async function forget(actor: string): Promise<void> {
  actors.delete(actor);
  await rm(join(folder, actor), { recursive: true, force: true });
}

function answer(of: Answer): void {
  process.stdout.write(`${JSON.stringify(of)}\n`);
}

async function end(): Promise<void> {
  await Promise.allSettled([...actors.values()].map(actor => actor.close()));
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
}
