/**
 * The group file from the command line, with a sentence for everything that can
 * be wrong with it before the site has seen it. Never quotes its content: it has
 * a secret in it.
 */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GROUP_FILE_MAX, type GroupFile, parseGroupFile } from '@warren/group';
import { Exit, Failure } from './failure.ts';

const GET_ONE = 'On the group page press "Add a Linux machine" and download its group file.';

/** Reads and checks a group file; `path` is from `cwd`. Rejects with a `Failure`. */
export async function readGroupFile(path: string, cwd: string): Promise<GroupFile> {
  if (/^\w+:\/\//.test(path)) {
    // Not quoted: an invite link has a token in it.
    throw new Failure(
      'not-a-file',
      'This is a link, not a group file.',
      `Open it in a browser. ${GET_ONE}`,
      Exit.usage,
    );
  }
  const file = parseGroupFile(await readText(path, cwd));
  if ('error' in file) throw new Failure('bad-group-file', `${path}: ${file.error}`);
  return file;
}

async function readText(path: string, cwd: string): Promise<string> {
  try {
    const handle = await open(resolve(cwd, path), 'r');
    try {
      if ((await handle.stat()).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
      const bytes = new Uint8Array(4 * GROUP_FILE_MAX + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return new TextDecoder().decode(bytes.subarray(0, length));
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(path, (error as NodeJS.ErrnoException).code ?? String(error));
  }
}

function unreadable(path: string, code: string): Failure {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new Failure('no-such-file', `There is no file ${path}.`, GET_ONE);
    case 'EISDIR':
      return new Failure('is-a-folder', `${path} is a folder, not a group file.`, 'Give the path of the file in it.');
    case 'EACCES':
    case 'EPERM':
      return new Failure('unreadable', `No permission to read ${path}.`, 'Run as its owner.', Exit.notAuthorised);
    default:
      return new Failure('unreadable', `${path} cannot be read (${code}).`, 'Check the disk, or download it again.');
  }
}
