/**
 * An Ethernet device of the Linux kernel (TAP), through koffi and libuv's poll.
 * It lives exactly as long as this process holds its descriptor. Addresses and
 * state and routes are set by the `ip` command. Not here: full tunnels,
 * firewall rules, what frames mean.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from '@warren/base';
import type { Frames, FramesOptions } from '@warren/peer';
import { runCommand } from './command.ts';
import { Errno, errnoName, Flag, type Libc, loadLibc, type PollHandle, Tun } from './libc.ts';
import { parseAddress } from './sockaddr.ts';
import { surfacing } from './surface.ts';

/** Bytes of an Ethernet header, with room for one VLAN tag. */
const HEADER_MAX_BYTES = 18;
/** Frames read before other sockets get their turn: as many as leave with one system call. */
const BUDGET_PER_WAKE = 64;
const SLAB_BYTES = 128 * 1_024;
/** Of routes through members: above what the system's own have. */
const ROUTE_METRIC = '20480';
/** Bytes of `struct ifreq`: name 16, then flags. */
const IFREQ_BYTES = 40;
const IFREQ_FLAGS = 16;
/** How long a device of a process that was just killed may take to go away. */
const BUSY_TRIES = 20;
const BUSY_PAUSE_MS = 100;

/** What was counted since the start. */
export interface FramesCounters {
  readonly read: number;
  readonly written: number;
  /** Frames that the kernel did not take. */
  readonly dropped: number;
}

/** Opens the device, down and without address. Rejects with a reason and what to do. `log` hears when it vanishes. */
export async function openTap(options: FramesOptions, log: (line: string) => void): Promise<Tap> {
  const { name, mac, mtuBytes } = options;
  assert(/^[a-z0-9][a-z0-9._-]{0,14}$/.test(name), 'an interface name is 1 to 15 of a-z 0-9 . _ -');
  assert(mac.length === 6 && ((mac[0] as number) & 1) === 0, 'a MAC address is 6 bytes and not a group');
  assert(mtuBytes >= 576 && mtuBytes <= 9_000, 'an MTU is 576 to 9,000 bytes');
  const libc = await loadLibc();
  if (libc === undefined) throw new Error('Ethernet devices need Linux on x64 or arm64, and the npm package koffi.');
  const fd = await attach(libc, name);
  const tap = new Tap(libc, fd, options, log);
  try {
    const address = [...mac].map(byte => byte.toString(16).padStart(2, '0')).join(':');
    // No addresses of the kernel's own making: the overlay gives them.
    await ip('link', 'set', 'dev', name, 'address', address, 'mtu', String(mtuBytes), 'addrgenmode', 'none');
    if (options.configured === false) await ip('link', 'set', 'dev', name, 'up');
  } catch (error) {
    await tap.stop();
    throw error;
  }
  return tap;
}

/** An open device. */
export class Tap implements Frames {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly name: string;
  private readonly frameMaxBytes: number;
  private readonly log: (line: string) => void;
  private readonly poll: PollHandle;
  private listener: (frame: Uint8Array) => void = () => {};
  private slab = new Uint8Array(SLAB_BYTES);
  private slabAddress: number;
  private slabUsed = 0;
  private readonly isConfigured: boolean;
  private hasAddress = false;
  private routes: { readonly ranges: readonly string[]; readonly via: string } = { ranges: [], via: '' };
  private state: 'open' | 'gone' | 'closed' = 'open';
  private counts = { read: 0, written: 0, dropped: 0 };

  constructor(libc: Libc, fd: number, options: FramesOptions, log: (line: string) => void) {
    this.libc = libc;
    this.fd = fd;
    this.name = options.name;
    this.frameMaxBytes = options.mtuBytes + HEADER_MAX_BYTES;
    this.log = log;
    this.isConfigured = options.configured ?? true;
    this.slabAddress = libc.address(this.slab);
    this.poll = libc.poll(
      fd,
      surfacing(() => this.drain()),
    );
  }

  get counters(): FramesCounters {
    return { ...this.counts };
  }

  listen(listener: (frame: Uint8Array) => void): void {
    this.listener = listener;
  }

  write(frame: Uint8Array): void {
    if (this.state !== 'open') return;
    while (this.libc.write(this.fd, frame, frame.length) < 0) {
      // A full queue (EAGAIN), a device that is down (EIO), a frame that is none (EINVAL).
      if (this.libc.errno() === Errno.EINTR) continue;
      this.counts.dropped++;
      return;
    }
    this.counts.written++;
  }

