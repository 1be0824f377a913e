/** The commands' side of the control socket. */
import { type IncomingMessage, request } from 'node:http';
import type {
  CensusAnswer,
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
import { Exit, Failure, type FailureData, failureFrom } from './failure.ts';
import type { InternetStatus } from './internet/duties.ts';
import { sudoLine } from './places.ts';

/** Longer answers come from something that is no daemon of ours. */
const ANSWER_MAX_BYTES = 16 << 20;

export interface ControlClientOptions {
  /** Tried in this order. */
  readonly sockets: readonly string[];
  /** The words behind `warren`, for advice. */
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Asks the daemon; everything rejects with a `Failure`, `not-running` when there is none. */
export class ControlClient {
  private readonly o: ControlClientOptions;

  constructor(o: ControlClientOptions) {
    this.o = o;
  }

  status(): Promise<Status> {
    return this.call('GET', '/status');
  }

  /** Returns the daemon's process id; the daemon stops then. */
  down(body: DownRequest = {}): Promise<{ readonly pid: number }> {
    return this.call('POST', '/down', body);
  }

  internet(): Promise<InternetStatus> {
    return this.call('GET', '/internet');
  }

  pause(body: PauseRequest): Promise<InternetStatus> {
    return this.call('POST', '/pause', body);
  }

  leave(body: GroupRequest): Promise<LeaveAnswer> {
    return this.call('POST', '/leave', body);
  }

  settings(): Promise<SettingsAnswer> {
    return this.call('GET', '/settings');
  }

  set(body: SettingsRequest): Promise<SettingsAnswer> {
    return this.call('POST', '/settings', body);
  }

  census(body: GroupRequest): Promise<CensusAnswer> {
    return this.call('POST', '/census', body);
  }

  /** Calls `hear` for each event until the last; `signal` ends it early, without failure. */
  ping(body: PingRequest, hear: (event: PingEvent) => void, signal: AbortSignal): Promise<void> {
    return this.stream('/ping', body, hear, signal);
  }

  /** As `ping`. */
  crawl(body: GroupRequest, hear: (event: CrawlEvent) => void, signal: AbortSignal): Promise<void> {
    return this.stream('/crawl', body, hear, signal);
  }

  private async stream<E extends PingEvent | CrawlEvent>(
    path: string,
    body: object,
    hear: (event: E) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.send('POST', path, body);
    const hangUp = (): void => void answer.destroy();
    signal.addEventListener('abort', hangUp);
    try {
      if (answer.statusCode !== 200) await readJson(answer);
      for await (const line of linesOf(answer)) {
        const event = JSON.parse(line) as E;
        if (event.event === 'failed') throw failureFrom(event.failure);
        hear(event);
      }
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (!signal.aborted) throw brokenOff();
    } finally {
      signal.removeEventListener('abort', hangUp);
    }
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await this.send(method, path, body);
    try {
      return (await readJson(answer)) as T;
    } catch (error) {
      throw error instanceof Failure ? error : brokenOff();
    }
  }

  private async send(method: string, path: string, body?: object): Promise<IncomingMessage> {
    let reason: unknown;
    for (const socketPath of this.o.sockets) {
      try {
        return await sendTo(socketPath, method, path, body);
      } catch (error) {
        reason = (error as NodeJS.ErrnoException).code;
        if (reason !== 'ENOENT' && reason !== 'ECONNREFUSED') throw this.unreachable(socketPath, String(reason));
      }
    }
    throw notRunning();
  }

  private unreachable(socket: string, code: string): Failure {
    if (code === 'ECONNRESET' || code === 'EPIPE') return brokenOff();
    const message = `Cannot reach the daemon at ${socket}: ${code}.`;
    if (code !== 'EACCES' && code !== 'EPERM') {
      return new Failure('not-reachable', message, 'Check the path given with --socket.', Exit.notRunning);
    }
    const text = `No permission for the daemon at ${socket}.`;
    return new Failure('not-root', text, `Run ${sudoLine(this.o.args, this.o.env)}.`, Exit.notAuthorised);
  }
}

/** No daemon. */
export function notRunning(): Failure {
  return new Failure('not-running', 'Warren is not running.', 'Start it with `warren up`.', Exit.notRunning);
}

function brokenOff(): Failure {
  return new Failure('broken-off', 'The daemon stopped answering.', 'See `warren status`.', Exit.notRunning);
}

function sendTo(socketPath: string, method: string, path: string, body?: object): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'warren', 'content-type': 'application/json' };
    const outgoing = request({ socketPath, method, path, headers, agent: false }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

async function readJson(answer: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) {
    text += chunk;
    if (text.length > ANSWER_MAX_BYTES) throw brokenOff();
  }
  const value = JSON.parse(text) as { error?: FailureData };
  if (answer.statusCode === 200) return value;
  throw value.error === undefined ? brokenOff() : failureFrom(value.error);
}
