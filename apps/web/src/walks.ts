/**
 * Walks round the ring: asking each peer whom it is linked to, when a person
 * wants to see the links of others too. Signals; the ring panel reads them.
 */
import { signal } from '@preact/signals';
import { announce } from './announce.ts';
import type { CrawlView } from './mesh.ts';
import { joins } from './participant.ts';
import { type Problem, problemOf } from './problem.ts';

/** How far a walk is; absent when nobody asked for one. */
export type Walk =
  | { readonly kind: 'walking'; readonly view: CrawlView | undefined }
  /** `at` in Unix ms. */
  | { readonly kind: 'walked'; readonly view: CrawlView; readonly at: number }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** The last walk of each group. */
export const walks = signal<ReadonlyMap<string, Walk>>(new Map());

/** Walks round the ring of `group`, unless a walk is under way. */
export async function walkRing(group: string): Promise<void> {
  const join = joins.value.get(group);
  if (join?.kind !== 'joined' || walks.value.get(group)?.kind === 'walking') return;
  set(group, { kind: 'walking', view: undefined });
  try {
    const view = await join.handle.crawl(soFar => set(group, { kind: 'walking', view: soFar }));
    set(group, { kind: 'walked', view, at: Date.now() });
    announce(`${view.peers.length} peers on the ring.`);
  } catch (thrown) {
    set(group, { kind: 'failed', problem: problemOf(thrown) });
  }
}

/** Shows our own links alone again. */
export function forgetWalk(group: string): void {
  set(group, undefined);
}

function set(group: string, walk: Walk | undefined): void {
  const next = new Map(walks.value);
  if (walk === undefined) next.delete(group);
  else next.set(group, walk);
  walks.value = next;
}
