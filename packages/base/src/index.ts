export { assert, unreachable } from './assert.ts';
export { Bucket, Buckets, type Rate } from './buckets.ts';
export {
  compareBytes,
  concat,
  fromBase64Url,
  fromHex,
  fromUtf8,
  sameBytes,
  sameSecret,
  toBase64Url,
  toHex,
  utf8,
} from './bytes.ts';
export { Outbox } from './outbox.ts';
export { below, jitter, type Random, uint32, unit } from './random.ts';
export { Slab } from './slab.ts';
export { earliest, type Instant, NextDeadline, TimerTable, type UnixMs, WallClock } from './time.ts';
