/** What commands and daemon say to each other over the control socket: JSON, and JSON lines for `POST /ping` and `/crawl`. */

import type { OpenPort } from '@warren/node';
import type { CensusView, CrawlView, GroupView, PingReport, PublicView, WayView } from '@warren/peer';
import type { FailureData } from './failure.ts';
import type { Health } from './health.ts';
import type { InternetStatus } from './internet/duties.ts';
import type { SettingName } from './settings/table.ts';

/** The answer of `GET /status`, and what `warren status --json` prints. */
export interface Status {
  readonly schema: 1;
  readonly version: string;
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly health: readonly Health[];
  readonly devices: readonly DeviceStatus[];
  /** What others can reach this machine by. */
  readonly ports: readonly OpenPort[];
  readonly groups: readonly GroupView[];
  readonly public: PublicView;
}

/** What a group's view does not say. */
export interface DeviceStatus {
  /** 26 characters base32. */
  readonly group: string;
  readonly interface: string;
  /** ISO 8601. */
  readonly certificateExpires: string;
}

/** The body of `POST /ping`. */
export interface PingRequest {
  /** Address, `device`, `device.user` or 40 hex digits. */
  readonly target: string;
  /** Name or id of a group; absent: whichever has the target. */
  readonly group?: string;
  /** 1 to 1,000. */
  readonly count: number;
  /** 10 to 60,000. */
  readonly intervalMs: number;
  /** 10 to 60,000. */
  readonly timeoutMs: number;
}

/** A member, and the way to it. */
export interface PingTarget {
  /** `device.user`; absent for an address that no known member has. */
  readonly name?: string;
  readonly address: string;
  readonly self: boolean;
  /** The direct link to it; absent while its packets are carried by other members. */
  readonly link?: Pick<WayView, 'kind' | 'via'>;
}

/** A line of the answer to `POST /ping`. `sequence` counts from 1. */
export type PingEvent =
  | ({ readonly event: 'target' } & PingTarget)
  | ({ readonly event: 'reply'; readonly sequence: number; readonly rttMs: number } & PingTarget)
  | { readonly event: 'lost'; readonly sequence: number }
  | ({ readonly event: 'report' } & PingTarget & PingReport)
  | { readonly event: 'failed'; readonly failure: FailureData };

/** Which group; may be left out when there is one only. The body of `POST /leave`, `/crawl` and `/census`. */
export interface GroupRequest {
  /** Name or id. */
  readonly group?: string;
}

/** The ring that was walked or counted. */
export interface RingOf {
  /** 26 characters base32. */
  readonly group: string;
  readonly name: string;
  /** Our own peer id, 40 hex digits. */
  readonly self: string;
}

/** A line of the answer to `POST /crawl`. */
export type CrawlEvent =
  | { readonly event: 'progress'; readonly peers: number }
  | ({ readonly event: 'report' } & RingOf & CrawlView)
  | { readonly event: 'failed'; readonly failure: FailureData };

/** The answer to `POST /census`. */
export type CensusAnswer = RingOf & CensusView;

/** The answer to `POST /leave`. */
export interface LeaveAnswer {
  readonly name: string;
  /** Groups that remain; with none the daemon stops. */
  readonly remaining: number;
}

/** The answer of `GET /settings` and `POST /settings`, and what `warren get --json` prints. */
export interface SettingsAnswer {
  readonly schema: 1;
  /** Values as a person writes them; `source` says on whose word they hold, such as `environment` or `file /etc/...`. */
  readonly settings: Readonly<Record<SettingName, { readonly value: string; readonly source: string }>>;
  /** Settings that hold from the next start of the daemon on. */
  readonly restart: readonly SettingName[];
}

/** The body of `POST /settings`: texts by name, an empty one takes the setting back. */
export type SettingsRequest = Readonly<Partial<Record<SettingName, string>>>;

/** The body of `POST /pause`: a second to an hour, or 0 to end a pause. */
export interface PauseRequest {
  readonly durationMs: number;
}

/** The body of `POST /down`. */
export interface DownRequest {
  /** Whether a tunnel's kill switch stays closed for the next daemon. */
  readonly keepClosed?: boolean;
}

/** What a daemon does for commands. Rejects with a `Failure`. */
export interface Control {
  status(): Status;
  /** `emit` hears each event, the last a report; `signal` ends it early, without. */
  ping(request: PingRequest, emit: (event: PingEvent) => void, signal: AbortSignal): Promise<void>;
  /** Walks round the ring of a group; `emit` hears how far it is, and the report in the end. */
  crawl(request: GroupRequest, emit: (event: CrawlEvent) => void, signal: AbortSignal): Promise<void>;
  census(request: GroupRequest): Promise<CensusAnswer>;
  leave(request: GroupRequest): Promise<LeaveAnswer>;
  settings(): SettingsAnswer;
  /** Stores settings, and goes by those that can change while it runs. */
  set(request: SettingsRequest): Promise<SettingsAnswer>;
  /** This machine's way to the Internet. */
  internet(): Promise<InternetStatus>;
  /** Lets web pages and names past the tunnel for a while. */
  pause(request: PauseRequest): Promise<InternetStatus>;
  /** Answers at once, then the daemon stops. */
  down(request?: DownRequest): void;
}
