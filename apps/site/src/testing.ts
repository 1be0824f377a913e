/**
 * For tests of the site: a whole site in a temporary folder without a socket,
 * a clock that the test moves, a client that behaves like the page, and a
 * device that enrols. Not part of the running site.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { concat, fromBase64Url, toBase64Url, utf8 } from '@warren/base';
import { newSetupToken } from './accounts.ts';
import { openCaKeys } from './ca-keys.ts';
import { openDatabase } from './database/open.ts';
import type { GroupFileObject } from './group-file.ts';
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

/** A device's key pair and what it asks for with it. */
export class Device {
  readonly keys: CryptoKeyPair;

  private constructor(keys: CryptoKeyPair) {
    this.keys = keys;
  }

  static async make(algorithm: 'Ed25519' | 'P-256' = 'Ed25519'): Promise<Device> {
    const name = algorithm === 'Ed25519' ? 'Ed25519' : { name: 'ECDSA', namedCurve: 'P-256' };
    return new Device((await crypto.subtle.generateKey(name, true, ['sign', 'verify'])) as CryptoKeyPair);
  }

  async spki(): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.exportKey('spki', this.keys.publicKey));
  }

  /** PKCS#10 for a device, bound to an enrolment secret if there is one. */
  async request(device: string, enrolment?: string): Promise<Uint8Array> {
    const secret = fromBase64Url(enrolment ?? '') ?? new Uint8Array(0);
    const challenge = toBase64Url(sha256(utf8('warren-enrol/1'), secret));
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({
      name: new x509.Name([{ CN: [{ utf8String: device }] }]),
      keys: this.keys,
      signingAlgorithm: this.algorithm,
      attributes: enrolment === undefined ? [] : [new x509.ChallengePasswordAttribute(challenge)],
    });
    return new Uint8Array(csr.rawData);
  }

  /** The body of `POST /api/enrol` for a group file. */
  async enrolment(file: GroupFileObject): Promise<{ group: string; enrolment: string; csr: string }> {
    const csr = toBase64Url(await this.request(file.device, file.enrolment));
    return { group: file.group, enrolment: file.enrolment, csr };
  }

  /** The body of `POST /api/renew`; `tbsHash` is that of `leaf`. */
  async renewal(leaf: string, tbsHash: Uint8Array, device: string, at: number): Promise<object> {
    const csr = await this.request(device);
    const moment = new DataView(new ArrayBuffer(8));
    moment.setBigUint64(0, BigInt(at));
    const text = concat(utf8('warren-renew/1'), tbsHash, new Uint8Array(moment.buffer), sha256(csr));
    const signed = await crypto.subtle.sign(this.algorithm, this.keys.privateKey, new Uint8Array(text));
    return { leaf, csr: toBase64Url(csr), at, signature: toBase64Url(new Uint8Array(signed)) };
  }

  private get algorithm(): { name: string; hash?: string } {
    return this.keys.publicKey.algorithm.name === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' };
  }
}
