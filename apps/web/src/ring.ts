/**
 * Where peers stand on the ring map. Pure geometry; SVG coordinates, so `y`
 * points down. Id zero is at the top, ids grow clockwise.
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

/** A chord between two points of a circle around the origin, bent towards the middle, as an SVG path. */
export function chord(a: Point, b: Point): string {
  const bend = 0.35;
  const middle = { x: ((a.x + b.x) / 2) * bend, y: ((a.y + b.y) / 2) * bend };
  return `M${round(a.x)} ${round(a.y)}Q${round(middle.x)} ${round(middle.y)} ${round(b.x)} ${round(b.y)}`;
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
