export { AddressChoice } from './address-choice.ts';
export { AddressClaim, type ClaimInput, type ClaimOutput } from './claim.ts';
export { CLAIM_RENEW_MS, DNS_ANSWER_MAX_BYTES, FRAME_MAX_BYTES, TAP_MTU_BYTES } from './constants.ts';
export type { GatewaysOptions, GatewayWay } from './gateways.ts';
export { Internet, type InternetOffer, type Leading } from './internet.ts';
export { memberAddress6, PREFIX_6_BITS, prefixOf, printAddress6, serviceAddress6 } from './ipv6-address.ts';
export { macOf } from './mac.ts';
export { isUnicast } from './place.ts';
export { isRange, parseRange, printRange, type Range, type Route, rangesOverlap } from './routes.ts';
export { type SearchNames, searchNames } from './search-names.ts';
export type { DnsClient } from './service.ts';
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
export { Vpn } from './vpn.ts';
export type { Acquainted, VpnInput, VpnOptions, VpnOutput } from './vpn-options.ts';
export {
  answerQuestion,
  type NamedMember,
  type Question,
  type Zone,
  type ZoneAnswer,
  type ZoneRecord,
} from './zone.ts';
