/**
 * The steps of joining in a tab, as a person sees them, read off the state of
 * the peer. Pure: no mesh, no clock.
 */
import type { GroupView, PeerView } from './mesh.ts';
import type { Problem } from './problem.ts';

export type StepName = 'certificate' | 'bootstrap' | 'public' | 'member' | 'address';

export interface Step {
  readonly name: StepName;
  readonly words: string;
  readonly state: 'done' | 'active' | 'failed' | 'waiting';
  /** What became of it, or what is in the way and what to do. */
  readonly note?: string;
}

/** What is known of a join under way. */
export interface Joining {
  readonly hasCertificate: boolean;
  readonly peer: PeerView | undefined;
  readonly group: GroupView | undefined;
  /** What ended it, if something did. */
  readonly problem: Problem | undefined;
  /** How long the step on the way has been on the way. */
  readonly stalledMs: number;
}

const WORDS: Record<StepName, string> = {
  certificate: 'Get a certificate for a key made in this browser',
  bootstrap: 'Reach a bootstrap node',
  public: 'Enter the public overlay',
  member: 'Find the first member of the group',
  address: 'Claim an address',
};

/** How long a step may take before the page says what could be in the way. */
const PATIENCE_MS: Record<StepName, number> = {
  certificate: 8_000,
  bootstrap: 6_000,
  public: 12_000,
  member: 20_000,
  address: 15_000,
};

/** The five steps in order. Those before the first unfinished one are done, those after it wait. */
export function steps(joining: Joining): readonly Step[] {
  const names = Object.keys(WORDS) as StepName[];
  const at = names.findIndex(name => !isDone(name, joining));
  return names.map((name, i) => {
    const words = WORDS[name];
    if (at === -1 || i < at) return { name, words, state: 'done', ...note(doneNote(name, joining)) };
    if (i > at) return { name, words, state: 'waiting' };
    if (joining.problem === undefined) return { name, words, state: 'active', ...note(stallNote(name, joining)) };
    const { message, hint } = joining.problem;
    return { name, words, state: 'failed', note: hint === undefined ? message : `${message} ${hint}` };
  });
}

/** Whether the last step is done. */
export function isIn(group: GroupView | undefined): boolean {
  return group?.state === 'connected' && group.self.address !== undefined;
}

function isDone(name: StepName, { hasCertificate, peer, group }: Joining): boolean {
  switch (name) {
    case 'certificate':
      return hasCertificate;
    case 'bootstrap':
      return (
        peer?.public.state === 'connected' ||
        (peer?.public.bootstraps.some(node => node.state === 'connected') ?? false)
      );
    case 'public':
      return peer?.public.state === 'connected';
    case 'member':
      return group?.state === 'starting' || group?.state === 'connected';
    case 'address':
      return group?.self.address !== undefined;
  }
}

function doneNote(name: StepName, { group }: Joining): string | undefined {
  if (group === undefined) return undefined;
  if (name === 'address') return group.self.address;
  if (name !== 'member') return undefined;
  const others = group.members.filter(member => !member.self && member.online);
  return others.length === 0 ? 'You are the first one here.' : (others[0]?.name ?? '');
}

function stallNote(name: StepName, { peer, stalledMs }: Joining): string | undefined {
  if (stalledMs < PATIENCE_MS[name]) return undefined;
  const urls = peer?.public.bootstraps.map(node => node.url).join(', ') ?? '';
  switch (name) {
    case 'certificate':
      return 'The group site takes long to answer. Still waiting.';
    case 'bootstrap':
      return `No answer from ${urls === '' ? 'any bootstrap node' : urls}. Your network may block WebSockets, or the site is down: try another network. Still trying.`;
    case 'public':
      return 'The bootstrap node answers, but no place in the public overlay yet. Still trying; reload if nothing changes within a minute.';
    case 'member':
      return 'No other member answers yet. If somebody should be online, ask them to keep their tab or machine running. Still looking.';
    case 'address':
      return 'No address yet: the other members take long to confirm the claim. Still trying.';
  }
}

function note(text: string | undefined): { note?: string } {
  return text === undefined ? {} : { note: text };
}
