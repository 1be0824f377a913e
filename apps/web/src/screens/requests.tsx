/**
 * Who asks to be let in: approve or deny. Two administrators may answer at
 * once; the site makes one answer of it.
 */
import { announce } from '../announce.ts';
import { ProblemNote, useAction } from '../parts/action.tsx';
import { useNow } from '../parts/clock.ts';
import { ask, loadDetails } from '../site.ts';
import { type GroupDetails, type JoinRequest, siteApi } from '../site-api.ts';
import { agoWords } from '../words.ts';

/** The requests of a group, live. */
export function RequestsTab({ found }: { found: GroupDetails | undefined }) {
  const now = useNow(10_000);
  if (found === undefined) return <p aria-busy="true">Loading the requests…</p>;
  const requests = found.requests ?? [];
  return (
    <section aria-live="polite">
      <h2>Requests to join</h2>
      {requests.length === 0 ? <p class="muted">Nobody is waiting. New requests appear here by themselves.</p> : null}
      <ul class="rows">
        {requests.map(request => (
          <RequestRow key={request.user} group={found} request={request} now={now} />
        ))}
      </ul>
    </section>
  );
}

function RequestRow({ group, request, now }: { group: GroupDetails; request: JoinRequest; now: number }) {
  const approve = useAction(() => answer(group, request, 'approve'));
  const deny = useAction(() => answer(group, request, 'deny'));
  return (
    <li class="row">
      <div class="grow">
        <strong>{request.displayName}</strong> <span class="muted">{request.user}</span>
        {request.reason === undefined || request.reason === '' ? null : <q class="reason">{request.reason}</q>}
        <small class="muted">asked {agoWords(new Date(request.at).getTime(), now)}</small>
        <ProblemNote problem={approve.problem ?? deny.problem} />
      </div>
      <div class="actions">
        <button type="button" class="small" aria-busy={approve.busy} onClick={approve.run}>
          Approve<span class="unseen"> {request.displayName}</span>
        </button>
        <button type="button" class="small secondary outline" aria-busy={deny.busy} onClick={deny.run}>
          Deny<span class="unseen"> {request.displayName}</span>
        </button>
      </div>
    </li>
  );
}

async function answer(group: GroupDetails, request: JoinRequest, answer: 'approve' | 'deny'): Promise<void> {
  await ask(siteApi.answerRequest(group.group, request.user, answer));
  announce(`${request.displayName} ${answer === 'approve' ? 'is let in' : 'is turned down'}.`);
  await loadDetails(group.group, () => true);
}
