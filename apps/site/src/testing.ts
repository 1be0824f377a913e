/**
 * For tests of the site: a whole site in a temporary folder without a socket,
 * a clock that the test moves, a client that behaves like the page, and a
 * device that enrols. Not part of the running site.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, fromBase64Url, toBase64Url, utf8 } from '@warren/base';
import type { GroupFile } from '@warren/group';
import { type IdentityKey, makeRequest } from '@warren/peer';
import { Writer } from '@warren/wire';
import { newSetupToken } from './accounts.ts';
import { openCaKeys } from './ca-keys.ts';
import { openDatabase } from './database/open.ts';
import type { App } from './routes/api.ts';
import { sha256 } from './secrets.ts';
import { buildServer } from './server.ts';
import type { Site } from './site.ts';

export const ORIGIN = 'http://localhost:8080';

/** A site under test. */
export interface TestSite {
  readonly app: App;
  readonly site: Site;
  readonly folder: string;
  /** What the site told the person who runs it. */
  readonly lines: string[];
  /** Moves the site's clock forward. */
  pass(ms: number): void;
  /** Another browser. */
  browser(): Browser;
  /** Closes the site; the folder stays unless `remove`. */
  close(remove?: boolean): Promise<void>;
}

/** What a test may choose. */
export interface TestSiteOptions {
  /** Folder with `data` and `state`; a new temporary one by default. */
  readonly folder?: string;
  readonly dataDir?: string;
  readonly caKeyFile?: string;
  readonly passphrase?: string | undefined;
}

/** Starts a site that answers injected requests. */
export async function testSite(options: TestSiteOptions = {}): Promise<TestSite> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'warren-site-'));
  const db = openDatabase(options.dataDir ?? folder);
  const lines: string[] = [];
  let offset = 0;
  const log = (line: string): void => void lines.push(line);
  const passphrase = options.passphrase === undefined ? undefined : async () => options.passphrase;
  const site: Site = {
    db,
    now: () => Date.now() + offset,
    caKeys: await openCaKeys(db, options.caKeyFile ?? join(folder, 'state', 'ca-key'), passphrase, log),
    address: {
      origin: ORIGIN,
      bootstraps: ['ws://localhost:8080/bootstrap'],
      stun: [],
      hosts: new Set(['localhost']),
      tls: false,
    },
    version: '0.0.0',
    log,
  };
  const app = await buildServer(site, { pageDir: join(folder, 'page'), behindProxy: false });
  return {
    app,
    site,
    folder,
    lines,
    pass: ms => {
      offset += ms;
    },
    browser: () => new Browser(app),
    async close(remove = true) {
      await app.close();
      await db.destroy();
      if (remove) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An answer, read. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
  readonly headers: Record<string, unknown>;
}

/** Calls the API as the page does: own origin, the header, one cookie. */
export class Browser {
  cookie: string | undefined;
  /** Added to every request; a test sets what should be different. */
  headers: Record<string, string> = { host: 'localhost:8080', origin: ORIGIN, 'x-warren': '1' };
  private readonly app: App;

  constructor(app: App) {
    this.app = app;
  }

  async get(url: string): Promise<Answer> {
    return this.call('GET', url);
  }

  async post(url: string, body: object | string = {}): Promise<Answer> {
    return this.call('POST', url, body);
  }

  async call(
    method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS' | 'PUT',
    url: string,
    body?: object | string,
  ): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const cookie = this.cookie === undefined ? {} : { cookie: this.cookie };
    const payload = typeof body === 'object' ? JSON.stringify(body) : body;
    const headers = { ...type, ...cookie, ...this.headers };
    const answer = await this.app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
    const [set] = [answer.headers['set-cookie'] ?? []].flat();
    if (set !== undefined) this.cookie = /^[^;]*=[^;]+/.exec(set)?.[0];
    const isJson = String(answer.headers['content-type']).startsWith('application/json');
    return { status: answer.statusCode, body: isJson ? answer.json() : answer.body, headers: answer.headers };
  }
}

/** A fresh site with its first account, signed in. */
export async function siteWithAda(options: TestSiteOptions = {}): Promise<TestSite & { ada: Browser }> {
  const started = await testSite(options);
  const ada = started.browser();
  const token = await newSetupToken(started.site);
  await ada.post('/api/signup', { name: 'ada', displayName: 'Ada', password: 'correct horse', token });
  return { ...started, ada };
}

/** Makes a group and returns its id. */
export async function newGroup(by: Browser, name = 'Home'): Promise<string> {
  return (await by.post('/api/groups', { name })).body.group.group;
}

/** Makes an invite and returns its token. */
export async function newInvite(by: Browser, group: string, wish: object = {}): Promise<string> {
  const answer = await by.post(`/api/groups/${group}/invites`, wish);
  return answer.body.url.split('#invite=')[1];
}

/** A device's identity key and what it asks for with it. */
export class Device {
  readonly key: IdentityKey;

  private constructor(key: IdentityKey) {
    this.key = key;
  }

  static async make(algorithm: 'ed25519' | 'p256' = 'ed25519'): Promise<Device> {
    const name = algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
    const keys = (await crypto.subtle.generateKey(name, true, ['sign', 'verify'])) as CryptoKeyPair;
    const spki = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
    const scheme = algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' };
    const sign = async (text: Uint8Array) =>
      new Uint8Array(await crypto.subtle.sign(scheme, keys.privateKey, new Uint8Array(text)));
    return new Device({ algorithm, spki, keys, sign });
  }

  /** PKCS#10 for a device, bound to an enrolment secret if there is one. */
  async request(device: string, enrolment?: string): Promise<Uint8Array> {
    return makeRequest(this.key, device, enrolment === undefined ? undefined : fromBase64Url(enrolment));
  }

  /** The body of `POST /api/enrol` for a group file. */
  async enrolment(file: GroupFile): Promise<{ group: string; enrolment: string; csr: string }> {
    const enrolment = file.enrolment ?? '';
    return { group: file.group, enrolment, csr: toBase64Url(await this.request(file.device, enrolment)) };
  }

  /** The body of `POST /api/renew`; `tbsHash` is that of `leaf`. */
  async renewal(leaf: string, tbsHash: Uint8Array, device: string, at: number): Promise<object> {
    const csr = await this.request(device);
    const text = concat(utf8('warren-renew/1'), tbsHash, new Writer(8).u64(at).done(), sha256(csr));
    return { leaf, csr: toBase64Url(csr), at, signature: toBase64Url(await this.key.sign(text)) };
  }
}
