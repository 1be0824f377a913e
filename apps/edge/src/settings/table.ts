/**
 * What a person may set, in one table: how each is written, what it means, what
 * holds when nobody says anything. The command line, the environment, the
 * configuration file and `warren set` all read this table (dependencies.md 4.4).
 */
import { parseSubnet } from '@warren/vpn';
import { WILLINGNESS } from '@warren/wire';

/** Reads a value as a person writes it; an Error in words when it cannot be. */
type Read<T> = (text: string) => T;

/** One setting. */
export interface Setting<T> {
  readonly read: Read<T>;
  readonly default: T;
  /** What may be written, for help and errors: `on or off`. */
  readonly values: string;
  /** A line of help. */
  readonly about: string;
  /** Whether a running daemon takes it over; the others hold from the next start on. */
  readonly isLive: boolean;
}

/** Nothing, all that there are, or some by name. */
export type Choice = 'off' | 'auto' | readonly string[];

function setting<T>(read: Read<T>, values: string, preset: T, about: string, isLive = false): Setting<T> {
  return { read, default: preset, values, about, isLive };
}

/** All settings by name. */
export const SETTINGS = {
  'exit-node': setting(
    readChoice,
    'off, auto, or members by name',
    'off' as Choice,
    'which gateway carries all Internet traffic',
    true,
  ),
  'exit-node-lan': setting(
    readSwitch,
    'on or off',
    true,
    'whether the local network stays reachable beside the tunnel',
    true,
  ),
  'exit-node-spread': setting(readSwitch, 'on or off', false, 'divide connections among all good gateways', true),
  gateway: setting(readSwitch, 'on or off', false, 'offer the Internet to members (needs the right `gateway`)', true),
  'gateway-lan': setting(
    readSwitch,
    'on or off',
    false,
    'let them reach the private networks around this machine too',
    true,
  ),
  'gateway-capacity': setting(
    whole(0, 100_000),
    '0 to 100000',
    0,
    'Mbit/s that this gateway says it has; 0: it does not say',
    true,
  ),
  routes: setting(
    readSubnets,
    'networks, such as 192.168.7.0/24',
    [] as readonly string[],
    'networks behind this machine that members may reach (needs the right `router`)',
  ),
  'accept-routes': setting(readSwitch, 'on or off', true, 'reach networks that other members announce'),
  'only-users': setting(
    namesOf(/^[a-z0-9._-]{1,32}$/),
    'users by name; none: everybody',
    [] as readonly string[],
    'exchange packets with devices of these users only, and of `only-teams`',
  ),
  'not-users': setting(
    namesOf(/^[a-z0-9._-]{1,32}$/),
    'users by name',
    [] as readonly string[],
    'exchange none with devices of these',
  ),
  'only-teams': setting(
    namesOf(/^[a-z0-9][a-z0-9-]{0,15}$/),
    'teams by name; none: everybody',
    [] as readonly string[],
    'exchange packets with devices of users in these teams only, and of `only-users`',
  ),
  'not-teams': setting(
    namesOf(/^[a-z0-9][a-z0-9-]{0,15}$/),
    'teams by name',
    [] as readonly string[],
    'exchange none with devices of users in these',
  ),
  multicast: setting(
    readSwitch,
    'on or off',
    false,
    'take multicast and broadcast of members, as for finding printers and games',
  ),
  dns: setting(readSwitch, 'on or off', true, 'answer names of members, and have the system ask us for them'),
  configure: setting(readSwitch, 'on or off', true, 'give the device its address; off: it asks by DHCP'),
  relay: setting(
    oneOf(WILLINGNESS),
    WILLINGNESS.join(', '),
    WILLINGNESS[0] as (typeof WILLINGNESS)[number],
    'when this machine passes on what others send each other',
  ),
  'udp-port': setting(whole(0, 65_535), '0 to 65535', 0, 'UDP port for direct links; 0: that of the last run, or any'),
  udp: setting(readSwitch, 'on or off', true, 'direct links by UDP'),
  'listen-ws': setting(
    whole(0, 65_535),
    '0 to 65535',
    0,
    'TCP port where members whose networks block UDP reach us; 0: none',
  ),
  'port-mapping': setting(readSwitch, 'on or off', true, 'ask the router for a port (UPnP, NAT-PMP)'),
  lan: setting(readSwitch, 'on or off', true, 'find members in the same local network'),
} as const;

/** A name of `SETTINGS`. */
export type SettingName = keyof typeof SETTINGS;

/** A value for each setting. */
export type Settings = { readonly [N in SettingName]: (typeof SETTINGS)[N]['default'] };

/** Names in the order of the table. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** What holds when nobody says anything. */
export const DEFAULTS = Object.fromEntries(SETTING_NAMES.map(name => [name, SETTINGS[name].default])) as Settings;

/** Whether there is a setting of that name. */
export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** Reads the value of one setting as a person writes it. Throws an Error that says what may be written. */
export function readSetting<N extends SettingName>(name: N, text: string): Settings[N] {
  const { read, values } = SETTINGS[name] as unknown as Setting<Settings[N]>;
  try {
    return read(text.trim());
  } catch {
    throw new Error(`${name} is ${values}, not ${JSON.stringify(text)}.`);
  }
}

/** A value as a person writes it: what `readSetting` gives it back for. */
export function printSetting<N extends SettingName>(value: Settings[N]): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return Array.isArray(value) ? value.join(',') : String(value);
}

function readSwitch(text: string): boolean {
  if (['on', 'true', 'yes', '1'].includes(text)) return true;
  if (['off', 'false', 'no', '0'].includes(text)) return false;
  throw new Error(text);
}

function whole(least: number, most: number): Read<number> {
  return text => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new Error(text);
  };
}

function oneOf<const T extends string>(words: readonly T[]): Read<T> {
  return text => {
    const word = words.find(each => each === text);
    if (word === undefined) throw new Error(text);
    return word;
  };
}

function readChoice(text: string): Choice {
  if (text === 'off' || text === 'auto') return text;
  const names = list(text);
  if (names.length === 0 || names.length > 32) throw new Error(text);
  if (names.some(name => !/^[a-z0-9][a-z0-9._-]{0,127}$/.test(name))) throw new Error(text);
  return names;
}

function namesOf(pattern: RegExp): Read<readonly string[]> {
  return text => {
    const names = list(text);
    if (names.length > 64 || names.some(name => !pattern.test(name))) throw new Error(text);
    return names;
  };
}

function readSubnets(text: string): readonly string[] {
  const subnets = list(text);
  if (subnets.length > 16 || subnets.some(subnet => parseSubnet(subnet) === undefined)) throw new Error(text);
  return subnets;
}

function list(text: string): string[] {
  return text === '' ? [] : text.split(',').map(word => word.trim());
}
