/**
 * The invite links of a group. Their secrets are not kept by the site, so a
 * link is shown only once, when it is made.
 */
import { useSignal } from '@preact/signals';
import { ProblemNote, useAction } from '../parts/action.tsx';
import { useNow } from '../parts/clock.ts';
import { InviteDialog } from '../parts/invite-dialog.tsx';
import { ask, loadDetails } from '../site.ts';
import { type GroupDetails, type Invite, siteApi } from '../site-api.ts';
import { count, leftWords } from '../words.ts';

/** The invites of a group. */
export function InvitesTab({ found }: { found: GroupDetails | undefined }) {
  const now = useNow(30_000);
  const making = useSignal(false);
  if (found === undefined) return <p aria-busy="true">Loading the invites…</p>;
  const invites = found.invites ?? [];
  return (
    <section>
      <header class="title">
        <h2>Invite links</h2>
        <button
          type="button"
          class="small"
          onClick={() => {
            making.value = true;
          }}
        >
          New invite
        </button>
      </header>
      {invites.length === 0 ? <p class="muted">No invite links yet.</p> : null}
      <ul class="rows">
        {invites.map(invite => (
          <InviteRow key={invite.id} group={found.group} invite={invite} now={now} />
        ))}
      </ul>
      {making.value ? (
        <InviteDialog
          group={found.group}
          name={found.name}
          onClose={() => {
            making.value = false;
          }}
        />
      ) : null}
    </section>
  );
}

function InviteRow({ group, invite, now }: { group: string; invite: Invite; now: number }) {
  const revoke = useAction(async () => {
    await ask(siteApi.deleteInvite(group, invite.id));
    await loadDetails(group, () => true);
  });
  const left = invite.uses - invite.used;
  const over = left <= 0 || new Date(invite.expires).getTime() <= now;
  return (
    <li class="row">
      <div class="grow">
        <strong>{left <= 0 ? 'Used up' : `${count(left, 'use')} left`}</strong>{' '}
        <span class="muted">
          of {invite.uses} · {leftWords(new Date(invite.expires).getTime(), now)}
          {invite.createdBy === undefined ? null : ` · by ${invite.createdBy}`}
        </span>
        <small class="muted">
          {invite.autoApprove ? 'Lets people in at once.' : 'An administrator lets each person in.'}
        </small>
        <ProblemNote problem={revoke.problem} />
      </div>
      <button type="button" class="small secondary outline" aria-busy={revoke.busy} onClick={revoke.run}>
        {over ? 'Remove' : 'Revoke'}
      </button>
    </li>
  );
}
