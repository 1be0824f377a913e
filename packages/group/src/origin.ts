/**
 * Whether a text is the origin of a web site, as browsers print one: so that
 * whoever reads a group file can make a URL of it. Stricter than the URL
 * standard, which pure packages do not have; of names in other scripts only
 * the form is looked at (RFC 6454, section 6.2; RFC 5952).
 */

const ORIGIN = /^https?:\/\/(\[[0-9a-f:]+\]|[a-z0-9._-]{1,253})(?::([1-9][0-9]{0,4}))?$/;
const NAME = /^[a-z0-9_-]{1,63}([.][a-z0-9_-]{1,63})*$/;
const BYTE = '(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])';
const IPV4 = new RegExp(`^${BYTE}([.]${BYTE}){3}$`);
/** A last label like this makes a name an IPv4 address. */
const NUMBER = /(^|[.])([0-9]+|0x[0-9a-f]*)$/;

/** Whether `text` is a scheme, a host and perhaps a port, such as `https://warren.example:8443`, and nothing behind. */
export function isOrigin(text: string): boolean {
  const [, host, port] = ORIGIN.exec(text) ?? [];
  if (host === undefined || Number(port ?? 0) > 65_535) return false;
  if (host.startsWith('[')) return isIpv6(host.slice(1, -1));
  return NUMBER.test(host) ? IPV4.test(host) : NAME.test(host);
}

function isIpv6(text: string): boolean {
  const halves = text.split('::').map(half => (half === '' ? [] : half.split(':')));
  const pieces = halves.flat();
  const isFull = halves.length === 1 ? pieces.length === 8 : halves.length === 2 && pieces.length < 8;
  return isFull && pieces.every(piece => /^[0-9a-f]{1,4}$/.test(piece));
}
