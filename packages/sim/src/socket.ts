/** One UDP socket of a simulated host: an endpoint of each family that the host has. */
import type { Instant } from '@warren/base';
import { familyOf, type SimInternet } from './internet.ts';
import type { NetworkSocket, SimNetwork, UdpPayload } from './networks.ts';

/** What ICE messages weigh. */
const ICE_BYTES = 100;

export class SimSocket implements NetworkSocket {
  readonly name: string;
  private readonly internet: SimInternet;
  private readonly listener: (from: string, payload: UdpPayload) => void;
  private network: SimNetwork;
  private endpoints: readonly string[] = [];

  constructor(internet: SimInternet, name: string, listener: (from: string, payload: UdpPayload) => void) {
    this.internet = internet;
    this.name = name;
    this.listener = listener;
    this.network = internet.network;
  }

  /** Opens it at endpoints of a network, and nowhere else. */
  open(network: SimNetwork, endpoints: readonly string[]): this {
    this.close();
    this.network = network;
    this.endpoints = endpoints;
    for (const endpoint of endpoints) network.open(endpoint, this);
    return this;
  }

  close(): void {
    for (const endpoint of this.endpoints) this.network.close(endpoint, this);
    this.endpoints = [];
  }

  /** Its endpoints in the host's own network. */
  get addresses(): readonly string[] {
    return this.endpoints;
  }

  /** Sends to an endpoint, if it has an address of that family; gives when that arrives, as `SimInternet.sendUdp`. */
  send(to: string, payload: UdpPayload): Instant | undefined {
    const from = this.endpoints.find(each => familyOf(each) === familyOf(to));
    if (from === undefined) return undefined;
    const bytes = payload instanceof Uint8Array ? payload.length : ICE_BYTES;
    return this.internet.sendUdp(this.network, this.name, from, to, payload, bytes);
  }

  receive(from: string, payload: UdpPayload): void {
    this.listener(from, payload);
  }
}
