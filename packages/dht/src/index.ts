export { Dht, type DhtOptions, type DhtOutput, type DhtStats, REPLICAS } from './dht.ts';
export { type Access, POLICIES, type Policy } from './policy.ts';
export { type CheckedRecord, type RecordContext, checkRecord, makeRecord } from './records.ts';
export { Store } from './store.ts';
