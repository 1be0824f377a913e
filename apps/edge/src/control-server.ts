/**
 * The daemon's side of the control socket: HTTP with JSON on a Unix socket that
 * only its owner and group may open. It decides nothing.
 */
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Control, GroupRequest, PingRequest, SettingsRequest } from './control-api.ts';
import { explain, Failure, failureData } from './failure.ts';
import { runningAlready } from './lock.ts';
import { makeFolder } from './make-folder.ts';
import { isSetting } from './settings/table.ts';

/** `sun_path` of unix(7), with its end. */
const PATH_MAX_BYTES = 107;
const BODY_MAX_BYTES = 4_096;

export interface ControlServer {
  /** Answers with this from now on; before, with 503. */
  serve(control: Control): void;
  /** Closes all connections and removes the socket. */
  stop(): Promise<void>;
}

/** Listens; replaces the socket of a killed daemon. Rejects with a `Failure` when another daemon answers there. */
export async function openControl(path: string): Promise<ControlServer> {
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) {
    throw new Failure(
      'socket-path',
      `The path of the control socket is too long: ${path}.`,
      'Choose one with --socket.',
    );
  }
  await makeFolder(dirname(path), 0o755);
  await removeStale(path);
  let control: Control | undefined;
  const server = createServer((request, response) => {
    if (control !== undefined) return void answer(control, request, response);
    fail(response, 503, new Failure('starting', 'Warren is starting.', 'Try again in a few seconds.'));
  });
  await listening(server, path);
  await chmod(path, 0o660);
  return {
    serve(given) {
      control = given;
    },
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) {
    throw new Failure('socket-path', `${path} is in the way.`, 'Remove it, or choose another path with --socket.');
  }
  if (await answers(path)) throw runningAlready(path);
  await unlink(path);
}

/** Whether somebody listens. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else reject(error);
    });
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The socket is made within `listen`: never open for others, not even for a moment.
    const umask = process.umask(0o117);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(umask);
    }
  });
}

async function answer(control: Control, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const body = await readBody(request);
    switch (`${request.method} ${request.url}`) {
      case 'GET /status':
        return succeed(response, control.status());
      case 'POST /ping':
        return await ping(control, pingRequest(body), response);
      case 'POST /crawl':
        return await crawl(control, groupRequest(body), response);
      case 'POST /census':
        return succeed(response, await control.census(groupRequest(body)));
      case 'POST /leave':
        return succeed(response, await control.leave(groupRequest(body)));
      case 'GET /internet':
        return succeed(response, await control.internet());
      case 'POST /pause':
        return succeed(
          response,
          await control.pause({ durationMs: within(body.durationMs, 0, 3_600_000, 'durationMs') }),
        );
      case 'GET /settings':
        return succeed(response, control.settings());
      case 'POST /settings':
        return succeed(response, await control.set(settingsRequest(body)));
      case 'POST /down':
        response.once('close', () => control.down({ keepClosed: body.keepClosed === true }));
        return succeed(response, { pid: process.pid });
      default:
        return fail(response, 404, new Failure('unknown-call', 'The daemon does not know this call.'));
    }
  } catch (error) {
    fail(response, 400, explain(error));
  }
}

function ping(control: Control, request: PingRequest, response: ServerResponse): Promise<void> {
  return stream(response, (emit, signal) => control.ping(request, emit, signal));
}

function crawl(control: Control, request: GroupRequest, response: ServerResponse): Promise<void> {
  return stream(response, (emit, signal) => control.crawl(request, emit, signal));
}

type Streaming = (emit: (event: object) => void, gone: AbortSignal) => Promise<void>;

/** A line of JSON for each event as it comes; a failure is the last. */
async function stream(response: ServerResponse, run: Streaming): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const emit = (event: object): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/jsonl', connection: 'close' });
    response.write(`${JSON.stringify(event)}\n`);
  };
  try {
    await run(emit, gone.signal);
  } catch (error) {
    emit({ event: 'failed', failure: failureData(explain(error)) });
  }
  response.end();
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_MAX_BYTES) throw bad('The request is too long.');
  }
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Below.
  }
  throw bad('The request is not a JSON object.');
}

function pingRequest({ target, group, count, intervalMs, timeoutMs }: Record<string, unknown>): PingRequest {
  if (typeof target !== 'string' || target === '') throw bad('A ping needs a target.');
  return {
    target,
    ...groupRequest({ group }),
    count: within(count, 1, 1_000, 'count'),
    intervalMs: within(intervalMs, 10, 60_000, 'intervalMs'),
    timeoutMs: within(timeoutMs, 10, 60_000, 'timeoutMs'),
  };
}

function groupRequest({ group }: Record<string, unknown>): GroupRequest {
  if (group !== undefined && typeof group !== 'string') throw bad('A group is a name or an id.');
  return group === undefined ? {} : { group };
}

function settingsRequest(body: Record<string, unknown>): SettingsRequest {
  for (const [name, text] of Object.entries(body)) {
    if (!isSetting(name) || typeof text !== 'string') throw bad('Settings are texts by name.');
  }
  return body;
}

function within(value: unknown, least: number, most: number, name: string): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw bad(`${name} must be ${least} to ${most}.`);
}

function bad(message: string): Failure {
  return new Failure('bad-request', message);
}

function succeed(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, status: number, failure: Failure): void {
  const body = JSON.stringify({ error: failureData(failure) });
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(body);
}
