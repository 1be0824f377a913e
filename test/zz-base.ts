import { Village } from '@warren/sim';

const t0 = performance.now();
const v = new Village(1);
v.bootstrap('boot');
const a = v.edge('a'),
  b = v.edge('b'),
  c = v.edge('c'),
  d = v.browser('d'),
  e = v.browser('e');
v.world.run(1000);
for (const r of [a, b, c, d, e]) r.join();
const ok = v.world.runUntil(
  () => [a, b, c, d, e].every(r => r.friends.length === 4 && r.view.links.every(l => l.kind !== 'overlay')),
  60000,
);
console.log(ok, v.world.now, v.world.events, performance.now() - t0);
for (const r of [a, b, c, d, e])
  console.log(r.name, r.friends.join(), r.view.links.map(l => l.kind).join(), r.view.self.address);
v.world.run(60000);
console.log(v.world.now, v.world.events, v.world.delivered, performance.now() - t0);
for (const r of [a, b, c, d, e])
  console.log(r.name, r.friends.join(), r.view.links.map(l => l.kind).join(), r.view.self.address);
