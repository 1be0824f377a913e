/** `npm run sim -- NAME`: one scenario and its figures. */
import { writeFileSync } from 'node:fs';
import type { Figure } from './figure.ts';
import { run } from './program.ts';
import { SCENARIOS } from './scenarios/index.ts';

const wanted: { figure: Figure; file: string }[] = [];

process.exitCode = run(process.argv.slice(2), SCENARIOS, {
  out: line => process.stdout.write(`${line}\n`),
  err: line => process.stderr.write(`${line}\n`),
  seconds: () => performance.now() / 1000,
  draw: (figure, file) => wanted.push({ figure, file }),
  write: (text, file) => writeFileSync(file, text),
});

// The drawing library is only read by those who want a picture.
if (wanted.length > 0) {
  const { draw } = await import('./draw.ts');
  for (const { figure, file } of wanted) writeFileSync(file, draw(figure));
}
