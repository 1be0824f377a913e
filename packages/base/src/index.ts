export { assert, unreachable } from './assert.ts';
export { compareBytes, concat, fromBase64Url, fromHex, fromUtf8, sameBytes, sameSecret, toBase64Url, toHex, utf8 } from './bytes.ts';
export { Outbox } from './outbox.ts';
export { type Random, below, jitter, uint32, unit } from './random.ts';
export { type Instant, TimerTable, type UnixMs, WallClock, earliest } from './time.ts';
