/**
 * The mesh as this tab sees it: joining, who is here, the ring, lines of text,
 * own duties.
 */
import { useSignal } from '@preact/signals';
import { joins, peerView } from '../participant.ts';
import { Duties } from '../parts/duties.tsx';
import { JoinCard } from '../parts/join-card.tsx';
import { LapseNote } from '../parts/lapse-note.tsx';
import { MemberList } from '../parts/member-list.tsx';
import { RingPanel } from '../parts/ring-panel.tsx';
import { Texts } from '../parts/texts.tsx';
import { people, withoutDevice } from '../people.ts';
import type { GroupDetails } from '../site-api.ts';

/** Everything about the mesh of one group. */
export function MeshTab({ group, found }: { group: string; found: GroupDetails | undefined }) {
  const view = peerView.value?.groups.find(entry => entry.group === group);
  const members = people(view, found);
  const receiver = useSignal<string | undefined>(undefined);
  const joined = joins.value.get(group)?.kind === 'joined';
  return (
    <>
      <LapseNote view={view} />
      <JoinCard group={group} view={view} />
      <div class="columns">
        <div class="column">
          <MemberList
            group={group}
            members={members}
            unjoined={withoutDevice(found)}
            joined={joined}
            isAdmin={found?.role === 'admin'}
            onMessage={peerId => {
              receiver.value = peerId;
              document.getElementById('text')?.focus();
            }}
          />
          {view === undefined ? null : <Texts group={group} members={members} receiver={receiver} />}
        </div>
        {view === undefined ? null : (
          <div class="column">
            <RingPanel view={view} />
            <Duties view={view} />
          </div>
        )}
      </div>
    </>
  );
}
