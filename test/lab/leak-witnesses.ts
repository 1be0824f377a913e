/**
 * Two witnesses of what leaves a client's cable, neither of which knows of the other:
 *
 * - `router`: tcpdump at the router's end of the cable. All that is not housekeeping of the cable (ARP, neighbours, who
 *   listens), the client's links (their UDP port) or its way to the site counts.
 * - `counter`: nft in the client, behind the last hook that may yet stop a packet. What goes to a destination of the user's
 *   counts, by whatever way.
 */
import { INTERFACE, type Lab, WAN } from '../netns/lab.ts';
import type { LabProcess } from '../netns/lab-process.ts';
import { HOME, WEB4, WEB6 } from '../netns/tunnel-lab.ts';
import { until } from './until.ts';

/** What counts apart. */
export type Family = 'v4' | 'v6' | 'names';

/** A packet that the router saw. */
export interface Seen {
  /** Milliseconds since 1970, by the kernel. */
  readonly at: number;
  readonly family: Family;
  readonly text: string;
}

export interface WitnessOptions {
  readonly host: string;
  /** The UDP port of the host's links. */
  readonly port: number;
  /** `address:port` of the site, TCP. */
  readonly site: readonly [string, number];
}

/** Where the user's traffic goes. */
const DESTINATIONS = [WEB4, HOME, '8.8.8.8', '255.255.255.255', '224.0.0.251'];
const COUNTER = `table inet witness {
  counter user { }
  chain out { type filter hook postrouting priority 500;
    oifname "${INTERFACE}" ip daddr { ${DESTINATIONS.join(', ')} } counter name user
    oifname "${INTERFACE}" ip6 daddr ${WEB6} counter name user
  }
}`;
/** Packets are given to us within this, in case of an idle machine. */
const DELIVERY_PATIENCE_MS = 5_000;

export class LeakWitnesses {
  readonly seen: Seen[] = [];
  private readonly lab: Lab;
  private readonly host: string;
  private readonly dump: LabProcess;

  private constructor(lab: Lab, { host, port, site }: WitnessOptions) {
    this.lab = lab;
    this.host = host;
    const argv = ['tcpdump', '-i', lab.cable(host), '-Q', 'in', '-n', '-tt', '-l', '--immediate-mode', '-B', '16384'];
    this.dump = lab.spawn(WAN, [...argv, foreign(port, site)], { onLine: line => this.hear(line) });
  }

  static async start(lab: Lab, options: WitnessOptions): Promise<LeakWitnesses> {
    await lab.nft(options.host, COUNTER);
    const witnesses = new LeakWitnesses(lab, options);
    await witnesses.dump.line(/^listening on/);
    return witnesses;
  }

  /** Packets to destinations of the user's that have left so far, by the client's kernel. */
  async counted(): Promise<number> {
    const argv = ['nft', '-j', 'list', 'counter', 'inet', 'witness', 'user'];
    const { nftables } = JSON.parse((await this.lab.exec(this.host, argv)).stdout) as {
      nftables: { counter?: { packets: number } }[];
    };
    return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? Number.NaN;
  }

  /** What the router saw in a stretch of time. */
  between(from: number, to: number): Seen[] {
    return this.seen.filter(({ at }) => at >= from && at < to);
  }

  /** Ends both; gives how many packets the kernel could not hand to the router's witness. */
  async end(): Promise<number> {
    this.dump.kill('SIGINT');
    const said = () => this.dump.lines.some(line => DROPPED.test(line)) || !this.dump.running;
    await until('tcpdump has ended', DELIVERY_PATIENCE_MS, said);
    await this.dump.stop();
    return this.missed;
  }

  private missed = Number.NaN;

  private hear(line: string): void {
    const [, dropped] = DROPPED.exec(line) ?? [];
    if (dropped !== undefined) this.missed = Number(dropped);
    const [, at, family, text = ''] = /^(\d+\.\d+) (IP6?) (.*)$/.exec(line) ?? [];
    if (at === undefined) return;
    this.seen.push({ at: Number(at) * 1_000, family: familyOf(family === 'IP6', text), text });
  }
}

const DROPPED = /^(\d+) packets dropped by kernel/;

/** `10.0.0.1.4000 > 8.8.8.8.53: ...`: DNS, DNS over TLS and LLMNR by the port it goes to. */
function familyOf(isIpv6: boolean, text: string): Family {
  if (/^\S+ > \S+\.(53|853|5355): /.test(text)) return 'names';
  return isIpv6 ? 'v6' : 'v4';
}

/** For tcpdump: neither housekeeping of the cable nor what Warren itself sends. */
function foreign(port: number, [address, sitePort]: WitnessOptions['site']): string {
  const neighbours = '(icmp6 and (ip6[40] == 133 or ip6[40] == 135 or ip6[40] == 136))';
  // Behind a hop-by-hop header: who listens to what on the cable (RFC 3810).
  const listeners = '(ip6[6] == 0 and ip6[40] == 58 and ip6[48] == 143)';
  const links = `(udp and src port ${port})`;
  const site = `(tcp and dst host ${address} and dst port ${sitePort})`;
  return `(ip or ip6) and not ${neighbours} and not ${listeners} and not ${links} and not ${site}`;
}
