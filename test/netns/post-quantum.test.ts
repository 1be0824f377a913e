/**
 * Linux members of a group that requires post-quantum keys (session.md 2.8; faults row 59), as the `warren` command
 * runs them, each in a namespace of its own: real ML-KEM, TAP devices and UDP.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`post-quantum keys${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
  });

  afterAll(() => around?.end());

  test('faults #59 edges that require them ping through their devices, and say that every link has them', async () => {
    const { ada, lab, folder } = around;
    const made = await ada.post('/api/groups', { name: 'Strict', postQuantum: 'required' });
    const group = made.body.group.group;
    const [alpha, beta] = await Promise.all(
      ['alpha', 'beta'].map(async host => LabEdge.join(lab, folder, host, await ada.groupFile(group, host))),
    );
    if (alpha === undefined || beta === undefined) throw new Error('both have joined');
    const { address } = await beta.self();
    expect(await alpha.ping(address, 20, 100)).toMatchObject({ sent: 20, lost: 0 });
    for (const edge of [alpha, beta]) {
      const view = await edge.group();
      expect(view).toMatchObject({ postQuantum: 'required', links: [{ pq: true }] });
      expect(view.members.filter(member => !member.self)).toMatchObject([{ pq: true }]);
    }
  });
});
