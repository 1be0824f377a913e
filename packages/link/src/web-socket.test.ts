import { expect, test } from 'vitest';
import type { Link } from './link.ts';
import { mayDial, type WebSocketOutput, WebSockets } from './web-socket.ts';

const PIN = 'a'.repeat(43);
const url = (host: string): string => `wss://${host}:443/warren#${PIN}`;

test('a member is dialled by address and key only, and nothing else of the world', () => {
  for (const host of ['192.0.2.7', '192.168.1.2', '[2001:db8::1]', '[fd00::1]']) expect(mayDial(url(host))).toBe(true);
  const pinned = (rest: string): string => `wss://192.0.2.7${rest}#${PIN}`;
  const bad = [
    ...['127.0.0.1', '[::1]', '169.254.1.1', '[fe80::1]', '0.0.0.0', '224.0.0.1', 'example.org'].map(url),
    ...[
      pinned('/warren'),
      pinned(':443/'),
      pinned(':443/admin?reboot'),
      pinned(':443/warren/x'),
      pinned('@x:443/warren'),
    ],
    ...['wss://192.0.2.7:443/warren', 'wss://192.0.2.7:443/warren#x', `ws://192.0.2.7:443/warren#${PIN}`, ''],
  ];
  for (const text of bad) expect(mayDial(text), text).toBe(false);
});

test('a second after the offer the first URL is dialled, after failures the others in turn, ever later', () => {
  const around = setUp([url('192.0.2.7'), url('192.0.2.8')]);
  around.offer(0);
  expect(dialsUntil(around, 200_000)).toEqual([
    [1000, url('192.0.2.7')],
    [11_000, url('192.0.2.8')],
    [31_000, url('192.0.2.7')],
    [71_000, url('192.0.2.8')],
    [131_000, url('192.0.2.7')],
    [191_000, url('192.0.2.8')],
  ]);
});

test('where both listen, the smaller id dials first', () => {
  const { machine, offer } = setUp([url('192.0.2.7')], { self: 'ff', own: [url('192.0.2.9')] });
  offer(0);
  expect(machine.wakeAt).toBe(4000);
});

test('nobody is dialled who is reached directly, who gives no good URL, or by a host that cannot', () => {
  const direct = setUp([url('192.0.2.7')], { rank: 0 });
  direct.offer(0);
  expect(dialsUntil(direct, 100_000)).toEqual([]);
  const bad = setUp([url('127.0.0.1')]);
  bad.offer(0);
  expect(dialsUntil(bad, 100_000)).toEqual([]);
  expect(bad.machine).toMatchObject({ refused: 1, wakeAt: undefined });
  const unable = setUp([url('192.0.2.7')], { isAble: false });
  unable.offer(0);
  expect(unable.machine.wakeAt).toBeUndefined();
});

test('an open one is closed with its link, or dialled again when it is lost', () => {
  const { machine, outputs, offer, link } = setUp([url('192.0.2.7')]);
  offer(0);
  machine.tick(() => link, 1000);
  expect(machine.opened('wss://elsewhere', 'ws/1')).toBeUndefined();
  expect(machine.opened(url('192.0.2.7'), 'ws/2')).toBe(link.peer);
  machine.lost(link.peer, 'ws/1', 2000);
  machine.lost(link.peer, 'ws/2', 2000);
  expect(machine.wakeAt).toBe(12_000);
  machine.tick(() => link, 12_000);
  machine.opened(url('192.0.2.7'), 'ws/3');
  machine.end(link.peer);
  expect(outputs.filter(({ kind }) => kind === 'close-path')).toEqual([
    { kind: 'close-path', path: 'ws/2' },
    { kind: 'close-path', path: 'ws/3' },
  ]);
});

function setUp(urls: readonly string[], o: { self?: string; own?: string[]; rank?: number; isAble?: boolean } = {}) {
  const outputs: WebSocketOutput[] = [];
  const push = (output: WebSocketOutput) => outputs.push(output);
  const { self = '00', own = [], rank = 3, isAble = true } = o;
  const machine = new WebSockets({ self, isAble, urls: () => own, push });
  // What the machine looks at, of a link that goes through others.
  const link = { peer: '77', remote: { urls }, best: { rank } } as unknown as Link;
  return { machine, outputs, link, offer: (now: number) => machine.offered(link, now) };
}

/** When what is dialled, if no dial ever comes about. */
function dialsUntil({ machine, outputs, link }: ReturnType<typeof setUp>, end: number): [number, string][] {
  const dials: [number, string][] = [];
  for (let now = machine.wakeAt; now !== undefined && now <= end; now = machine.wakeAt) {
    machine.tick(() => link, now);
    for (const out of outputs.splice(0)) {
      if (out.kind !== 'dial') continue;
      dials.push([now, out.url]);
      machine.failed(out.url, now);
    }
  }
  return dials;
}
