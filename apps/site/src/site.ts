/**
 * What all parts of the site share: the database, the clock, the sealing key,
 * and where the site can be reached. Made once by `start.ts`, or by a test.
 */
import type { UnixMs } from '@warren/base';
import type { CaKeys } from './ca-keys.ts';
import type { Database } from './database/schema.ts';

export interface Site {
  readonly db: Database;
  readonly now: () => UnixMs;
  readonly caKeys: CaKeys;
  readonly address: SiteAddress;
  readonly version: string;
  /** One line for the person who runs the site; never with a secret. */
  readonly log: (line: string) => void;
}

/** Where people and peers reach the site. */
export interface SiteAddress {
  /** Origin for links and group files, `http://localhost:8080` or `https://warren.example`; no path. */
  readonly origin: string;
  /** WebSocket URLs of bootstrap nodes for group files. */
  readonly bootstraps: readonly string[];
  /** STUN servers, `stun:host:port`: the bootstrap node's UDP port, where others can reach it. */
  readonly stun: readonly string[];
  /** SHA-256 of the site's own TLS key (SPKI) as base64url; absent behind a proxy and on loopback. */
  readonly pin?: string;
  /** Host names without port, lower case, that requests may come for; IP literals are always allowed. */
  readonly hosts: ReadonlySet<string>;
  /** Whether the site itself speaks TLS. */
  readonly tls: boolean;
}

export const MINUTE: number = 60_000;
export const HOUR: number = 60 * MINUTE;
export const DAY: number = 24 * HOUR;
