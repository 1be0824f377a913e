/** The lab itself: hosts reach each other, the witness counts, nothing is left behind. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INTERFACE, Lab } from './lab.ts';
import type { Counter } from './lab-counters.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'iproute2', 'nftables', 'iputils-ping', 'namespaces');

function namespaces(): string[] {
  return execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .split('\n')
    .map(line => line.split(' ')[0] ?? '');
}

function find(counters: readonly Counter[], direction: string, protocol: string, peer: string): Counter | undefined {
  return counters.find(c => c.direction === direction && c.protocol === protocol && c.peer === peer);
}

describe.skipIf(reason !== undefined)(
  `the lab${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 30_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.create({ hosts: ['a', 'b'] });
    });
    afterAll(() => lab.close());

    test('hosts ping each other, and the counters of both say so', async () => {
      await lab.exec('a', ['ping', '-c', '3', '-i', '0.05', '-W', '1', lab.address('b')]);
      const [a, b] = [await lab.counters('a'), await lab.counters('b')];
      expect(find(a, 'out', 'icmp', 'b')).toMatchObject({ packets: 3, bytes: 3 * 84 });
      expect(find(a, 'in', 'icmp', 'b')?.packets).toBe(3);
      expect(find(b, 'in', 'icmp', 'a')?.packets).toBe(3);
      expect(find(b, 'in', 'udp', 'a')?.packets).toBe(0);
    });

    test('blocked UDP does not pass, is counted as blocked, and passes again afterwards', async () => {
      const receiver = lab.spawn('b', [process.execPath, '-e', RECEIVER]);
      await receiver.line(/^bound$/);
      const send = (text: string) => lab.exec('a', [process.execPath, '-e', SENDER, lab.address('b'), text]);
      await send('before');
      await receiver.line(/^got before$/);
      await lab.blockUdp('b');
      await send('blocked');
      await lab.unblockUdp('b');
      await send('after');
      await receiver.line(/^got after$/);
      expect(receiver.lines).not.toContain('got blocked');
      const counters = await lab.counters('b');
      expect(find(counters, 'in', 'udp', 'blocked')?.packets).toBe(1);
      expect(find(counters, 'in', 'udp', 'a')?.packets).toBe(2);
      expect((await receiver.stop()).signal).toBe('SIGTERM');
    });

    test('a pulled cable carries nothing until it is back', async () => {
      const ping = () => lab.exec('a', ['ping', '-c', '1', '-W', '1', lab.address('b')], { allowFailure: true });
      await lab.setCable('b', false);
      expect((await ping()).code).not.toBe(0);
      await lab.setCable('b', true);
      expect((await ping()).code).toBe(0);
    });

    test('a program is its own process, and its failure tells what it said', async () => {
      const sleeper = lab.spawn('a', ['sleep', '1000']);
      // The process is `ip netns exec` until it has entered the namespace.
      const exe = () => execFileSync('readlink', [`/proc/${sleeper.pid}/exe`], { encoding: 'utf8' });
      await expect.poll(exe).toMatch(/sleep|coreutils|busybox/);
      sleeper.kill('SIGKILL');
      expect(await sleeper.exit).toEqual({ code: null, signal: 'SIGKILL' });
      await expect(lab.exec('a', ['sh', '-c', 'echo so it is >&2; exit 7'])).rejects.toThrow(/\(7\): so it is/);
      await expect(lab.spawn('a', ['true']).line(/never/)).rejects.toThrow('before its end');
    });

    test('a port of another host is forwarded to localhost', async () => {
      const server = lab.spawn('b', [process.execPath, '-e', HTTP_SERVER]);
      await server.line(/^bound$/);
      await lab.forward('a', 8080, `${lab.address('b')}:9000`);
      const get = `fetch('http://localhost:8080').then(r => r.text()).then(console.log)`;
      expect((await lab.exec('a', [process.execPath, '-e', get])).stdout).toBe('over there\n');
      await server.stop();
    });

    test('a script stands for a program inside the namespace', async () => {
      const script = await lab.executable('b', 'ip');
      expect(execFileSync(script, ['-br', 'address', 'show', INTERFACE], { encoding: 'utf8' })).toContain(
        lab.address('b'),
      );
    });

    test('closing ends what runs, also what has no parent, and leaves no namespace', async () => {
      const other = await Lab.create({ hosts: ['a', 'b', 'c'] });
      const names = ['a', 'b', 'c', 'wan'].map(host => other.namespace(host));
      expect(namespaces()).toEqual(expect.arrayContaining(names));
      const shell = other.spawn('c', ['sh', '-c', 'setsid sleep 1000 & echo started $!; exec sleep 1000']);
      const orphan = Number((await shell.line(/^started (\d+)$/))[1]);
      await other.close();
      expect(namespaces().filter(name => names.includes(name))).toEqual([]);
      expect(shell.running).toBe(false);
      // It is dead; whoever reaps orphans on this machine may take a moment.
      await expect.poll(() => existsSync(`/proc/${orphan}/exe`)).toBe(false);
      expect(readdirSync('/sys/class/net').filter(name => name.startsWith('port') || name === INTERFACE)).toEqual([]);
    });

    test('what a killed run left behind is removed by the next', async () => {
      const script = `import { Lab } from ${JSON.stringify(new URL('./lab.ts', import.meta.url).href)};
      const lab = await Lab.create({ hosts: ['x'] });
      lab.spawn('x', ['sleep', '1000']);
      console.log(lab.namespace('x'));
      await new Promise(() => setInterval(() => {}, 1000));`;
      const run = async (signal: NodeJS.Signals): Promise<string> => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const [output] = (await once(child.stdout, 'data')) as [Buffer];
        child.kill(signal);
        await once(child, 'exit');
        return output.toString().trim();
      };
      expect(namespaces()).not.toContain(await run('SIGTERM'));
      const left = await run('SIGKILL');
      expect(namespaces()).toContain(left);
      await (await Lab.create({ hosts: ['y'] })).close();
      expect(namespaces()).not.toContain(left);
    });
  },
);

const RECEIVER = `const s = require('node:dgram').createSocket('udp4');
  s.on('message', m => console.log('got ' + m)); s.bind(4000, () => console.log('bound'));`;
const SENDER = `const s = require('node:dgram').createSocket('udp4');
  s.send(process.argv[2], 4000, process.argv[1], () => s.close());`;
const HTTP_SERVER = `require('node:http').createServer((_, r) => r.end('over there')).listen(9000, () => console.log('bound'));`;
