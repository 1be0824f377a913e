/**
 * A mesh of pretended members behind `?demo`, or `?demo=100` for so many, to
 * work on the page's looks without other people. Development only: the build
 * leaves it out.
 */
import type {
  CensusView,
  CrawledPeerView,
  CrawlView,
  GroupView,
  Leadership,
  LinkKind,
  LinkView,
  Membership,
  MemberView,
  Mesh,
  PeerView,
  PingReport,
  TextMessage,
  WarrenGroup,
  WarrenPeer,
} from '../mesh.ts';

const MEMBERS = [
  ['server.ada', 'edge', 'webrtc', 3.4],
  ['phone.bob', 'browser', 'webrtc', 41],
  ['nas.bob', 'edge', 'udp', 12],
  ['old-laptop.carol', 'browser', 'relay', 88],
  ['chrome-linux.dave-with-a-long-name', 'browser', 'overlay', 120],
  ['pi.erin', 'edge', 'websocket', 23],
] as const;

/** How many members beside us; further ones than those with names get a number. */
const COUNT = Number(new URLSearchParams(location.search).get('demo')) || MEMBERS.length;

/** Grants every tab the lead. */
export function lead(): Promise<Leadership> {
  return Promise.resolve({ lost: new Promise(() => {}), release() {} });
}

export const takeLead = lead;
export const waitForLead = lead;

/** A mesh that joins in slow motion. */
export function listOf(): undefined {}

export async function openMesh(): Promise<Mesh> {
  return {
    memberships: async () => JSON.parse(sessionStorage.getItem('demo') ?? '[]') as Membership[],
    async enrol(file) {
      await pause(700);
      const membership = { file, leaf: new Uint8Array(0) } as unknown as Membership;
      sessionStorage.setItem('demo', JSON.stringify([membership]));
      return membership;
    },
    lookAfter: () => ({ stop() {} }),
    start: async ({ bootstraps }) => new DemoPeer(bootstraps),
  };
}

class DemoPeer implements WarrenPeer {
  private readonly listeners = new Set<() => void>();
  private readonly bootstraps: readonly string[];
  private step = 0;
  private groups: GroupView[] = [];

  constructor(bootstraps: readonly string[]) {
    this.bootstraps = bootstraps;
    void this.advance(600, 1).then(() => this.advance(600, 2));
  }

  view(): PeerView {
    const state = this.step > 0 ? 'connected' : 'connecting';
    return {
      public: {
        peerId: id(7),
        state: this.step > 1 ? 'connected' : 'connecting',
        bootstraps: this.bootstraps.map(url => ({ url, state })),
        links: [link(id(11), 'websocket', 9)],
        recordsHeld: 14,
        forwarded: 1_208,
      },
      groups: this.groups,
    };
  }

  onResumed(): () => void {
    return () => {};
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async join({ file }: Membership): Promise<WarrenGroup> {
    const self = member(`${file.device}.${file.user}`, 'browser', 0, undefined);
    const { group, name, subnet, postQuantum = 'on' } = file;
    const base = { group, name, subnet, postQuantum, self, recordsHeld: 3, forwarded: 57 };
    const show = async (ms: number, more: Pick<GroupView, 'state' | 'members' | 'links'> & Partial<GroupView>) => {
      await pause(ms);
      this.groups = [{ ...base, ...more }];
      for (const listener of this.listeners) listener();
    };
    const others = Array.from({ length: COUNT }, (_, i) => pretended(i));
    const links = linksOf(self, others);
    const placed = { ...self, address: '10.128.3.4' };
    void show(100, { state: 'searching', members: [self], links: [] })
      .then(() => show(1_800, { state: 'connected', members: [self, ...others.slice(0, 2)], links: links.slice(0, 2) }))
      .then(() => show(900, { state: 'connected', self: placed, members: [placed, ...others], links }));
    return new DemoGroup(() => this.groups[0] as GroupView);
  }

  resumed(): void {}

  setResting(): void {}

  async stop(): Promise<void> {
    this.listeners.clear();
  }

  private async advance(ms: number, step: number): Promise<void> {
    await pause(ms);
    this.step = step;
    for (const listener of this.listeners) listener();
  }
}

class DemoGroup implements WarrenGroup {
  readonly view: () => GroupView;
  readonly deviceError: undefined = undefined;
  readonly isOutdated = false;
  private listener: (message: TextMessage) => void = () => {};

  constructor(view: () => GroupView) {
    this.view = view;
  }

  sendText(peerId: string, text: string): boolean {
    setTimeout(() => this.listener({ from: peerId, text: `You said “${text}”.`, at: Date.now() }), 700);
    return true;
  }

