export type { CrawledPeer, CrawlReport, Inconsistency } from './crawl.ts';
export type { OverlayStats } from './forwarding.ts';
export { type LinkRole, Overlay, type OverlayOptions, type OverlayOutput, type RequestOptions } from './overlay.ts';
export type { AboutSelf, RingWideStats } from './ring-wide.ts';
