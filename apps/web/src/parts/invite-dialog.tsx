/**
 * Making an invite: how often, how long, with or without approval; then the
 * link, once, as text and QR code.
 */
import { useSignal } from '@preact/signals';
import { ask, loadDetails } from '../site.ts';
import { type Invite, siteApi } from '../site-api.ts';
import { count } from '../words.ts';
import { ActionForm, Copyable, useAction } from './action.tsx';
import { Dialog } from './dialog.tsx';
import { QrCode } from './qr-code.tsx';

/** Invites to `group`, displayed as `name`. */
export function InviteDialog({ group, name, onClose }: { group: string; name: string; onClose: () => void }) {
  const made = useSignal<{ invite: Invite; url: string } | undefined>(undefined);
  return (
    <Dialog title={`Invite to ${name}`} onClose={onClose}>
      {made.value === undefined ? (
        <InviteForm
          group={group}
          onMade={invite => {
            made.value = invite;
          }}
        />
      ) : (
        <MadeInvite {...made.value} />
      )}
    </Dialog>
  );
}

function InviteForm({ group, onMade }: { group: string; onMade: (made: { invite: Invite; url: string }) => void }) {
  const uses = useSignal(1);
  const expiresHours = useSignal(168);
  const autoApprove = useSignal(false);
  const action = useAction(async () => {
    const body = { uses: uses.value, expiresHours: expiresHours.value, autoApprove: autoApprove.value };
    onMade(await ask(siteApi.createInvite(group, body)));
    void loadDetails(group, () => true).catch(() => {});
  });
  return (
    <ActionForm action={action}>
      <div class="grid">
        <label>
          How many people
          <input
            name="uses"
            type="number"
            required
            min={1}
            max={100}
            value={uses}
            onInput={event => {
              uses.value = event.currentTarget.valueAsNumber;
            }}
          />
        </label>
        <label>
          Works for
          <select
            name="expires"
            value={expiresHours}
            onChange={event => {
              expiresHours.value = Number(event.currentTarget.value);
            }}
          >
            <option value="1">1 hour</option>
            <option value="24">1 day</option>
            <option value="168">7 days</option>
            <option value="720">30 days</option>
          </select>
        </label>
      </div>
      <label>
        <input
          name="autoApprove"
          type="checkbox"
          role="switch"
          aria-checked={autoApprove.value}
          checked={autoApprove}
          onChange={event => {
            autoApprove.value = event.currentTarget.checked;
          }}
        />
        Let people in without asking
      </label>
      <p class="muted">
        {autoApprove.value
          ? 'Whoever has the link gets in. Send it only to people you trust with that.'
          : 'Whoever opens the link asks to join; you approve or deny under Requests.'}
      </p>
      <button type="submit" aria-busy={action.busy}>
        Make invite link
      </button>
    </ActionForm>
  );
}

function MadeInvite({ invite, url }: { invite: Invite; url: string }) {
  return (
    <>
      <p>
        Send this link, or let somebody scan the code. It works for{' '}
        {count(invite.uses, 'person').replace('persons', 'people')} and is shown only now.
      </p>
      <Copyable text={url} what="invite link" />
      <QrCode text={url} what="the invite link" />
    </>
  );
}
