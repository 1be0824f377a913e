/**
 * The participant that this tab runs, at most one in a browser profile: joining
 * and leaving groups, coming back after a reload, taking turns with other tabs.
 * Signals; screens read them and call the actions.
 */
import { signal } from '@preact/signals';
import { announce } from './announce.ts';
import { lapse } from './attention.ts';
import type { StepName } from './joining.ts';
import type {
  GroupView,
  Leadership,
  Membership,
  Mesh,
  PeerView,
  PingOptions,
  PingReport,
  WarrenGroup,
  WarrenPeer,
} from './mesh.ts';
import { type Problem, problemOf } from './problem.ts';
import { forgetJoined, joinedBefore, rememberJoined } from './remembered.ts';
import { ask, siteState, user } from './site.ts';
import { SiteError, siteApi } from './site-api.ts';
import { deviceNameFrom } from './words.ts';

/** Whether this tab runs a participant. */
export type TabState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  /** Another tab of this browser runs it. */
  | { readonly kind: 'elsewhere' }
  /** The browser lacks something. */
  | { readonly kind: 'unable'; readonly problem: Problem };

/** How far this tab is with one group; absent when it does not try. */
export type JoinState =
  | { readonly kind: 'enrolling' }
  | { readonly kind: 'joining' }
  | { readonly kind: 'joined'; readonly handle: WarrenGroup; readonly upkeep: { stop(): void } }
  | { readonly kind: 'failed'; readonly at: StepName; readonly problem: Problem; readonly device?: string };

/** A line of text that came or went. */
export interface TextEntry {
  readonly group: string;
  /** The other member: sender of what came, receiver of what went. */
  readonly peerId: string;
  readonly mine: boolean;
  readonly text: string;
  /** Unix ms. */
  readonly at: number;
}

type MeshModule = typeof import('./mesh.ts');

/** Lines kept in memory; older ones go. */
const MAX_TEXTS = 500;

export const tab = signal<TabState>({ kind: 'idle' });
export const joins = signal<ReadonlyMap<string, JoinState>>(new Map());
/** What the running peer shows of itself; `undefined` when none runs. */
export const peerView = signal<PeerView | undefined>(undefined);
/** The groups that this browser has certificates for; `undefined` until loaded. */
export const memberships = signal<readonly Membership[] | undefined>(undefined);
export const texts = signal<readonly TextEntry[]>([]);

let mesh: { readonly module: MeshModule; readonly mesh: Mesh } | undefined;
let running: { readonly peer: WarrenPeer; readonly leadership: Leadership } | undefined;
/** Our place in the queue while another tab leads. */
let queued: AbortController | undefined;
/** The lead, got before there was anything to start. */
let held: Leadership | undefined;
let starting: Promise<WarrenPeer | undefined> | undefined;
/** Whether this tab should be chosen last for duties. */
let isResting = false;

/** Looks what certificates this browser has, and goes back into the groups it was in before a reload. */
export async function wakeUp(): Promise<void> {
  try {
    const opened = await openMesh();
    memberships.value = await opened.mesh.memberships();
  } catch (thrown) {
    tab.value = { kind: 'unable', problem: problemOf(thrown) };
    return;
  }
  const before = joinedBefore();
  await Promise.all(ownMemberships().map(({ file }) => (before.has(file.group) ? joinHere(file.group) : undefined)));
}

/** The certificates that belong to the one who is signed in. */
export function ownMemberships(): readonly Membership[] {
  return (memberships.value ?? []).filter(({ file }) => file.user === user.value?.name);
}

/** The name that this browser gets among a person's devices, unless they choose another. */
export function suggestedDevice(): string {
  return deviceNameFrom(navigator.userAgent);
}

