/**
 * Work behind a button or form: busy while it runs, a problem when it fails.
 */
import { useSignal } from '@preact/signals';
import { announce } from '../announce.ts';
import { type Problem, problemOf } from '../problem.ts';

/** State of an action, and what starts it. */
export interface Action {
  readonly busy: boolean;
  readonly problem: Problem | undefined;
  run(): void;
}

/** Makes an action of `work`; a second start while it runs is ignored. */
export function useAction(work: () => Promise<void>): Action {
  const busy = useSignal(false);
  const problem = useSignal<Problem | undefined>(undefined);
  const run = async (): Promise<void> => {
    if (busy.peek()) return;
    busy.value = true;
    problem.value = undefined;
    await work().catch(thrown => {
      problem.value = problemOf(thrown);
    });
    busy.value = false;
  };
  return { busy: busy.value, problem: problem.value, run: () => void run() };
}

/** A form that runs an action instead of being sent. */
export function ActionForm(props: { action: Action; children: preact.ComponentChildren; class?: string }) {
  return (
    <form
      class={props.class}
      onSubmit={event => {
        event.preventDefault();
        props.action.run();
      }}
    >
      {props.children}
      <ProblemNote problem={props.action.problem} />
    </form>
  );
}

/** A problem, said at once to screen readers; nothing when there is none. */
export function ProblemNote({ problem }: { problem: Problem | undefined }) {
  if (problem === undefined) return null;
  return (
    <div class="note problem" role="alert">
      <strong>{problem.message}</strong> {problem.hint}
    </div>
  );
}

/** Copies `text`; says so on its face and to screen readers. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const copied = useSignal(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    copied.value = true;
    announce(`${what} copied.`);
    setTimeout(() => {
      copied.value = false;
    }, 2_000);
  };
  return (
    <button type="button" class="secondary outline small" onClick={() => void copy()} aria-label={`Copy ${what}`}>
      {copied.value ? 'Copied' : 'Copy'}
    </button>
  );
}

/** Something to copy: shown whole, selectable, with its button. */
export function Copyable({ text, what }: { text: string; what: string }) {
  return (
    <div class="copyable">
      <code>{text}</code>
      <CopyButton text={text} what={what} />
    </div>
  );
}
