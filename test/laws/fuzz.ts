/**
 * `npm run fuzz`: every decoder against hostile bytes, a million inputs each: bytes of chance, and good messages
 * damaged, cut, lengthened, spliced. Nothing may throw, take long, or be written into the input. Which decoders there
 * are is what the law files say; parsers of files and certificates are added here. Not part of `npm test`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { fromHex, fromUtf8, toBase64Url, utf8 } from '@warren/base';
import { parseGroupFile, printGroupFile } from '@warren/group';
import { parseAddress } from '@warren/link';
import { SeededRandom, simAuthority, simMember, simVerifier } from '@warren/sim';
import { Authority, readAuthority, readLeaf } from '@warren/trust';
import { type CodecLaws, collectCodecs } from './codec-laws.ts';

const HELP = `Usage: npm run fuzz -- [options]

  --inputs N       for each decoder (default 1000000)
  --decoder TEXT   only those whose name contains it
  --seed N         repeats a run (default 1)
  --json           one JSON object: { name, seed, ok, figures, took }
  --help           this text

Examples:
  npm run fuzz
  npm run fuzz -- --decoder Leaf --inputs 10000000 --seed 7
`;
/** What one input may take, the quicker of two runs. */
const SLOW_MS = 50;
/** Inputs are at most so long, as a datagram is. */
const INPUT_MAX_BYTES = 2_048;

interface Target {
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => unknown;
  /** Good inputs. */
  readonly seeds: readonly Uint8Array[];
}

interface Result {
  readonly decoder: string;
  readonly inputs: number;
  /** How many were taken for good. */
  readonly accepted: number;
  readonly crashes: number;
  readonly changedInputs: number;
  readonly slowestMs: number;
  /** The first input that threw, took long or was changed. */
  readonly example?: string;
}

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    decoder: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const [inputs, seed] = [Number(options.inputs), Number(options.seed)];
if (!Number.isInteger(inputs) || inputs < 1 || !Number.isInteger(seed)) {
  process.stderr.write(`--inputs and --seed are whole numbers\n\n${HELP}`);
  process.exit(2);
}
const startedAt = performance.now();
const results: Result[] = [];
for (const target of (await targets()).filter(({ name }) => name.includes(options.decoder))) {
  const result = fuzz(target);
  results.push(result);
  const verdict = isGood(result) ? 'ok' : `FAILED with ${result.example}`;
  const columns = [
    result.decoder.padEnd(34),
    String(result.accepted).padStart(9),
    result.slowestMs.toFixed(1).padStart(7),
  ];
  process[options.json ? 'stderr' : 'stdout'].write(`${columns.join(' ')} ms  ${verdict}\n`);
}
const ok = results.length > 0 && results.every(isGood);
const took = Math.round((performance.now() - startedAt) / 100) / 10;
const figures = {
  decoders: results.length,
  inputsEach: inputs,
  crashes: results.reduce((sum, { crashes }) => sum + crashes, 0),
  slowestMs: Math.max(0, ...results.map(({ slowestMs }) => slowestMs)),
};
if (options.json) process.stdout.write(`${JSON.stringify({ name: 'fuzz', seed, ok, figures, took, results })}\n`);
else process.stdout.write(`${figures.decoders} decoders, ${figures.crashes} crashes, ${took} s\n`);
process.exit(ok ? 0 : 1);

function isGood({ crashes, changedInputs, slowestMs }: Result): boolean {
  return crashes === 0 && changedInputs === 0 && slowestMs < SLOW_MS;
}

function fuzz({ name, decode, seeds }: Target): Result {
  const random = new SeededRandom(seed, name);
  const below = (bound: number) => Math.floor(random.unit() * bound);
  const counts = { accepted: 0, crashes: 0, changedInputs: 0, slowestMs: 0 };
  let example: string | undefined;
  for (let i = 0; i < inputs; i++) {
    const input = i % 8 === 0 ? random.bytes(below(256)) : damaged(seeds, below);
    const before = checksum(input);
    const from = performance.now();
    let isBad = false;
    try {
      if (decode(input) !== undefined) counts.accepted++;
    } catch {
      counts.crashes++;
      isBad = true;
    }
    const ms = isBad ? 0 : Math.min(performance.now() - from, again(decode, input));
    counts.slowestMs = Math.max(counts.slowestMs, ms);
    if (checksum(input) !== before) counts.changedInputs++;
    if (isBad || ms >= SLOW_MS || checksum(input) !== before) example ??= Buffer.from(input).toString('hex');
  }
  return { decoder: name, inputs, ...counts, ...(example === undefined ? {} : { example }) };
}

