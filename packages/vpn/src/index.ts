export { CLAIM_RENEW_MS, FRAME_MAX_BYTES, TAP_MTU_BYTES } from './constants.ts';
export { macOf } from './mac.ts';
export type { InboundDrop, OutboundDrop, VpnStats } from './stats.ts';
export {
  contains,
  isAssignable,
  parseAddress,
  parseSubnet,
  printAddress,
  printSubnet,
  type Subnet,
  serviceAddress,
} from './subnet.ts';
export { Vpn, type VpnInput, type VpnOptions, type VpnOutput } from './vpn.ts';
