/**
 * What happens between `warren up` and a working network, as steps: found by
 * comparing one view of the participant with the next, printed as a line each.
 */
import type { GroupView, PeerView } from '@warren/peer';

/** One step; also what `warren up --json` prints, one object a line. */
export type Step =
  | { readonly step: 'enrolling'; readonly group: string; readonly member: string; readonly site: string }
  | { readonly step: 'certificate'; readonly group: string; readonly member: string; readonly expires: string }
  | { readonly step: 'bootstrap'; readonly url: string; readonly state: 'connected' | 'failed' }
  /** The search is over: `online` other members are there. */
  | { readonly step: 'members'; readonly group: string; readonly online: number }
  | { readonly step: 'address'; readonly group: string; readonly address: string; readonly interface: string }
  | { readonly step: 'device-failed'; readonly group: string; readonly message: string }
  /** All groups are connected, for the first time. */
  | { readonly step: 'ready'; readonly socket: string }
  /** A group is left out, waits, or may be soon: what is wrong, and what happens or can be done next. */
  | { readonly step: 'problem'; readonly code: string; readonly message: string; readonly hint?: string }
  /** Something rare that a person may want to know. */
  | { readonly step: 'note'; readonly message: string };

/** What views do not say. */
export interface Beside {
  /** Interface names by group id. */
  readonly interfaces: ReadonlyMap<string, string>;
  /** By group id: why the device has no address. */
  readonly deviceErrors: ReadonlyMap<string, string>;
}

/** Turns views into steps, each told once. */
export class Progress {
  private readonly socket: string;
  private readonly told = new Set<string>();
  private readonly bootstraps = new Map<string, string>();
  private readonly addresses = new Map<string, string>();
  private isReady = false;

  /** `socket` is named when all is ready. */
  constructor(socket: string) {
    this.socket = socket;
  }

  get ready(): boolean {
    return this.isReady;
  }

  /** The steps since the last view. */
  update(view: PeerView, beside: Beside): Step[] {
    const steps = [...this.bootstrapSteps(view), ...view.groups.flatMap(group => this.groupSteps(group, beside))];
    const isWorking = (group: GroupView) => group.state === 'connected' && !beside.deviceErrors.has(group.group);
    if (!this.isReady && view.groups.length > 0 && view.groups.every(isWorking)) {
      this.isReady = true;
      steps.push({ step: 'ready', socket: this.socket });
    }
    return steps;
  }

  private bootstrapSteps(view: PeerView): Step[] {
    const steps: Step[] = [];
    for (const { url, state } of view.public.bootstraps) {
      // Between two tries it is `connecting` again: no news.
      if (state === 'connecting' || this.bootstraps.get(url) === state) continue;
      this.bootstraps.set(url, state);
      steps.push({ step: 'bootstrap', url, state });
    }
    return steps;
  }

  private groupSteps(view: GroupView, beside: Beside): Step[] {
    const { group: id, name: group, members, self, state } = view;
    const steps: Step[] = [];
    if (state !== 'searching' && this.first(`members ${id}`)) {
      steps.push({ step: 'members', group, online: members.filter(member => member.online && !member.self).length });
    }
    const error = beside.deviceErrors.get(id);
    if (error !== undefined && this.first(`${id} ${error}`)) {
      steps.push({ step: 'device-failed', group, message: error });
    }
    if (error === undefined && self.address !== undefined && this.addresses.get(id) !== self.address) {
      this.addresses.set(id, self.address);
      steps.push({ step: 'address', group, address: self.address, interface: beside.interfaces.get(id) ?? '' });
    }
    return steps;
  }

  private first(what: string): boolean {
    if (this.told.has(what)) return false;
    this.told.add(what);
    return true;
  }
}

/** A step as a line for people. */
export function stepText(step: Step): string {
  switch (step.step) {
    case 'enrolling':
      return `${step.group}: enrolling as ${step.member} at ${step.site}`;
    case 'certificate':
      return `${step.group}: certificate for ${step.member}, good until ${step.expires.slice(0, 10)}`;
    case 'bootstrap':
      return step.state === 'connected'
        ? `bootstrap node ${step.url} connected`
        : `bootstrap node ${step.url} cannot be reached, trying on`;
    case 'members':
      return `${step.group}: ${counted(step.online)} online`;
    case 'address':
      return `${step.group}: address ${step.address} on ${step.interface}`;
    case 'device-failed':
      return `${step.group}: the network device has no address: ${step.message}`;
    case 'ready':
      return 'ready';
    case 'problem':
      return step.hint === undefined ? step.message : `${step.message} ${step.hint}`;
    case 'note':
      return step.message;
  }
}

function counted(others: number): string {
  if (others === 0) return 'no other member is';
  return others === 1 ? '1 other member is' : `${others} other members are`;
}
