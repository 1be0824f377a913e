/**
 * Signing in, and the first administrator's sign-up.
 */
import { useSignal } from '@preact/signals';
import { ActionForm, useAction } from '../parts/action.tsx';
import { accountName, NewAccountFields, SignInFields } from '../parts/fields.tsx';
import { setupToken } from '../route.ts';
import { ask, loadState, signedIn, siteState } from '../site.ts';
import { siteApi } from '../site-api.ts';

/** For who has an account. */
export function SignInScreen() {
  const name = useSignal('');
  const password = useSignal('');
  const action = useAction(async () => {
    signedIn((await ask(siteApi.signIn({ name: name.value.trim(), password: password.value }))).user);
  });
  return (
    <article class="narrow">
      <h1>Sign in</h1>
      <ActionForm action={action}>
        <SignInFields name={name} password={password} />
        <button type="submit" aria-busy={action.busy}>
          Sign in
        </button>
      </ActionForm>
      <p class="muted">No account? You get one by an invite link from a member of a group.</p>
    </article>
  );
}

/** For the one who has just started the site: needs the link that the site printed. */
export function SetupScreen() {
  const account = { displayName: useSignal(''), name: useSignal(''), password: useSignal('') };
  const action = useAction(async () => {
    const { user } = await ask(
      siteApi.signUp({
        displayName: account.displayName.value.trim(),
        name: accountName(account),
        password: account.password.value,
        token: setupToken.value ?? '',
      }),
    );
    setupToken.value = undefined;
    signedIn(user);
    await loadState();
  });
  return (
    <article class="narrow">
      <h1>Welcome to your group site</h1>
      <p>You are its first administrator. Make your account; then create a group and invite others.</p>
      <ActionForm action={action}>
        <NewAccountFields account={account} />
        <button type="submit" aria-busy={action.busy}>
          Make account
        </button>
      </ActionForm>
    </article>
  );
}

/** For who finds a site without any account, but has no link. */
export function EmptySiteScreen() {
  return (
    <article class="narrow">
      <h1>This site has no account yet</h1>
      <p>
        When the site started, it printed a one-time link for its first administrator, ending in <code>#setup=…</code>.
        Open that link in this browser.
      </p>
      <p class="muted">The link is gone? Restart the site: as long as there is no account, it prints a new one.</p>
    </article>
  );
}

/** The link of the first administrator, opened when the site has its accounts already. */
export function SetupDoneScreen() {
  return (
    <article class="narrow">
      <h1>This link has been used</h1>
      <p>The site has its first administrator. Sign in, or ask a member of a group for an invite link.</p>
      <button
        type="button"
        onClick={() => {
          setupToken.value = undefined;
        }}
      >
        {siteState.value?.user === undefined ? 'Sign in' : 'Go on'}
      </button>
    </article>
  );
}
