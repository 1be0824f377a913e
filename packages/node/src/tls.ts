/**
 * The TLS key that a server of ours makes itself, kept in a folder: of a site
 * off loopback, and of an edge that listens for WebSockets. Others are told its
 * public key (SHA-256 of the SPKI), so they need no certification authority; the
 * certificate around it is renewed at a start when it nears its end or the names
 * change. Source: decisions.md, "Site and edges".
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { toBase64Url, toHex } from '@warren/base';

export interface TlsIdentity {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** SHA-256 of the SubjectPublicKeyInfo, base64url. */
  readonly pin: string;
}

const DAY = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Browsers take no certificate that is good for more than 398 days. */
const LIFE = 397 * DAY;
const RENEW_BEFORE = 60 * DAY;

/** Reads or makes `tls.key` and `tls.crt` in a folder. Throws when they cannot be read or written. */
export async function openTls(folder: string, names: readonly string[], now: number): Promise<TlsIdentity> {
  const keyFile = join(folder, 'tls.key');
  const certificateFile = join(folder, 'tls.crt');
  if (!existsSync(keyFile)) writeWhole(keyFile, await newKey());
  const key = readFileSync(keyFile, 'utf8');
  const kept = existsSync(certificateFile) ? readFileSync(certificateFile, 'utf8') : undefined;
  const certificate =
    kept !== undefined && stillGood(kept, key, names, now) ? kept : await newCertificate(key, names, now);
  if (certificate !== kept) writeWhole(certificateFile, certificate);
  return { key, certificate, pin: pinOf(createPublicKey(key)) };
}

function pinOf(key: KeyObject): string {
  return toBase64Url(new Uint8Array(createHash('sha256').update(spkiOf(key)).digest()));
}

function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' });
}

function stillGood(pem: string, key: string, names: readonly string[], now: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const covers = (name: string): boolean =>
      (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
    const isOurs = certificate.checkPrivateKey(createPrivateKey(key));
    return isOurs && Date.parse(certificate.validTo) - now > RENEW_BEFORE && names.every(covers);
  } catch {
    return false;
  }
}

async function newKey(): Promise<string> {
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

async function newCertificate(pem: string, names: readonly string[], now: number): Promise<string> {
  const pkcs8 = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  const { subtle } = crypto;
  const keys = {
    privateKey: await subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, false, ['sign']),
    publicKey: await subtle.importKey('spki', new Uint8Array(spkiOf(createPublicKey(pem))), ALGORITHM, true, [
      'verify',
    ]),
  };
  const serial = new Uint8Array(randomBytes(16)).map((byte, index) => (index === 0 ? (byte & 0x3f) | 0x40 : byte));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: toHex(serial),
    name: 'CN=Warren',
    notBefore: new Date(now - DAY),
    notAfter: new Date(now - DAY + LIFE),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map(name => ({ type: isIP(name) ? ('ip' as const) : ('dns' as const), value: name })),
      ),
    ],
  });
  return certificate.toString('pem');
}

function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
