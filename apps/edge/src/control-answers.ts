/** What commands may ask of a running daemon, answered from its parts. */
import type { NodeHost } from '@warren/node';
import type { WarrenGroup, WarrenPeer } from '@warren/peer';
import type {
  CensusAnswer,
  Control,
  CrawlEvent,
  DownRequest,
  GroupRequest,
  LeaveAnswer,
  PauseRequest,
  PingEvent,
  PingRequest,
  SettingsAnswer,
  SettingsRequest,
  Status,
} from './control-api.ts';
import { runCensus, runCrawl } from './crawl-run.ts';
import { Failure } from './failure.ts';
import { findGroup } from './find-target.ts';
import { healthOf } from './health.ts';
import type { InternetDuties, InternetStatus } from './internet/duties.ts';
import type { JoinedGroups } from './joined-groups.ts';
import { runPing } from './ping-run.ts';
import type { Step } from './progress.ts';
import type { DaemonSettings } from './settings/daemon-settings.ts';

export interface ControlAnswersOptions {
  readonly version: string;
  readonly host: NodeHost;
  readonly peer: WarrenPeer;
  readonly groups: JoinedGroups;
  readonly duties: InternetDuties;
  readonly settings: DaemonSettings;
  readonly say: (step: Step) => void;
  /** Ends the daemon. */
  readonly down: (request: DownRequest) => void;
}

/** The answers of one daemon. */
export class ControlAnswers implements Control {
  private readonly o: ControlAnswersOptions;
  private readonly startedAt = new Date().toISOString();

  constructor(o: ControlAnswersOptions) {
    this.o = o;
  }

  status(): Status {
    const { version, host, peer, groups } = this.o;
    const { pid } = process;
    const { startedAt } = this;
    const [health, devices, ports] = [this.health(), groups.devices(), host.ports()];
    return { schema: 1, version, pid, startedAt, health, devices, ports, ...peer.view() };
  }

  health(): Status['health'] {
    const { host, peer, groups, duties } = this.o;
    return healthOf(peer.view(), {
      deviceErrors: groups.deviceErrors(),
      missingDevices: groups.missingDevices(),
      problems: [...duties.problems.values(), ...groups.renewals.problems.values()],
      canWebRtc: host.datagrams.can.webrtc,
    });
  }

  ping(request: PingRequest, emit: (event: PingEvent) => void, signal: AbortSignal): Promise<void> {
    const groups = () => this.o.peer.view().groups;
    const group = (id: string) => this.o.groups.group(id);
    return runPing({ groups, group }, request, emit, signal);
  }

  async crawl(request: GroupRequest, emit: (event: CrawlEvent) => void, signal: AbortSignal): Promise<void> {
    await runCrawl(this.groupFor(request), emit, signal);
  }

  async census(request: GroupRequest): Promise<CensusAnswer> {
    return runCensus(this.groupFor(request));
  }

  async leave(request: GroupRequest): Promise<LeaveAnswer> {
    const { groups, say } = this.o;
    const { group: id, name } = findGroup(groups.files(), request.group);
    await groups.renewals.forget(id);
    say({ step: 'note', message: `${name}: left` });
    const remaining = groups.files().length;
    if (remaining === 0) this.down();
    return { name, remaining };
  }

  settings(): SettingsAnswer {
    return this.o.settings.answer();
  }

  set(request: SettingsRequest): Promise<SettingsAnswer> {
    return this.o.settings.set(request);
  }

  async internet(): Promise<InternetStatus> {
    return this.o.duties.status();
  }

  async pause({ durationMs }: PauseRequest): Promise<InternetStatus> {
    await this.o.duties.pause(durationMs);
    return this.o.duties.status();
  }

  down(request: DownRequest = {}): void {
    this.o.down(request);
  }

  /** The group that is meant, as far as it is joined. Throws a `Failure` when there is none. */
  private groupFor({ group: wanted }: GroupRequest): WarrenGroup {
    const { peer, groups } = this.o;
    const group = groups.group(findGroup(peer.view().groups, wanted).group);
    if (group !== undefined) return group;
    throw new Failure('not-joined', 'This machine is not in the group yet.', 'Try again in a few seconds.');
  }
}
