/**
 * Certificates of our profile, and some beside it, made by the `openssl`
 * command: a CA that shares no line with ours. For `make.ts` only.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a certificate says. */
export interface Wish {
  /** Common name. */
  readonly name: string;
  readonly key: 'ed25519' | 'p256' | 'rsa';
  /** Lines of an OpenSSL extension section. */
  readonly extensions: readonly string[];
  readonly days: number;
  /** Whose key signs; absent: its own. */
  readonly issuer?: Issued;
  /** Of the signature, for keys that need one; sha256 by default. */
  readonly digest?: string;
}

export interface Issued {
  readonly pem: string;
  readonly keyPem: string;
}

const KEYS = {
  ed25519: ['-algorithm', 'ed25519'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
} as const;

/** Issues a certificate that begins now, with a random serial of 16 bytes. */
export function issue({ name, key, extensions, days, issuer, digest = 'sha256' }: Wish): Issued {
  const folder = mkdtempSync(join(tmpdir(), 'warren-x509-'));
  const path = (file: string) => join(folder, file);
  try {
    writeFileSync(path('extensions'), extensions.join('\n'));
    openssl('genpkey', ...KEYS[key], '-out', path('key'));
    openssl('req', '-new', '-key', path('key'), '-subj', `/CN=${name}`, '-utf8', '-out', path('request'));
    if (issuer !== undefined) {
      writeFileSync(path('ca'), issuer.pem);
      writeFileSync(path('ca-key'), issuer.keyPem);
    }
    const by = issuer === undefined ? ['-signkey', path('key')] : ['-CA', path('ca'), '-CAkey', path('ca-key')];
    const serial = `0x4${Array.from({ length: 31 }, () => Math.floor(Math.random() * 16).toString(16)).join('')}`;
    const common = [
      '-in',
      path('request'),
      '-days',
      String(days),
      '-extfile',
      path('extensions'),
      '-set_serial',
      serial,
    ];
    openssl('x509', '-req', `-${digest}`, ...common, ...by, '-out', path('certificate'));
    return { pem: readFileSync(path('certificate'), 'utf8'), keyPem: readFileSync(path('key'), 'utf8') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
