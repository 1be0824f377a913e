/**
 * Other firewalls of the machine that drop what a gateway forwards, as Docker's: found and told with what to do. Nothing
 * is put into tables of others, who rewrite them at will.
 */
import type { NftObject, System } from './system.ts';

/** A chain that drops what nothing accepts. */
export interface Obstacle {
  /** Its name as nft has it: `ip filter FORWARD`. */
  readonly chain: string;
  /** Commands that let a gateway's traffic through until the machine or that firewall starts again. */
  readonly commands: readonly (readonly string[])[];
}

/**
 * Chains for forwarded packets that drop by policy, and the way past each. Rules of the older iptables are not seen here;
 * then `asked` rises and `left` does not (`Gateway.status`).
 */
export async function forwardObstacles(system: System, tap: string, ours: string): Promise<Obstacle[]> {
  const chains = (await system.nftList('chains')).flatMap(({ chain }: NftObject) =>
    chain === undefined ? [] : [chain],
  );
  return chains
    .filter(({ hook, policy, table }) => hook === 'forward' && policy === 'drop' && table !== ours)
    .map(({ family, table, name }) => {
      const inTable = chains.filter(chain => chain.family === family && chain.table === table);
      // Docker makes FORWARD anew at will, and leaves this one to others.
      const docker = inTable.some(chain => chain.name === 'DOCKER-USER');
      const place = [String(family), String(table), docker ? 'DOCKER-USER' : String(name)] as const;
      return { chain: `${family} ${table} ${name}`, commands: wayPast(place, tap) };
    });
}

function wayPast([family, table, chain]: readonly [string, string, string], tap: string): string[][] {
  const tables =
    table === 'filter' ? ({ ip: 'iptables', ip6: 'ip6tables' } as Record<string, string>)[family] : undefined;
  if (tables !== undefined && chain === chain.toUpperCase()) {
    const answers = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED'];
    return [
      [tables, '-I', chain, '-i', tap, '-j', 'ACCEPT'],
      [tables, '-I', chain, '-o', tap, ...answers, '-j', 'ACCEPT'],
    ];
  }
  const insert = ['nft', 'insert', 'rule', family, table, chain];
  return [
    [...insert, 'iifname', tap, 'accept'],
    [...insert, 'oifname', tap, 'ct', 'state', 'established,related', 'accept'],
  ];
}
