/**
 * Runs Biome from its per-platform package. The umbrella package names more
 * platforms than every registry mirror holds, which breaks `npm ci`.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const binary = `@biomejs/cli-${process.platform}-${process.arch}/biome`;
const path = createRequire(import.meta.url).resolve(binary);
const { status } = spawnSync(path, process.argv.slice(2), { stdio: 'inherit' });
process.exit(status ?? 1);
