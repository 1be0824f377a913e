import { expect, test } from 'vitest';
import { findGroup, findTarget } from './find-target.ts';
import { GROUP, group, member, OTHER_GROUP } from './testing.ts';

const laptop = member('laptop.ada', { self: true, address: '10.128.3.4' });
const bobs = member('laptop.bob', { address: '10.128.3.5' });
const server = member('server.ada', { address: '10.128.1.2' });
const fresh = member('fresh.ada');
const home = group([laptop, bobs, server, fresh]);
const work = group([laptop, member('server.cy', { address: '10.200.0.9' })], {
  group: OTHER_GROUP,
  name: 'Work',
  subnet: '10.200.0.0/16',
});

test.each(['server', 'server.ada', '10.128.1.2', server.peerId])('%s means one member', text => {
  expect(findTarget([home], text)).toEqual({ group: GROUP, address: '10.128.1.2', member: server });
});

test('an address in the subnet may be pinged though nobody is known to have it', () => {
  expect(findTarget([home, work], '10.200.7.7')).toEqual({ group: OTHER_GROUP, address: '10.200.7.7' });
  expect(() => findTarget([home, work], '10.77.7.7')).toThrow('There is no member called 10.77.7.7.');
});

test('a name of several members, here or in several groups, is refused with their names', () => {
  expect(() => findTarget([home], 'laptop')).toThrow('Several members fit: laptop.ada in Home, laptop.bob in Home.');
  expect(() => findTarget([home, work], 'server')).toThrow('server.ada in Home, server.cy in Work');
  expect(findTarget([home, work], 'server', 'Work').address).toBe('10.200.0.9');
  expect(findTarget([home, work], 'server', GROUP).address).toBe('10.128.1.2');
});

test('a member without address is told apart from an unknown one', () => {
  expect(() => findTarget([home], 'fresh')).toThrow(expect.objectContaining({ code: 'no-address', exit: 5 }));
  expect(() => findTarget([home], 'freshly')).toThrow(expect.objectContaining({ code: 'unknown-member', exit: 1 }));
});

test('a group is the only one, or the one of that name or id', () => {
  expect(findGroup([home], undefined)).toBe(home);
  expect(findGroup([home, work], 'Work')).toBe(work);
  expect(findGroup([home, work], GROUP)).toBe(home);
  expect(() => findGroup([home, work], undefined)).toThrow(expect.objectContaining({ code: 'which-group', exit: 2 }));
  expect(() => findGroup([home], 'Hom')).toThrow('This machine is in no group called Hom.');
  expect(() => findGroup([], undefined)).toThrow('This machine is in no group.');
  const twin = { ...work, name: 'Home' };
  expect(() => findGroup([home, twin], 'Home')).toThrow(`Several groups fit: Home (${GROUP}), Home (${OTHER_GROUP}).`);
});
