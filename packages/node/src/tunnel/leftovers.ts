/** What a killed daemon left of gateways and full tunnels, put right by the next one. */
import type { Storage } from '@warren/peer';
import { leaveTunnel, openTunnel } from './full-tunnel.ts';
import { TUNNEL_TABLE } from './full-tunnel-rules.ts';
import { removeGateway } from './gateway.ts';
import { GATEWAY_TABLE } from './gateway-rules.ts';
import { hasTable, type System, thisSystem } from './system.ts';

export interface LeftoverOptions {
  /** The storage that `FullTunnel` and `Gateway` had. */
  readonly storage: Storage;
  /** Leaves a kill switch closed, for a daemon that goes on with the full tunnel: the user's traffic waits for it. */
  readonly keepClosed: boolean;
  /** Default: this machine. */
  readonly system?: System;
}

/** What was found. */
export interface Leftovers {
  readonly gateway: boolean;
  readonly fullTunnel: boolean;
}

/**
 * Removes what is left of gateways and full tunnels, also of a daemon with another state folder: one daemon a machine has
 * them. Call it at the start of every daemon, before sockets are opened: routes that lead nowhere would stop those that
 * carry no mark of their own. Rejects with a reason and what to do; without `nft` there is nothing to remove.
 */
export async function cleanLeftovers({
  storage,
  keepClosed,
  system = thisSystem,
}: LeftoverOptions): Promise<Leftovers> {
  try {
    const gateway = await hasTable(system, GATEWAY_TABLE);
    await removeGateway(system, storage);
    const closed = await hasTable(system, TUNNEL_TABLE);
    const routed = await leaveTunnel(system);
    if (!keepClosed) await openTunnel(system, storage);
    return { gateway, fullTunnel: closed || routed };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { gateway: false, fullTunnel: false };
    throw error;
  }
}
