/**
 * Failures as people and scripts meet them: one sentence what happened, one what
 * to do, a stable code, an exit code. Everything thrown becomes one of these at
 * the end of `program.ts`. Exit codes: dependencies.md 4.4.
 */
import { CommandError, StorageError } from '@warren/node';
import { PeerError } from '@warren/peer';

/** What the command ends with. */
export const Exit = {
  ok: 0,
  failure: 1,
  usage: 2,
  notRunning: 3,
  notAuthorised: 4,
  noPath: 5,
  interrupted: 130,
} as const;

/** A failure in words. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: string;
  readonly hint: string | undefined;
  readonly exit: number;

  constructor(code: string, message: string, hint?: string, exit: number = Exit.failure) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exit = exit;
  }
}

/** A failure as it crosses the control socket, and as `--json` shows it without `exit`. */
export interface FailureData {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exit: number;
}

/** Codes of the site and of `peer` that mean: you may not, or not with this file. */
const NOT_AUTHORISED = new Set([
  'no-secret',
  'unknown-enrolment',
  'enrolment-expired',
  'enrolment-used',
  'bad-challenge',
  'not-ours',
  'certificate-expired',
  'removed',
]);

/** Codes that mean: not now. Their exit code differs from that of an answer that shows something wrong. */
const NOT_NOW = new Set(['site-unreachable', 'no-address', 'busy', 'left']);

const DISK: ReadonlyMap<string, readonly [what: string, todo: string]> = new Map([
  ['ENOSPC', ['The disk is full', 'Free some space, then try again.']],
  ['EDQUOT', ['The disk quota is used up', 'Free some space, then try again.']],
  ['EROFS', ['The file system is read-only', 'Mount it writable, or choose another folder with --state.']],
  ['EACCES', ['No permission', 'Run as its owner, or choose another folder with --state.']],
  ['EPERM', ['No permission', 'Run as its owner, or choose another folder with --state.']],
  ['ENOTDIR', ['A part of the path is no folder', 'Move that file away, or choose another folder with --state.']],
  ['ENOENT', ['The folder cannot be made there', 'Choose another with --state or --socket.']],
  ['ENAMETOOLONG', ['The path is too long', 'Choose another folder with --state.']],
  ['ELOOP', ['A link in the path points to itself', 'Remove it, or choose another folder with --state.']],
  ['EEXIST', ['A file is in the way', 'Move that file away, or choose another folder with --state.']],
]);

/** Puts anything thrown into words. */
export function explain(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof PeerError) return new Failure(error.code, error.message, error.hint, exitOf(error.code));
  if (error instanceof StorageError) return new Failure('storage', error.message);
  if (error instanceof CommandError) return new Failure('command', error.message);
  if (!(error instanceof Error)) return mistake(String(error));
  const { code, path, dest, syscall, message } = error as NodeJS.ErrnoException & { dest?: string };
  // A missing file is a mistake of ours; a folder that cannot be made is not.
  const isDisk = syscall !== undefined && (code !== 'ENOENT' || syscall === 'mkdir');
  const disk = isDisk ? DISK.get(code ?? '') : undefined;
  if (disk === undefined) return mistake(message);
  return new Failure('storage', `${disk[0]}: ${dest ?? path ?? message}.`, disk[1]);
}

/** For the control socket. */
export function failureData({ code, message, hint, exit }: Failure): FailureData {
  return { code, message, ...(hint === undefined ? {} : { hint }), exit };
}

/** Back from the control socket. */
export function failureFrom({ code, message, hint, exit }: FailureData): Failure {
  return new Failure(code, message, hint, exit);
}

/** What `--json` prints. */
export function failureJson({ code, message, hint }: Failure): string {
  return JSON.stringify({ error: { code, message, ...(hint === undefined ? {} : { hint }) } });
}

/** What a person reads. */
export function failureText({ message, hint }: Failure): string {
  return `warren: ${message}${hint === undefined ? '' : ` ${hint}`}`;
}

function exitOf(code: string): number {
  if (NOT_AUTHORISED.has(code)) return Exit.notAuthorised;
  return NOT_NOW.has(code) ? Exit.noPath : Exit.failure;
}

function mistake(message: string): Failure {
  return new Failure(
    'internal',
    `Warren failed: ${message.replace(/\.$/, '')}.`,
    'This is a mistake in Warren; please report it.',
  );
}
