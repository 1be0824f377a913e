/** The authority of a group that has no site: it certifies participants of the lab at once. */
import { randomBytes, webcrypto } from 'node:crypto';
import { fromBase64Url, toBase64Url, toHex } from '@warren/base';
import { printGroupFile } from '@warren/group';
import { issueCertificateAuthority, issueLeaf, readRequest } from '@warren/peer';
import type { Actor, Seat, Surroundings } from './actor.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const SUBNET = '10.128.0.0/16';

export class LabAuthority {
  readonly group: string;
  private readonly around: Surroundings;
  private readonly keys: CryptoKeyPair;
  private readonly ca: Uint8Array;
  private readonly rendezvous = toBase64Url(bytes(32));

  private constructor(around: Surroundings, group: string, keys: CryptoKeyPair, ca: Uint8Array) {
    this.around = around;
    this.group = group;
    this.keys = keys;
    this.ca = ca;
  }

  /** A new group, of which nobody is a member yet. */
  static async create(around: Surroundings): Promise<LabAuthority> {
    const group = [...bytes(26)].map(byte => LETTERS[byte % 32]).join('');
    const keys = (await webcrypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair;
    const ca = await issueCertificateAuthority(keys, group, Date.now(), bytes(16));
    return new LabAuthority(around, group, keys, ca);
  }

  /** Starts a participant and has it join; gives its peer id, 40 hex digits. `device` is also its user's name. */
  async admit(actor: Actor, device: string, o: Partial<Seat> = {}): Promise<string> {
    const { group, keys: authority } = this;
    const request = await actor.open({ ...this.around, ...o, group, device });
    const read = await readRequest(fromBase64Url(request) ?? new Uint8Array(0));
    if (read === undefined) throw new Error(`${device} made no good request`);
    const peerId = bytes(20);
    const serial = bytes(16);
    const wish = { authority, group, user: device, device, peerId, spki: read.spki, now: Date.now(), serial };
    await actor.join(this.file(device), toBase64Url(await issueLeaf({ ...wish, rights: ['relay'] })));
    return toHex(peerId);
  }

  private file(device: string): string {
    return printGroupFile({
      warren: 1,
      group: this.group,
      name: 'Lab',
      site: 'https://site.invalid',
      bootstraps: this.around.bootstraps,
      stun: this.around.stun,
      ca: toBase64Url(this.ca),
      rendezvous: this.rendezvous,
      subnet: SUBNET,
      user: device,
      device,
      expires: new Date(Date.now() + 3_600_000).toISOString(),
    });
  }
}

function bytes(count: number): Uint8Array {
  return new Uint8Array(randomBytes(count));
}
