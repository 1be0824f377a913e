import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSignal, printCandidate, printDescription } from './signal.ts';

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase()).join(':');
const SDP = [
  'v=0',
  'o=rtc 1 0 IN IP4 127.0.0.1',
  's=-',
  't=0 0',
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
  'a=setup:actpass',
  'a=candidate:1 1 UDP 2114977791 192.0.2.1 48442 typ host',
  'a=candidate:2 1 UDP 2114977791 0b1c.local 48442 typ host',
  '',
].join('\r\n');
const offer = (sdp: string): string => JSON.stringify({ type: 'offer', sdp });

test('a description passes with its fingerprint, and loses candidates with host names', () => {
  const signal = parseSignal(offer(SDP));
  expect(signal?.kind).toBe('offer');
  if (signal?.kind !== 'offer') return;
  expect(signal.fingerprint).toEqual(Uint8Array.from({ length: 32 }, (_, i) => i));
  expect(signal.sdp).toContain('192.0.2.1');
  expect(signal.sdp).not.toContain('.local');
});

test('a description without a sure SHA-256 fingerprint, or of anything but one data channel, is bad', () => {
  const bad = [
    SDP.replace(/a=fingerprint.*\r\n/, ''),
    SDP.replace('sha-256', 'sha-1'),
    SDP.replace('s=-', `a=fingerprint:sha-256 ${FINGERPRINT.replace('00', 'FF')}`),
    SDP.replace('s=-', 'a=fingerprint:sha-1 00:11'),
    SDP.replace('s=-', `A=FINGERPRINT:sha-256 ${FINGERPRINT.replace('00', 'FF')}`),
    SDP.replace('m=application', 'm=audio'),
    `${SDP}m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n`,
  ];
  for (const sdp of bad) expect(parseSignal(offer(sdp))).toBeUndefined();
});

test('candidates pass with a literal address only', () => {
  const parse = (candidate: unknown) => parseSignal(JSON.stringify({ type: 'candidate', candidate }));
  const line = (address: string): string => `candidate:1 1 UDP 2114977791 ${address} 48442 typ host`;
  for (const address of ['192.0.2.1', '2001:db8::1']) {
    const candidate = { candidate: line(address), sdpMid: '0', sdpMLineIndex: 0 };
    expect(parse(candidate)).toEqual({ kind: 'candidate', candidate: line(address), mid: '0' });
  }
  expect(parse({ candidate: line('host.example'), sdpMid: '0' })).toEqual({ kind: 'nothing' });
  expect(parse({ candidate: '', sdpMid: '0' })).toEqual({ kind: 'nothing' });
  expect(parse({ candidate: `${line('192.0.2.1')}\r\na=x`, sdpMid: '0' })).toBeUndefined();
  expect(parse({ candidate: 'x'.repeat(2_000), sdpMid: '0' })).toBeUndefined();
  expect(parse({ candidate: line('192.0.2.1'), sdpMid: '../../x' })).toBeUndefined();
});

test('requests of simple-peer that we do not need are no errors', () => {
  for (const text of ['{"type":"renegotiate","renegotiate":true}', '{"transceiverRequest":{"kind":"video"}}']) {
    expect(parseSignal(text)).toEqual({ kind: 'nothing' });
  }
});

test('what we print is what we read, with the DTLS role asked for', () => {
  const read = parseSignal(printDescription('offer', SDP));
  expect(read?.kind === 'offer' && read.sdp).toContain('a=setup:active\r\n');
  const candidate = 'candidate:1 1 UDP 2114977791 192.0.2.1 48442 typ host';
  expect(parseSignal(printCandidate(`a=${candidate}`, '0'))).toEqual({ kind: 'candidate', candidate, mid: '0' });
});

test('any JSON and any text gives a signal or nothing, never an exception', () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => void parseSignal(text)));
});
