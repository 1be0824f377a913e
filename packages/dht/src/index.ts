export { Dht, type DhtOptions, type DhtOutput, type DhtStats, type GetOptions, REPLICAS } from './dht.ts';
export type { Via } from './holder.ts';
export { nodeKey, POLICIES, type Policy, userKey } from './policy.ts';
export type { CheckedRecord, RecordContext, Value } from './records.ts';
