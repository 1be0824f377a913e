/**
 * Multicast in the local network, IPv4 and IPv6: what is announced goes out
 * from one address of ours, and what comes is told with the address that it
 * came from. Bytes only; what they mean is for `group`.
 *
 * Groups: 239.255.77.82 is administratively scoped (RFC 2365 section 6.1), ff02::5752 reaches the cable only (RFC 4291
 * section 2.7). Several programs on a machine hear each other: the port is shared.
 */
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import { Bucket, type Rate } from '@warren/base';

/** `WR` in ASCII, as are the last bytes of the groups. */
export const LAN_PORT = 22_354;
const GROUPS = { udp4: '239.255.77.82', udp6: 'ff02::5752' } as const;
/** How often new interfaces are joined: a cable is plugged in, a wireless network chosen. */
const LOOK_MS = 15_000;
/** Longer ones are nobody's. */
const MESSAGE_MAX_BYTES = 256;
/** What is looked at: a house full of machines that start at once, not a flood. */
const RATE: Rate = { burst: 200, perSecond: 100 };

type Family = keyof typeof GROUPS;

export class Multicast {
  private readonly receivers = new Map<Family, Socket>();
  /** A socket for each own address, from which it sends. */
  private readonly senders = new Map<string, Socket>();
  private readonly joined = new Set<string>();
  private readonly bucket = new Bucket(RATE);
  /** Datagrams that were too long or too many. */
  dropped = 0;
  private readonly heard: (from: string, bytes: Uint8Array) => void;
  private readonly timer: NodeJS.Timeout;

  constructor(heard: (from: string, bytes: Uint8Array) => void) {
    this.heard = heard;
    for (const family of ['udp4', 'udp6'] as const) this.receive(family);
    this.timer = setInterval(() => this.join(), LOOK_MS).unref();
  }

  /** Sends from an address of ours, or does nothing where that cannot be. */
  announce(from: string, bytes: Uint8Array): void {
    const family = from.includes(':') ? 'udp6' : 'udp4';
    const device = deviceOf(from);
    if (device === undefined) return;
    this.join();
    const known = this.senders.get(from);
    const send = (socket: Socket): void => {
      const to = family === 'udp6' ? `${GROUPS.udp6}%${device}` : GROUPS.udp4;
      socket.send(bytes, LAN_PORT, to, () => {});
    };
    if (known !== undefined) {
      send(known);
      return;
    }
    const socket = createSocket(family === 'udp6' ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
    this.senders.set(from, socket);
    const forget = (): void => {
      if (this.senders.get(from) === socket) this.senders.delete(from);
    };
    socket.on('error', () => {
      forget();
      socket.close();
    });
    socket.bind(0, from, () => {
      try {
        socket.setMulticastInterface(family === 'udp6' ? `::%${device}` : from);
        send(socket);
      } catch {
        // The address went away meanwhile.
        forget();
        socket.close();
      }
    });
  }

  stop(): void {
    clearInterval(this.timer);
    for (const socket of [...this.receivers.values(), ...this.senders.values()]) socket.close();
    this.receivers.clear();
    this.senders.clear();
  }

  private receive(family: Family): void {
    const type = { type: family, reuseAddr: true } as const;
    const socket = createSocket(family === 'udp6' ? { ...type, ipv6Only: true } : type);
    // Without IPv6, or with the port taken by somebody who does not share it, the other family does.
    socket.on('error', () => {
      this.receivers.delete(family);
      socket.close();
    });
    socket.on('message', (message, from) => {
      if (message.length > MESSAGE_MAX_BYTES || !this.bucket.take(performance.now())) this.dropped++;
      else this.heard(from.address, Uint8Array.from(message));
    });
    socket.bind(LAN_PORT, () => {
      this.receivers.set(family, socket);
      this.join();
    });
  }

  /** Joins the groups on all interfaces that have come. */
  private join(): void {
    for (const [device, entries] of Object.entries(networkInterfaces())) {
      for (const { family, address, internal } of entries ?? []) {
        const type: Family = family === 'IPv4' ? 'udp4' : 'udp6';
        const where = type === 'udp4' ? address : `::%${device}`;
        const socket = this.receivers.get(type);
        if (internal || socket === undefined || this.joined.has(`${type} ${where}`)) continue;
        this.joined.add(`${type} ${where}`);
        try {
          socket.addMembership(GROUPS[type], where);
        } catch {
          // An interface without multicast, or joined already by another address of it.
        }
      }
    }
  }
}

/** The interface that has an address. */
function deviceOf(address: string): string | undefined {
  const all = Object.entries(networkInterfaces());
  return all.find(([, entries]) => entries?.some(entry => entry.address === address && !entry.internal))?.[0];
}
