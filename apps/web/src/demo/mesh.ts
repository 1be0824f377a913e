/**
 * A mesh of pretended members behind `?demo`, to work on the page's looks
 * without other people. Development only: the build leaves it out.
 */
import type {
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
    start: async bootstraps => new DemoPeer(bootstraps),
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
    const others = MEMBERS.map(([name, kind, via, rttMs], i) => member(name, kind, i + 1, { kind: via, rttMs }));
    const links = others.map(other => link(other.peerId, other.link?.kind ?? 'udp', other.link?.rttMs ?? 1));
    const placed = { ...self, address: '10.128.3.4' };
    void show(100, { state: 'searching', members: [self], links: [] })
      .then(() => show(1_800, { state: 'connected', members: [self, ...others.slice(0, 2)], links: links.slice(0, 2) }))
      .then(() => show(900, { state: 'connected', self: placed, members: [placed, ...others], links }));
    return new DemoGroup(() => this.groups[0] as GroupView);
  }

  resumed(): void {}

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

  readonly isBehind = false;

  learnRevocations(): void {}

  async useCertificate(): Promise<void> {}

  async leave(): Promise<void> {}
}

function member(
  name: string,
  kind: MemberView['kind'],
  n: number,
  via: { kind: LinkKind; rttMs: number } | undefined,
): MemberView {
  const [device = '', user = ''] = name.split('.');
  const self = via === undefined;
  const place = self ? {} : { address: `10.128.${n}.${n * 9}`, link: via, pq: n % 2 === 0 };
  return { peerId: id(n), name, device, user, kind, rights: ['relay'], self, online: true, ...place };
}

function link(peerId: string, kind: LinkKind, rttMs: number): LinkView {
  return { peerId, kind, rttMs, roles: ['near'], pq: false, sentBytes: 12_345, receivedBytes: 3_456_789 };
}

function id(n: number): string {
  return ((n * 0x9e3779b9) >>> 0).toString(16).padStart(8, '0').repeat(5);
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
