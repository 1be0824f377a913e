/**
 * Where peers stand on the ring map and how lines run between them. Pure
 * geometry; SVG coordinates, so `y` points down. Id zero is at the top, ids
 * grow clockwise. What is drawn there is for `ring-scene.ts` to say.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The place of a peer id (40 hex digits) as a fraction of the whole ring, from 0 to below 1. */
export function fractionOf(peerId: string): number {
  return Number.parseInt(peerId.slice(0, 12), 16) / 2 ** 48;
}

/** The point at `fraction` of a circle around the origin. */
export function pointAt(fraction: number, radius: number): Point {
  const angle = fraction * 2 * Math.PI;
  return { x: radius * Math.sin(angle), y: -radius * Math.cos(angle) };
}

/**
 * A line between two points of a circle around the origin, as an SVG path: neighbours are joined close to the rim,
 * peers on opposite sides almost straight through the middle.
 */
export function chord(a: Point, b: Point): string {
  const across = Math.hypot(a.x - b.x, a.y - b.y) / (Math.hypot(a.x, a.y) + Math.hypot(b.x, b.y) || 1);
  const bend = 0.95 - 0.7 * across;
  const middle = { x: ((a.x + b.x) / 2) * bend, y: ((a.y + b.y) / 2) * bend };
  return `M${round(a.x)} ${round(a.y)}Q${round(middle.x)} ${round(middle.y)} ${round(b.x)} ${round(b.y)}`;
}

/** Lanes at most: beyond them peers that stand close cover each other. */
const MAX_LANES = 3;

/**
 * Which lane each of these fractions takes, 0 on the rim and others outside of it, so that peers whose places are
 * closer than `gap` (a fraction too) stand side by side, each at its true angle.
 */
export function lanesOf(fractions: readonly number[], gap: number): readonly number[] {
  const inOrder = fractions.map((fraction, i) => ({ fraction, i })).sort((a, b) => a.fraction - b.fraction);
  const lanes = fractions.map(() => 0);
  const taken: { first: number; last: number }[] = [];
  for (const { fraction, i } of inOrder) {
    const isFree = (lane: { first: number; last: number }): boolean =>
      fraction - lane.last >= gap && lane.first + 1 - fraction >= gap;
    const free = taken.findIndex(isFree);
    const lane = free >= 0 ? free : Math.min(taken.length, MAX_LANES - 1);
    lanes[i] = lane;
    taken[lane] = { first: taken[lane]?.first ?? fraction, last: fraction };
  }
  return lanes;
}

/** The key of the one that is nearest to a point, unless all are farther than `reach`. */
export function nearestTo(at: Point, places: ReadonlyMap<string, Point>, reach: number): string | undefined {
  let nearest: string | undefined;
  let least = reach;
  for (const [key, { x, y }] of places) {
    const distance = Math.hypot(x - at.x, y - at.y);
    if (distance > least) continue;
    [nearest, least] = [key, distance];
  }
  return nearest;
}

/** A label with its wished place on the ring. */
export interface Labelled {
  readonly key: string;
  readonly fraction: number;
}

/**
 * Finds heights for labels outside the circle, left and right of it, so that none covers another: each keeps
 * close to its point, at least `gap` from the next. Returns `y` by key.
 */
export function labelHeights(labels: readonly Labelled[], radius: number, gap: number): ReadonlyMap<string, number> {
  const heights = new Map<string, number>();
  for (const right of [true, false]) {
    const side = labels
      .filter(label => label.fraction < 0.5 === right)
      .map(label => ({ key: label.key, y: pointAt(label.fraction, radius).y }))
      .sort((a, b) => a.y - b.y);
    spread(side, gap);
    for (const { key, y } of side) heights.set(key, y);
  }
  return heights;
}

/** Pushes neighbours apart, then shifts the whole column back so that it stays centred on the wished heights. */
function spread(side: { y: number }[], gap: number): void {
  const wished = side.map(label => label.y);
  let previous = Number.NEGATIVE_INFINITY;
  for (const label of side) {
    label.y = Math.max(label.y, previous + gap);
    previous = label.y;
  }
  let next = Math.max(wished.at(-1) ?? 0, previous - overshoot(side, wished) / 2);
  for (const label of side.toReversed()) {
    label.y = Math.min(label.y, next);
    next = label.y - gap;
  }
}

function overshoot(side: readonly { y: number }[], wished: readonly number[]): number {
  return Math.max(0, ...side.map((label, i) => label.y - (wished[i] ?? label.y)));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
