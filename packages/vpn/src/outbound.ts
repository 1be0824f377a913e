/**
 * What a frame from the TAP device must look like to be sent to a peer, and the local answer to ARP.
 * Who owns the destination is found out in `vpn.ts`.
 */
import {
  type ArpMessage,
  decodeArp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  encodeArp,
  encodeEthernet,
  etherTypeOf,
  ipv4DestinationAt,
  ipv4SourceAt,
  isGroupFrame,
  isIpv4At,
  type PeerId,
} from '@warren/wire';
import { FRAME_MAX_BYTES } from './constants.ts';
import { macOf } from './mac.ts';
import type { OutboundDrop } from './stats.ts';
import { isAssignable, type Subnet } from './subnet.ts';

/** Where the packet of a frame begins. */
const PACKET = ETHERNET_HEADER_BYTES;

/**
 * Why an IPv4 frame must be dropped, if it must. `undefined`: it is a unicast packet from `own`, our address, to an
 * address that another member can own.
 */
export function inspectOutbound(frame: Uint8Array, own: number | undefined, subnet: Subnet): OutboundDrop | undefined {
  const type = etherTypeOf(frame);
  if (type === undefined) return 'malformed';
  if (frame.length > FRAME_MAX_BYTES) return 'too-large';
  if (type === EtherType.ipv6) return 'ipv6';
  if (type !== EtherType.ipv4) return 'ethertype';
  if (!isIpv4At(frame, PACKET)) return 'malformed';
  if (isGroupFrame(frame)) return 'group';
  if (own === undefined) return 'no-address';
  if (ipv4SourceAt(frame, PACKET) !== own) return 'source';
  const destination = ipv4DestinationAt(frame, PACKET);
  return destination === own || !isAssignable(subnet, destination) ? 'destination' : undefined;
}

/**
 * The question in an ARP frame that a member's address answers; `undefined` when there is none: not a request, an
 * announcement, about our own address (the device knows it, and an answer to its probe would say "in use"), or about
 * an address that no member can own. Probes (sender address 0) about others are questions like any other.
 * Source: RFC 5227, section 2.1.1.
 */
export function arpQuestion(frame: Uint8Array, own: number | undefined, subnet: Subnet): ArpMessage | undefined {
  const question = decodeArp(frame.subarray(PACKET));
  if (question === undefined || question.operation !== 'request') return undefined;
  if (question.targetAddress === question.senderAddress || question.targetAddress === own) return undefined;
  return isAssignable(subnet, question.targetAddress) ? question : undefined;
}

/** The reply "`owner` has it", as an Ethernet frame to whoever asked. */
export function arpReply(question: ArpMessage, owner: PeerId): Uint8Array {
  const senderMac = macOf(owner);
  const payload = encodeArp({
    operation: 'reply',
    senderMac,
    senderAddress: question.targetAddress,
    targetMac: question.senderMac,
    targetAddress: question.senderAddress,
  });
  return encodeEthernet({ destination: question.senderMac, source: senderMac, type: EtherType.arp, payload });
}
