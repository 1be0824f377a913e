export { type LinkRole, Overlay, type OverlayOptions, type OverlayOutput, type OverlayStats } from './overlay.ts';
