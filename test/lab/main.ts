/** `npm run lab -- NAME`: one run with real processes in namespaces, and its figures. */
import { run } from './program.ts';

process.exitCode = await run(process.argv.slice(2));
// What an interrupted browser or peer may have left must not hold the figures back.
process.exit();
