/**
 * An invite link: who invites to what, and one button. Who has no account makes
 * one here, so that the invite is not lost on the way.
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { ActionForm, ProblemNote, useAction } from '../parts/action.tsx';
import { accountName, NewAccountFields, SignInFields } from '../parts/fields.tsx';
import { type Problem, problemOf } from '../problem.ts';
import { go, inviteToken, joinSoon } from '../route.ts';
import { ask, loadGroups, signedIn, user } from '../site.ts';
import { type InvitePreview, siteApi } from '../site-api.ts';

/** What an invite link leads to. */
export function InviteScreen({ token }: { token: string }) {
  const preview = useSignal<InvitePreview | undefined>(undefined);
  const problem = useSignal<Problem | undefined>(undefined);
  const who = user.value?.name;
  useEffect(() => {
    let current = true;
    problem.value = undefined;
    ask(siteApi.previewInvite(token)).then(
      found => {
        if (current) preview.value = found;
      },
      thrown => {
        if (current) problem.value = problemOf(thrown);
      },
    );
    return () => {
      current = false;
    };
  }, [token, who]);
  if (problem.value !== undefined) return <BadInvite problem={problem.value} />;
  if (preview.value === undefined) return <p aria-busy="true">Looking up the invite…</p>;
  if (preview.value.membership !== undefined && who !== undefined) return <AlreadyIn preview={preview.value} />;
  return <GoodInvite token={token} preview={preview.value} />;
}

function GoodInvite({ token, preview }: { token: string; preview: InvitePreview }) {
  const account = { displayName: useSignal(''), name: useSignal(''), password: useSignal('') };
  const returning = useSignal(false);
  const reason = useSignal('');
  const action = useAction(async () => {
    if (user.value === undefined) {
      const name = returning.value ? account.name.value.trim() : accountName(account);
      const [displayName, password] = [account.displayName.value.trim(), account.password.value];
      const call = returning.value
        ? siteApi.signIn({ name, password })
        : siteApi.signUp({ name, displayName, password, token });
      signedIn((await ask(call)).user);
    }
    const text = reason.value.trim();
    const { group } = await ask(siteApi.acceptInvite({ token, ...(text === '' ? {} : { reason: text }) }));
    joinSoon.value = group;
    await loadGroups();
    inviteToken.value = undefined;
    go({ kind: 'group', group, tab: 'mesh' });
  });
  return (
    <article class="narrow">
      <p class="muted">{preview.invitedBy} invites you to the group</p>
      <h1>{preview.name}</h1>
      <Meaning preview={preview} />
      <ActionForm action={action}>
        {user.value === undefined ? <Account account={account} returning={returning} /> : null}
        {preview.autoApprove ? null : (
          <label>
            A line to the administrators <span class="muted">(optional)</span>
            <input
              name="reason"
              maxLength={200}
              placeholder="So that they know who asks"
              value={reason}
              onInput={event => {
                reason.value = event.currentTarget.value;
              }}
            />
          </label>
        )}
        <button type="submit" aria-busy={action.busy}>
          Join {preview.name}
        </button>
      </ActionForm>
      <p>
        <PutAside />
      </p>
    </article>
  );
}

function Meaning({ preview }: { preview: InvitePreview }) {
  return (
    <ul class="meaning">
      <li>This browser gets a private address in the group's network, as long as the page is open.</li>
      <li>Members see your name, your devices and when they are online.</li>
      <li>What members send each other is encrypted between them. This site cannot read it.</li>
      {preview.autoApprove ? null : <li>An administrator of {preview.name} lets you in.</li>}
    </ul>
  );
}

function Account(props: { account: Parameters<typeof NewAccountFields>[0]['account']; returning: { value: boolean } }) {
  const { account, returning } = props;
  return (
    <>
      {returning.value ? (
        <SignInFields name={account.name} password={account.password} />
      ) : (
        <NewAccountFields account={account} />
      )}
      <p>
        <button
          type="button"
          class="link"
          onClick={() => {
            returning.value = !returning.value;
          }}
        >
          {returning.value ? 'I have no account on this site yet' : 'I have an account on this site'}
        </button>
      </p>
    </>
  );
}

function AlreadyIn({ preview }: { preview: InvitePreview }) {
  const { group, name, membership } = preview;
  return (
    <article class="narrow">
      <h1>{membership === 'member' ? `You are in ${name} already` : `You have asked to join ${name}`}</h1>
      <button
        type="button"
        onClick={() => {
          inviteToken.value = undefined;
          go({ kind: 'group', group, tab: 'mesh' });
        }}
      >
        {membership === 'member' ? `Open ${name}` : 'See how it stands'}
      </button>
    </article>
  );
}

function BadInvite({ problem }: { problem: Problem }) {
  return (
    <article class="narrow">
      <h1>This invite does not work</h1>
      <ProblemNote problem={problem} />
      {problem.hint === undefined ? <p>Ask whoever sent it for a new link.</p> : null}
      <PutAside />
    </article>
  );
}

function PutAside() {
  return (
    <button
      type="button"
      class="link"
      onClick={() => {
        inviteToken.value = undefined;
        go({ kind: 'groups' });
      }}
    >
      {user.value === undefined ? 'Go to sign-in instead' : 'Not now'}
    </button>
  );
}
