/**
 * Addresses to listen on, as people write them: `127.0.0.1:8080`, `[::1]:8080`,
 * `warren.lan:8080`, `:8080` and `8080` for loopback.
 */

export interface HostPort {
  /** Name or IP address, IPv6 without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Reads an address; `undefined` when it is not one. */
export function parseHostPort(text: string): HostPort | undefined {
  const [, bracketed, name, digits] = /^(?:\[([0-9a-f:.]+)\]:|([a-z0-9.-]*):)?(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  return { host: bracketed ?? (name || '127.0.0.1'), port };
}

/** Writes an address; IPv6 in brackets. */
export function printHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach a host. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
