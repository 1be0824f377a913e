/** What a group costs its members while nothing happens: messages in the private overlay, counted where they start. */
import { Overlay } from '@warren/overlay';
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { OVERLAY_HEADER_BYTES, OverlayType } from '@warren/wire';
import { expect, test } from 'vitest';

const SIZE = 16;
const MINUTES = 1;
/** What one member sends in a second, all networks together, before IP and UDP headers. */
const BYTES_PER_SECOND_BAR = 4_500;
const TYPES = new Map<number, string>(Object.entries(OverlayType).map(([name, type]) => [type, name]));

test('a quiet group of sixteen asks its DHT less than 60 times a minute and member, and all stay online for all', () => {
  const village = new Village(77, {}, cheapCrypto);
  village.bootstrap('well');
  const members: Resident[] = Array.from({ length: SIZE }, (_, i) => village.edge(`edge${i}`));
  for (const member of members) {
    member.join();
    village.world.run(200);
  }
  village.world.run(60_000);
  const inGroup = new Set(members.map(groupOverlay));
  const before = bytesOf(members);
  const sent = countSent(inGroup, () => village.world.run(MINUTES * 60_000));
  const bytesPerSecond = (bytesOf(members) - before) / SIZE / MINUTES / 60;
  console.log(`${Math.round(bytesPerSecond)} B/s and member`);
  expect(bytesPerSecond).toBeLessThan(BYTES_PER_SECOND_BAR);
  const perMember: { DHT_REQUEST?: { messages: number } } = Object.fromEntries(
    [...sent].map(([type, { messages, bytes }]) => [
      TYPES.get(type) ?? type,
      { messages: round(messages), bytes: round(bytes) },
    ]),
  );
  console.log(JSON.stringify(perMember));
  expect(perMember.DHT_REQUEST?.messages).toBeGreaterThan(0);
  expect(perMember.DHT_REQUEST?.messages).toBeLessThan(60);
  const online = members.map(member => member.online.length);
  expect(online).toEqual(members.map(() => SIZE - 1));
}, 600_000);

function round(total: number): number {
  return Math.round((10 * total) / SIZE / MINUTES) / 10;
}

/** What left these members so far, on all links of all networks. */
function bytesOf(members: readonly Resident[]): number {
  const networks = members.flatMap(({ peer, group }) => [peer.public, group.network]);
  const links = networks.flatMap(({ links }) => links.usable().map(each => links.info(each)));
  return links.reduce((sum, link) => sum + (link?.sentBytes ?? 0), 0);
}

function groupOverlay(member: Resident): Overlay {
  const { groups } = member.peer as unknown as { groups: Map<string, { network: { overlay: Overlay } }> };
  const [group] = groups.values();
  if (group === undefined) throw new Error('a member is in a group');
  return group.network.overlay;
}

/** Counts datagrams as they leave these overlays, those on their way too. */
function countSent(
  overlays: ReadonlySet<Overlay>,
  during: () => void,
): Map<number, { messages: number; bytes: number }> {
  const sent = new Map<number, { messages: number; bytes: number }>();
  const { poll } = Overlay.prototype;
  Overlay.prototype.poll = function (this: Overlay) {
    const out = poll.call(this);
    if (out?.kind !== 'send' || !overlays.has(this)) return out;
    const type = (out.bytes[0] as number) & 0x3f;
    const count = sent.get(type) ?? { messages: 0, bytes: 0 };
    count.messages++;
    count.bytes += out.bytes.length - OVERLAY_HEADER_BYTES;
    sent.set(type, count);
    return out;
  };
  during();
  Overlay.prototype.poll = poll;
  return sent;
}
