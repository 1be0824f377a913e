/**
 * Lines of text between members. They live in memory and go with the tab.
 */
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { announce } from '../announce.ts';
import { sendText, type TextEntry, texts } from '../participant.ts';
import type { Person } from '../people.ts';
import { ActionForm, useAction } from './action.tsx';

/** The longest line, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 1_000;

/** The log and the line to write. `receiver` is the peer id chosen, here or in the member list. */
export function Texts(props: { group: string; members: readonly Person[]; receiver: Signal<string | undefined> }) {
  const { group, members, receiver } = props;
  const others = members.filter(member => !member.self && member.presence === 'online');
  const line = useSignal('');
  const to = others.find(member => member.peerId === receiver.value) ?? others[0];
  const action = useAction(async () => {
    const text = line.value.trim();
    if (to === undefined || text === '') return;
    if (new TextEncoder().encode(text).length > MAX_TEXT_BYTES) {
      throw new Error('That line is too long. Send it in two.');
    }
    if (!sendText(group, to.peerId, text)) {
      throw new Error(`That line cannot be sent to ${to.name} right now. Try again in a moment.`);
    }
    line.value = '';
  });
  return (
    <section class="panel" aria-labelledby="texts-title">
      <h2 id="texts-title">Messages</h2>
      <Log entries={texts.value.filter(entry => entry.group === group)} members={members} />
      <ActionForm action={action} class="write">
        <select
          name="receiver"
          aria-label="To whom"
          disabled={to === undefined}
          value={to?.peerId ?? ''}
          onChange={event => {
            receiver.value = event.currentTarget.value;
          }}
        >
          {to === undefined ? <option value="">nobody is online</option> : null}
          {others.map(member => (
            <option key={member.peerId} value={member.peerId}>
              {member.name}
            </option>
          ))}
        </select>
        <input
          id="text"
          name="text"
          aria-label="Message"
          placeholder="A line of text"
          maxLength={MAX_TEXT_BYTES}
          autocomplete="off"
          disabled={to === undefined}
          value={line}
          onInput={event => {
            line.value = event.currentTarget.value;
          }}
        />
        <button type="submit" disabled={to === undefined} aria-busy={action.busy}>
          Send
        </button>
      </ActionForm>
    </section>
  );
}

function Log({ entries, members }: { entries: readonly TextEntry[]; members: readonly Person[] }) {
  const log = useRef<HTMLOListElement>(null);
  const name = (peerId: string): string =>
    members.find(member => member.peerId === peerId)?.name ?? `${peerId.slice(0, 8)}…`;
  const last = entries.at(-1);
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
    if (last !== undefined && !last.mine) announce(`Message from ${name(last.peerId)}: ${last.text}`);
  }, [last]);
  if (last === undefined)
    return <p class="muted">Nothing yet. Lines go straight to the other member and are not kept.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <ol class="log" ref={log} tabIndex={0} aria-label="Messages">
      {entries.map((entry, i) => (
        <li key={`${entry.at} ${i}`} class={entry.mine ? 'mine' : ''}>
          <small class="muted">
            {entry.mine ? `to ${name(entry.peerId)}` : name(entry.peerId)} ·{' '}
            {new Date(entry.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
          </small>
          <span class="line">{entry.text}</span>
        </li>
      ))}
    </ol>
  );
}
