/**
 * Counting what passes between hosts of a lab, by nftables: the witness outside the programs under test.
 * Chains that block come before those that count, so that counters show what really passed.
 */

const PROTOCOLS = ['udp', 'tcp', 'icmp'] as const;

/** What passed one way between a host and another. */
export interface Counter {
  readonly direction: 'in' | 'out';
  readonly protocol: (typeof PROTOCOLS)[number];
  /** The other host; `blocked` for what `blockUdp` dropped. */
  readonly peer: string;
  readonly packets: number;
  /** With IP headers. */
  readonly bytes: number;
}

/** nft commands that make the table `inet lab` with a counter for each way, protocol and address on `device`. */
export function counterRules(device: string, addresses: ReadonlyMap<string, string>): string {
  const counters: string[] = ['in_udp_blocked', 'out_udp_blocked'];
  const rules: Record<'in' | 'out', string[]> = { in: [], out: [] };
  for (const [peer, address] of addresses) {
    for (const protocol of PROTOCOLS) {
      counters.push(`in_${protocol}_${peer}`, `out_${protocol}_${peer}`);
      rules.in.push(
        `iifname "${device}" ip saddr ${address} ip protocol ${protocol} counter name "in_${protocol}_${peer}"`,
      );
      rules.out.push(
        `oifname "${device}" ip daddr ${address} ip protocol ${protocol} counter name "out_${protocol}_${peer}"`,
      );
    }
  }
  return `table inet lab {
    ${counters.map(name => `counter ${name} { }`).join('\n')}
    chain block_in { type filter hook input priority -200; }
    chain block_out { type filter hook output priority -200; }
    chain count_in { type filter hook input priority 200; ${rules.in.join('\n')}
    }
    chain count_out { type filter hook output priority 200; ${rules.out.join('\n')}
    }
  }`;
}

/** Reads the answer of `nft -j list counters`; throws when it is something else. */
export function parseCounters(json: string): Counter[] {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; packets: number; bytes: number } }[];
  };
  return nftables.flatMap(({ counter }) => {
    const match = /^(in|out)_(udp|tcp|icmp)_([a-z0-9]+)$/.exec(counter?.name ?? '');
    if (counter === undefined || match === null) return [];
    const [, direction, protocol, peer] = match as unknown as [
      string,
      Counter['direction'],
      Counter['protocol'],
      string,
    ];
    return [{ direction, protocol, peer, packets: counter.packets, bytes: counter.bytes }];
  });
}
