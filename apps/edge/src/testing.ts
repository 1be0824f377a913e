/** For tests of the command: a terminal that remembers, views to show, a group file with a real authority. Not part of the command. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64Url } from '@warren/base';
import { type GroupFile, printGroupFile } from '@warren/group';
import {
  type CrawledPeerView,
  type CrawlView,
  type GroupView,
  type Host,
  type IdentityKey,
  issueCertificateAuthority,
  type MemberView,
  type PeerView,
} from '@warren/peer';
import type { CensusAnswer, Status } from './control-api.ts';
import type { BackgroundMessage, Terminal } from './terminal.ts';

export const GROUP = 'abcdefghijklmnopqrstuvwxyz';
export const OTHER_GROUP = 'zyxwvutsrqponmlkjihgfedcba';

/** A terminal whose lines can be read. */
export interface TestTerminal extends Terminal {
  readonly stdout: string[];
  readonly stderr: string[];
  readonly told: BackgroundMessage[];
}

export function testTerminal(o: Partial<Pick<Terminal, 'env' | 'cwd' | 'isRoot'>> = {}): TestTerminal {
  const [stdout, stderr, told]: [string[], string[], BackgroundMessage[]] = [[], [], []];
  return {
    env: o.env ?? {},
    cwd: o.cwd ?? '/',
    isRoot: o.isRoot ?? true,
    stdout,
    stderr,
    told,
    out: line => void stdout.push(line),
    err: line => void stderr.push(line),
    paint: (style, text) => (style === 'plain' ? text : `<${style}>${text}</>`),
    tell: message => void told.push(message),
  };
}

/** A folder that goes with the test; `atEnd` is Vitest's `onTestFinished`. */
export function testFolder(atEnd: (clean: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'warren-edge-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A member; by default an edge that is there and carried by others. `name` is `device.user`. */
export function member(name: string, more: Partial<MemberView> = {}): MemberView {
  const [device = '', user = ''] = name.split('.');
  const peerId = Buffer.from(name.padEnd(20, '.')).toString('hex').slice(0, 40);
  return { peerId, name, device, user, kind: 'edge', teams: [], rights: ['relay'], self: false, online: true, ...more };
}

/** A peer of a walk, at the place of the member of that name. */
export function crawled(name: string, more: Partial<CrawledPeerView> = {}): CrawledPeerView {
  const { peerId, kind } = member(name);
  const counts = { links: 4, recordsHeld: 7, resting: false, successors: [], predecessors: [] };
  return { peerId, name, kind, ...counts, ...more };
}

/** A walk on which all went well. */
export function crawlView(peers: readonly CrawledPeerView[], more: Partial<CrawlView> = {}): CrawlView {
  return { peers, inconsistencies: [], complete: true, tookMs: 420, ...more };
}

/** A census with nothing to find fault with. */
export function census(more: Partial<CensusAnswer> = {}): CensusAnswer {
  const { peerId: self } = member('laptop.ada');
  const counts = { peers: 12, consistent: 12, links: 52, records: 130, browsers: 4, depth: 3, unanswered: 0 };
  return { group: GROUP, name: 'Home', self, ...counts, tookMs: 320, ...more };
}

/** A connected group with its members, the first of them ourselves. */
export function group(members: readonly MemberView[], more: Partial<GroupView> = {}): GroupView {
  return {
    group: GROUP,
    name: 'Home',
    subnet: '10.128.0.0/16',
    postQuantum: 'on',
    state: 'connected',
    self: members[0] as MemberView,
    members,
    links: [],
    recordsHeld: 0,
    forwarded: 0,
    ...more,
  };
}

export function peerView(groups: readonly GroupView[], more: Partial<PeerView['public']> = {}): PeerView {
  const bootstraps = [{ url: 'wss://site.example/bootstrap', state: 'connected' as const }];
  const peerId = '00'.repeat(20);
  return {
    public: { peerId, state: 'connected', bootstraps, links: [], recordsHeld: 0, forwarded: 0, ...more },
    groups,
  };
}

export function status(groups: readonly GroupView[], more: Partial<Status> = {}): Status {
  const startedAt = '2026-07-01T12:00:00.000Z';
  const devices = groups.map(({ group: id }) => ({
    group: id,
    interface: 'wr0',
    certificateExpires: '2026-07-31T12:00:00.000Z',
  }));
  return {
    schema: 1,
    version: '1.2.3',
    pid: 7,
    startedAt,
    health: [],
    devices,
    ports: [],
    ...peerView(groups),
    ...more,
  };
}

/** A group's authority and what it makes group files of. */
export class TestGroup {
  readonly ca: CryptoKeyPair;
  private readonly der: Uint8Array;
  private readonly id: string;

  private constructor(id: string, ca: CryptoKeyPair, der: Uint8Array) {
    this.id = id;
    this.ca = ca;
    this.der = der;
  }

  static async make(id: string, now: number): Promise<TestGroup> {
    const ca = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    return new TestGroup(id, ca, await issueCertificateAuthority(ca, id, now, new Uint8Array(16).fill(3)));
  }

  file(more: Partial<Omit<GroupFile, 'check'>> = {}): GroupFile {
    const text = printGroupFile({
      warren: 1,
      group: this.id,
      name: 'Home',
      site: 'https://site.example',
      bootstraps: ['wss://site.example/bootstrap'],
      ca: toBase64Url(this.der),
      rendezvous: toBase64Url(new Uint8Array(32)),
      subnet: '10.128.0.0/16',
      user: 'ada',
      device: 'laptop',
      enrolment: toBase64Url(new Uint8Array(16).fill(9)),
      expires: '2026-07-02T00:00:00.000Z',
      ...more,
    });
    return JSON.parse(text) as GroupFile;
  }
}

/** A host with keys, a clock and values in memory, and nothing else. */
export async function memoryHost(unixMs: () => number): Promise<Host> {
  const keys = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const identity: IdentityKey = {
    algorithm: 'ed25519',
    spki: new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey)),
    keys,
    sign: async message => new Uint8Array(await crypto.subtle.sign('Ed25519', keys.privateKey, message.slice())),
  };
  const values = new Map<string, Uint8Array>();
  const rest: Partial<Host> = {
    random: { bytes: length => crypto.getRandomValues(new Uint8Array(length)) },
    clock: { now: () => 0, unixMs, setAlarm: () => {} },
    storage: {
      get: async key => values.get(key),
      set: async (key, value) => void values.set(key, value),
      delete: async key => void values.delete(key),
    },
    identity: async () => identity,
  };
  return rest as Host;
}
