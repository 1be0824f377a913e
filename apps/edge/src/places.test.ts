import { expect, test } from 'vitest';
import { asTyped, placesFor, sudoLine } from './places.ts';

const root = { env: {}, cwd: '/work', isRoot: true };
const user = { env: { XDG_STATE_HOME: '/home/ada/.state' }, cwd: '/work', isRoot: false };

test('root has the places of the system', () => {
  const socket = '/run/warren/warren.sock';
  expect(placesFor({}, root)).toEqual({ stateDir: '/var/lib/warren', socket, sockets: [socket] });
});

test('others have places of their own, and look for the daemon of the system after theirs', () => {
  expect(placesFor({}, user)).toEqual({
    stateDir: '/home/ada/.state/warren',
    socket: '/home/ada/.state/warren/warren.sock',
    sockets: ['/home/ada/.state/warren/warren.sock', '/run/warren/warren.sock'],
  });
  expect(placesFor({}, { ...user, env: { XDG_STATE_HOME: 'relative' } }).stateDir).toMatch(/\/\.local\/state\/warren$/);
});

test('a state folder of choice has its socket inside, unless that is chosen too', () => {
  expect(placesFor({ state: 'a' }, root)).toMatchObject({ stateDir: '/work/a', sockets: ['/work/a/warren.sock'] });
  expect(placesFor({ state: '/a', socket: 's' }, root)).toMatchObject({ stateDir: '/a', sockets: ['/work/s'] });
  expect(placesFor({ socket: '/s' }, user)).toMatchObject({ stateDir: '/home/ada/.state/warren', sockets: ['/s'] });
});

test('options win over the environment, which wins over custom', () => {
  const env = { WARREN_STATE: '/e', WARREN_SOCKET: '/e.sock' };
  expect(placesFor({}, { ...root, env })).toMatchObject({ stateDir: '/e', socket: '/e.sock' });
  expect(placesFor({ state: '/o', socket: '/o.sock' }, { ...root, env })).toMatchObject({
    stateDir: '/o',
    socket: '/o.sock',
  });
  expect(placesFor({}, { ...root, env: { WARREN_STATE: '', WARREN_SOCKET: '' } }).stateDir).toBe('/var/lib/warren');
});

test('advice names the command as it was typed, with words quoted for the shell', () => {
  expect(sudoLine(['up', "./it's mine.warren"], {})).toBe("`sudo warren up './it'\\''s mine.warren'`");
  expect(sudoLine(['up', './a.warren'], { npm_command: 'exec' })).toBe('`sudo npx warren up ./a.warren`');
  expect(asTyped('Start it with `warren up`.', { npm_command: 'exec' })).toBe('Start it with `npx warren up`.');
  expect(asTyped('Start it with `warren up`.', {})).toBe('Start it with `warren up`.');
});