  onText(listener: (message: TextMessage) => void): () => void {
    this.listener = listener;
    return () => {};
  }

  async ping(target: string): Promise<PingReport> {
    await pause(300);
    const rttMs = this.view().members.find(({ peerId }) => peerId === target)?.link?.rttMs ?? 5;
    return { target, address: '10.128.9.9', sent: 1, lost: 0, rttsMs: [rttMs] };
  }

  async crawl(onProgress: (view: CrawlView) => void = () => {}): Promise<CrawlView> {
    const ring = inOrder(this.view().members);
    const peers = ring.map((_, i) => crawled(ring, i));
    for (let n = 5; n < peers.length; n += 5) {
      await pause(60);
      onProgress({ peers: peers.slice(0, n), inconsistencies: [], complete: false, tookMs: 0 });
    }
    return { peers, inconsistencies: [], complete: true, tookMs: 60 * peers.length };
  }

  async census(): Promise<CensusView> {
    const peers = COUNT + 1;
    const counts = { peers, consistent: peers, links: 5 * peers, records: 19 * peers, browsers: peers >> 1 };
    return { ...counts, depth: 3, unanswered: 0, tookMs: 300 };
  }

  readonly isBehind = false;

  learnRevocations(): void {}

  // A page has no device, and so no Internet traffic of a machine to carry.
  readonly isTunnelled = false;

  tunnel(): void {}

  lead(): void {}

  async askGateway(): Promise<undefined> {}

  async useCertificate(): Promise<void> {}

  async leave(): Promise<void> {}
}

/** Member number `i`, from 0. */
function pretended(i: number): MemberView {
  const [name, kind, via, rttMs] = MEMBERS[i % MEMBERS.length] as (typeof MEMBERS)[number];
  return member(i < MEMBERS.length ? name : `device-${i}.user-${i % 9}`, kind, i + 1, {
    kind: via,
    rttMs: rttMs + i / 3,
  });
}

function member(
  name: string,
  kind: MemberView['kind'],
  n: number,
  via: { kind: LinkKind; rttMs: number } | undefined,
): MemberView {
  const [device = '', user = ''] = name.split('.');
  const self = via === undefined;
  const place = self ? {} : { address: `10.128.${n}.${(n * 9) % 250}`, link: via, pq: n % 2 === 0 };
  return { peerId: id(n), name, device, user, kind, rights: ['relay'], self, online: true, ...place };
}

/** Three neighbours on each side, four shortcuts, one link for traffic. */
function linksOf(self: MemberView, others: readonly MemberView[]): LinkView[] {
  const ring = inOrder([self, ...others]);
  const at = ring.indexOf(self);
  const roles = new Map<MemberView, LinkView['roles'][number]>();
  for (const [steps, role] of [
    [[7, 13, 25, 50].filter(step => step < ring.length - 3), 'far'],
    [ring.length > 20 ? [17] : [], 'on-demand'],
    [[1, 2, 3, -1, -2, -3], 'near'],
  ] as const) {
    for (const step of steps) roles.set(ring[(at + step + 3 * ring.length) % ring.length] as MemberView, role);
  }
  roles.delete(self);
  return [...roles].map(([{ peerId, link: via }, role]) => link(peerId, via?.kind ?? 'udp', via?.rttMs ?? 1, role));
}

function crawled(ring: readonly MemberView[], i: number): CrawledPeerView {
  const { peerId, name, kind, self } = ring[i] as MemberView;
  const beside = (step: number): string => ring[(i + step + 3 * ring.length) % ring.length]?.peerId ?? peerId;
  const near = (side: 1 | -1): string[] => [...new Set([1, 2, 3].map(n => beside(n * side)))].filter(n => n !== peerId);
  const said = { links: 6 + (i % 5), recordsHeld: (i * 7) % 40, resting: i % 6 === 4 && !self };
  return {
    peerId,
    name,
    kind,
    ...said,
    successors: near(1),
    predecessors: near(-1),
    ...(self ? {} : { rttMs: 20 + i }),
  };
}

function inOrder(members: readonly MemberView[]): MemberView[] {
  return [...members].sort((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

function link(peerId: string, kind: LinkKind, rttMs: number, role: LinkView['roles'][number] = 'near'): LinkView {
  return { peerId, kind, rttMs, roles: [role], pq: false, sentBytes: 12_345, receivedBytes: 3_456_789 };
}

function id(n: number): string {
  // Scattered by chance, as real ids are, and the same each time.
  const mixed = Math.imul(Math.imul(n + 1, 0x9e3779b9) ^ (Math.imul(n + 1, 0x85ebca6b) >>> 13), 0xc2b2ae35);
  return (mixed >>> 0).toString(16).padStart(8, '0').repeat(5);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
