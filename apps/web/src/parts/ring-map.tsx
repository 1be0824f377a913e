/**
 * The ring: every member at the place of its peer id, a line for each link.
 * Colour says the kind of a link of ours, the stroke what it is for. Names
 * stand beside a small ring; on a large one, and for all else that is known,
 * there is the line below for whoever one points at.
 */
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { CrawlView, GroupView, LinkKind } from '../mesh.ts';
import { chord, labelHeights, lanesOf, nearestTo, type Point, pointAt } from '../ring.ts';
import {
  type LinkRole,
  placeWords,
  type RingLine,
  type RingPlace,
  type RingScene,
  ringScene,
  roleWords,
  stepped,
} from '../ring-scene.ts';
import { linkWords } from '../words.ts';

const RADIUS = 96;
/** Without labels there is more room. */
const RADIUS_UNLABELLED = 112;
const LABEL_GAP = 15;
/** From this many members on, names show for whoever one points at only; on a small screen sooner. */
const MAX_LABELS = 16;
const MAX_LABELS_SMALL = 7;
/** How far beside a member one may point, in units of the drawing. */
const REACH = 22;
const KINDS: readonly LinkKind[] = ['webrtc', 'udp', 'websocket', 'relay', 'overlay'];
const ROLES: readonly LinkRole[] = ['near', 'far', 'on-demand', 'leaf'];

/** The map with its legend. `crawl` is the last walk, if there was one. */
export function RingMap({ view, crawl }: { view: GroupView; crawl: CrawlView | undefined }) {
  const pointed = useSignal<string | undefined>(undefined);
  const scene = useMemo(() => ringScene(view, crawl), [view, crawl]);
  const drawing = useMemo(() => drawingOf(scene), [scene]);
  const place = scene.places.find(({ peerId }) => peerId === pointed.value);
  return (
    <>
      <Ring scene={scene} drawing={drawing} pointed={pointed} />
      <p class="ring-says">
        {place === undefined ? (
          <span class="muted">Point at a member, or tap it, to see how it is reached.</span>
        ) : (
          <>
            <strong>{place.name}</strong> <span class="muted">{placeWords(place).join(' · ')}</span>
          </>
        )}
      </p>
      <Legend scene={scene} />
    </>
  );
}

/** Where everything stands. */
interface Drawing {
  readonly radius: number;
  readonly points: ReadonlyMap<string, Point>;
  readonly labels: ReadonlyMap<string, number>;
  readonly size: number;
}

function drawingOf({ places }: RingScene): Drawing {
  const isSmall = matchMedia('(max-width: 640px)').matches;
  const isLabelled = places.length <= (isSmall ? MAX_LABELS_SMALL : MAX_LABELS);
  const radius = isLabelled ? RADIUS : RADIUS_UNLABELLED;
  const size = places.length <= MAX_LABELS ? 5.5 : places.length <= 50 ? 4.2 : 3;
  const lanes = lanesOf(
    places.map(({ fraction }) => fraction),
    (2 * size + 0.5) / (2 * Math.PI * radius),
  );
  const points = new Map(
    places.map(({ peerId, fraction }, i) => [peerId, pointAt(fraction, radius + (lanes[i] ?? 0) * (2 * size + 0.5))]),
  );
  const labelled = isLabelled ? places.map(({ peerId, fraction }) => ({ key: peerId, fraction })) : [];
  return { radius, points, labels: labelHeights(labelled, radius + 14, LABEL_GAP), size };
}

function Ring(props: { scene: RingScene; drawing: Drawing; pointed: { value: string | undefined } }) {
  const { scene, drawing, pointed } = props;
  const hasLabels = drawing.labels.size > 0;
  const point = (event: PointerEvent): void => {
    const at = inDrawing(event);
    pointed.value = at && nearestTo(at, drawing.points, REACH);
  };
  return (
    <div
      class={`ring${hasLabels ? '' : ' unlabelled'}`}
      role="listbox"
      aria-label="Members at their places on the ring"
      aria-activedescendant={pointed.value === undefined ? undefined : `place-${pointed.value}`}
      tabIndex={0}
      onPointerMove={point}
      onPointerDown={point}
      onPointerLeave={event => {
        if (event.pointerType === 'mouse') pointed.value = undefined;
      }}
      onKeyDown={event => {
        const next = stepped(scene, pointed.value, event.key);
        if (next === undefined) return;
        event.preventDefault();
        pointed.value = next.to;
      }}
    >
      <svg viewBox={hasLabels ? '-215 -122 430 244' : '-134 -134 268 268'} role="presentation">
        <circle class="rim" r={drawing.radius} />
        {scene.lines.map(line => (
          <Line key={`${line.from} ${line.to}`} line={line} drawing={drawing} pointed={pointed.value} />
        ))}
        {scene.places.map(place => (
          <Place key={place.peerId} place={place} drawing={drawing} isPointed={place.peerId === pointed.value} />
        ))}
      </svg>
    </div>
  );
}

