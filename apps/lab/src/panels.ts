/** Diagrams that several scenarios have: figures against a share of peers. */
import type { Axis, Line, Panel } from './figure.ts';
import { percent } from './knob.ts';
import type { Figures } from './scenario.ts';

/** One line: where its numbers are, under the name of the figure and `At` the share. */
interface LineOf {
  readonly name: string;
  readonly of: Line['of'];
  readonly figures: Figures;
  readonly figure: string;
}

/** Figures, or with a mere label shares from 0 to 1, against shares of peers in percent; lines without any number are left out. */
export function sharesPanel(
  title: string,
  y: Axis | string,
  shares: readonly number[],
  lines: readonly LineOf[],
): Panel {
  const pointsOf = ({ figures, figure }: LineOf): Line['points'] =>
    shares.flatMap(share => {
      const value = figures[`${figure}At${percent(share)}`];
      return value === undefined ? [] : [[100 * share, value] as const];
    });
  return {
    title,
    x: { label: 'share of peers, %', scale: 'linear' },
    y: typeof y === 'string' ? { label: y, scale: 'linear', min: 0, max: 1 } : y,
    lines: lines.map(line => ({ name: line.name, of: line.of, points: pointsOf(line) })).filter(hasPoints),
  };
}

function hasPoints({ points }: Line): boolean {
  return points.length > 0;
}
