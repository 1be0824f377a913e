/** `warren doctor`: looks for what may be wrong on this machine and says what to do. */
import { existsSync } from 'node:fs';
import { nodeHost } from '@warren/node';
import { loadMemberships } from '@warren/peer';
import type { Command } from 'commander';
import { type Finding, findings } from '../doctor/findings.ts';
import { gather } from '../doctor/gather.ts';
import { Exit } from '../failure.ts';
import { asTyped, placesFor, sudoLine } from '../places.ts';
import { keptSettings } from '../settings/kept.ts';
import { fromEnvironment, fromFiles, resolve } from '../settings/sources.ts';
import { siteFetch } from '../site-fetch.ts';
import { clientFor, type Verb } from './common.ts';

export function describeDoctor(command: Command): Command {
  return command.description('Look for what is wrong on this machine, and say what to do.').addHelpText(
    'after',
    `
Examples:
  $ sudo warren doctor
  $ sudo warren doctor --json | jq '.findings[] | select(.verdict != "ok")'

Exit code 0 when nothing is broken, 1 when something is.`,
  );
}

/** How long sites may take to answer. */
const SITE_MS = 5_000;

const MARKS: Readonly<Record<Finding['verdict'], string>> = {
  ok: 'ok  ',
  warning: 'warn',
  failed: 'FAIL',
  skipped: '-   ',
};

export const doctor: Verb<object> = async (_args, options, context) => {
  const { terminal, argv } = context;
  const { stateDir } = placesFor(options, terminal);
  const facts = await gather({
    client: clientFor(options, context),
    stateDir,
    sudo: sudoLine(['up', ...argv.slice(1)], terminal.env),
    settings: async () => {
      const files = await fromFiles(terminal, options.config);
      return resolve([fromEnvironment(terminal.env), await keptSettings(stateDir), ...files]);
    },
    sites: () => sitesOf(stateDir),
  });
  const all = findings(facts);
  const isBroken = all.some(({ verdict }) => verdict === 'failed');
  if (options.json) terminal.out(JSON.stringify({ schema: 1, ok: !isBroken, findings: all }));
  else {
    for (const { verdict, message, hint } of all) {
      const line = `${MARKS[verdict]}  ${message}`;
      terminal.out(terminal.paint(verdict === 'ok' ? 'plain' : verdict === 'skipped' ? 'dim' : 'warning', line));
      if (hint !== undefined && verdict !== 'ok') terminal.out(asTyped(`      ${hint}`, terminal.env));
    }
  }
  return isBroken ? Exit.failure : Exit.ok;
};

async function sitesOf(stateDir: string): Promise<{ url: string; fetch: ReturnType<typeof siteFetch> }[]> {
  if (!existsSync(stateDir)) return [];
  const host = await nodeHost({ kind: 'edge', stateDir, udp: false, webrtc: false, log: () => {} });
  try {
    const patience = AbortSignal.timeout(SITE_MS);
    const files = (await loadMemberships(host)).map(({ file }) => file);
    return files.map(file => ({ url: file.site, fetch: siteFetch(file, patience) }));
  } finally {
    await host.datagrams.stop();
  }
}
