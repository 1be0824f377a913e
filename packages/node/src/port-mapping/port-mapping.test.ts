/** Bytes and texts of routers, hostile ones too; how mappings are kept. What a real router does is in `test/netns`. */
import { expect, test, vi } from 'vitest';
import { routerIn } from './default-router.ts';
import { readNatPmp, readNatPmpAddress, readPcp } from './pcp.ts';
import { type Ask, type Mapping, PortMapper, type Wish } from './port-mapper.ts';
import { serviceIn, textOf } from './upnp.ts';

const ROUTER = { gateway: '192.168.1.1', own: '192.168.1.2' };
const WISH: Wish = { protocol: 'udp', port: 41_641, lifetimeS: 3600 };

test('answers of NAT-PMP are read as RFC 6886 draws them; cut ones, others and refusals are not', () => {
  const good = Uint8Array.of(0, 129, 0, 0, 0, 0, 0, 9, 0xa2, 0xa9, 0xa2, 0xaa, 0, 0, 0x0e, 0x10);
  expect(readNatPmp(good, 1)).toEqual({ port: 41_642, lifetimeS: 3600 });
  for (let length = 0; length < 16; length++) expect(readNatPmp(good.subarray(0, length), 1)).toBeUndefined();
  expect(readNatPmp(good, 2)).toBeUndefined();
  expect(readNatPmp(Uint8Array.of(0, 129, 0, 2), 1)).toBe('refused');
  const address = Uint8Array.of(0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 7);
  expect(readNatPmpAddress(address)).toEqual(Uint8Array.of(203, 0, 113, 7));
  for (let length = 0; length < 12; length++) expect(readNatPmpAddress(address.subarray(0, length))).toBeUndefined();
});

test('an answer of PCP counts only with our nonce, and one of NAT-PMP says that PCP is not spoken', () => {
  const answer = new Uint8Array(60);
  answer.set([2, 0x81]);
  answer[36] = 17;
  answer.set([0xa2, 0xa9], 40);
  expect(readPcp(answer, WISH)).toBeUndefined();
  answer[3] = 2;
  expect(readPcp(answer, WISH)).toBe('refused');
  expect(readPcp(Uint8Array.of(0, 129, 0, 1, 0, 0, 0, 0), WISH)).toBe('refused');
  for (let length = 0; length < 24; length++) expect(() => readPcp(answer.subarray(0, length), WISH)).not.toThrow();
});

test('a description leads to a service on the same server only', () => {
  const describe = (type: string, control: string): string =>
    `<root><service><serviceType>urn:schemas-upnp-org:service:${type}</serviceType><controlURL>${control}</controlURL></service></root>`;
  const from = 'http://192.168.1.1:5000/rootDesc.xml';
  const control = 'http://192.168.1.1:5000/ctl/IPConn';
  const type = 'urn:schemas-upnp-org:service:WANIPConnection:1';
  expect(serviceIn(describe('WANIPConnection:1', '/ctl/IPConn'), from)).toEqual({ type, control });
  expect(serviceIn(describe('WANIPConnection:1', 'http://192.168.1.9/ctl'), from)).toBeUndefined();
  expect(serviceIn(describe('WANIPConnection:1', 'https://192.168.1.1/ctl'), from)).toBeUndefined();
  expect(serviceIn(describe('Layer3Forwarding:1', '/ctl'), from)).toBeUndefined();
  expect(serviceIn('<service>'.repeat(1000), from)).toBeUndefined();
  expect(textOf('<a> 1.2.3.4 </a>', 'a')).toBe('1.2.3.4');
});