/** Joins `group` in this tab: certificate if there is none, participant if none runs, then the group. */
export async function joinHere(group: string, device?: string): Promise<void> {
  const now = joins.value.get(group);
  if (now !== undefined && now.kind !== 'failed') return;
  let at: StepName = 'certificate';
  setJoin(group, { kind: 'enrolling' });
  try {
    const peer = await ensureRunning(group);
    if (peer === undefined) return setJoin(group, undefined);
    const membership = ownMemberships().find(({ file }) => file.group === group) ?? (await enrolHere(group, device));
    at = 'bootstrap';
    setJoin(group, { kind: 'joining' });
    rememberJoined(group, true);
    const handle = await peer.join(membership);
    handle.onText(message => keepText({ ...message, peerId: message.from, group, mine: false }));
    const { mesh: here } = await openMesh();
    setJoin(group, { kind: 'joined', handle, upkeep: here.lookAfter(handle, membership) });
  } catch (thrown) {
    setJoin(group, { kind: 'failed', at, problem: problemOf(thrown), ...(device === undefined ? {} : { device }) });
  }
}

/** Takes this tab out of `group`, until it is asked in again. The certificate stays. */
export async function leaveHere(group: string): Promise<void> {
  const join = joins.value.get(group);
  rememberJoined(group, false);
  setJoin(group, undefined);
  if (join?.kind === 'joined') {
    join.upkeep.stop();
    await join.handle.leave();
  }
  if (joins.value.size === 0) await stopRunning('idle');
}

/** Takes this tab out of a group that it was removed from; it may ask for a certificate again. */
export async function leaveForGood(group: string): Promise<void> {
  await leaveHere(group);
  memberships.value = memberships.value?.filter(({ file }) => file.group !== group);
}

/** Leaves all groups and forgets that this tab was in them: at sign-out. */
export async function leaveAll(): Promise<void> {
  forgetJoined();
  await rest();
}

/** Takes the participant over from the other tab, goes back into its groups, and into `group`. */
export async function takeOver(group: string): Promise<void> {
  const { module } = await openMesh();
  queued?.abort();
  await withLead(await module.takeLead(), async () => {
    await wakeUp();
    await joinHere(group);
  });
}

/** Stops what runs, to go on after the next sign-in: somebody else signed in, or nobody is any more. */
export async function rest(): Promise<void> {
  queued?.abort();
  await stopRunning('idle');
  memberships.value = undefined;
}

/** Sends one line to a member; false when it cannot be sent now. */
export function sendText(group: string, peerId: string, text: string): boolean {
  const join = joins.value.get(group);
  if (join?.kind !== 'joined' || !join.handle.sendText(peerId, text)) return false;
  keepText({ group, peerId, mine: true, text, at: Date.now() });
  return true;
}

/** Hands a fresh list of removed members and changed teams to the mesh: this tab is a member, and members tell each other. */
export function spreadRemoval(group: string, list: string): void {
  const join = joins.value.get(group);
  const read = mesh?.module.listOf(list);
  if (join?.kind === 'joined' && read !== undefined) join.handle.learnRevocations(read);
}

/** Pings a member through the mesh. Rejects when this tab is not in the group, or nobody has that name. */
export function ping(group: string, target: string, options?: PingOptions): Promise<PingReport> {
  const join = joins.value.get(group);
  if (join?.kind !== 'joined') return Promise.reject(new Error('This tab is not in the group.'));
  return join.handle.ping(target, options);
}

/** The machine may have slept, or its network changed: links are tried at once. */
export function lookAgain(): void {
  running?.peer.resumed();
}

/** This tab is hidden or short of power, or is not any more: others choose it last for duties meanwhile. */
export function setResting(rests: boolean): void {
  isResting = rests;
  running?.peer.setResting(rests);
}

/** Says goodbye in the last moment of the page. */
export function farewell(): void {
  void running?.peer.stop();
}

async function openMesh(): Promise<{ readonly module: MeshModule; readonly mesh: Mesh }> {
  if (mesh !== undefined) return mesh;
  const module =
    import.meta.env.DEV && new URLSearchParams(location.search).has('demo')
      ? ((await import('./demo/mesh.ts')) as unknown as MeshModule)
      : await import('./mesh.ts');
  mesh = { module, mesh: await module.openMesh() };
  return mesh;
}

function ensureRunning(group: string): Promise<WarrenPeer | undefined> {
  if (running !== undefined) return Promise.resolve(running.peer);
  starting ??= start(group).finally(() => {
    starting = undefined;
  });
  return starting;
}

