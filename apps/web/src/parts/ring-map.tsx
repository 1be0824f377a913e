/**
 * The ring: every member at the place of its peer id, and a chord for each
 * link of this tab, coloured and dashed by kind. The table below says the same
 * in words.
 */
import { useSignal } from '@preact/signals';
import type { GroupView, LinkKind, LinkView, MemberView } from '../mesh.ts';
import { chord, fractionOf, labelHeights, pointAt } from '../ring.ts';
import { bytesWords, linkWords, rttWords } from '../words.ts';

const RADIUS = 96;
const LABEL_GAP = 15;
/** From this many members on, names show on hover and focus only. */
const MAX_LABELS = 16;
const KINDS: readonly LinkKind[] = ['webrtc', 'udp', 'websocket', 'relay', 'overlay'];

/** The map, its legend and its table. */
export function RingMap({ view }: { view: GroupView }) {
  const pointed = useSignal<string | undefined>(undefined);
  const kinds = KINDS.filter(kind => view.links.some(link => link.kind === kind));
  return (
    <section class="panel" aria-labelledby="ring-title">
      <h2 id="ring-title">Ring</h2>
      <svg class="ring" viewBox="-215 -122 430 244" role="group" aria-label="Members at their places on the ring">
        <circle class="rim" r={RADIUS} />
        {view.links.map(link => (
          <Chord key={`${link.kind} ${link.peerId}`} view={view} link={link} />
        ))}
        <Members view={view} pointed={pointed} />
      </svg>
      {kinds.length === 0 ? <p class="muted">No links yet.</p> : <Legend kinds={kinds} />}
      {view.links.length === 0 ? null : <LinkTable view={view} />}
    </section>
  );
}

function Chord({ view, link }: { view: GroupView; link: LinkView }) {
  const [from, to] = [view.self.peerId, link.peerId].map(id => pointAt(fractionOf(id), RADIUS));
  if (from === undefined || to === undefined) return null;
  return <path class={`chord ${link.kind}`} d={chord(from, to)} />;
}

function Members({ view, pointed }: { view: GroupView; pointed: { value: string | undefined } }) {
  const shown = view.members.filter(member => member.online || member.self);
  const labelled =
    shown.length <= MAX_LABELS ? shown : shown.filter(({ peerId, self }) => self || peerId === pointed.value);
  const places = labelled.map(member => ({ key: member.peerId, fraction: fractionOf(member.peerId) }));
  const heights = labelHeights(places, RADIUS + 14, LABEL_GAP);
  return (
    <>
      {shown.map(member => (
        <Member
          key={member.peerId}
          member={member}
          labelY={heights.get(member.peerId)}
          pointed={pointed.value === member.peerId}
          onPoint={on => {
            pointed.value = on ? member.peerId : undefined;
          }}
        />
      ))}
    </>
  );
}

function Member(props: {
  member: MemberView;
  labelY: number | undefined;
  pointed: boolean;
  onPoint: (on: boolean) => void;
}) {
  const { member, labelY } = props;
  const fraction = fractionOf(member.peerId);
  const { x, y } = pointAt(fraction, RADIUS);
  const side = fraction < 0.5 ? 1 : -1;
  const words = [
    member.name,
    member.self ? 'this tab' : member.link === undefined ? 'no direct link' : linkWords(member.link.kind),
    member.address,
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <g
      class={`place${member.self ? ' self' : ''}${props.pointed ? ' pointed' : ''}`}
      tabIndex={0}
      role="img"
      aria-label={words}
      onFocus={() => props.onPoint(true)}
      onBlur={() => props.onPoint(false)}
      onPointerEnter={() => props.onPoint(true)}
      onPointerLeave={() => props.onPoint(false)}
    >
      <title>{words}</title>
      <circle cx={x} cy={y} r={member.self ? 7 : 5.5} />
      {labelY === undefined ? null : (
        <>
          <path class="leader" d={`M${x} ${y}L${side * (Math.abs(x) + 9)} ${labelY}`} />
          <text x={side * (Math.abs(x) + 12)} y={labelY + 4} text-anchor={side > 0 ? 'start' : 'end'}>
            {short(member.name)}
          </text>
        </>
      )}
    </g>
  );
}

function Legend({ kinds }: { kinds: readonly LinkKind[] }) {
  return (
    <ul class="legend" aria-label="Colours of links">
      {kinds.map(kind => (
        <li key={kind}>
          <svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">
            <path class={`chord ${kind}`} d="M1 4H25" />
          </svg>
          {linkWords(kind)}
        </li>
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
                <small class="muted block">{link.roles.join(', ')}</small>
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

function Traffic({ arrow, words, bytes }: { arrow: string; words: string; bytes: number }) {
  return (
    <span class="block">
      <span aria-hidden="true">{arrow}</span> {bytesWords(bytes)}
      <span class="unseen"> {words}</span>
    </span>
  );
}

/** Shortens in the middle: both ends tell members apart. Labels are larger on a small screen, so they hold fewer letters. */
function short(name: string): string {
  const most = matchMedia('(max-width: 640px)').matches ? 11 : 16;
  if (name.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - tail)}…${name.slice(-tail)}`;
}
