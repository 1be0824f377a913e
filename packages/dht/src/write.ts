/**
 * One `put`, `create` or `delete`: goes to all replicas at once. A put is done
 * when more than half have it, a create when more hold our claim than can hold
 * any other (`claims.ts`). Where a place refuses or is silent and too few are
 * left, a put tries once more beside it, where copies lie too.
 */
import type { DhtAnswer, DhtRecord, DhtRequest, PeerId, PeerKey } from '@warren/wire';
import { Claims } from './claims.ts';
import type { CheckedRecord } from './records.ts';
import { recordName } from './records.ts';

/** How a write ended. */
export interface Written {
  readonly result: 'ok' | 'taken' | 'failed';
  /** Who holds the key, when it is taken. */
  readonly holder?: PeerKey;
}

/** What a write needs. */
export interface WriteIo {
  readonly ask: (request: DhtRequest, target: PeerId, done: (answer: DhtAnswer | undefined) => void) => void;
  readonly check: (record: DhtRecord) => CheckedRecord | undefined;
  readonly beside: (position: PeerId) => PeerId;
  readonly written: (written: Written) => void;
  /** Calls back a moment later. */
  readonly wait: (over: () => void) => void;
  /** A holder prefers another record of ours to this one. */
  readonly behind: (newer: CheckedRecord) => void;
}

/** A create asks a busy holder again so often: a newcomer is, for a second or so, until it knows whose the key is. */
const BUSY_TRIES = 5;

/** A write under way. */
export class Write {
  private readonly op: 'put' | 'create';
  private readonly own: CheckedRecord;
  private readonly positions: readonly PeerId[];
  private readonly io: WriteIo;
  private readonly claims = new Claims();
  private readonly stored = new Set<PeerId>();
  private waiting = 0;
  private isTold = false;
  private hasTriedBeside = false;

  constructor(op: 'put' | 'create', own: CheckedRecord, positions: readonly PeerId[], io: WriteIo) {
    this.op = op;
    this.own = own;
    this.positions = positions;
    this.io = io;
  }

  start(): void {
    for (const position of this.positions) this.ask(position, position);
  }

  private ask(position: PeerId, target: PeerId, tries = this.op === 'create' ? BUSY_TRIES : 0): void {
    this.waiting++;
    this.io.ask({ op: this.op, position, record: this.own.record }, target, answer => {
      this.waiting--;
      if (answer?.status === 'busy' && tries > 0 && !this.isTold) {
        this.waiting++;
        this.io.wait(() => {
          this.waiting--;
          this.ask(position, target, tries - 1);
        });
      }
      if (answer?.status === 'ok') this.stored.add(position);
      else for (const record of answer?.records ?? []) this.inTheWay(position, record);
      this.review();
    });
  }

  /** What a holder shows in place of storing ours: another's claim, or something newer of our own. */
  private inTheWay(position: PeerId, record: DhtRecord): void {
    const { kind, key } = this.own.record;
    const isAbout = record.kind === kind && record.key.every((byte, i) => byte === key[i]);
    const other = isAbout ? this.io.check(record) : undefined;
    if (other === undefined) return;
    if (recordName(other) !== recordName(this.own))
      this.claims.note(recordName(other), `${this.positions.indexOf(position)}`);
    else this.io.behind(other);
  }

  private review(): void {
    if (this.isTold) return;
    const { size } = this.stored;
    const replicas = this.positions.length;
    if (this.op === 'create') {
      const outcome = this.claims.outcome(recordName(this.own), size, replicas);
      if (outcome.result === 'ok' || this.waiting === 0) this.tell(outcome);
    } else if (size > replicas / 2) this.tell({ result: 'ok' });
    else if (this.waiting === 0 && !this.tryBeside()) this.tell({ result: 'failed' });
  }

  private tryBeside(): boolean {
    if (this.hasTriedBeside || this.stored.size === 0) return false;
    this.hasTriedBeside = true;
    for (const position of this.positions) {
      if (!this.stored.has(position)) this.ask(position, this.io.beside(position));
    }
    return true;
  }

  private tell(written: Written): void {
    this.isTold = true;
    this.io.written(written);
  }
}
