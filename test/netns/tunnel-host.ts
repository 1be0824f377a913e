/**
 * One end of a cable between two members, with the machine's side of a full tunnel or a gateway: a TAP device whose frames
 * go to the other end over plain, marked UDP, and calls from a Unix socket. Nothing of the overlay. Runs in a namespace:
 * `tunnel-host.ts <options as JSON>`; `TunnelHost` (`tunnel-lab.ts`) starts it and calls.
 */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cleanLeftovers,
  enterTunnelGroup,
  FullTunnel,
  Gateway,
  nodeHost,
  openStorage,
  type System,
  thisSystem,
} from '@warren/node';
import type { TunnelCalls, TunnelHostOptions } from './tunnel-lab.ts';

const o = JSON.parse(process.argv[2] ?? '') as TunnelHostOptions;
const groupId = enterTunnelGroup();
const storage = await openStorage(o.stateDir, console.log);
const host = await nodeHost({
  kind: 'edge',
  stateDir: o.stateDir,
  udp: { port: o.port },
  webrtc: false,
  log: console.log,
});
const tap = await host.openFrames({ name: o.tap, mac: Uint8Array.of(2, 0, 0, 0, 1, o.station), mtuBytes: 1_280 });
/** Frames that hold one of our own datagrams: a tunnel in itself. */
let looped = 0;
tap.listen(frame => {
  if (frame.length > 36 && frame[23] === 17 && frame[34] === o.port >> 8 && frame[35] === (o.port & 255)) looped++;
  host.datagrams.send(o.remote, frame);
});
host.datagrams.listen(event => {
  if (event.kind === 'datagram') tap.write(event.bytes);
});
const system = o.slow === true ? slow(thisSystem) : thisSystem;
let tunnel: FullTunnel | undefined;
let gateway: Gateway | undefined;

const calls: TunnelCalls = {
  clean: keepClosed => cleanLeftovers({ storage, keepClosed, system }),
  async configure(address) {
    // The device has an address of each family; the host's own call gives it one.
    await tap.configure(address.split('/')[0] ?? '', Number(address.split('/')[1]));
  },
  async close(options) {
    tunnel = await FullTunnel.start({
      groupId: groupId ?? 0,
      storage,
      system,
      nameServers: [],
      allowLan: false,
      ...options,
    });
  },
  enter: via => wanted(tunnel).enter({ tap: o.tap, via }),
  leave: () => wanted(tunnel).leave(),
  repair: () => (tunnel ?? wanted(gateway)).repair(),
  pause: (durationMs, ports) => wanted(tunnel).pause(durationMs, ports),
  resume: () => wanted(tunnel).resume(),
  status: () => wanted(tunnel).status(),
  open: keepClosed => wanted(tunnel).stop({ keepClosed }),
  async serve(options) {
    gateway = await Gateway.start({ tap: o.tap, taps: [o.tap], storage, system, allowLan: false, ...options });
  },
  gateway: () => wanted(gateway).status(),
  unserve: () => wanted(gateway).stop(),
  looped: async () => looped,
  async library(address, port) {
    // As a library would: a socket that carries no mark, only the group id of this process.
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const answered = new Promise<boolean>(resolve => socket.once('message', () => resolve(true)));
    socket.on('error', () => {});
    socket.send('ours', port, address);
    const heard = await Promise.race([answered, sleep(1_000, false)]);
    socket.close();
    return heard;
  },
};

createServer(socket => {
  socket.on('error', () => {});
  createInterface({ input: socket }).on('line', async line => {
    const { call, args } = JSON.parse(line) as { call: keyof TunnelCalls; args: never[] };
    try {
      const value = await (calls[call] as (...all: never[]) => Promise<unknown>)(...args);
      socket.write(`${JSON.stringify({ value })}\n`);
    } catch (error) {
      socket.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
    }
  });
}).listen(o.control, () => console.log('up'));

/** Time enough for packets to leave in between, and for a judge to look. */
function slow(fast: System): System {
  const wait = async (what: string): Promise<void> => {
    console.log(`about to ${what.split('\n').join('; ')}`);
    await sleep(300);
  };
  return {
    ...fast,
    nft: commands => wait(`nft ${commands}`).then(() => fast.nft(commands)),
    ip: (family, commands) => wait(`ip ${commands.join('; ')}`).then(() => fast.ip(family, commands)),
    changeSetting: (name, value) => wait(`set ${name}=${value}`).then(() => fast.changeSetting(name, value)),
  };
}

function wanted<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error('not started');
  return thing;
}
