/**
 * Why the site could not start, in one sentence with the next step; no stack
 * traces for what a person can put right.
 */
import { SiteError, storageFailure } from './errors.ts';
import { type HostPort, printHostPort } from './host-port.ts';
import type { SiteOptions } from './options.ts';

/** Puts an error into words. Anything unknown keeps its own message. */
export function explain(error: unknown, options: SiteOptions): string {
  if (error instanceof SiteError) return sentence(error.message, error.hint);
  const storage = storageFailure(error);
  if (storage !== undefined) {
    const reason = storage.message.replace(/^.*: (.*)\.$/, '$1');
    return sentence(`Cannot use the data folder ${options.dataDir}: ${reason}.`, storage.hint);
  }
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === 'listen' || syscall === 'bind' || syscall === 'getaddrinfo') return aboutAddress(error, options);
  if (syscall === undefined && code !== undefined && message.endsWith('.')) {
    // Written for people by the host of the bootstrap node.
    return sentence(message, code.startsWith('EADDR') ? 'The option is --bootstrap-udp.' : undefined);
  }
  const disk = code === 'ENOENT' && syscall !== 'mkdir' ? undefined : DISK.get(code ?? '');
  if (disk !== undefined) return sentence(`${disk[0]}: ${message}.`, disk[1]);
  return sentence(`The site could not start: ${message}.`, 'This is a mistake in the site; please report it.');
}

const ELSEWHERE = 'Make room for it, or start with --data FOLDER elsewhere.';

const DISK: ReadonlyMap<string, readonly [reason: string, remedy: string]> = new Map([
  ['ENOSPC', ['The disk is full', ELSEWHERE]],
  ['EDQUOT', ['The disk quota is used up', ELSEWHERE]],
  ['EROFS', ['The disk is read-only', 'Make it writable, or start with --data FOLDER elsewhere.']],
  ['EACCES', ['A file or folder may not be written', 'Correct its permissions, or choose another with --data.']],
  ['EPERM', ['A file or folder may not be written', 'Correct its permissions, or choose another with --data.']],
  ['EEXIST', ['The data folder cannot be made', 'Remove the file of that name, or choose another with --data.']],
  ['ENOTDIR', ['The data folder cannot be made', 'Remove the file of that name, or choose another with --data.']],
  ['ENOENT', ['The folder cannot be made there', 'Choose another with --data.']],
  ['ENAMETOOLONG', ['The name of the folder is too long', 'Choose another with --data.']],
  ['ELOOP', ['The data folder is a link to itself', 'Remove that link, or choose another with --data.']],
  ['EIO', ['The disk reports an error', 'Check the disk.']],
]);

function aboutAddress(error: unknown, options: SiteOptions): string {
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  const isUdp = (error as NodeJS.ErrnoException).syscall === 'bind';
  const option = isUdp ? '--bootstrap-udp' : '--listen';
  const at: HostPort = (isUdp ? options.bootstrapUdp : undefined) ?? options.listen;
  const where = `${isUdp ? 'UDP' : 'TCP'} address ${printHostPort({ ...at, port: port ?? at.port })}`;
  const other = `npm start -- ${option} ${printHostPort({ ...at, port: at.port === 0 ? 0 : at.port + 1 })}`;
  switch (code) {
    case 'EADDRINUSE':
      return sentence(`The ${where} is taken by another program.`, `Stop that, or choose another: ${other}`);
    case 'EACCES':
      return sentence(`The ${where} needs root.`, `Choose a port above 1023: npm start -- ${option} ${at.host}:8080`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return sentence(`This machine has no address ${at.host}.`, `Choose one that it has with ${option}.`);
    default:
      return sentence(`Cannot listen at the ${where}: ${message}.`, `Choose another with ${option}.`);
  }
}

function sentence(message: string, hint: string | undefined): string {
  return hint === undefined ? message : `${message} ${hint}`;
}
