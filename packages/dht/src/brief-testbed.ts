/** Records that tests of brief answers go by. Writer n has n + 1 in its id and its Noise key. */
import { type BriefRecord, type DhtRecord, type PeerId, RecordKind } from '@warren/wire';
import type { CheckedRecord } from './records.ts';
import { Writers } from './writers.ts';

/** Who knows these writers. */
export function knowing(...known: readonly number[]): Writers {
  const writers = new Writers(place);
  for (const n of known) writers.note(checked(record(n)));
  return writers;
}

/** Records without their writers. */
export function briefs(records: readonly DhtRecord[]): readonly BriefRecord[] {
  return new Writers(place).brief({ status: 'ok', more: false, records }).brief ?? [];
}

/** The first two bytes tell writers apart. */
function place(bytes: Uint8Array): PeerId {
  const at = new Uint8Array(20);
  at.set(bytes.subarray(0, 2));
  return at;
}

/** The peer id of writer n. */
export function id(n: number): PeerId {
  return place(Uint8Array.of((n + 1) >> 8, n + 1));
}

/** A record by writer n. */
export function record(n: number, sequence = 1): DhtRecord {
  const noiseStatic = new Uint8Array(32);
  noiseStatic.set(id(n));
  const head = { kind: RecordKind.MEMBER, isDeleted: false, index: 0, key: new Uint8Array(20), sequence, signedAt: 0 };
  const proof = {
    noiseStatic,
    leaf: new Uint8Array(300),
    statement: new Uint8Array(113),
    signature: new Uint8Array(64),
  };
  return { ...head, lifetimeS: 60, value: Uint8Array.of(sequence), ...proof };
}

/** The same, found good. */
export function checked(of: DhtRecord): CheckedRecord {
  const leaf = { peerId: of.noiseStatic.slice(0, 20) } as CheckedRecord['writer']['leaf'];
  return { record: of, writer: { leaf } as CheckedRecord['writer'], expiresAt: 0 };
}
