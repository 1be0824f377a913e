import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { readGroupFile } from './read-group-file.ts';
import { GROUP, TestGroup, testFolder } from './testing.ts';

let text: string;
beforeAll(async () => {
  text = JSON.stringify((await TestGroup.make(GROUP, Date.now())).file(), undefined, 2);
});

/** Reads a file with this content by a relative path. */
function read(content: string | Uint8Array) {
  const folder = testFolder(onTestFinished);
  writeFileSync(join(folder, 'home.warren'), content);
  return readGroupFile('./home.warren', folder);
}

test('a good file is read', async () => {
  expect(await read(text)).toMatchObject({ group: GROUP, device: 'laptop' });
});

test.each([
  ['cut off', () => text.slice(0, 200), 'damaged or cut off'],
  ['empty', () => '', 'damaged or cut off'],
  ['with a bit flipped', () => text.replace('laptop', 'laptoq'), 'checksum does not match'],
  ['of bytes that are no text', () => new Uint8Array([0xff, 0xfe, 0, 1]), 'damaged or cut off'],
  ['of another kind', () => '{"hello": "world"}', 'not a group file'],
  ['far too long', () => 'x'.repeat(1 << 20), 'too large'],
])('a file %s is refused in words', async (_what, content, words) => {
  const failure = await read(content()).catch(error => error);
  expect(failure).toMatchObject({ code: 'bad-group-file', exit: 1 });
  expect(failure.message).toContain('./home.warren: ');
  expect(failure.message).toContain(words);
});

test('what is no file is told apart', async () => {
  const folder = testFolder(onTestFinished);
  await expect(readGroupFile('none.warren', folder)).rejects.toMatchObject({
    code: 'no-such-file',
    message: 'There is no file none.warren.',
    exit: 1,
  });
  await expect(readGroupFile('.', folder)).rejects.toMatchObject({ code: 'is-a-folder', exit: 1 });
});

test('an invite link is not a file, and its token is not repeated', async () => {
  const failure = await readGroupFile('https://site.example/#invite=TOKEN', '/').catch(error => error);
  expect(failure).toMatchObject({ code: 'not-a-file', exit: 2 });
  expect(JSON.stringify([failure.message, failure.hint])).not.toContain('TOKEN');
});