test('the router is that of the best default route whose device has an address', () => {
  const row = (device: string, to: string, by: string, flags: string, metric: number): string =>
    [device, to, by, flags, 0, 0, metric, '00000000', 0, 0, 0].join('\t');
  const table = [
    'Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT',
    row('wlan0', '00000000', '0101A8C0', '0003', 600),
    row('eth0', '00000000', 'FE01A8C0', '0003', 100),
    row('wr0', '00000000', '00000000', '0001', 0),
    row('eth0', '0001A8C0', '00000000', '0001', 100),
  ].join('\n');
  const own = { eth0: '192.168.1.2', wlan0: '192.168.1.3' } as Record<string, string>;
  expect(routerIn(table, device => own[device])).toEqual({ gateway: '192.168.1.254', own: '192.168.1.2' });
  expect(routerIn(table, device => (device === 'wlan0' ? own.wlan0 : undefined))?.gateway).toBe('192.168.1.1');
  expect(routerIn('', () => undefined)).toBeUndefined();
});

test('a mapping is kept in the protocol that worked, renewed at half its time, and taken back in the end', async () => {
  vi.useFakeTimers();
  const { mapper, asked, changed } = keep([async () => undefined, grant('203.0.113.7:5000')]);
  await vi.advanceTimersByTimeAsync(10);
  expect(mapper.outside).toBe('203.0.113.7:5000');
  expect(changed).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_800_000);
  expect(asked.map(({ nth, wish }) => [nth, wish.lifetimeS, wish.outsidePort])).toEqual([
    [0, 3600, undefined],
    [1, 3600, undefined],
    [1, 3600, 5000],
  ]);
  await mapper.stop();
  expect(asked.at(-1)).toMatchObject({ nth: 1, wish: { lifetimeS: 0, outsidePort: 5000 } });
  await vi.advanceTimersByTimeAsync(7_200_000);
  expect(asked.length).toBe(4);
  vi.useRealTimers();
});

test('a router without all that is asked ever more rarely, and an address behind a carrier is none', async () => {
  vi.useFakeTimers();
  const none = keep([async () => undefined]);
  await vi.advanceTimersByTimeAsync(3_600_000);
  // At 0 s, 30 s, 2.5, 12.5 and 42.5 minutes.
  expect(none.asked.length).toBe(5);
  await none.mapper.stop();
  for (const outside of ['100.64.3.4:5000', '10.0.0.1:5000', '192.168.0.9:5000']) {
    const { mapper, changed } = keep([grant(outside)]);
    await vi.advanceTimersByTimeAsync(10);
    expect(mapper.outside).toBeUndefined();
    expect(changed).not.toHaveBeenCalled();
    await mapper.stop();
  }
  vi.useRealTimers();
});

test('a network that comes up late, and another one, are asked at once', async () => {
  vi.useFakeTimers();
  const at: { router: typeof ROUTER | undefined } = { router: undefined };
  const { mapper, asked } = keep([grant('203.0.113.7:5000')], () => at.router);
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toEqual([]);
  at.router = ROUTER;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(mapper.outside).toBe('203.0.113.7:5000');
  at.router = { gateway: '10.1.1.1', own: '10.1.1.9' };
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked.map(({ router, wish }) => [router.gateway, wish.outsidePort])).toEqual([
    ['192.168.1.1', undefined],
    ['10.1.1.1', undefined],
  ]);
  at.router = undefined;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(mapper.outside).toBeUndefined();
  await mapper.stop();
  vi.useRealTimers();
});

test('a machine that is on the Internet itself asks nobody', async () => {
  vi.useFakeTimers();
  const { mapper, asked } = keep([grant('203.0.113.7:1')], () => ({ gateway: '203.0.113.1', own: '203.0.113.7' }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toEqual([]);
  await mapper.stop();
  vi.useRealTimers();
});

function grant(outside: string): Ask {
  return async (): Promise<Mapping> => ({ outside, lifetimeS: 3600 });
}

function keep(asks: readonly Ask[], router: () => typeof ROUTER | undefined = () => ROUTER) {
  const asked: { nth: number; router: typeof ROUTER; wish: Wish }[] = [];
  const changed = vi.fn();
  const protocols = asks.map((ask, nth): Ask => {
    return (at, wish) => {
      asked.push({ nth, router: at, wish });
      return ask(at, wish);
    };
  });
  const mapper = new PortMapper({ protocol: 'udp', port: 41_641, changed, protocols, router });
  return { mapper, asked, changed };
}
