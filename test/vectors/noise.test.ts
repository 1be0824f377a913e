/** Noise vectors of all patterns, of an independent second implementation and published ones. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Implementation, implementations } from './implementations.ts';
import { noiseVectors } from './noise.ts';
import { FormatError, judged, type Result } from './report.ts';
import { cacophonyEntry, type Inputs, SPECIFIED, straightLine } from './straight-line.ts';

const PSK_PATTERNS = [
  ...['Npsk0', 'Kpsk0', 'Xpsk1', 'NNpsk0', 'NNpsk2', 'NKpsk2', 'NXpsk2', 'KNpsk0', 'KKpsk2', 'INpsk1', 'IKpsk1'],
  ...['IXpsk2', 'XNpsk3', 'XKpsk3', 'XXpsk0', 'XXpsk3', 'NNpsk0+psk2', 'XXpsk0+psk1+psk2+psk3', 'X1X1psk4'],
];

let all: Implementation[];
beforeAll(async () => {
  all = await implementations();
});

describe('published Noise vectors', () => {
  test.each(['cacophony', 'snow'])('of %s agree, by noble and by OpenSSL', file => {
    const result = run(published(file));
    expect(result.failed).toEqual([]);
    expect(result.total).toBe(file === 'snow' ? 1 : 14);
    expect(result.implementations).toEqual({
      noble: { passed: result.total, total: result.total },
      openssl: { passed: result.total, total: result.total },
    });
  });

  test('come out of the straight line too, so that it is Noise', () => {
    for (const vector of published('cacophony').vectors) {
      const { handshakeHash, ciphertexts } = straightLine(inputsOf(vector));
      expect(handshakeHash).toBe(vector.handshake_hash);
      expect(ciphertexts).toEqual(vector.messages.map(({ ciphertext }) => ciphertext));
    }
  });
});

describe('vectors of the straight line', () => {
  test('agree in all one-way, interactive and deferred patterns', () => {
    const result = run({ vectors: Object.keys(SPECIFIED).map(entry) });
    expect(result.failed).toEqual([]);
    expect(result).toMatchObject({ passed: 38, total: 38, skipped: {} });
  });

  test('agree with pre-shared keys at every place', () => {
    const result = run({ vectors: PSK_PATTERNS.map(entry) });
    expect(result.failed).toEqual([]);
    expect(result.passed).toBe(PSK_PATTERNS.length);
  });

  test('fail when any byte of any message is another', () => {
    const whole = entry('XXpsk3') as unknown as Published;
    whole.messages.forEach((_, i) => {
      const messages = whole.messages.map((message, j) =>
        i === j ? { ...message, ciphertext: changed(message.ciphertext) } : message,
      );
      expect(run({ vectors: [{ ...whole, messages }] }).failed).toHaveLength(2);
    });
    expect(run({ vectors: [{ ...whole, handshake_hash: '00'.repeat(32) }] }).failed[0]?.why).toContain('hash differs');
    expect(run({ vectors: [{ ...whole, messages: [] }] }).failed[0]?.why).toContain('0 messages of 3');
    expect(run({ vectors: [{ ...whole, init_static: 'xyz' }] }).failed[0]?.why).toContain('not hexadecimal');
  });
});

describe('a file of Noise vectors', () => {
  test('may be the list alone, without hashes, prologues and psks', () => {
    const { handshake_hash: _, init_psks: __, resp_psks: ___, ...rest } = entry('XX') as Record<string, unknown>;
    expect(run([rest])).toMatchObject({ passed: 1, total: 1 });
    const silent = cacophonyEntry({ ...inputs('XX'), prologue: '' });
    expect(run([{ ...silent, init_prologue: undefined, resp_prologue: undefined }])).toMatchObject({ passed: 1 });
  });

  test('leaves out what is not ours and says why', () => {
    const names = [
      ...['Noise_XX_448_ChaChaPoly_SHA256', 'Noise_XX_25519_AESGCM_SHA256', 'Noise_XX_25519_ChaChaPoly_BLAKE2s'],
      ...[
        'Noise_XX_25519_ChaChaPoly_SHA512',
        'Noise_XXfallback_25519_ChaChaPoly_SHA256',
        'NoisePSK_XX_25519_AESGCM_SHA256',
      ],
      ...['Noise_XXhfs_25519+448_ChaChaPoly_SHA256', 'Noise_QQ_25519_ChaChaPoly_SHA256'],
    ];
    const result = run({ vectors: [...names.map(protocol_name => ({ protocol_name })), { name: names[0] }] });
    expect(result).toMatchObject({ passed: 0, total: 0, failed: [] });
    expect(result.skipped).toEqual({
      'dh 448: the suite has 25519 only': 2,
      'cipher AESGCM: the suite has ChaChaPoly only': 1,
      'hash BLAKE2s: the suite has SHA256 only': 1,
      'hash SHA512: the suite has SHA256 only': 1,
      'fallback patterns': 1,
      'protocol family NoisePSK, older than revision 32': 1,
      'hybrid forward secrecy (hfs)': 1,
      'pattern QQ is not in the table': 1,
    });
  });

  test.each([null, 3, {}, { vectors: 'x' }])('that is %j is refused', json => {
    expect(() => noiseVectors(json)).toThrow(FormatError);
  });
});

interface Published {
  protocol_name: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
  [field: string]: unknown;
}

function published(file: string): { vectors: Published[] } {
  return JSON.parse(readFileSync(new URL(`noise/${file}.json`, import.meta.url), 'utf8'));
}

function run(json: unknown): Result {
  return judged('noise', 'here', noiseVectors(json), all);
}

function inputsOf(vector: Published): Inputs {
  const secret = (field: string) => (vector[field] as string | undefined) ?? '00'.repeat(32);
  return {
    pattern: vector.protocol_name.split('_')[1] as string,
    prologue: vector.init_prologue as string,
    psks: (vector.init_psks as string[] | undefined) ?? [],
    initStatic: secret('init_static'),
    initEphemeral: secret('init_ephemeral'),
    respStatic: secret('resp_static'),
    respEphemeral: secret('resp_ephemeral'),
    payloads: vector.messages.map(({ payload }) => payload),
  };
}

function entry(pattern: string): Record<string, unknown> {
  return cacophonyEntry(inputs(pattern));
}

function inputs(pattern: string): Inputs {
  const [initStatic, initEphemeral, respStatic, respEphemeral] = [1, 2, 3, 4].map(i => digest(`${pattern} ${i}`)) as [
    string,
    string,
    string,
    string,
  ];
  const psks = [...pattern.matchAll(/psk/g)].map((_, i) => digest(`psk ${i}`));
  const payloads = Array.from({ length: 7 }, (_, i) => digest(`payload ${i}`).slice(0, 8 * i));
  return {
    pattern,
    prologue: digest('prologue'),
    psks,
    initStatic,
    initEphemeral,
    respStatic,
    respEphemeral,
    payloads,
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** With another last digit. */
function changed(text: string): string {
  return `${text.slice(0, -1)}${text.endsWith('0') ? '1' : '0'}`;
}
