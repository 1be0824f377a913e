/**
 * Says it when the tab was stopped for a while, and whether it is back in the
 * mesh: a person who comes back should know that others saw it as gone.
 */
import { lapse } from '../attention.ts';
import type { GroupView } from '../mesh.ts';
import { durationWords } from '../words.ts';

/** Nothing unless there was a lapse while the tab was in the group. */
export function LapseNote({ view }: { view: GroupView | undefined }) {
  const last = lapse.value;
  if (last === undefined || view === undefined) return null;
  const isBack = view.state === 'connected' && (view.links.length > 0 || view.members.length === 1);
  return (
    <div class="note lapse" role="status">
      <p>
        <strong>This tab was asleep for {durationWords(last.to - last.from)}.</strong> The browser had stopped it, or
        the computer slept, and others saw it as offline.{' '}
        {isBack ? 'It is back in the mesh.' : 'It is going back into the mesh…'}
      </p>
      <button
        type="button"
        class="small secondary outline"
        onClick={() => {
          lapse.value = undefined;
        }}
      >
        Close
      </button>
    </div>
  );
}
