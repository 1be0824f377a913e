export type { OverlayStats } from './forwarding.ts';
export { type LinkRole, Overlay, type OverlayOptions, type OverlayOutput } from './overlay.ts';
