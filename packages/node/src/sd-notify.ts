/**
 * Telling the service manager how we are: sd_notify(3), without libsystemd. A
 * datagram of `NAME=value` lines to the Unix socket in `NOTIFY_SOCKET`, which
 * Node cannot send by itself. Does nothing where there is no such socket.
 */
import { Flag, type Libc, loadLibc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** Bytes of `sun_path` (unix(7)). */
const PATH_MAX_BYTES = 108;

/** `READY`, `STOPPING`, `STATUS`, `WATCHDOG` and others of sd_notify(3). */
export type Notice = Readonly<Record<string, string>>;

/** Hands notices to whoever started us. */
export interface ServiceManager {
  /** Whether anybody listens. */
  readonly isThere: boolean;
  /** How often `WATCHDOG=1` is expected, milliseconds; `undefined`: never. Tell twice as often. */
  readonly watchdogMs: number | undefined;
  /** Tells, or does nothing. Never throws: a service works without its manager. */
  tell(notice: Notice): void;
}

/** The service manager that the environment names, for this process only. */
export async function serviceManager(env: NodeJS.ProcessEnv): Promise<ServiceManager> {
  const path = env.NOTIFY_SOCKET ?? '';
  const address = addressOf(path);
  const libc = address === undefined ? undefined : await loadLibc();
  const isOurs = env.WATCHDOG_PID === undefined || Number(env.WATCHDOG_PID) === process.pid;
  const microseconds = Number(env.WATCHDOG_USEC);
  return {
    isThere: libc !== undefined,
    watchdogMs: isOurs && microseconds > 0 ? microseconds / 1000 : undefined,
    tell: notice => {
      if (libc !== undefined && address !== undefined) send(libc, address, notice);
    },
  };
}

function send(libc: Libc, address: Uint8Array, notice: Notice): void {
  const text = Object.entries(notice).map(([name, value]) => `${name}=${value.replaceAll('\n', ' ')}\n`);
  const bytes = new TextEncoder().encode(text.join(''));
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | Flag.O_CLOEXEC, 0);
  if (fd < 0) return;
  libc.sendto(fd, bytes, bytes.length, Flag.MSG_DONTWAIT, address, address.length);
  libc.close(fd);
}

/** `struct sockaddr_un` of a path, or of an abstract name that begins with `@`; `undefined` for none and for too long a one. */
function addressOf(path: string): Uint8Array | undefined {
  const name = new TextEncoder().encode(path);
  if (name.length === 0 || name.length >= PATH_MAX_BYTES || !/^[/@]/.test(path)) return undefined;
  if (path.startsWith('@')) name[0] = 0;
  const isPath = path.startsWith('/');
  const address = new Uint8Array(2 + name.length + (isPath ? 1 : 0));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
