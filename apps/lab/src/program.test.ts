/** What people type, and what they get: on small scenarios, and on the real list. */
import { describe, expect, test } from 'vitest';
import { run } from './program.ts';
import { type Scenario, scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';

const GRID = {
  title: 'who',
  rows: ['a', 'bb'],
  columns: ['c', 'd'],
  cells: [
    ['yes', 'no'],
    ['', 'yes'],
  ],
};

const doubling = scenario({
  summary: 'twice as many',
  example: '--peers 3',
  bar: 'fewer than ten',
  knobs: {
    peers: { kind: 'count', what: 'participants', initial: 2, min: 1, max: 100 },
    loss: { kind: 'shares', what: 'lost', initial: [0, 0.3] },
    wayOut: { kind: 'choice', what: 'where to', initial: 'up', of: ['up', 'down'] },
  },
  run({ seed, settings: { peers, loss, wayOut }, step }) {
    step('doubling');
    const picture = peers === 4 ? { figure: [], grids: [GRID] } : {};
    const figures = { twice: 2 * peers, losses: loss.length, up: wayOut === 'up' ? 1 : 0, seed };
    return {
      figures,
      ...picture,
      machine: { micros: 1 },
      missed: 2 * peers < 10 ? [] : [`${2 * peers} are ten or more`],
    };
  },
});
const ALL: Readonly<Record<string, Scenario>> = { doubling };

describe('a run', () => {
  test('prints figures as a table, progress apart, and ends well', () => {
    const { code, out, err } = play(['doubling', '--peers', '3']);
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 2)).toEqual(['twice     6', 'losses    2']);
    expect(out).toContain('micros *');
    expect(err).toBe('[  0.0 s] doubling');
  });

  test('prints one JSON object on request: name, seed, ok, figures, machine, took', () => {
    const { out } = play(['doubling', '--json', '--seed', '7']);
    const figures = { twice: 4, losses: 2, up: 1, seed: 7 };
    const report = { name: 'doubling', seed: 7, ok: true, figures, machine: { micros: 1 }, took: 0 };
    expect(JSON.parse(out)).toEqual(report);
  });

  test('that misses its bar says which, gives the command that does it again, and ends with 1', () => {
    const { code, out, err } = play('doubling --peers 50 --seed 9 --loss 5 12.5% --way-out down --json'.split(' '));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, figures: { twice: 100, losses: 2, up: 0 } });
    const again = 'npm run sim -- doubling --seed 9 --peers 50 --loss 5 12.5 --way-out down';
    expect(err.split('\n').slice(-2)).toEqual(['missed: 100 are ten or more', `Again: ${again}`]);
  });

  test('prints tables of words behind the figures, and as JSON by row and column', () => {
    expect(play(['doubling', '--peers', '4']).out.split('\n\n')[1]).toBe('who\n    c    d\na   yes  no\nbb       yes');
    const { grid } = JSON.parse(play(['doubling', '--peers', '4', '--json']).out) as { grid: unknown };
    expect(grid).toEqual({ who: { a: { c: 'yes', d: 'no' }, bb: { d: 'yes' } } });
  });

  test('draws its picture where it has one, and says so where not', () => {
    expect(play(['doubling', '--peers', '4', '--plot', 'a.svg']).drawn).toEqual(['a.svg']);
    const { code, drawn, err } = play(['doubling', '--plot', 'a.svg']);
    expect({ code, drawn }).toEqual({ code: 0, drawn: [] });
    expect(err).toContain('doubling has no picture');
  });

  test('becomes a page: its command, its bar, its figures', () => {
    const [page = ''] = play(['doubling', '--peers', '4', '--page', 'results']).written;
    expect(page).toContain('results/doubling.md\n# doubling: twice as many');
    expect(page).toContain('npm run sim -- doubling --seed 1 --peers 4\n');
    expect(page).toContain('Bar: fewer than ten. **Held.**');
    expect(page).toContain('| `twice` | 8 |');
    expect(page).toContain('![twice as many](doubling.svg)');
  });

  test('is done again by that very command', () => {
    const first = play('doubling --peers 50 --seed 9 --loss 0.05,12.5% --json'.split(' '));
    const [, again = ''] = /^Again: npm run sim -- (.*)$/m.exec(first.err) ?? [];
    expect(play([...again.split(' '), '--json']).out).toBe(first.out);
  });
});

describe('a wrong word ends with 2 and says what comes next', () => {
  test.each([
    ['tripling'],
    ['doubling', '--peers', '0'],
    ['doubling', '--peers', 'many'],
    ['doubling', '--loss', '101'],
    ['doubling', '--way-out', 'left'],
    ['doubling', '--seed', '-1'],
    ['doubling', '--seed', '4294967296'],
    ['doubling', '--colour', 'red'],
    ['doubling', 'twice'],
  ])('%s %s %s', (...argv) => {
    const { code, out, err } = play(argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain('error: ');
    expect(err).toContain('Next: `npm run sim -- list`');
  });
});

describe('what there is', () => {
  test.each([[['list']], [['--help']], [[]]])('is told by %j, each with an example', argv => {
    const { code, out } = play(argv, SCENARIOS);
    expect(code).toBe(0);
    for (const [name, { summary, example }] of Object.entries(SCENARIOS)) {
      expect(out).toContain(summary);
      expect(out).toContain(`npm run sim -- ${name} ${example}`);
    }
  });

  test('and how to turn its knobs by --help behind it', () => {
    const { code, out } = play(['doubling', '--help'], ALL);
    expect(code).toBe(0);
    for (const text of ['--peers <number>', '--way-out <up|down>', '(default: 0 30)', 'Bar: fewer than ten.']) {
      expect(out).toContain(text);
    }
  });
});

describe('every scenario', () => {
  test.each([
    'handshake-loss --peers 20 --loss 10 --seed 3',
    'handshake-loss --peers 6 --loss 30 --crypto real',
    'handshake-flood --peers 2 --rate 30 --attack cookies',
  ])('gives the same figures for a seed: %s', line => {
    const once = (words: string) => JSON.parse(play([...words.split(' '), '--json'], SCENARIOS).out);
    const report = once(line);
    expect(once(line).figures).toEqual(report.figures);
    expect(Object.values(report.figures).every(Number.isFinite)).toBe(true);
    expect(report).toMatchObject({ name: line.split(' ')[0], took: 0 });
  });

  test('gives other figures for another seed', () => {
    const once = (seed: number) =>
      play(`handshake-loss --peers 20 --loss 20 --seed ${seed} --json`.split(' '), SCENARIOS);
    expect(JSON.parse(once(1).out).figures).not.toEqual(JSON.parse(once(2).out).figures);
  });

  test('has an example that is understood', () => {
    for (const [name, { example }] of Object.entries(SCENARIOS)) {
      const untried = { [name]: { ...(SCENARIOS[name] as Scenario), run: () => ({ figures: {}, missed: [] }) } };
      expect(play([name, ...example.split(' ')], untried).code).toBe(0);
    }
  });
});

function play(
  argv: readonly string[],
  scenarios = ALL,
): { code: number; out: string; err: string; drawn: string[]; written: string[] } {
  const [out, err, drawn, written]: [string[], string[], string[], string[]] = [[], [], [], []];
  const draw = (_: unknown, file: string) => drawn.push(file);
  const write = (text: string, file: string) => written.push(`${file}\n${text}`);
  const lines = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) };
  const code = run(argv, scenarios, { ...lines, seconds: () => 0, draw, write });
  return { code, out: out.join('\n'), err: err.join('\n'), drawn, written };
}