/** Where an event is, in units of the drawing. */
function inDrawing(event: PointerEvent): Point | undefined {
  const svg = (event.currentTarget as Element).querySelector('svg');
  const matrix = svg?.getScreenCTM()?.inverse();
  return matrix && new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix);
}

function Line({ line, drawing, pointed }: { line: RingLine; drawing: Drawing; pointed: string | undefined }) {
  const [from, to] = [drawing.points.get(line.from), drawing.points.get(line.to)];
  if (from === undefined || to === undefined) return null;
  const isPointed = line.from === pointed || line.to === pointed;
  const whose = line.kind === undefined ? 'others' : line.kind;
  return <path class={`chord ${whose} ${line.role}${isPointed ? ' pointed' : ''}`} d={chord(from, to)} />;
}

function Place({ place, drawing, isPointed }: { place: RingPlace; drawing: Drawing; isPointed: boolean }) {
  const { peerId, fraction, self, state, name } = place;
  const { x, y } = drawing.points.get(peerId) ?? { x: 0, y: 0 };
  const labelY = drawing.labels.get(peerId);
  const side = fraction < 0.5 ? 1 : -1;
  return (
    <g
      class={`place ${state}${self ? ' self' : ''}${isPointed ? ' pointed' : ''}`}
      id={`place-${peerId}`}
      role="option"
      aria-selected={isPointed}
      aria-label={[name, ...placeWords(place)].join(', ')}
    >
      <circle cx={x} cy={y} r={drawing.size * (self ? 1.3 : 1)} />
      {labelY === undefined ? null : (
        <>
          <path class="leader" d={`M${x} ${y}L${side * (Math.abs(x) + 9)} ${labelY}`} />
          <text x={side * (Math.abs(x) + 12)} y={labelY + 4} text-anchor={side > 0 ? 'start' : 'end'}>
            {short(name)}
          </text>
        </>
      )}
    </g>
  );
}

function Legend({ scene: { lines, places } }: { scene: RingScene }) {
  const ours = lines.filter(({ kind }) => kind !== undefined);
  const kinds = KINDS.filter(kind => ours.some(line => line.kind === kind));
  const roles = ROLES.filter(role => ours.some(line => line.role === role));
  if (ours.length === 0) return <p class="muted">No links yet.</p>;
  return (
    <ul class="legend" aria-label="Lines and dots of the map">
      {roles.map(role => (
        <Key key={role} line={`any ${role}`} words={roleWords(role)} />
      ))}
      {kinds.map(kind => (
        <Key key={kind} line={kind} words={linkWords(kind)} />
      ))}
      {lines.length > ours.length ? <Key line="others" words="links of others" /> : null}
      {(['asleep', 'silent'] as const)
        .filter(state => places.some(place => place.state === state))
        .map(state => (
          <li key={state}>
            <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
              <g class={`place ${state}`}>
                <circle cx="6" cy="6" r="4.5" />
              </g>
            </svg>
            {state === 'asleep' ? 'in the background' : 'does not answer'}
          </li>
        ))}
    </ul>
  );
}

function Key({ line, words }: { line: string; words: string }) {
  return (
    <li>
      <svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">
        <path class={`chord ${line}`} d="M1 4H25" />
      </svg>
      {words}
    </li>
  );
}

/** Shortens in the middle: both ends tell members apart. Labels are larger on a small screen, so they hold fewer letters. */
function short(name: string): string {
  const most = matchMedia('(max-width: 640px)').matches ? 11 : 16;
  if (name.length <= most) return name;
  const tail = Math.floor((most - 1) / 2);
  return `${name.slice(0, most - 1 - tail)}…${name.slice(-tail)}`;
}
