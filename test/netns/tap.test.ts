/** The Ethernet device of the Node host, in namespaces: real pings through it, and what happens when things die. */
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { skipReason } from './requirements.ts';

const SCRIPT = fileURLToPath(new URL('./tap-tunnel.ts', import.meta.url));
const reason = skipReason('root', 'iproute2', 'nftables', 'iputils-ping', 'namespaces', 'tap');

describe.skipIf(reason !== undefined)(
  `TAP devices${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  { timeout: 30_000 },
  () => {
    let lab: Lab;
    beforeAll(async () => {
      lab = await Lab.create({ hosts: ['a', 'b'] });
    });
    afterAll(() => lab.close());
    const started: LabProcess[] = [];
    afterEach(() => Promise.all(started.splice(0).map(each => each.stop())));

    function run(host: 'a' | 'b', ...args: readonly string[]): LabProcess {
      const child = lab.spawn(host, [process.execPath, SCRIPT, ...args]);
      started.push(child);
      return child;
    }

    function start(host: 'a' | 'b', device = 'wr0', later = '10.200.9.1/24'): LabProcess {
      const [port, otherPort, other] = host === 'a' ? [4001, 4002, 'b'] : [4002, 4001, 'a'];
      const remote = `udp/${lab.address(other)}:${otherPort}`;
      const address = `10.200.0.${host === 'a' ? 1 : 2}/24`;
      return run(host, device, address, String(port), remote, later);
    }

    /** Replies to 20 pings from a to `address`. */
    async function pings(address: string): Promise<number> {
      const { stdout } = await lab.exec('a', ['ping', '-c', '20', '-i', '0.02', '-W', '1', address], {
        allowFailure: true,
      });
      return Number(/(\d+) received/.exec(stdout)?.[1]);
    }

    async function show(host: string, ...what: readonly string[]): Promise<string> {
      return (await lab.exec(host, ['ip', ...what], { allowFailure: true })).stdout;
    }

    test('frames go both ways: pings through two devices lose nothing, and stopping removes device and routes', async () => {
      const ends = [start('a'), start('b')];
      const [[, reachable]] = (await Promise.all(ends.map(end => end.line(/^up, reachable at (.*)$/)))) as [
        RegExpExecArray,
      ];
      expect(reachable).toBe(`${lab.address('a')}:4001`);
      expect(await pings('10.200.0.2')).toBe(20);
      const device = await show('a', 'address', 'show', 'dev', 'wr0');
      expect(device).toContain('mtu 1280');
      expect(device).toContain('link/ether 02:00:00:00:01:a1');
      expect(device).toContain('inet 10.200.0.1/24');
      expect(await show('a', 'route')).toContain('10.200.0.0/24 dev wr0');
      const udp = (await lab.counters('a')).find(c => c.protocol === 'udp' && c.peer === 'b' && c.direction === 'out');
      // Frames that leave together count as one packet here (UDP_SEGMENT), but not fewer bytes: 84 of each ping.
      expect(udp?.bytes).toBeGreaterThanOrEqual(20 * 84);
      for (const end of ends) {
        expect(await end.stop()).toEqual({ code: 0, signal: null });
        expect(end.lines.at(-1)).toMatch(/^stopped, frames .*"dropped":0/);
      }
      expect(await show('a', 'link')).not.toContain('wr0');
      expect(await show('a', 'route')).not.toContain('10.200');
    });

    test('a new address replaces the old one', async () => {
      const end = start('a');
      await end.line(/^up/);
      end.kill('SIGUSR2');
      await end.line(/^moved/);
      const device = await show('a', 'address', 'show', 'dev', 'wr0');
      expect(device).toContain('inet 10.200.9.1/24');
      expect(device).not.toContain('10.200.0.1');
    });

    test('killed without warning it leaves no device, and starts again under the same name at once', async () => {
      const far = start('b');
      await far.line(/^up/);
      const killed = start('a');
      await killed.line(/^up/);
      killed.kill('SIGKILL');
      await killed.exit;
      const again = start('a');
      await again.line(/^up/);
      expect(await pings('10.200.0.2')).toBe(20);
      await Promise.all([far.stop(), again.stop()]);
      expect(await show('a', 'link')).not.toContain('wr0');
    });

    test('two programs cannot have one device, and the second is told so', async () => {
      const first = start('a');
      await first.line(/^up/);
      const second = run('a', 'wr0', '10.200.0.7/24', '4007', 'udp/192.0.2.1:1');
      await second.line(/^failed: The network device wr0 is in use by another process: stop that one first\.$/);
      expect((await second.exit).code).toBe(1);
      expect(first.running).toBe(true);
    });

    test('a device that somebody made persistent is taken over and does not outlive us', async () => {
      await lab.exec('a', ['ip', 'tuntap', 'add', 'dev', 'wr0', 'mode', 'tap']);
      const end = start('a');
      await end.line(/^up/);
      await end.stop();
      expect(await show('a', 'link')).not.toContain('wr0');
    });

    test('a device of another kind under that name is told with what to do', async () => {
      await lab.exec('a', ['ip', 'link', 'add', 'name', 'wr1', 'type', 'bridge']);
      const end = start('a', 'wr1');
      await end.line(/^failed: .*another kind exists: remove it with `ip link del wr1`/);
      await lab.exec('a', ['ip', 'link', 'del', 'wr1']);
    });

    test('a device that is deleted under us is noticed once, and costs no processor time', async () => {
      const end = start('a');
      await end.line(/^up/);
      await lab.exec('a', ['ip', 'link', 'del', 'wr0']);
      await end.line(/network device wr0 is gone/);
      const ticks = async (): Promise<number> => {
        const fields = (await lab.exec('a', ['cat', `/proc/${end.pid}/stat`])).stdout.split(') ')[1]?.split(' ') ?? [];
        return Number(fields[11]) + Number(fields[12]);
      };
      const before = await ticks();
      await new Promise(resolve => setTimeout(resolve, 500));
      // A tick is 10 ms: a spinning process would use some 50.
      expect((await ticks()) - before).toBeLessThan(20);
      expect(end.lines.filter(line => line.includes('is gone'))).toHaveLength(1);
      expect((await end.stop()).code).toBe(0);
    });
  },
);
