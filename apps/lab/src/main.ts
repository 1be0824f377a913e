/** `npm run sim -- NAME`: one scenario and its figures. */
import { run } from './program.ts';
import { SCENARIOS } from './scenarios/index.ts';

process.exitCode = run(process.argv.slice(2), SCENARIOS, {
  out: line => process.stdout.write(`${line}\n`),
  err: line => process.stderr.write(`${line}\n`),
  seconds: () => performance.now() / 1000,
});
