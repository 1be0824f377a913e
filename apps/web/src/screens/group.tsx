/**
 * One group: its mesh as this tab sees it, and for administrators the requests
 * and invites.
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { announce } from '../announce.ts';
import { joinHere, joins } from '../participant.ts';
import { InviteDialog } from '../parts/invite-dialog.tsx';
import { MachineDialog } from '../parts/machine-dialog.tsx';
import { SettingsDialog } from '../parts/settings-dialog.tsx';
import { addressOf, type GroupTab, joinSoon, route } from '../route.ts';
import { details, groups, loadDetails, loadGroups, poll } from '../site.ts';
import type { GroupDetails, GroupSummary } from '../site-api.ts';
import { count } from '../words.ts';
import { InvitesTab } from './invites.tsx';
import { MeshTab } from './mesh.tsx';
import { RequestsTab } from './requests.tsx';
import { NotInGroupScreen, WaitingScreen } from './waiting.tsx';

/** Chooses what to show of a group: waiting, nothing, or all of it. */
export function GroupScreen({ group, tab }: { group: string; tab: GroupTab }) {
  const summary = groups.value?.find(entry => entry.group === group);
  const asked = useSignal<string | undefined>(undefined);
  useEffect(
    () => poll(loadGroups, summary?.role === 'member' || summary?.role === 'admin' ? 30_000 : 3_000),
    [summary?.role],
  );
  useEffect(() => {
    if (summary?.role === 'pending') asked.value = summary.name;
  }, [summary?.role]);
  if (groups.value === undefined) return <p aria-busy="true">Loading the group…</p>;
  if (summary === undefined) return <NotInGroupScreen asked={asked.value} />;
  if (summary.role === 'pending') return <WaitingScreen name={summary.name} />;
  return <MemberScreen key={group} summary={summary} tab={tab} />;
}

function MemberScreen({ summary, tab }: { summary: GroupSummary; tab: GroupTab }) {
  const { group } = summary;
  useEffect(() => {
    details.value = undefined;
    const wanted = (): boolean => route.value.kind === 'group' && route.value.group === group;
    return poll(() => loadDetails(group, wanted), 4_000);
  }, [group]);
  useEffect(() => {
    // Who accepted an invite said "join" already: no second button.
    if (joinSoon.value !== group) return;
    joinSoon.value = undefined;
    if (!joins.value.has(group)) void joinHere(group);
  }, [group]);
  const found = details.value?.group === group ? details.value : undefined;
  useRequestNews(found);
  return (
    <>
      <GroupHeader summary={summary} found={found} tab={tab} />
      {tab === 'mesh' ? <MeshTab group={group} found={found} /> : null}
      {tab === 'requests' ? <RequestsTab found={found} /> : null}
      {tab === 'invites' ? <InvitesTab found={found} /> : null}
    </>
  );
}

/** Says it when somebody new asks to be let in. */
function useRequestNews(found: GroupDetails | undefined): void {
  const known = useSignal<readonly string[] | undefined>(undefined);
  useEffect(() => {
    const now = found?.requests?.map(request => request.user);
    const fresh = found?.requests?.filter(request => known.value !== undefined && !known.value.includes(request.user));
    for (const request of fresh ?? []) announce(`${request.displayName} asks to join ${found?.name}.`);
    if (now !== undefined) known.value = now;
  }, [found]);
}

function GroupHeader({
  summary,
  found,
  tab,
}: {
  summary: GroupSummary;
  found: GroupDetails | undefined;
  tab: GroupTab;
}) {
  const open = useSignal<'invite' | 'machine' | 'settings' | undefined>(undefined);
  const close = (): void => {
    open.value = undefined;
  };
  const { group, name, role } = summary;
  return (
    <>
      <header class="title">
        <div>
          <a class="back" href={addressOf({ kind: 'groups' })}>
            All groups
          </a>
          <h1>{name}</h1>
          <p class="muted">
            Network {summary.subnet}
            {found === undefined ? null : ` · ${count(found.members.length, 'member')}`}
            {role === 'admin' ? ' · you are an administrator' : null}
          </p>
        </div>
        <div class="actions">
          {role === 'admin' ? (
            <button
              type="button"
              class="outline"
              onClick={() => {
                open.value = 'invite';
              }}
            >
              Invite
            </button>
          ) : null}
          <button
            type="button"
            class="secondary outline"
            onClick={() => {
              open.value = 'machine';
            }}
          >
            Add a Linux machine
          </button>
          {role === 'admin' && found !== undefined ? (
            <button
              type="button"
              class="secondary outline"
              onClick={() => {
                open.value = 'settings';
              }}
            >
              Settings
            </button>
          ) : null}
        </div>
      </header>
      {role === 'admin' ? <Tabs group={group} tab={tab} waiting={found?.requests?.length ?? 0} /> : null}
      {open.value === 'invite' ? <InviteDialog group={group} name={name} onClose={close} /> : null}
      {open.value === 'settings' && found !== undefined ? <SettingsDialog found={found} onClose={close} /> : null}
      {open.value === 'machine' ? <MachineDialog group={group} name={name} onClose={close} /> : null}
    </>
  );
}

function Tabs({ group, tab, waiting }: { group: string; tab: GroupTab; waiting: number }) {
  const words = { mesh: 'Mesh', requests: 'Requests', invites: 'Invites' } as const;
  return (
    <nav class="tabs" aria-label="Parts of the group">
      {(['mesh', 'requests', 'invites'] as const).map(name => (
        <a
          key={name}
          href={addressOf({ kind: 'group', group, tab: name })}
          aria-current={tab === name ? 'page' : undefined}
        >
          {words[name]}
          {name === 'requests' && waiting > 0 ? <span class="badge">{waiting}</span> : null}
        </a>
      ))}
    </nav>
  );
}
