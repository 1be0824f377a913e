/**
 * The ring of a group: the map, a walk round it for whoever wants to see the
 * links of others too, and tables that say the same in words.
 */
import type { CrawlView, GroupView } from '../mesh.ts';
import { mainRole, roleWords } from '../ring-scene.ts';
import { forgetWalk, type Walk, walkRing, walks } from '../walks.ts';
import { agoWords, bytesWords, count, kindWords, linkWords, rttWords } from '../words.ts';
import { useNow } from './clock.ts';
import { RingMap } from './ring-map.tsx';

/** Map, walk and tables. */
export function RingPanel({ view }: { view: GroupView }) {
  const walk = walks.value.get(view.group);
  const crawl = walk === undefined || walk.kind === 'failed' ? undefined : walk.view;
  return (
    <section class="panel" aria-labelledby="ring-title">
      <h2 id="ring-title">Ring</h2>
      <RingMap view={view} crawl={crawl} />
      <WalkBar group={view.group} walk={walk} />
      {walk?.kind === 'walked' ? <Faults view={walk.view} /> : null}
      {view.links.length === 0 ? null : <LinkTable view={view} />}
      {walk?.kind === 'walked' ? <RingTable view={view} crawl={walk.view} /> : null}
    </section>
  );
}

function WalkBar({ group, walk }: { group: string; walk: Walk | undefined }) {
  const isWalking = walk?.kind === 'walking';
  return (
    <div class="actions walk">
      <button
        type="button"
        class="small secondary outline"
        aria-busy={isWalking}
        disabled={isWalking}
        onClick={() => void walkRing(group)}
      >
        {walk?.kind === 'walked' ? 'Walk again' : 'Walk round the ring'}
      </button>
      {walk?.kind === 'walked' ? (
        <button type="button" class="small secondary outline" onClick={() => forgetWalk(group)}>
          Own links only
        </button>
      ) : null}
      <small class="muted" role="status">
        <WalkWords walk={walk} />
      </small>
    </div>
  );
}

function WalkWords({ walk }: { walk: Walk | undefined }) {
  const now = useNow(5_000);
  switch (walk?.kind) {
    case undefined:
      return <>The map shows the links of this tab. A walk asks every member for its neighbours.</>;
    case 'walking':
      return <>{walk.view === undefined ? 'Asking…' : `${count(walk.view.peers.length, 'peer')} so far…`}</>;
    case 'walked':
      return <>{`${verdict(walk.view)} (${agoWords(walk.at, now)})`}</>;
    case 'failed':
      return <>{[walk.problem.message, walk.problem.hint].filter(Boolean).join(' ')}</>;
  }
}

function verdict({ peers, inconsistencies, complete }: CrawlView): string {
  const who = `${count(peers.length, 'peer')} asked`;
  if (inconsistencies.length > 0) return `${who}, ${count(inconsistencies.length, 'disagreement')}`;
  // Who does not answer is among the disagreements.
  return complete ? `${who}: all agree about the ring` : `${who}, then the walk was cut short`;
}

function Faults({ view: { inconsistencies } }: { view: CrawlView }) {
  if (inconsistencies.length === 0) return null;
  return (
    <ul class="plain note problem">
      {inconsistencies.map(({ kind, at, text }) => (
        <li key={`${kind} ${at}`}>{text}</li>
      ))}
    </ul>
  );
}

function LinkTable({ view }: { view: GroupView }) {
  const name = (peerId: string): string =>
    view.members.find(member => member.peerId === peerId)?.name ?? `${peerId.slice(0, 8)}…`;
  return (
    <div class="scroll">
      <table class="links">
        <caption class="unseen">Links of this tab</caption>
        <thead>
          <tr>
            <th scope="col">Link to</th>
            <th scope="col">Kind</th>
            <th scope="col">RTT</th>
            <th scope="col">Bytes</th>
          </tr>
        </thead>
        <tbody>
          {view.links.map(link => (
            <tr key={`${link.kind} ${link.peerId}`}>
              <th scope="row">{name(link.peerId)}</th>
              <td>
                {linkWords(link.kind)}
                <small class="muted block">{roleWords(mainRole(link.roles))}</small>
              </td>
              <td class="number">{link.rttMs === undefined ? '–' : rttWords(link.rttMs)}</td>
              <td class="number">
                <Traffic arrow="↑" words="sent" bytes={link.sentBytes} />
                <Traffic arrow="↓" words="received" bytes={link.receivedBytes} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RingTable({ view, crawl }: { view: GroupView; crawl: CrawlView }) {
  return (
    <div class="scroll tall">
      <table class="links">
        <caption>Everybody, in the order of the ring</caption>
        <thead>
          <tr>
            <th scope="col">Member</th>
            <th scope="col">Links</th>
            <th scope="col">Records</th>
            <th scope="col">RTT</th>
          </tr>
        </thead>
        <tbody>
          {crawl.peers.map(peer => (
            <tr key={peer.peerId}>
              <th scope="row">
                {peer.name ?? `${peer.peerId.slice(0, 8)}…`}
                <small class="muted block">
                  {peer.kind === 'bootstrap' ? 'bootstrap node' : kindWords(peer.kind)}
                  {peer.resting ? ', in the background' : ''}
                </small>
              </th>
              <td class="number">{peer.links}</td>
              <td class="number">{peer.recordsHeld}</td>
              <td class="number">
                {peer.peerId === view.self.peerId ? 'this tab' : peer.rttMs === undefined ? '–' : rttWords(peer.rttMs)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Traffic({ arrow, words, bytes }: { arrow: string; words: string; bytes: number }) {
  return (
    <span class="block">
      <span aria-hidden="true">{arrow}</span> {bytesWords(bytes)}
      <span class="unseen"> {words}</span>
    </span>
  );
}
