/**
 * What an administrator may do with a member's device, and a member with their
 * own: set what it may do for others, give its person teams, remove it, remove the person. Removing
 * asks first, since it cannot be taken back, only followed by a new invite.
 */
import { useSignal } from '@preact/signals';
import { announce } from '../announce.ts';
import { spreadRemoval } from '../participant.ts';
import type { Person } from '../people.ts';
import { ask, loadDetails, user } from '../site.ts';
import { type Right, siteApi } from '../site-api.ts';
import { ActionForm, ProblemNote, useAction } from './action.tsx';
import { Dialog } from './dialog.tsx';
import { TeamsForm } from './teams.tsx';

const RIGHTS: readonly { readonly right: Right; readonly words: string }[] = [
  { right: 'relay', words: 'Relay: pass sealed traffic of members on' },
  { right: 'gateway', words: 'Gateway: hand traffic of members to the Internet' },
  { right: 'router', words: 'Router: hand traffic of members to a network behind it' },
];

/** The button in a member's row, and the dialog behind it. */
export function ManageDevice({ group, member, isAdmin }: { group: string; member: Person; isAdmin: boolean }) {
  const open = useSignal(false);
  return (
    <>
      <button
        type="button"
        class="small secondary outline"
        onClick={() => {
          open.value = true;
        }}
      >
        {isAdmin ? 'Manage' : 'Remove'}
        <span class="unseen"> {member.name}</span>
      </button>
      {open.value ? (
        <ManageDialog
          group={group}
          member={member}
          isAdmin={isAdmin}
          onClose={() => {
            open.value = false;
          }}
        />
      ) : null}
    </>
  );
}

function ManageDialog(props: { group: string; member: Person; isAdmin: boolean; onClose: () => void }) {
  const { group, member, isAdmin, onClose } = props;
  const isOwn = member.user === user.value?.name;
  const sure = useSignal<'device' | 'user' | undefined>(undefined);
  const remove = useAction(async () => {
    const whole = sure.value === 'user';
    const removal = whole ? siteApi.removeMember(group, member.user) : siteApi.removeDevice(group, member.peerId);
    spreadRemoval(group, (await ask(removal)).list);
    announce(`${whole ? member.user : member.name} was removed.`);
    await loadDetails(group, () => true);
    onClose();
  });
  const person = member.displayName ?? member.user;
  return (
    <Dialog title={member.name} onClose={onClose}>
      {isAdmin && sure.value === undefined ? (
        <>
          <RightsForm group={group} member={member} />
          <TeamsForm group={group} member={{ ...member, displayName: person }} />
        </>
      ) : null}
      {sure.value === undefined ? (
        <div class="actions removals">
          <button
            type="button"
            class="small secondary outline"
            onClick={() => {
              sure.value = 'device';
            }}
          >
            Remove this device…
          </button>
          {isAdmin && !isOwn ? (
            <button
              type="button"
              class="small secondary outline"
              onClick={() => {
                sure.value = 'user';
              }}
            >
              Remove {person} with all devices…
            </button>
          ) : null}
        </div>
      ) : (
        <>
          <p>
            {sure.value === 'user'
              ? `${person} and all their devices lose the group at once: links end, and certificates are dead for good. Invite links that they came in by stop working. To let them in again, send a new invite.`
              : `${member.name} loses the group at once: its links end, and its certificate is dead for good. A new group file brings a device of that name back.`}
          </p>
          <ProblemNote problem={remove.problem} />
          <div class="actions">
            <button type="button" class="danger" onClick={remove.run} aria-busy={remove.busy}>
              {sure.value === 'user' ? `Remove ${person}` : `Remove ${member.name}`}
            </button>
            <button
              type="button"
              class="secondary outline"
              onClick={() => {
                sure.value = undefined;
              }}
            >
              Keep
            </button>
          </div>
        </>
      )}
    </Dialog>
  );
}

function RightsForm({ group, member }: { group: string; member: Person }) {
  const chosen = useSignal<readonly Right[]>(member.rights ?? []);
  const save = useAction(async () => {
    await ask(siteApi.setRights(group, member.peerId, chosen.value));
    announce(`Rights of ${member.name} saved.`);
    await loadDetails(group, () => true);
  });
  const toggle = (right: Right): void => {
    const { value } = chosen;
    chosen.value = value.includes(right) ? value.filter(other => other !== right) : [...value, right];
  };
  return (
    <ActionForm action={save}>
      <fieldset>
        <legend>What it may do for others</legend>
        {RIGHTS.map(({ right, words }) => (
          <label key={right}>
            <input type="checkbox" checked={chosen.value.includes(right)} onChange={() => toggle(right)} />
            {words}
          </label>
        ))}
      </fieldset>
      <p class="muted">
        What is given counts within a minute or so where the device waits for it. What is taken away counts until its
        next certificate, at most 20 days from now: to end it at once, remove the device.
      </p>
      <button type="submit" class="small" aria-busy={save.busy}>
        Save
      </button>
    </ActionForm>
  );
}
