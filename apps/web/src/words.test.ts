import { describe, expect, test } from 'vitest';
import {
  agoWords,
  bytesWords,
  deviceNameFrom,
  durationWords,
  leftWords,
  rttWords,
  teamsFrom,
  userNameFrom,
} from './words.ts';

describe('words', () => {
  test('a round-trip time has a decimal only where it matters', () => {
    expect([0.42, 9.94, 10.4, 250.6].map(rttWords)).toEqual(['0.4 ms', '9.9 ms', '10 ms', '251 ms']);
  });

  test('spans are rough and never in the future', () => {
    const now = 1_000_000_000;
    expect(agoWords(now + 5_000, now)).toBe('just now');
    expect(agoWords(now - 120_000, now)).toBe('2 minutes ago');
    expect(agoWords(now - 3_600_000, now)).toBe('1 hour ago');
    expect(leftWords(now + 7 * 86_400_000, now)).toBe('7 days left');
    expect(leftWords(now - 1, now)).toBe('expired');
  });

  test('a duration is told in seconds as long as they matter', () => {
    expect([1_000, 14_400, 89_000, 600_000].map(durationWords)).toEqual([
      '1 second',
      '14 seconds',
      '89 seconds',
      '10 minutes',
    ]);
  });

  test('bytes come in decimal units', () => {
    expect([999, 1_500, 2_340_000].map(bytesWords)).toEqual(['999 B', '1.5 kB', '2.3 MB']);
  });

  test('teams are what stands between commas and blanks', () => {
    expect([' Family, ops;build-2\tx ,', '', ' , '].map(teamsFrom)).toEqual([
      ['family', 'ops', 'build-2', 'x'],
      [],
      [],
    ]);
  });

  test('a sign-in name keeps only what the group certificate allows', () => {
    expect(userNameFrom('Ada Lovelace')).toBe('ada-lovelace');
    expect(userNameFrom('José Ñúñez')).toBe('jose-nunez');
    expect(userNameFrom(' <script>alert(1)</script> ')).toBe('script-alert-1-script');
    expect(userNameFrom('愛')).toBe('');
    expect(userNameFrom('x'.repeat(80))).toHaveLength(32);
  });

  test('a browser is named after itself and its system', () => {
    const agents = {
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36':
        'chrome-linux',
      'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0': 'firefox-linux',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1':
        'safari-iphone',
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36': 'chrome-android',
      '': 'browser-computer',
    };
    for (const [agent, name] of Object.entries(agents)) expect(deviceNameFrom(agent)).toBe(name);
  });
});
