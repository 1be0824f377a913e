/**
 * What a frame from the TAP device must look like to be sent to a peer, and the local answer to ARP.
 * Who owns the destination is found out in `ipv4.ts`.
 */
import {
  type ArpMessage,
  decodeArp,
  ETHERNET_HEADER_BYTES,
  EtherType,
  encodeArp,
  encodeEthernet,
  ipv4DestinationAt,
  ipv4SourceAt,
  isGroupFrame,
} from '@warren/wire';
import { isGroupPacket, isOurs, isUnicast, type Place } from './place.ts';
import type { OutboundDrop } from './stats.ts';
import { contains, isAssignable, type Subnet, serviceAddress } from './subnet.ts';

/** Where the packet of a frame begins. */
const PACKET = ETHERNET_HEADER_BYTES;

/**
 * Why a frame with a sound IPv4 header must be dropped, if it must. `undefined`: it comes from our address, or from what we announce, and
 * goes to an address that another member can own, to a range behind one, or as UDP to all.
 */
export function inspectOutbound(frame: Uint8Array, place: Place): OutboundDrop | undefined {
  if (place.own === undefined) return 'no-address';
  if (!isOurs(ipv4SourceAt(frame, PACKET), place)) return 'source';
  const destination = ipv4DestinationAt(frame, PACKET);
  if (isGroupFrame(frame)) return isGroupPacket(frame, destination, place.subnet) ? undefined : 'group';
  if (destination === place.own) return 'destination';
  if (contains(place.subnet, destination)) return isAssignable(place.subnet, destination) ? undefined : 'destination';
  if (place.routes.next(destination) !== undefined) return undefined;
  return place.isTunnelled && isUnicast(destination) ? undefined : 'destination';
}

/**
 * The question in an ARP frame that a member's address answers; `undefined` when there is none: not a request, an
 * announcement, about our own address (the device knows it, and an answer to its probe would say "in use"), or about
 * an address that is nobody's to own. Probes (sender address 0) about others are questions like any other.
 * Source: RFC 5227, section 2.1.1.
 */
export function arpQuestion(frame: Uint8Array, own: number | undefined, subnet: Subnet): ArpMessage | undefined {
  const question = decodeArp(frame.subarray(PACKET));
  if (question === undefined || question.operation !== 'request') return undefined;
  if (question.targetAddress === question.senderAddress || question.targetAddress === own) return undefined;
  const isKnown = isAssignable(subnet, question.targetAddress) || question.targetAddress === serviceAddress(subnet);
  return isKnown ? question : undefined;
}

/** The reply "`senderMac` has it", as an Ethernet frame to whoever asked. */
export function arpReply(question: ArpMessage, senderMac: Uint8Array): Uint8Array {
  const payload = encodeArp({
    operation: 'reply',
    senderMac,
    senderAddress: question.targetAddress,
    targetMac: question.senderMac,
    targetAddress: question.senderAddress,
  });
  return encodeEthernet({ destination: question.senderMac, source: senderMac, type: EtherType.arp, payload });
}
