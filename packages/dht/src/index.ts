export { Dht, type DhtOptions, type DhtOutput, type DhtStats, REPLICAS } from './dht.ts';
export type { CheckedRecord, RecordContext } from './records.ts';
