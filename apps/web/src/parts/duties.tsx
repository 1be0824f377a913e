/**
 * What this tab does for others, and how it hangs together with the public
 * overlay.
 */
import type { GroupView } from '../mesh.ts';
import { peerView } from '../participant.ts';

/** The duties of this tab. */
export function Duties({ view }: { view: GroupView }) {
  const overlay = peerView.value?.public;
  return (
    <section class="panel" aria-labelledby="duties-title">
      <h2 id="duties-title">What this tab does for others</h2>
      <div class="scroll">
        <table class="figures">
          <thead>
            <tr>
              <td />
              <th scope="col">{view.name}</th>
              <th scope="col">Public overlay</th>
            </tr>
          </thead>
          <tbody>
            <Figure words="Records held" group={view.recordsHeld} overlay={overlay?.recordsHeld} />
            <Figure words="Datagrams passed on" group={view.forwarded} overlay={overlay?.forwarded} />
            <Figure words="Links" group={view.links.length} overlay={overlay?.links.length} />
          </tbody>
        </table>
      </div>
      <ul class="plain">
        {overlay?.bootstraps.map(({ url, state }) => (
          <li key={url}>
            <span class={`dot ${state === 'connected' ? 'online' : 'offline'}`} aria-hidden="true" /> Bootstrap node{' '}
            <code>{url}</code>: {state === 'connecting' ? 'connecting…' : state === 'failed' ? 'not reached' : state}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Figure(props: { words: string; group: number; overlay: number | undefined }) {
  return (
    <tr>
      <th scope="row">{props.words}</th>
      <td>{props.group.toLocaleString('en-GB')}</td>
      <td>{props.overlay?.toLocaleString('en-GB') ?? '–'}</td>
    </tr>
  );
}
