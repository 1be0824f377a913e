/**
 * The system calls that Node does not offer, through koffi: Ethernet devices
 * and UDP sockets that are waited for with libuv's own poll. Linux on 64 bits
 * only; constants are those of x86 and ARM. Pointers are typed arrays, or
 * numbers made by `address`. Nothing here throws: results are those of the C
 * library, and `errno()` holds the reason until the next call.
 */

/** `errno` values that we tell apart (asm-generic/errno-base.h, errno.h). */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  EINVAL: 22,
  EMSGSIZE: 90,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENOBUFS: 105,
} as const;

/** Flags of open, socket, recvmsg, sendmsg and sendto. */
export const Flag = {
  O_RDWR: 2,
  /** Also SOCK_NONBLOCK. */
  O_NONBLOCK: 0x800,
  /** Also SOCK_CLOEXEC: programs that we start must not keep our devices alive. */
  O_CLOEXEC: 0x80000,
  MSG_DONTWAIT: 0x40,
} as const;

/** Address families and socket types. */
export const Family = { AF_INET: 2, AF_INET6: 10, SOCK_DGRAM: 2 } as const;

/** Socket options as `[level, name]`. */
export const Option = {
  SO_SNDBUF: [1, 7],
  SO_RCVBUF: [1, 8],
  SO_SNDBUFFORCE: [1, 32],
  SO_RCVBUFFORCE: [1, 33],
  /** A firewall mark on all packets of the socket; needs CAP_NET_ADMIN. */
  SO_MARK: [1, 36],
  /** Value 3, IP_PMTUDISC_PROBE: never fragment, never believe ICMP about the MTU. */
  IP_MTU_DISCOVER: [0, 10],
  IPV6_MTU_DISCOVER: [41, 23],
  IPV6_V6ONLY: [41, 26],
  /** Cut what is sent into datagrams of this length; 0: do not. Since Linux 4.18. */
  UDP_SEGMENT: [17, 103],
  /** Value 1: give datagrams of one sender together. Since Linux 5.0. */
  UDP_GRO: [17, 104],
} as const satisfies Record<string, readonly [level: number, name: number]>;

/** ioctl requests on /dev/net/tun, and bits of `ifreq.ifr_flags` (linux/if_tun.h). */
export const Tun = {
  TUNSETIFF: 0x400454ca,
  TUNSETPERSIST: 0x400454cb,
  IFF_TAP: 0x0002,
  IFF_NO_PI: 0x1000,
} as const;

/** A wait for a file descriptor, until closed. */
export interface PollHandle {
  close(): void;
}

/** The calls, named and used as in their manual pages. `-1` is failure. */
export interface Libc {
  open(path: string, flags: number): number;
  close(fd: number): number;
  /** `argument` is a pointer or, for some requests, the value itself. */
  ioctl(fd: number, request: number, argument: Uint8Array | number): number;
  /** `buffer` is a number made by `address`. */
  read(fd: number, buffer: number, length: number): number;
  write(fd: number, buffer: Uint8Array, length: number): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Int32Array): number;
  setsockopt(fd: number, level: number, name: number, value: Int32Array, length: number): number;
  /** `message` is where a `struct msghdr` lies, a number made by `address`. */
  recvmsg(fd: number, message: number, flags: number): number;
  sendmsg(fd: number, message: number, flags: number): number;
  sendto(fd: number, buffer: Uint8Array, length: number, flags: number, to: Uint8Array, toLength: number): number;
  /** Why the last call of this thread failed. */
  errno(): number;
  /** Where a buffer lies. Only for buffers of more than 64 bytes that are kept: the rest may move. */
  address(buffer: Uint8Array): number;
  /** Calls `ready` from the event loop whenever there is something to read. It must not throw. */
  poll(fd: number, ready: () => void): PollHandle;
}

let loaded: Promise<Libc | undefined> | undefined;

/** The C library; `undefined` where koffi or the system does not offer what we need. */
export function loadLibc(): Promise<Libc | undefined> {
  loaded ??= load().catch(() => undefined);
  return loaded;
}

/** A name for an `errno` value, e.g. `EBUSY`, or `errno 71`. */
export function errnoName(errno: number): string {
  return Object.entries(Errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

async function load(): Promise<Libc | undefined> {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined;
  const { default: koffi } = await import('koffi');
  const c = koffi.load(null);
  // Fixed arguments stand for the variadic ones of open and ioctl: the same on these two architectures.
  return {
    open: c.func('int open(const char *path, int flags)'),
    close: c.func('int close(int fd)'),
    ioctl: ioctl(c.func('int ioctl(int fd, unsigned long request, void *argument)'), c),
    read: c.func('int64_t read(int fd, uintptr_t buffer, size_t length)'),
    write: c.func('int64_t write(int fd, void *buffer, size_t length)'),
    socket: c.func('int socket(int family, int type, int protocol)'),
    bind: c.func('int bind(int fd, void *address, int length)'),
    getsockname: c.func('int getsockname(int fd, void *address, void *length)'),
    setsockopt: c.func('int setsockopt(int fd, int level, int name, void *value, int length)'),
    recvmsg: c.func('int64_t recvmsg(int fd, uintptr_t message, int flags)'),
    sendmsg: c.func('int64_t sendmsg(int fd, uintptr_t message, int flags)'),
    sendto: c.func('int64_t sendto(int fd, void *buffer, size_t length, int flags, void *to, int toLength)'),
    errno: () => koffi.errno(),
    address: buffer => Number(koffi.address(buffer)),
    poll: (fd, ready) => koffi.node.poll(fd, { readable: true }, ready),
  };
}

type Call = (...args: unknown[]) => number;

/** ioctl takes a pointer or a plain value as its third argument: two declarations of one function. */
function ioctl(pointer: Call, c: { func(definition: string): Call }): Libc['ioctl'] {
  const value = c.func('int ioctl(int fd, unsigned long request, uintptr_t argument)');
  return (fd, request, argument) => (typeof argument === 'number' ? value : pointer)(fd, request, argument);
}
