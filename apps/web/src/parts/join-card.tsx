/**
 * Joining a group in this tab: the button, the steps with what to do when one
 * fails, and what the tab is once it is in.
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { announce } from '../announce.ts';
import { isIn, type Step, steps } from '../joining.ts';
import type { GroupView } from '../mesh.ts';
import {
  type JoinState,
  joinHere,
  joins,
  leaveForGood,
  leaveHere,
  memberships,
  ownMemberships,
  peerView,
  suggestedDevice,
  tab,
  takeOver,
} from '../participant.ts';
import { ActionForm, ProblemNote, useAction } from './action.tsx';
import { useNow } from './clock.ts';

/** How this tab stands to `group`. */
export function JoinCard({ group, view }: { group: string; view: GroupView | undefined }) {
  const join = joins.value.get(group);
  if (join === undefined) {
    if (tab.value.kind === 'elsewhere') return <OtherTabCard group={group} />;
    if (tab.value.kind === 'unable') return <ProblemNote problem={tab.value.problem} />;
    return <AskCard group={group} />;
  }
  if (join.kind === 'joined' && isIn(view) && view !== undefined) return <InCard group={group} view={view} />;
  if (join.kind === 'joined' && view?.problem === 'removed') return <RemovedCard group={group} name={view.name} />;
  return <StepsCard group={group} join={join} view={view} />;
}

function AskCard({ group }: { group: string }) {
  const known = ownMemberships().find(({ file }) => file.group === group)?.file.device;
  const device = useSignal(suggestedDevice());
  const edited = useSignal(false);
  const action = useAction(() => joinHere(group, known === undefined && edited.value ? device.value : undefined));
  return (
    <article class="join">
      <ActionForm action={action}>
        <div class="grow">
          <h2>This tab is not in the mesh</h2>
          <p class="muted">
            {known === undefined
              ? 'Join and this page becomes a member itself: it makes a key that stays in this browser, gets an address, and talks to the others directly.'
              : `This browser is known as ${known}. Join to see who is online.`}
          </p>
        </div>
        {known === undefined && memberships.value !== undefined ? (
          <label>
            Name of this browser
            <input
              name="device"
              required
              maxLength={32}
              pattern="[a-z0-9][a-z0-9._\-]{0,31}"
              title="Up to 32 of a-z, 0-9, dot, underscore and dash, beginning with a letter or digit"
              autocapitalize="none"
              spellcheck={false}
              value={device}
              onInput={event => {
                edited.value = true;
                device.value = event.currentTarget.value;
              }}
            />
          </label>
        ) : null}
        <button type="submit" aria-busy={action.busy}>
          Join in this tab
        </button>
      </ActionForm>
    </article>
  );
}

/** The group's authority has declared this browser's certificate dead. */
function RemovedCard({ group, name }: { group: string; name: string }) {
  const leave = useAction(() => leaveForGood(group));
  return (
    <article class="join" aria-live="assertive">
      <div class="grow">
        <h2>This browser was removed from {name}</h2>
        <p class="muted">
          An administrator ended its membership, and it has left the mesh. If that is a mistake, ask an administrator
          for a new invite.
        </p>
      </div>
      <button type="button" class="secondary outline" onClick={leave.run} aria-busy={leave.busy}>
        Close
      </button>
    </article>
  );
}

function StepsCard({ group, join, view }: { group: string; join: JoinState; view: GroupView | undefined }) {
  const now = useNow(1_000);
  const since = useSignal({ name: '', at: now });
  const joining = {
    hasCertificate:
      join.kind === 'joining' || join.kind === 'joined' || (join.kind === 'failed' && join.at !== 'certificate'),
    peer: peerView.value,
    group: view,
    problem: join.kind === 'failed' ? join.problem : undefined,
    stalledMs: now - since.value.at,
  };
  const list = steps(joining);
  const active = list.find(step => step.state === 'active')?.name ?? '';
  useEffect(() => {
    since.value = { name: active, at: Date.now() };
    const words = list.find(step => step.state === 'active')?.words;
    if (words !== undefined) announce(`${words}…`);
  }, [active]);
  const retry = useAction(() => joinHere(group, join.kind === 'failed' ? join.device : undefined));
  const cancel = useAction(() => leaveHere(group));
  return (
    <article class="join steps-card">
      <h2>{join.kind === 'failed' ? 'This tab could not join' : 'Joining in this tab…'}</h2>
      <ol class="steps">
        {list.map(step => (
          <StepRow key={step.name} step={step} />
        ))}
      </ol>
      <div class="actions">
        {join.kind === 'failed' ? (
          <button type="button" class="small" onClick={retry.run} aria-busy={retry.busy}>
            Try again
          </button>
        ) : null}
        <button type="button" class="small secondary outline" onClick={cancel.run} aria-busy={cancel.busy}>
          {join.kind === 'failed' ? 'Back' : 'Cancel'}
        </button>
      </div>
    </article>
  );
}

function StepRow({ step }: { step: Step }) {
  const words = { done: 'done', active: 'under way', failed: 'failed', waiting: 'to do' } as const;
  return (
    <li class={`step ${step.state}`}>
      <span>
        {step.words}
        <span class="unseen"> ({words[step.state]})</span>
      </span>
      {step.note === undefined ? null : <small>{step.note}</small>}
    </li>
  );
}

function InCard({ group, view }: { group: string; view: GroupView }) {
  const leave = useAction(() => leaveHere(group));
  useEffect(() => announce(`This tab is in ${view.name}, address ${view.self.address}.`), []);
  return (
    <article class="join in">
      <p class="grow">
        <span class="dot online" aria-hidden="true" /> This tab is in the mesh as <strong>{view.self.name}</strong>,
        address <code>{view.self.address}</code>
      </p>
      <button type="button" class="small secondary outline" onClick={leave.run} aria-busy={leave.busy}>
        Leave in this tab
      </button>
    </article>
  );
}

function OtherTabCard({ group }: { group: string }) {
  const take = useAction(() => takeOver(group));
  return (
    <article class="join">
      <div class="grow">
        <h2>Another tab of this browser is active</h2>
        <p class="muted">
          One browser is one member, so only one tab at a time can be in the mesh. The other tab stops when this one
          takes over.
        </p>
      </div>
      <button type="button" onClick={take.run} aria-busy={take.busy}>
        Use this tab instead
      </button>
      <ProblemNote problem={take.problem} />
    </article>
  );
}