/** How long the same takes once more: the machine may have done something else meanwhile. */
function again(decode: Target['decode'], input: Uint8Array): number {
  const from = performance.now();
  decode(input);
  return performance.now() - from;
}

/** A good input with up to six changes, perhaps cut, lengthened, or continued by another. */
function damaged(seeds: readonly Uint8Array[], below: (bound: number) => number): Uint8Array {
  const pick = () => seeds[below(seeds.length)] ?? new Uint8Array(0);
  let bytes = pick().slice(0, INPUT_MAX_BYTES);
  const kind = below(6);
  if (kind === 0) bytes = bytes.slice(0, below(bytes.length + 1));
  if (kind === 1) bytes = Uint8Array.from([...bytes, ...new Uint8Array(below(32)).fill(below(256))]);
  if (kind === 2)
    bytes = Uint8Array.from([...bytes.subarray(0, below(bytes.length + 1)), ...pick().subarray(below(64))]);
  const edges = [0, 1, 0x7f, 0x80, 0xff];
  for (let changes = below(7); changes > 0 && bytes.length > 0; changes--) {
    bytes[below(bytes.length)] = below(2) === 0 ? (edges[below(edges.length)] as number) : below(256);
  }
  return bytes;
}

function checksum(bytes: Uint8Array): number {
  let sum = bytes.length;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return sum;
}

async function targets(): Promise<Target[]> {
  const codecs = await collectCodecs(async () => {
    const packages = join(import.meta.dirname, '../../packages');
    for (const file of readdirSync(packages, { recursive: true, encoding: 'utf8' })) {
      if (file.endsWith('.laws.test.ts') && !file.includes('node_modules')) {
        await import(pathToFileURL(join(packages, file)).href);
      }
    }
  });
  return [...codecs.map(targetOf), ...otherTargets()];
}

function targetOf({ name, decode, golden }: CodecLaws<unknown>): Target {
  return { name, decode, seeds: golden.map(({ hex }) => fromHex(hex.replace(/\s/g, '')) ?? new Uint8Array(0)) };
}

/** Readers of what is not a message. Those of text get any bytes that are text. */
function otherTargets(): Target[] {
  const random = new SeededRandom(seed, 'seeds');
  const authority = simAuthority(random, 1_767_225_600_000);
  const { leaf } = simMember(authority, { user: 'ada', device: 'laptop' }, random, 1_767_225_600_000);
  const text = (read: (text: string) => unknown) => (bytes: Uint8Array) => read(fromUtf8(bytes) ?? '');
  const file = printGroupFile({
    warren: 1,
    group: authority.group,
    name: 'Lab',
    site: 'https://x.example',
    bootstraps: ['wss://x.example/bootstrap'],
    ca: toBase64Url(authority.der),
    rendezvous: toBase64Url(random.bytes(32)),
    subnet: '10.128.0.0/16',
    user: 'ada',
    device: 'laptop',
    expires: '2026-01-02T00:00:00.000Z',
  });
  return [
    { name: 'readLeaf', decode: bytes => readOf(readLeaf(bytes)), seeds: [leaf, authority.der] },
    { name: 'certificates that verify', decode: unforged(authority.der, leaf), seeds: [leaf] },
    { name: 'readAuthority', decode: bytes => readOf(readAuthority(bytes)), seeds: [leaf, authority.der] },
    { name: 'parseAddress', decode: text(parseAddress), seeds: ['192.0.2.7:41641', '[2001:db8::1]:1'].map(utf8) },
    { name: 'parseGroupFile', decode: text(readGroupFile), seeds: [utf8(file)] },
  ];
}

/** A damaged leaf that its authority still certifies must be the leaf itself: throws at any other. */
function unforged(ca: Uint8Array, good: Uint8Array): Target['decode'] {
  const authority = Authority.group(ca, { verifier: simVerifier() });
  return bytes => {
    const leaf = readLeaf(bytes);
    if (typeof leaf === 'string' || !authority?.certifies(leaf, leaf.notBefore)) return undefined;
    if (Buffer.compare(bytes, good) !== 0) throw new Error('a damaged certificate was accepted');
    return leaf;
  };
}

/** A damaged file; where it is JSON still, the same with a checksum that is right. */
function readGroupFile(text: string): object | undefined {
  return readOf(parseGroupFile(checksummed(text) ?? text));
}

function checksummed(text: string): string | undefined {
  try {
    const { check: _, ...rest } = JSON.parse(text);
    return printGroupFile(rest);
  } catch {
    return undefined;
  }
}

/** What a reader gives that names its reason otherwise. */
function readOf(read: string | object): object | undefined {
  return typeof read === 'string' || 'error' in read ? undefined : read;
}
