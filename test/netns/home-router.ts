/**
 * Puts a host of a lab behind another one, which becomes its home router:
 *
 *     host                       router
 *     home0 192.168.N.2 ------- lan0 .1, wan0 -----+----- wan -----
 *
 * The router translates as Linux does by itself (endpoint-independent mapping as long as ports are free, endpoint-dependent
 * filtering; RFC 4787). What comes to it unasked it drops in silence: an answer, or an entry in its table for that flow,
 * would give the next datagram the other way another port. Routers of all kinds are in `nat-lab.ts`; here the rest of the lab stays as it is.
 */
import { INTERFACE, type Lab } from './lab.ts';

/** The host's cable to its router. */
const HOME = 'home0';
/** The router's side of it. */
export const LAN = 'lan0';

/** Moves a host behind a router; `number`, 1 to 254, tells homes apart. Gives its address there. */
export async function putBehind(lab: Lab, host: string, router: string, number = 1): Promise<string> {
  const [own, gateway] = [`192.168.${number}.2`, `192.168.${number}.1`];
  await lab.exec(router, ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
  await lab.ip(router, [
    `link add name ${LAN} type veth peer name ${HOME} netns ${lab.namespace(host)}`,
    `address add ${gateway}/24 dev ${LAN}`,
    `link set ${LAN} up`,
  ]);
  await lab.ip(host, [
    `link set ${INTERFACE} down`,
    `address flush dev ${INTERFACE}`,
    `address add ${own}/24 dev ${HOME}`,
    `link set ${HOME} up`,
    `route add default via ${gateway}`,
  ]);
  await lab.nft(
    router,
    `table ip home {
       chain out { type nat hook postrouting priority srcnat; oifname "${INTERFACE}" masquerade; }
       chain in {
         type filter hook input priority filter; policy accept;
         ct state established,related accept
         iifname "${INTERFACE}" drop
       }
       chain pass {
         type filter hook forward priority filter; policy drop;
         iifname "${LAN}" accept
         ct state established,related accept
         ct status dnat accept
       }
     }`,
  );
  return own;
}
