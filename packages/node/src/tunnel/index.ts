export type { Obstacle } from './forward-obstacles.ts';
export { FullTunnel, type FullTunnelOptions, type FullTunnelStatus, type TunnelEntry } from './full-tunnel.ts';
export type { TunnelGroup } from './full-tunnel-routes.ts';
export { Gateway, type GatewayOptions, type GatewayStatus } from './gateway.ts';
export { cleanLeftovers, type LeftoverOptions, type Leftovers } from './leftovers.ts';
export { enterTunnelGroup } from './mark.ts';
export { type IpFamily, type IpObject, type NftObject, type System, thisSystem } from './system.ts';
