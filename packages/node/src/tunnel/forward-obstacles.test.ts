import { expect, test } from 'vitest';
import { forwardObstacles } from './forward-obstacles.ts';
import { type NftObject, type System, thisSystem } from './system.ts';

test("Docker's firewall is passed by the chain that it leaves to others", async () => {
  const found = await forwardObstacles(
    listing([
      { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', policy: 'drop' },
      { family: 'ip', table: 'filter', name: 'DOCKER-USER' },
    ]),
    'wr0',
    'warren_gateway',
  );
  expect(found).toEqual([
    {
      chain: 'ip filter FORWARD',
      commands: [
        'iptables -I DOCKER-USER -i wr0 -j ACCEPT'.split(' '),
        'iptables -I DOCKER-USER -o wr0 -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'.split(' '),
      ],
    },
  ]);
});

test('other tables are passed by nft, and chains that are no obstacle are not named', async () => {
  const found = await forwardObstacles(
    listing([
      { family: 'inet', table: 'filter', name: 'forward', hook: 'forward', policy: 'drop' },
      { family: 'inet', table: 'warren_gateway', name: 'forward', hook: 'forward', policy: 'drop' },
      { family: 'inet', table: 'mine', name: 'forward', hook: 'forward', policy: 'accept' },
      { family: 'inet', table: 'mine', name: 'input', hook: 'input', policy: 'drop' },
    ]),
    'wr0',
    'warren_gateway',
  );
  expect(found.map(({ chain }) => chain)).toEqual(['inet filter forward']);
  expect(found[0]?.commands[0]?.join(' ')).toBe('nft insert rule inet filter forward iifname wr0 accept');
});

function listing(chains: readonly Record<string, string>[]): System {
  return { ...thisSystem, nftList: async () => chains.map((chain): NftObject => ({ chain })) };
}
