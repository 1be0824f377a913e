/**
 * Seals each group's CA key for the database with AES-256-GCM, bound to its
 * group. The sealing key comes from a file outside the data folder or from a
 * passphrase; without it the site runs, but signs nothing and says where the
 * key should be. Source: decisions.md, "Site and edges"; faults.md row 52.
 *
 * Sealed: version 1 ‖ nonce 12 ‖ ciphertext ‖ tag 16; associated data = label ‖ group id.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { hashRaw } from '@node-rs/argon2';
import { concat, sameBytes, utf8 } from '@warren/base';
import { makeKeyFile, readKeyFile } from './ca-key-file.ts';
import type { Database } from './database/schema.ts';
import { readSetting, writeSetting } from './database/settings.ts';
import { SiteError } from './errors.ts';
import { sha256 } from './secrets.ts';

const LABEL = utf8('warren-ca-key/1');
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** 64 MiB, three passes: about a fifth of a second for us, and for each guess. */
const PASSPHRASE_COST = { memoryCost: 65_536, timeCost: 3, parallelism: 1, outputLen: 32 } as const;

/** What seals and opens the CA keys. */
export interface CaKeys {
  /** Where the sealing key is, for people. */
  readonly where: string;
  /** Why nothing can be signed at present; `undefined` when all is well. */
  locked(): SiteError | undefined;
  /** Seals a CA key (PKCS#8 DER) for one group. Throws the reason while locked. */
  seal(group: string, pkcs8: Uint8Array): Uint8Array;
  /** Opens what `seal` made for the same group. Throws the reason while locked, or when it was altered. */
  open(group: string, sealed: Uint8Array): Uint8Array;
}

/**
 * Finds the sealing key of this database, or makes one where the database has none yet.
 * With `passphrase` a new database uses that instead of the file. Throws for a wrong passphrase or an unwritable file.
 */
export async function openCaKeys(
  db: Database,
  path: string,
  passphrase: (() => Promise<string | undefined>) | undefined,
  warn: (line: string) => void,
): Promise<CaKeys> {
  const id = await readSetting(db, 'ca-key-id');
  const salt = await readSetting(db, 'ca-key-salt');
  if (id === undefined) {
    const chosen = await passphrase?.();
    return chosen === undefined ? fromNewFile(db, path, warn) : fromNewPassphrase(db, chosen);
  }
  if (salt === undefined) return fromFile(path, id, warn);
  const given = await passphrase?.();
  return given === undefined ? lockedByPassphrase() : fromPassphrase(given, salt, id);
}

async function fromNewFile(db: Database, path: string, warn: (line: string) => void): Promise<CaKeys> {
  if (readKeyFile(path).kind === 'absent') makeKeyFile(path);
  const file = readKeyFile(path);
  if (file.kind !== 'key') throw new SiteError(503, 'ca-key-unusable', unusable(path, file), 'Move it away.');
  await writeSetting(db, 'ca-key-id', keyId(file.key));
  return fromFile(path, keyId(file.key), warn);
}

async function fromNewPassphrase(db: Database, passphrase: string): Promise<CaKeys> {
  const salt = new Uint8Array(randomBytes(16));
  const key = await stretch(passphrase, salt);
  await db.transaction().execute(async step => {
    await writeSetting(step, 'ca-key-salt', salt);
    await writeSetting(step, 'ca-key-id', keyId(key));
  });
  return withKey('your passphrase', () => key);
}

async function fromPassphrase(passphrase: string, salt: Uint8Array, id: Uint8Array): Promise<CaKeys> {
  const key = await stretch(passphrase, salt);
  if (sameBytes(keyId(key), id)) return withKey('your passphrase', () => key);
  throw new SiteError(503, 'ca-passphrase-wrong', 'This is not the passphrase of this data folder.', 'Try again.');
}

function lockedByPassphrase(): CaKeys {
  const message = 'This site cannot sign: the CA keys are under a passphrase that was not given at the start.';
  const hint = 'Start the site with --ca-passphrase, or name a file with it in WARREN_CA_PASSPHRASE_FILE.';
  return withKey('your passphrase', () => new SiteError(503, 'ca-key-locked', message, hint));
}

/** Reads the file again while it does not fit, so that putting the key in its place needs no restart. */
function fromFile(path: string, id: Uint8Array, warn: (line: string) => void): CaKeys {
  let found: Uint8Array | undefined;
  return withKey(path, () => {
    if (found !== undefined) return found;
    const file = readKeyFile(path);
    if (file.kind !== 'key' || !sameBytes(keyId(file.key), id)) {
      const hint = `Put the key that belongs to this data folder at ${path} (mode 0600) and try again.`;
      return new SiteError(503, 'ca-key-missing', unusable(path, file), hint);
    }
    if (file.openToOthers) warn(`warning: others may read ${path}: run chmod 600 on it`);
    found = file.key;
    return found;
  });
}

function unusable(path: string, file: ReturnType<typeof readKeyFile>): string {
  const why = {
    absent: `its CA key is not at ${path}`,
    key: `the CA key at ${path} belongs to another data folder`,
    unusable: `its CA key at ${path} cannot be used: ${file.kind === 'unusable' ? file.reason : ''}`,
  };
  return `This site cannot sign: ${why[file.kind]}.`;
}

function withKey(where: string, find: () => Uint8Array | SiteError): CaKeys {
  const key = (): Uint8Array => {
    const found = find();
    if (found instanceof SiteError) throw found;
    return found;
  };
  return {
    where,
    locked() {
      const found = find();
      return found instanceof SiteError ? found : undefined;
    },
    seal: (group, pkcs8) => seal(key(), group, pkcs8),
    open: (group, sealed) => open(key(), group, sealed),
  };
}

function seal(key: Uint8Array, group: string, plain: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(concat(LABEL, utf8(group)));
  return concat(Uint8Array.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

function open(key: Uint8Array, group: string, sealed: Uint8Array): Uint8Array {
  const body = 1 + NONCE_BYTES;
  try {
    const nonce = sealed.subarray(1, body);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(concat(LABEL, utf8(group))).setAuthTag(sealed.subarray(-TAG_BYTES));
    return concat(decipher.update(sealed.subarray(body, -TAG_BYTES)), decipher.final());
  } catch {
    const hint = 'Restore the data folder from a copy.';
    throw new SiteError(503, 'ca-key-damaged', "This site cannot sign: the group's CA key is damaged.", hint);
  }
}

function keyId(key: Uint8Array): Uint8Array {
  return sha256(utf8('warren-ca-key-id/1'), key);
}

async function stretch(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await hashRaw(passphrase.normalize('NFC'), { ...PASSPHRASE_COST, salt }));
}
