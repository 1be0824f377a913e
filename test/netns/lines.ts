/** What a poor line is like: slow by tc, lossy by nftables; long lines are `delay-hop.ts`. */
import type { Namespaces } from './namespaces.ts';

export interface Line {
  /** Each way; packets wait for it 400 ms at most. */
  readonly rateKbit?: number;
  /** Of packets, each way: 0 to 100. */
  readonly lossPercent?: number;
  /** One way, ms. */
  readonly delayMs?: number;
}

/** Makes one end of a line slow in what it sends, and lossy in what it receives, ARP aside. */
export async function limits(lab: Namespaces, host: string, device: string, line: Line): Promise<void> {
  const { rateKbit, lossPercent } = line;
  if (rateKbit !== undefined) {
    const bucket = ['rate', `${rateKbit}kbit`, 'burst', '16kb', 'latency', '400ms'];
    await lab.exec(host, ['tc', 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...bucket]);
  }
  if (lossPercent !== undefined) {
    const perMille = Math.round(lossPercent * 10);
    await lab.nft(
      host,
      `table netdev line_${device} {
        chain in { type filter hook ingress device "${device}" priority 0; meta protocol != arp numgen random mod 1000 < ${perMille} drop; }
      }`,
    );
  }
}
