/**
 * `globalThis.warrenDebug`: the running peer of this tab, to look at and to
 * speak through. It is the public API that a page embedding Warren has anyway,
 * bound to this tab: whoever can run scripts here could do the same without it.
 * Browser tests and curious people use it from the console.
 */
import type { PeerView, PingOptions, PingReport } from './mesh.ts';
import { peerView, ping, sendText, type TextEntry, texts } from './participant.ts';

/** What the handle offers. */
export interface WarrenDebug {
  /** What the peer shows of itself; `undefined` while none runs. */
  view(): PeerView | undefined;
  /** Pings a member: address, `device`, `device.user` or 40 hex digits. */
  ping(group: string, target: string, options?: PingOptions): Promise<PingReport>;
  /** Sends a line to a member; false when there is no way to it now. */
  sendText(group: string, peerId: string, text: string): boolean;
  /** Lines that came and went, oldest first. */
  texts(): readonly TextEntry[];
}

declare global {
  var warrenDebug: WarrenDebug;
}

/** Puts the handle in its place. */
export function offerDebug(): void {
  globalThis.warrenDebug = { view: () => peerView.value, ping, sendText, texts: () => texts.value };
}
