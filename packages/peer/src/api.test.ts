/** What the public API does when its calls overlap. */
import { toBase64Url } from '@warren/base';
import { parseGroupFile, printGroupFile } from '@warren/group';
import { SimHost, SimInternet, World } from '@warren/sim';
import { readLeaf } from '@warren/trust';
import { expect, test, vi } from 'vitest';
import { startPeer } from './api.ts';
import { issueCertificateAuthority, issueLeaf } from './certificates.ts';
import type { Membership } from './enrol.ts';
import type { Frames, Host } from './host.ts';

const GROUP = 'abcdefghijklmnopqrstuvwxyz';

test('a join that is under way when the participant stops is refused, and leaves nothing open', async () => {
  const sim = new SimHost({
    internet: new SimInternet(new World(5)),
    kind: 'edge',
    name: 'ada',
    address: '192.0.2.1:4000',
  });
  const stopFrames = vi.fn(async () => {});
  const frames: Frames = { write: () => {}, listen: () => {}, configure: async () => {}, stop: stopFrames };
  let open = (_: Frames): void => {};
  const asked = new Promise<void>(told => {
    const openFrames = () => {
      told();
      return new Promise<Frames>(resolve => {
        open = resolve;
      });
    };
    Object.assign(sim, { openFrames } satisfies Partial<Host>);
  });
  const shelf = vi.spyOn(sim, 'shelf');
  const peer = await startPeer(sim, { bootstraps: [] });
  const joining = peer.join(await membership(sim));
  await asked;
  await peer.stop();
  open(frames);
  await expect(joining).rejects.toMatchObject({ code: 'stopped' });
  expect(stopFrames).toHaveBeenCalledOnce();
  expect(shelf.mock.calls).toEqual([['public']]);
  expect(peer.view().groups).toEqual([]);
  await expect(peer.join(await membership(sim))).rejects.toMatchObject({ code: 'stopped' });
});

async function membership(host: Host): Promise<Membership> {
  const now = host.clock.unixMs();
  const ca = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const key = await host.identity(`group-${GROUP}`);
  const der = await issueCertificateAuthority(ca, GROUP, now, new Uint8Array(16).fill(3));
  const who = { group: GROUP, user: 'ada', device: 'laptop', peerId: new Uint8Array(20).fill(1), spki: key.spki };
  const leaf = readLeaf(await issueLeaf({ authority: ca, ...who, now, serial: new Uint8Array(16).fill(4) }));
  const text = printGroupFile({
    warren: 1,
    group: GROUP,
    name: 'Home',
    site: 'https://site.example',
    bootstraps: ['wss://site.example/bootstrap'],
    ca: toBase64Url(der),
    rendezvous: toBase64Url(new Uint8Array(32)),
    subnet: '10.128.0.0/16',
    user: 'ada',
    device: 'laptop',
    expires: new Date(now).toISOString(),
  });
  const file = parseGroupFile(text);
  if (typeof leaf === 'string' || 'error' in file) throw new Error('the test makes good memberships');
  return { file, leaf };
}
