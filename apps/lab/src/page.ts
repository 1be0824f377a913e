/**
 * A run as a page of docs/results: its command, what it says, its picture and
 * all figures. What depends on the machine stands apart, and is dated by nobody.
 */
import type { Figures, Outcome, Scenario } from './scenario.ts';

/** What a page tells. */
export interface Told {
  readonly name: string;
  readonly scenario: Pick<Scenario, 'summary' | 'bar'>;
  /** What does it again. */
  readonly command: string;
  readonly outcome: Outcome;
}

/** The page as Markdown; its picture is `NAME.svg` beside it. */
export function pageOf({ name, scenario, command, outcome }: Told): string {
  const { figures, machine = {}, missed, remarks = [], figure } = outcome;
  const verdict = missed.length === 0 ? 'held' : `missed: ${missed.join('; ')}`;
  const parts = [
    `# ${name}: ${scenario.summary}`,
    `\`\`\`sh\n${command}\n\`\`\``,
    `Bar: ${scenario.bar}. **${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}.**`,
    ...(figure === undefined ? [] : [`![${scenario.summary}](${name}.svg)`]),
    ...(remarks.length === 0 ? [] : [remarks.map(remark => `- ${remark}`).join('\n')]),
    `<details><summary>All figures: the same on every machine</summary>\n\n${tableOf(figures)}\n\n</details>`,
    ...(Object.keys(machine).length === 0
      ? []
      : [`<details><summary>Of the machine that ran it</summary>\n\n${tableOf(machine)}\n\n</details>`]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function tableOf(figures: Figures): string {
  const rows = Object.entries(figures).map(([name, value]) => `| \`${name}\` | ${value} |`);
  return ['| figure | value |', '| --- | --- |', ...rows].join('\n');
}