  async configure(
    address: string,
    prefixBits: number,
    six?: { readonly address: string; readonly prefixBits: number },
  ): Promise<void> {
    if (!this.isConfigured) return;
    const bits = parseAddress(address)?.length === 4 ? 32 : 128;
    assert(parseAddress(address) !== undefined, 'an address is IPv4 or IPv6 in text');
    assert(Number.isInteger(prefixBits) && prefixBits >= 0 && prefixBits <= bits, 'a prefix fits its address');
    await ip('address', 'flush', 'dev', this.name);
    await ip('address', 'add', `${address}/${prefixBits}`, 'dev', this.name, ...(bits === 128 ? ['nodad'] : []));
    if (six !== undefined) await this.addSix(`${six.address}/${six.prefixBits}`);
    await ip('link', 'set', 'dev', this.name, 'up');
    this.hasAddress = true;
    await this.applyRoutes();
  }

  async route(ranges: readonly string[], via: string): Promise<void> {
    this.routes = { ranges, via };
    await this.applyRoutes();
  }

  /** A machine may have no IPv6, or none on new devices: then there is none inside either. */
  private async addSix(address: string): Promise<void> {
    await ip('-6', 'address', 'add', address, 'dev', this.name, 'nodad').catch(() => {});
  }

  /** They wait for the address, which they lead through. Networks that the machine is in itself come before them. */
  private async applyRoutes(): Promise<void> {
    if (!this.hasAddress) return;
    const { ranges, via } = this.routes;
    await ip('route', 'flush', 'dev', this.name, 'proto', 'static', 'metric', ROUTE_METRIC);
    for (const range of ranges) {
      await ip('route', 'add', range, 'via', via, 'dev', this.name, 'proto', 'static', 'metric', ROUTE_METRIC);
    }
  }

  async stop(): Promise<void> {
    if (this.state === 'closed') return;
    if (this.state === 'open') this.poll.close();
    this.state = 'closed';
    // The kernel removes the device, its address and its routes with the last descriptor.
    this.libc.close(this.fd);
  }

  private drain(): void {
    for (let i = 0; i < BUDGET_PER_WAKE && this.state === 'open'; i++) {
      const length = this.libc.read(this.fd, this.slabAddress + this.slabUsed, this.frameMaxBytes);
      if (length < 0) {
        const errno = this.libc.errno();
        if (errno === Errno.EINTR) continue;
        if (errno !== Errno.EAGAIN) this.vanish(errno);
        return;
      }
      this.counts.read++;
      this.listener(this.takeFromSlab(length));
    }
  }

  /** The frame just read; the slab's next free place moves behind it. */
  private takeFromSlab(length: number): Uint8Array {
    const frame = this.slab.subarray(this.slabUsed, this.slabUsed + length);
    this.slabUsed += length;
    if (this.slabUsed + this.frameMaxBytes > SLAB_BYTES) {
      this.slab = new Uint8Array(SLAB_BYTES);
      this.slabAddress = this.libc.address(this.slab);
      this.slabUsed = 0;
    }
    return frame;
  }

  /** Somebody deleted the device: its descriptor would be readable for ever. */
  private vanish(errno: number): void {
    this.state = 'gone';
    this.poll.close();
    this.log(`network device ${this.name} is gone (${errnoName(errno)}): restart to make it again`);
  }
}

async function attach(libc: Libc, name: string): Promise<number> {
  for (let tries = 1; ; tries++) {
    const fd = libc.open('/dev/net/tun', Flag.O_RDWR | Flag.O_NONBLOCK | Flag.O_CLOEXEC);
    if (fd < 0) throw tapError(name, libc.errno());
    const request = new Uint8Array(IFREQ_BYTES);
    request.set(new TextEncoder().encode(name));
    new DataView(request.buffer).setUint16(IFREQ_FLAGS, Tun.IFF_TAP | Tun.IFF_NO_PI, true);
    if (libc.ioctl(fd, Tun.TUNSETIFF, request) === 0) {
      // Made persistent by somebody before us: it must not outlive us.
      libc.ioctl(fd, Tun.TUNSETPERSIST, 0);
      return fd;
    }
    const errno = libc.errno();
    libc.close(fd);
    if (errno !== Errno.EBUSY || tries >= BUSY_TRIES) throw tapError(name, errno);
    await sleep(BUSY_PAUSE_MS);
  }
}

function tapError(name: string, errno: number): Error {
  const code = errnoName(errno);
  const why: Readonly<Record<string, string>> = {
    EPERM: `No permission to make the network device ${name}: run as root, or with CAP_NET_ADMIN.`,
    EACCES: `No permission for /dev/net/tun: run as root, or with CAP_NET_ADMIN.`,
    ENOENT: 'There is no /dev/net/tun: load the kernel module with `modprobe tun`, or give the container the device.',
    ENODEV: 'The kernel has no TAP devices: load the module with `modprobe tun`.',
    EBUSY: `The network device ${name} is in use by another process: stop that one first.`,
    EINVAL: `A network device ${name} of another kind exists: remove it with \`ip link del ${name}\`, or choose another name.`,
  };
  return Object.assign(new Error(why[code] ?? `The network device ${name} cannot be made (${code}).`), { code });
}

function ip(...args: readonly string[]): Promise<string> {
  return runCommand('ip', args);
}
