/**
 * `npm run vectors -- KIND FILE...`: runs published test vectors through the
 * functions that the product itself calls, once by noble as in a tab and once
 * by OpenSSL as in Node.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { implementations } from './implementations.ts';
import { noiseVectors } from './noise.ts';
import { FormatError, judged, printed, type Result, type Vector } from './report.ts';
import { wycheproofVectors } from './wycheproof.ts';
import { limboVectors } from './x509-limbo.ts';

const KINDS: Readonly<Record<string, (json: unknown) => Vector[]>> = {
  noise: noiseVectors,
  wycheproof: wycheproofVectors,
  'x509-limbo': limboVectors,
};

const HELP = `Usage: npm run vectors -- KIND FILE... [--json]

Runs test vectors through the product's own functions: by noble, as in a tab, and by OpenSSL, as in Node.

  noise        handshakes as cacophony, snow and noise-c publish them; suite 25519_ChaChaPoly_SHA256
  wycheproof   files of C2SP/wycheproof, testvectors_v1 or the older testvectors: X25519, Ed25519, ECDSA P-256,
               ChaCha20-Poly1305, XChaCha20-Poly1305, AES-GCM, HMAC and HKDF with SHA-256
  x509-limbo   limbo.json of C2SP/x509-limbo, against our own narrow certificate profile

  --json       one JSON object a file: { kind, file, passed, total, implementations, failed, skipped, acceptable, refused }
  --help       this text

Prints passed/total of what was run, and what was left out, with the reason. Exit 0: all passed; 1: something failed;
2: a file cannot be read, or is not of that kind.

Examples:
  npm run vectors -- noise test/vectors/noise/cacophony.json test/vectors/noise/snow.json
  npm run vectors -- wycheproof x25519_test.json ed25519_test.json
  npm run vectors -- x509-limbo test/vectors/x509/warren.json --json
`;

const { kind, files, json } = readOptions();
const all = await implementations();
const results = files.map(file => result(kind, file));
for (const each of results) {
  process.stdout.write(json ? `${JSON.stringify(each)}\n` : `${printed(each).join('\n')}\n`);
}
process.exitCode = results.some(({ failed }) => failed.length > 0) ? 1 : 0;

function result(kind: string, file: string): Result {
  const read = KINDS[kind] as (json: unknown) => Vector[];
  try {
    return judged(kind, file, read(contents(file)), all);
  } catch (error) {
    if (error instanceof FormatError) fail(`${file} is not of the kind ${kind}: ${error.message}.`);
    throw error;
  }
}

function contents(file: string): unknown {
  // npm runs scripts in the project's folder, and says where the person is.
  const path = resolve(process.env.INIT_CWD ?? '.', file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return fail(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}). Give the path of a JSON file.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    return fail(`${path} is not JSON. Give a vector file as published, not its page or a Git LFS pointer.`);
  }
}

function readOptions(): { kind: string; files: string[]; json: boolean } {
  try {
    const options = { json: { type: 'boolean', default: false }, help: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ allowPositionals: true, options });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const [kind, ...files] = positionals;
    const kinds = Object.keys(KINDS).join(', ');
    if (kind === undefined) return fail(`Say which kind of vectors: ${kinds}. --help has examples.`);
    if (!Object.hasOwn(KINDS, kind)) return fail(`There are no vectors of the kind ${kind}: try one of ${kinds}.`);
    if (files.length === 0) return fail(`Name a file, e.g. npm run vectors -- ${kind} FILE.json. --help has examples.`);
    return { kind, files, json: values.json };
  } catch (error) {
    return fail(`${(error as Error).message}. --help has examples.`);
  }
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
