/**
 * Teams of a member: labels that rules of other members' machines go by. Shown
 * as pills, edited by administrators as a line of text.
 */
import { useSignal } from '@preact/signals';
import { announce } from '../announce.ts';
import { spreadRemoval } from '../participant.ts';
import { ask, loadDetails } from '../site.ts';
import { type MemberEntry, siteApi } from '../site-api.ts';
import { teamsFrom } from '../words.ts';
import { ActionForm, useAction } from './action.tsx';
import { Dialog } from './dialog.tsx';

/** Whose teams they are. */
export type TeamedMember = Pick<MemberEntry, 'user' | 'displayName' | 'teams'>;

/** Each team as a pill; nothing where there are none. */
export function TeamPills({ teams }: { teams: readonly string[] }) {
  if (teams.length === 0) return null;
  return (
    <span class="teams">
      <span class="unseen">Teams: </span>
      {teams.map(team => (
        <span key={team} class="pill">
          {team}
        </span>
      ))}
    </span>
  );
}

/** The line of text in which an administrator gives a member teams. */
export function TeamsForm({ group, member, onSaved }: { group: string; member: TeamedMember; onSaved?: () => void }) {
  const text = useSignal(member.teams.join(', '));
  const save = useAction(async () => {
    const { teams, list } = await ask(siteApi.setTeams(group, member.user, teamsFrom(text.value)));
    spreadRemoval(group, list);
    text.value = teams.join(', ');
    announce(`Teams of ${member.displayName} saved.`);
    await loadDetails(group, () => true);
    onSaved?.();
  });
  return (
    <ActionForm action={save} class="teams-form">
      <label>
        Teams of {member.displayName}
        <input
          name="teams"
          placeholder="Such as: family, ops"
          maxLength={64}
          autocapitalize="none"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={event => {
            text.value = event.currentTarget.value;
          }}
        />
        <small>
          Up to four short names, for all devices of {member.displayName}. Machines can be set to let in some teams
          only. Devices that are online take a change over within a minute.
        </small>
      </label>
      <button type="submit" class="small" aria-busy={save.busy}>
        Save teams
      </button>
    </ActionForm>
  );
}

/** A button, and the dialog behind it: for members who have no device to manage yet. */
export function TeamsButton({ group, member }: { group: string; member: TeamedMember }) {
  const open = useSignal(false);
  const close = (): void => {
    open.value = false;
  };
  return (
    <>
      <button
        type="button"
        class="small secondary outline"
        onClick={() => {
          open.value = true;
        }}
      >
        Teams<span class="unseen"> of {member.displayName}</span>
      </button>
      {open.value ? (
        <Dialog title={member.displayName} onClose={close}>
          <TeamsForm group={group} member={member} onSaved={close} />
        </Dialog>
      ) : null}
    </>
  );
}
