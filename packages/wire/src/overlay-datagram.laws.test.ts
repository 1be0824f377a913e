/** Laws of the overlay header and of lists of peer ids. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  decodeOverlayDatagram,
  decodePeerIds,
  encodeOverlayDatagram,
  encodePeerIds,
  HOPS_MAX,
  OverlayMode,
  OverlayType,
  PEER_IDS_MAX,
} from './overlay-datagram.ts';

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const IDS = `${'11'.repeat(20)} ${'22'.repeat(20)}`;

codecLaws({
  name: 'decodeOverlayDatagram',
  decode: decodeOverlayDatagram,
  encode: encodeOverlayDatagram,
  values: fc.record({
    type: fc.constantFrom(...Object.values(OverlayType)),
    mode: fc.constantFrom(...Object.values(OverlayMode)),
    hopsLeft: fc.nat(HOPS_MAX),
    flags: fc.nat(255),
    requestId: fc.nat(0xffffffff),
    source: id,
    target: id,
    payload: fc.uint8Array({ maxLength: 1200 }),
  }),
  golden: [
    {
      value: {
        type: OverlayType.NEIGHBOURS,
        mode: OverlayMode.EXACT,
        hopsLeft: 0,
        flags: 0,
        requestId: 0,
        source: filled(20, 0x11),
        target: filled(20, 0x22),
        payload: new Uint8Array(0),
      },
      hex: `41 01 00 00 00000000 ${IDS}`,
    },
    {
      value: {
        type: OverlayType.DHT_ANSWER,
        mode: OverlayMode.ANSWER,
        hopsLeft: 32,
        flags: 1,
        requestId: 0xcafebabe,
        source: filled(20, 0x11),
        target: filled(20, 0x22),
        payload: Uint8Array.of(9, 8, 7),
      },
      hex: `47 03 20 01 cafebabe ${IDS} 090807`,
    },
  ],
  impossible: [
    { why: 'version 0', hex: `01 01 00 00 00000000 ${IDS}` },
    { why: 'version 2', hex: `81 01 00 00 00000000 ${IDS}` },
    { why: 'version 3', hex: `c1 01 00 00 00000000 ${IDS}` },
    { why: 'type 0', hex: `40 01 00 00 00000000 ${IDS}` },
    { why: 'an unknown type', hex: `4e 01 00 00 00000000 ${IDS}` },
    { why: 'mode 0', hex: `41 00 00 00 00000000 ${IDS}` },
    { why: 'an unknown mode', hex: `41 05 00 00 00000000 ${IDS}` },
    { why: 'more hops than anyone gives', hex: `41 01 21 00 00000000 ${IDS}` },
  ],
  tail: { openFrom: 48 },
});

codecLaws({
  name: 'decodePeerIds',
  decode: decodePeerIds,
  encode: encodePeerIds,
  values: fc.array(id, { maxLength: PEER_IDS_MAX, size: 'max' }),
  golden: [
    { value: [], hex: '00' },
    { value: [filled(20, 0x11), filled(20, 0x22)], hex: `02 ${IDS}` },
    { value: new Array(64).fill(filled(20, 0x33)), hex: `40 ${'33'.repeat(1280)}` },
  ],
  impossible: [
    { why: '65 ids', hex: `41 ${'33'.repeat(1300)}` },
    { why: 'an id fewer than announced', hex: `03 ${IDS}` },
  ],
  tail: 'ignored',
});
