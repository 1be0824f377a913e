import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutLocalCandidates } from './stranger-signals.ts';

const line = (host: string) => `candidate:1 1 udp 2113937151 ${host} 41641 typ host generation 0`;
const candidate = (host: string) =>
  JSON.stringify({ type: 'candidate', candidate: { candidate: line(host), sdpMid: '0' } });

test('passes public addresses and obfuscated names, drops private, loopback, link-local and multicast ones', () => {
  for (const host of ['198.51.100.7', '2001:db8::7', '3f2b5c1e-0a1b-4c2d-8e3f-001122334455.local']) {
    expect(withoutLocalCandidates(candidate(host)), host).toBe(candidate(host));
  }
  for (const host of [
    '10.0.0.1',
    '192.168.1.1',
    '127.0.0.1',
    '169.254.1.1',
    '224.0.0.1',
    'fe80::1',
    'fd00::1',
    '::1',
    '0.0.0.0',
    'printer.local',
    'example.org',
  ]) {
    expect(withoutLocalCandidates(candidate(host)), host).toBeUndefined();
  }
});

test('keeps a description but for its local candidates, of which at most eight pass', () => {
  const hosts = ['10.0.0.1', ...Array.from({ length: 12 }, (_, i) => `198.51.100.${i + 1}`)];
  const sdp = ['v=0', ...hosts.map(host => `a=${line(host)}`), 'a=fingerprint:sha-256 AA', ''].join('\r\n');
  const kept = JSON.parse(withoutLocalCandidates(JSON.stringify({ type: 'offer', sdp })) ?? '{}') as { sdp: string };
  expect(kept.sdp.match(/a=candidate/g)).toHaveLength(8);
  expect(kept.sdp).not.toContain('10.0.0.1');
  expect(kept.sdp).toContain('a=fingerprint:sha-256 AA\r\n');
});

test('never throws and refuses what is no signal', () => {
  for (const bad of ['', 'null', '[]', '{', '{"candidate":7}', '{"candidate":{"candidate":7}}', '"x"']) {
    expect(withoutLocalCandidates(bad)).toBeUndefined();
  }
  fc.assert(fc.property(fc.string(), text => void withoutLocalCandidates(text)));
  fc.assert(fc.property(fc.json(), text => void withoutLocalCandidates(text)));
});
