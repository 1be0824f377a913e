/**
 * What somebody sees who is not, or not yet, in a group.
 */
import { addressOf } from '../route.ts';

/** Asked, and not yet answered. The page looks again by itself. */
export function WaitingScreen({ name }: { name: string }) {
  return (
    <article class="narrow" aria-live="polite">
      <h1>
        <span class="spinner" aria-hidden="true" /> Waiting for an administrator of {name} to let you in
      </h1>
      <p>
        Keep this page open and it goes on by itself as soon as you are in. You can also close it and come back later.
      </p>
      <p>
        <a href={addressOf({ kind: 'groups' })}>All your groups</a>
      </p>
    </article>
  );
}

/** Not in the group: denied, removed, or a wrong link. `asked` names the group when we were waiting for it. */
export function NotInGroupScreen({ asked }: { asked: string | undefined }) {
  return (
    <article class="narrow" aria-live="polite">
      <h1>{asked === undefined ? 'You are not in this group' : `${asked} did not let you in`}</h1>
      <p>
        {asked === undefined
          ? 'The link may be wrong, or you have been removed. Ask a member of the group for an invite link.'
          : 'An administrator turned your request down. If you think that is a mistake, talk to whoever invited you.'}
      </p>
      <p>
        <a href={addressOf({ kind: 'groups' })}>All your groups</a>
      </p>
    </article>
  );
}
