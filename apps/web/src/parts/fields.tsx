/**
 * The fields of sign-in and sign-up, shared by the screens that ask for them.
 */
import type { Signal } from '@preact/signals';
import { userNameFrom } from '../words.ts';

/** What a person types to make an account. */
export interface NewAccount {
  readonly displayName: Signal<string>;
  /** Empty until typed: then it follows from the display name. */
  readonly name: Signal<string>;
  readonly password: Signal<string>;
}

/** The sign-in name of a new account. */
export function accountName({ name, displayName }: NewAccount): string {
  return name.value === '' ? userNameFrom(displayName.value) : name.value;
}

/** Your name, sign-in name, password. */
export function NewAccountFields({ account }: { account: NewAccount }) {
  return (
    <>
      <label>
        Your name
        <input
          name="displayName"
          required
          maxLength={64}
          autocomplete="name"
          value={account.displayName}
          onInput={event => {
            account.displayName.value = event.currentTarget.value;
          }}
        />
      </label>
      <label>
        Sign-in name
        <input
          name="name"
          required
          maxLength={32}
          pattern="[a-z0-9][a-z0-9._\-]{0,31}"
          title="Up to 32 of a-z, 0-9, dot, underscore and dash, beginning with a letter or digit"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          value={accountName(account)}
          onInput={event => {
            account.name.value = event.currentTarget.value;
          }}
        />
        <small>Part of the names of your devices. It cannot be changed later.</small>
      </label>
      <PasswordField password={account.password} autocomplete="new-password" />
    </>
  );
}

/** One password. New ones have at least 8 characters. */
export function PasswordField(props: { password: Signal<string>; autocomplete: 'new-password' | 'current-password' }) {
  const fresh = props.autocomplete === 'new-password';
  return (
    <label>
      Password
      <input
        name="password"
        type="password"
        required
        minLength={fresh ? 8 : 1}
        maxLength={256}
        autocomplete={props.autocomplete}
        value={props.password}
        onInput={event => {
          props.password.value = event.currentTarget.value;
        }}
      />
      {fresh ? <small>At least 8 characters.</small> : null}
    </label>
  );
}

/** Sign-in name and password of an account that exists. */
export function SignInFields({ name, password }: { name: Signal<string>; password: Signal<string> }) {
  return (
    <>
      <label>
        Sign-in name
        <input
          name="name"
          required
          maxLength={32}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          value={name}
          onInput={event => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
      <PasswordField password={password} autocomplete="current-password" />
    </>
  );
}
