/**
 * A machine that lets in one team only, by the command, the site and the kernel's ping: out, in, and out again.
 *
 * ```text
 *   site                alpha                beta
 *   site, bootstrap     only-teams=ops       no rules
 *     |                   | wr...              | wr...
 *     +------- wan -------+--------------------+               198.51.100.0/24
 * ```
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables');
/** A device looks every 20 s whether its certificate is too old to tell its teams. */
const PATIENCE = { timeout: 60_000, interval: 500 };

describe.skipIf(reason !== undefined)(`rules by team${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    [alpha, beta] = await Promise.all([
      around.join('alpha', { env: { WARREN_ONLY_TEAMS: 'ops' } }),
      around.join('beta'),
    ]);
    await vi.waitFor(async () => expect(await known()).toEqual([[], []]), PATIENCE);
  });

  afterAll(() => around?.end());

  test('keep others out, let them in with a new certificate, and forget a team that was taken away', async () => {
    const { address } = await alpha.self();
    expect(await beta.ping(address, 3)).toMatchObject({ lost: 3 });

    await changed(['ops']);
    await beta.reach(address);
    const { stdout } = await alpha.warren('status');
    expect(stdout).toMatch(/ADDRESS +NAME +KIND +TEAMS +STATE/);
    expect(stdout).toMatch(/beta\.ada +edge +ops +active/);

    await changed([]);
    expect(await beta.ping(address, 3)).toMatchObject({ lost: 3 });
  }, 200_000);

  /** What alpha and beta believe the teams of beta to be. */
  async function known(): Promise<unknown[]> {
    const groups = await Promise.all([alpha.group(), beta.group()]);
    return groups.map(({ members }) => members.find(({ device }) => device === 'beta')?.teams);
  }

  /** The site has changed ada's teams. No tab tells the mesh, so beta asks the site at its next start. */
  async function changed(teams: readonly string[]): Promise<void> {
    await around.ada.setTeams(around.group, 'ada', teams);
    await beta.warren('down');
    await beta.process.exit;
    await beta.up();
    await vi.waitFor(async () => expect(await known()).toEqual([teams, teams]), PATIENCE);
  }
});
