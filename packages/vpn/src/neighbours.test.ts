import { encodeNeighbour } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { ipv6Frame } from './frames.ts';
import { neighbourQuestion } from './neighbours.ts';

const OWN = Uint8Array.of(0xfd, 1, 2, 3, 4, 5, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
const TARGET = Uint8Array.of(0xfd, 1, 2, 3, 4, 5, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2);
const LINK_LOCAL = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x9b, 0x97, 0xff, 0xfe, 0x5d, 0x90, 0x52);

describe('a question of our machine', () => {
  test('comes from the address of the group, or from one of the link: a gateway asks so for those behind it', () => {
    for (const asker of [OWN, LINK_LOCAL]) {
      expect(neighbourQuestion(solicitation(asker), OWN)).toEqual({ asker, target: TARGET });
    }
  });

  test('comes from no other address, and not from none, as a probe does', () => {
    for (const asker of [TARGET, new Uint8Array(16)]) {
      expect(neighbourQuestion(solicitation(asker), OWN)).toBeUndefined();
    }
  });
});

function solicitation(source: Uint8Array): Uint8Array {
  const destination = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...TARGET.slice(13));
  const message = { kind: 'solicitation', solicited: false, override: false, target: TARGET } as const;
  const payload = encodeNeighbour(message, { source, destination });
  const macs = { from: new Uint8Array(6).fill(2), to: Uint8Array.of(0x33, 0x33, ...destination.slice(12)) };
  return ipv6Frame(macs, { source, destination, nextHeader: 58, hopLimit: 255, payload });
}
