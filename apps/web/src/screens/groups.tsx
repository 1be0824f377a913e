/**
 * The groups of the one who is signed in, and making a new one.
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { joins } from '../participant.ts';
import { ActionForm, useAction } from '../parts/action.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { PostQuantumField } from '../parts/post-quantum-field.tsx';
import { addressOf, go } from '../route.ts';
import { ask, groups, loadGroups, poll } from '../site.ts';
import { type GroupSummary, type PostQuantumPolicy, siteApi } from '../site-api.ts';

/** The list of groups. */
export function GroupsScreen() {
  const creating = useSignal(false);
  useEffect(() => poll(loadGroups, 15_000), []);
  const list = groups.value;
  return (
    <>
      <header class="title">
        <h1>Your groups</h1>
        <button
          type="button"
          onClick={() => {
            creating.value = true;
          }}
        >
          Create a group
        </button>
      </header>
      {list === undefined ? <p aria-busy="true">Loading your groups…</p> : null}
      {list?.length === 0 ? (
        <article class="empty">
          <h2>No group yet</h2>
          <p>
            A group is a private network of people and machines. Create one and invite others, or open an invite link
            that somebody sent you.
          </p>
        </article>
      ) : null}
      <div class="tiles">
        {list?.map(group => (
          <GroupTile key={group.group} group={group} />
        ))}
      </div>
      {creating.value ? (
        <CreateDialog
          onClose={() => {
            creating.value = false;
          }}
        />
      ) : null}
    </>
  );
}

function GroupTile({ group }: { group: GroupSummary }) {
  const joined = joins.value.get(group.group)?.kind === 'joined';
  return (
    <a class="tile" href={addressOf({ kind: 'group', group: group.group, tab: 'mesh' })}>
      <strong>{group.name}</strong>
      <span class="muted">{group.subnet}</span>
      <span class="pills">
        <RolePill role={group.role} />
        {joined ? <span class="pill good">in this tab</span> : null}
      </span>
    </a>
  );
}

/** What somebody is in a group. */
export function RolePill({ role }: { role: GroupSummary['role'] }) {
  const words = { admin: 'administrator', member: 'member', pending: 'waiting to be let in' } as const;
  return <span class={role === 'pending' ? 'pill wait' : 'pill'}>{words[role]}</span>;
}

function CreateDialog({ onClose }: { onClose: () => void }) {
  const name = useSignal('');
  const policy = useSignal<PostQuantumPolicy>('on');
  const action = useAction(async () => {
    const { group } = await ask(siteApi.createGroup({ name: name.value.trim(), postQuantum: policy.value }));
    await loadGroups();
    onClose();
    go({ kind: 'group', group: group.group, tab: 'mesh' });
  });
  return (
    <Dialog title="Create a group" onClose={onClose}>
      <ActionForm action={action}>
        <label>
          Name of the group
          <input
            name="groupName"
            required
            maxLength={64}
            placeholder="Such as: Hikers"
            value={name}
            onInput={event => {
              name.value = event.currentTarget.value;
            }}
          />
          <small>Everybody who is invited sees it. You become the first administrator.</small>
        </label>
        <PostQuantumField policy={policy} />
        <button type="submit" aria-busy={action.busy}>
          Create
        </button>
      </ActionForm>
    </Dialog>
  );
}
