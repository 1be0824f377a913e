/** Pieces of nft's language that both rule sets use. What goes in comes from `prefixes.ts`, checked. */
import type { Prefixes } from './prefixes.ts';

/** Two sets of prefixes, `<name>4` and `<name>6`; empty ones match nothing. */
export function prefixSets(name: string, { v4, v6 }: Prefixes): string {
  return `${set(`${name}4`, 'ipv4_addr', 'interval; auto-merge', v4)}
  ${set(`${name}6`, 'ipv6_addr', 'interval; auto-merge', v6)}`;
}

/** A set of interface names. */
export function nameSet(name: string, members: readonly string[]): string {
  return set(
    name,
    'ifname',
    undefined,
    members.map(member => `"${member}"`),
  );
}

function set(name: string, type: string, flags: string | undefined, members: readonly string[]): string {
  const elements = members.length === 0 ? '' : ` elements = { ${members.join(', ')} }`;
  return `set ${name} { type ${type};${flags === undefined ? '' : ` flags ${flags};`}${elements} }`;
}
