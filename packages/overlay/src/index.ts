export { type LinkRole, Overlay, type OverlayOptions, type OverlayOutput, type OverlayStats, STABILISE_MS } from './overlay.ts';
export { NEAR_PER_SIDE, drawFarPoint, estimatePeers, farLinkCount, predecessors, successors } from './ring.ts';
export { Table } from './table.ts';