/** Starts the participant; `undefined` when another tab runs it. */
async function start(group: string): Promise<WarrenPeer | undefined> {
  const opened = await openMesh();
  const leadership = held ?? (await opened.module.lead());
  held = undefined;
  if (leadership === undefined) {
    tab.value = { kind: 'elsewhere' };
    void comeBack(opened.module);
    return undefined;
  }
  const file = ownMemberships().find(membership => membership.file.group === group)?.file;
  const site = siteState.value;
  const bootstraps = new Set([...(site?.bootstraps ?? []), ...(file?.bootstraps ?? [])]);
  const stun = new Set([...(site?.stun ?? []), ...(file?.stun ?? [])]);
  const peer = await opened.mesh.start({ bootstraps: [...bootstraps], stun: [...stun] });
  running = { peer, leadership };
  lapse.value = undefined;
  peer.setResting(isResting);
  tab.value = { kind: 'running' };
  peer.subscribe(() => {
    // Changes are told a little late: also those of stopping.
    if (running?.peer === peer) show(peer.view());
  });
  show(peer.view());
  void leadership.lost.then(() => {
    if (running?.leadership !== leadership) return;
    void stopRunning('elsewhere').then(() => comeBack(opened.module));
  });
  return peer;
}

/** Goes back into the groups as soon as the other tab is gone. */
async function comeBack(module: MeshModule): Promise<void> {
  queued?.abort();
  const turn = new AbortController();
  queued = turn;
  try {
    await withLead(await module.waitForLead(turn.signal), wakeUp);
  } catch {
    // Given up: this tab took over, or nobody is signed in.
  }
}

/** Lets `work` start the participant under a lead that we hold; gives it back if nothing started. */
async function withLead(leadership: Leadership, work: () => Promise<void>): Promise<void> {
  tab.value = { kind: 'idle' };
  held = leadership;
  await work();
  if (held === leadership) leadership.release();
  held = undefined;
}

async function stopRunning(then: 'idle' | 'elsewhere'): Promise<void> {
  const was = running;
  running = undefined;
  // The host served for one start.
  mesh = undefined;
  for (const join of joins.value.values()) if (join.kind === 'joined') join.upkeep.stop();
  joins.value = new Map();
  await was?.peer.stop();
  was?.leadership.release();
  peerView.value = undefined;
  if (was !== undefined || then === 'idle') tab.value = { kind: then };
}

async function enrolHere(group: string, wanted?: string): Promise<Membership> {
  const { mesh } = await openMesh();
  const { file } = await newDevice(group, wanted);
  const membership = await mesh.enrol(file);
  memberships.value = [...(memberships.value ?? []).filter(old => old.file.group !== group), membership];
  return membership;
}

/** A name that we chose gets a number when it is taken; one that the person chose does not. */
async function newDevice(group: string, wanted?: string) {
  for (let n = 1; ; n++) {
    const device = wanted ?? (n === 1 ? suggestedDevice() : `${suggestedDevice()}-${n}`);
    try {
      return await ask(siteApi.addDevice(group, { device, kind: 'browser' }));
    } catch (thrown) {
      const taken = thrown instanceof SiteError && thrown.code === 'device-enrolled';
      if (!taken || wanted !== undefined || n === 9) throw thrown;
    }
  }
}

function show(view: PeerView): void {
  const before = peerView.value;
  peerView.value = view;
  for (const group of view.groups) {
    const old = before?.groups.find(({ group: id }) => id === group.group);
    if (old === undefined) continue;
    const [was, is] = [onlineNames(old), onlineNames(group)];
    for (const name of is) if (!was.has(name)) announce(`${name} is online.`);
    for (const name of was) if (!is.has(name)) announce(`${name} is gone.`);
  }
}

function onlineNames(view: GroupView): ReadonlySet<string> {
  return new Set(view.members.filter(member => member.online && !member.self).map(member => member.name));
}

function keepText(entry: TextEntry): void {
  texts.value = [...texts.value, entry].slice(-MAX_TEXTS);
}

function setJoin(group: string, state: JoinState | undefined): void {
  const next = new Map(joins.value);
  if (state === undefined) next.delete(group);
  else next.set(group, state);
  joins.value = next;
}
