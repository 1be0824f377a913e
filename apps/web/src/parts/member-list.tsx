/**
 * Who is in the group, live: presence, address, how we reach them, and what one
 * can do with them.
 */
import { useSignal } from '@preact/signals';
import { announce } from '../announce.ts';
import { ping } from '../participant.ts';
import type { Person } from '../people.ts';
import { problemOf } from '../problem.ts';
import { user } from '../site.ts';
import type { MemberEntry } from '../site-api.ts';
import { kindWords, linkWords, rttWords } from '../words.ts';
import { ManageDevice } from './manage-device.tsx';
import { TeamPills, TeamsButton } from './teams.tsx';

/** All devices of all members. */
export function MemberList(props: {
  group: string;
  members: readonly Person[];
  /** People without a device. */
  unjoined: readonly MemberEntry[];
  joined: boolean;
  /** Whether the person at the screen administrates the group. */
  isAdmin: boolean;
  onMessage: (peerId: string) => void;
}) {
  const online = props.members.filter(member => member.presence === 'online').length;
  return (
    <section class="panel" aria-labelledby="members-title">
      <h2 id="members-title">Members {props.joined ? <span class="muted">{online} online</span> : null}</h2>
      {props.members.length === 0 ? <p class="muted">No device has joined yet.</p> : null}
      <ul class="rows members">
        {props.members.map(member => (
          <MemberRow key={member.peerId} {...props} member={member} />
        ))}
      </ul>
      <Unjoined group={props.group} members={props.unjoined} isAdmin={props.isAdmin} />
    </section>
  );
}

function Unjoined({ group, members, isAdmin }: { group: string; members: readonly MemberEntry[]; isAdmin: boolean }) {
  if (members.length === 0) return null;
  return (
    <>
      <p class="muted unjoined">Let in, but not yet joined with a device:</p>
      <ul class="rows unjoined">
        {members.map(member => (
          <li key={member.user}>
            <span>
              {member.displayName} <TeamPills teams={member.teams} />
            </span>
            {isAdmin ? <TeamsButton group={group} member={member} /> : null}
          </li>
        ))}
      </ul>
    </>
  );
}

const PRESENCE = { online: 'online', offline: 'offline', unknown: 'not known' } as const;

function MemberRow(props: {
  group: string;
  member: Person;
  joined: boolean;
  isAdmin: boolean;
  onMessage: (peerId: string) => void;
}) {
  const { member, isAdmin } = props;
  const canTalk = !member.self && member.presence === 'online' && props.joined;
  const canManage = member.rights !== undefined && (isAdmin || member.user === user.value?.name);
  const duties = member.rights?.filter(right => right !== 'relay') ?? [];
  const isResting = member.resting && member.presence === 'online';
  const presence = isResting ? 'in the background' : PRESENCE[member.presence];
  return (
    <li class={`member ${member.presence}`} data-member={member.name}>
      <span class={`dot ${member.presence}${isResting ? ' resting' : ''}`} aria-hidden="true" />
      <div class="who">
        <strong>{member.name}</strong> {member.self ? <span class="pill">this tab</span> : null}{' '}
        <TeamPills teams={member.teams} />
        <small class="muted">
          {member.displayName === undefined ? '' : `${member.displayName} · `}
          {kindWords(member.kind)}
          {duties.length === 0 ? null : ` · ${duties.join(', ')}`}
          <span class={member.presence === 'unknown' ? 'unseen' : ''}> · {presence}</span>
        </small>
      </div>
      <div class="reach">
        {member.address === undefined ? null : <code>{member.address}</code>}
        {member.self || member.presence !== 'online' ? null : <Reach member={member} />}
      </div>
      {!canTalk && !canManage ? null : (
        <div class="actions">
          {canTalk ? (
            <>
              <PingButton group={props.group} member={member} />
              <button type="button" class="small secondary outline" onClick={() => props.onMessage(member.peerId)}>
                Message<span class="unseen"> {member.name}</span>
              </button>
            </>
          ) : null}
          {canManage ? <ManageDevice group={props.group} member={member} isAdmin={isAdmin} /> : null}
        </div>
      )}
    </li>
  );
}

function Reach({ member: { link, pq } }: { member: Person }) {
  const keys = pq ? (
    <abbr class="muted" title="Post-quantum keys: recordings stay closed to quantum computers">
      {' '}
      · PQ
    </abbr>
  ) : null;
  if (link === undefined) return <small class="muted">no direct link yet{keys}</small>;
  return (
    <small class={`link-kind ${link.kind}`}>
      {linkWords(link.kind)}
      {link.rttMs === undefined ? null : ` · ${rttWords(link.rttMs)}`}
      {keys}
    </small>
  );
}

/** Sends one echo request and shows the answer on its face. */
function PingButton({ group, member }: { group: string; member: Person }) {
  const result = useSignal('');
  const busy = useSignal(false);
  const run = async (): Promise<void> => {
    if (busy.peek()) return;
    busy.value = true;
    try {
      const [rttMs] = (await ping(group, member.peerId, { count: 1, timeoutMs: 5_000 })).rttsMs;
      result.value = rttMs === undefined ? 'no answer' : rttWords(rttMs);
    } catch (thrown) {
      result.value = problemOf(thrown).message;
    }
    busy.value = false;
    announce(`Ping ${member.name}: ${result.value}.`);
  };
  return (
    <button
      type="button"
      class="small secondary outline ping"
      disabled={member.address === undefined}
      aria-busy={busy.value}
      onClick={() => void run()}
    >
      {result.value === '' ? 'Ping' : `Ping: ${result.value}`}
      <span class="unseen"> {member.name}</span>
    </button>
  );
}
