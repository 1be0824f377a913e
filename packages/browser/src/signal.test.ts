import { toHex } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { MAX_SIGNAL_CHARACTERS, parseSignal } from './signal.ts';

const BYTES = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const FINGERPRINT = toHex(BYTES)
  .toUpperCase()
  .replace(/..(?!$)/g, '$&:');

describe('signals from the remote side', () => {
  test('an offer or answer for one data channel passes, with its fingerprint', () => {
    for (const type of ['offer', 'answer'] as const) {
      const signal = parseSignal(JSON.stringify({ type, sdp: sdp() }));
      expect(signal).toEqual({ kind: type, fingerprint: BYTES, data: { type, sdp: sdp() } });
    }
  });

  test('a candidate passes, with nothing else that came along', () => {
    const candidate = { candidate: 'candidate:1 1 udp 1 192.0.2.7 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
    const text = JSON.stringify({
      type: 'candidate',
      candidate: { ...candidate, usernameFragment: {} },
      renegotiate: true,
    });
    expect(parseSignal(text)).toEqual({ kind: 'candidate', data: { type: 'candidate', candidate } });
  });

  test.each([
    ['not JSON', '{'],
    ['not an object', '"offer"'],
    ['null', 'null'],
    ['a request to negotiate again', '{"type":"renegotiate","renegotiate":true}'],
    ['a request for a transceiver', '{"type":"transceiverRequest","transceiverRequest":{"kind":"video"}}'],
    ['a rollback', '{"type":"rollback","sdp":""}'],
    ['an offer without a fingerprint', JSON.stringify({ type: 'offer', sdp: sdp({ fingerprint: '' }) })],
    ['an offer of video', JSON.stringify({ type: 'offer', sdp: sdp({ media: 'm=video 9 UDP/TLS/RTP/SAVPF 96' }) })],
    [
      'an offer with video beside',
      JSON.stringify({ type: 'offer', sdp: `${sdp()}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n` }),
    ],
    ['a candidate without a place', '{"candidate":{"candidate":"candidate:1"}}'],
    ['a candidate of no known form', '{"candidate":{"candidate":"candidate:x","sdpMid":"0"}}'],
    [
      'a long candidate',
      JSON.stringify({
        candidate: { candidate: `candidate:1 1 udp 1 192.0.2.7 9 typ host ${'x'.repeat(1_000)}`, sdpMid: '0' },
      }),
    ],
    ['a huge text', JSON.stringify({ type: 'offer', sdp: sdp() + 'a'.repeat(MAX_SIGNAL_CHARACTERS) })],
  ])('%s is refused', (_what, text) => {
    expect(parseSignal(text)).toBeUndefined();
  });
});

function sdp({
  media = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  fingerprint = `a=fingerprint:sha-256 ${FINGERPRINT}`,
} = {}): string {
  return ['v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', media, 'a=mid:0', fingerprint, 'a=setup:actpass', ''].join(
    '\r\n',
  );
}
